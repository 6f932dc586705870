/* Reads media files as the engine does: read [--memory] FILE...  For each, to stdout: a line
 * "status<TAB>samples<TAB>digest<TAB>format<TAB>message"; with --samples FILE its samples, f32. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/audio.h"

static uint64_t digest(uint64_t h, const void *data, size_t n)
{
    const unsigned char *b = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    return h;
}

static void *whole(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    size_t room = 64 << 20;
    void *p = f ? malloc(room) : NULL;
    *bytes = p ? fread(p, 1, room, f) : 0;
    if (f)
        fclose(f);
    return p;
}

static void read_one(const char *path, bool memory, bool samples)
{
    struct audio_params params = {.path = path, .max_seconds = 3600};
    struct audio *a = NULL;
    float buf[5000];
    uint64_t total = 0, h = UINT64_C(0xcbf29ce484222325);
    size_t n = sizeof buf / sizeof *buf;
    void *data = NULL;
    char format[160] = "";
    if (memory) {
        data = whole(path, &params.bytes);
        params = (struct audio_params){.data = data, .bytes = params.bytes, .name = path};
    }
    status_clear();
    enum status s = audio_open(&params, &a);
    if (s == OK)
        snprintf(format, sizeof format, "%s", audio_format(a));
    while (s == OK && n) {
        s = audio_read(a, buf, sizeof buf / sizeof *buf, &n);
        total += n;
        h = digest(h, buf, n * sizeof *buf);
        if (samples)
            fwrite(buf, sizeof *buf, n, stdout);
    }
    audio_close(&a);
    free(data);
    if (!samples)
        printf("%d\t%" PRIu64 "\t%016" PRIx64 "\t%s\t%s\n", s, total, h, format, status_message());
    else if (s != OK)
        fprintf(stderr, "%s\n", status_message());
}

int main(int argc, char **argv)
{
    bool memory = false, samples = false;
    for (int i = 1; i < argc; i++) {
        memory |= !strcmp(argv[i], "--memory");
        samples |= !strcmp(argv[i], "--samples");
        if (argv[i][0] != '-' || !argv[i][1])
            read_one(argv[i], memory, samples);
    }
    return 0;
}
