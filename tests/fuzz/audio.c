/* Fuzz target of the audio door: an input is the bytes of a media file, from memory and through a
 * pipe's way of reading. What is given must be finite, no more than the cap, and the same in pieces
 * of any size. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "audio/audio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SECONDS = 20, MOST = SECONDS * AUDIO_RATE, ROOM = MOST + AUDIO_RATE };

/* Reads all of it; the number of samples. */
static size_t read_all(struct audio *a, float *dst, size_t piece, enum status *s)
{
    size_t total = 0, got = 1;
    *s = OK;
    while (*s == OK && got && total <= MOST) {
        size_t want = piece < ROOM - total ? piece : ROOM - total;
        *s = audio_read(a, dst + total, want, &got);
        if (got > want)
            abort();
        total += got;
    }
    for (size_t i = 0; i < total; i++) {
        if (!isfinite(dst[i]))
            abort();
    }
    return total;
}

static size_t read_one(const struct audio_params *params, size_t piece, float *dst)
{
    struct audio *a = NULL;
    enum status s = audio_open(params, &a);
    if (s != OK) {
        if (a || !*status_message())
            abort();
        return SIZE_MAX;
    }
    if (!*audio_format(a) || isnan(audio_seconds(a)))
        abort();
    size_t n = read_all(a, dst, piece, &s);
    if (s != OK && !*status_message())
        abort();
    if (s == OK && n > MOST)
        abort();
    audio_close(&a);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static float once[ROOM], again[ROOM];
    struct audio_params params = {.data = data, .bytes = size, .max_seconds = SECONDS};
    size_t n = read_one(&params, 4096, once), m = read_one(&params, 999, again);
    size_t both = n < m ? n : m;
    if ((n == SIZE_MAX) != (m == SIZE_MAX))
        abort();
    if (n != SIZE_MAX && memcmp(once, again, both * sizeof *once))
        abort();
    return 0;
}
