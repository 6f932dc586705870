/* Probabilities of speech: vad MODEL|- SAMPLES (f32, 16 kHz), one a line. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/vad.h"

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, status_message());
    return 1;
}

int main(int argc, char **argv)
{
    static float samples[VAD_BLOCK_SAMPLES], probs[VAD_BLOCK];
    struct gpu *g;
    struct vad *v;
    if (argc != 3)
        return 2;
    const char *path = argv[1][0] == '-' ? NULL : argv[1];
    FILE *f = fopen(argv[2], "rb");
    if (!f || gpu_open(&(struct gpu_params){0}, &g) != OK)
        return fail("device or file");
    if (vad_open(g, path, &v) != OK || vad_reset(v) != OK)
        return fail("model");
    for (size_t got = VAD_BLOCK_SAMPLES; got == VAD_BLOCK_SAMPLES;) {
        got = fread(samples, sizeof *samples, VAD_BLOCK_SAMPLES, f);
        uint32_t n = (uint32_t)((got + SILERO_CHUNK - 1) / SILERO_CHUNK);
        for (size_t i = got; i < (size_t)n * SILERO_CHUNK; i++)
            samples[i] = 0;
        if (n && vad_hear(v, samples, n, probs) != OK)
            return fail("hearing");
        for (uint32_t i = 0; i < n; i++)
            printf("%.9g\n", (double)probs[i]);
    }
    fclose(f);
    vad_close(&v);
    gpu_close(&g);
    return 0;
}
