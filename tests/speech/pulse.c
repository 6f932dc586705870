/* A microphone for tests, in the place of libpulse-simple: the samples of the file that
 * $TAWNY_TEST_SOUND names (s16le), then silence; of a source "broken" an error comes instead. */
#include <pulse/error.h>
#include <pulse/simple.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static FILE *sound;
static int broken;

pa_simple *pa_simple_new(const char *server, const char *name, pa_stream_direction_t dir,
                         const char *dev, const char *stream_name, const pa_sample_spec *ss,
                         const pa_channel_map *map, const pa_buffer_attr *attr, int *error)
{
    (void)server, (void)name, (void)stream_name, (void)map, (void)attr;
    const char *path = getenv("TAWNY_TEST_SOUND");
    sound = path ? fopen(path, "rb") : NULL;
    broken = dev && !strcmp(dev, "broken");
    *error = PA_ERR_NOENTITY;
    if (!sound || dir != PA_STREAM_RECORD || ss->format != PA_SAMPLE_S16LE || ss->rate != 16000 ||
        ss->channels != 1 || (dev && !broken))
        return NULL;
    return (pa_simple *)&sound;
}

int pa_simple_read(pa_simple *s, void *data, size_t bytes, int *error)
{
    (void)s;
    size_t n = fread(data, 1, bytes, sound);
    if (n < bytes) {
        memset((char *)data + n, 0, bytes - n);
        *error = PA_ERR_CONNECTIONTERMINATED;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        return broken ? -1 : 0;
    }
    return 0;
}

void pa_simple_free(pa_simple *s)
{
    (void)s;
    fclose(sound);
}

const char *pa_strerror(int error)
{
    return error == PA_ERR_NOENTITY ? "No such entity" : "Connection terminated";
}
