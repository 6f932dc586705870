/* beside MODEL - windows heard side by side leave the same bits in GPU memory as one by one, in
 * whatever places. Prints what it compared; status 1 and a message where they differ. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/speech.h"
#include "kernels/shaders.h"

enum { WINDOWS = 4 };

/* Keys and values of all windows, listened to `hears` at once, from window `first` on. */
static enum status hear(struct speech_model *m, uint32_t hears, const float *samples,
                        const uint32_t *used, char **out, uint64_t *bytes)
{
    struct speech *s = NULL;
    uint64_t each = whisper_samples(&m->w);
    TRY(speech_open(m, &(struct speech_params){.windows = WINDOWS, .hears = hears}, &s));
    enum status st = OK;
    *bytes = s->cross_pool.bufs[0]->bytes;
    *out = mem_alloc(*bytes);
    if (!*out)
        st = ERR_MEMORY;
    /* The last first: it goes to its place alone. */
    if (st == OK)
        st = speech_listen(s, WINDOWS - 1, 1, samples + (WINDOWS - 1) * each, used + WINDOWS - 1);
    if (st == OK)
        st = speech_listen(s, 0, WINDOWS - 1, samples, used);
    if (st == OK)
        st = gpu_download(m->gpu, *out, s->cross_pool.bufs[0]->addr, *bytes);
    speech_close(&s);
    return st;
}

static enum status compare(struct speech_model *m)
{
    uint64_t each = whisper_samples(&m->w), n[2] = {0};
    uint32_t frames = whisper_frames(&m->w), used[WINDOWS] = {frames, frames / 3, frames - 1, 1};
    char *got[2] = {NULL, NULL};
    float *samples = mem_calloc(WINDOWS * each, sizeof *samples);
    enum status s = samples ? OK : ERR_MEMORY;
    for (uint64_t i = 0; s == OK && i < WINDOWS * each; i++)
        samples[i] = (float)rand() / (float)RAND_MAX * (i < 2 * each ? 0.5f : 0.01f) - 0.1f;
    if (s == OK)
        s = hear(m, 1, samples, used, &got[0], &n[0]);
    if (s == OK)
        s = hear(m, 2, samples, used, &got[1], &n[1]);
    uint64_t wrong = 0, set = 0;
    for (uint64_t i = 0; s == OK && n[0] == n[1] && i < n[0]; i++) {
        wrong += got[0][i] != got[1][i];
        set += got[0][i] != 0;
    }
    if (s == OK && (n[0] != n[1] || wrong || set < n[0] / 2))
        s = status_fail(ERR, "%llu of %llu bytes differ, %llu are not 0", (unsigned long long)wrong,
                        (unsigned long long)n[0], (unsigned long long)set);
    if (s == OK)
        printf("%llu bytes of %d windows\n", (unsigned long long)n[0], WINDOWS);
    mem_free(got[0]);
    mem_free(got[1]);
    mem_free(samples);
    return s;
}

int main(int argc, char **argv)
{
    struct gpu *g = NULL;
    struct speech_model *m = NULL;
    enum status s = ERR_USAGE;
    char build[SHADER_BUILD_TEXT];
    if (argc == 2)
        s = gpu_open(&(struct gpu_params){.build = shader_build(build)}, &g);
    if (s == OK)
        s = speech_model_load(g, &(struct engine_load_params){.path = argv[1]}, &m);
    if (s == OK)
        s = compare(m);
    if (s != OK)
        fprintf(stderr, "beside: %s\n", status_message());
    speech_model_unload(&m);
    gpu_close(&g);
    return s != OK;
}
