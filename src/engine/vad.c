#include "engine/vad.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "formats/weights.h"

enum {
    STATE_BYTES = 2 * SILERO_HIDDEN * sizeof(float),
    ONES_BYTES = SILERO_CHUNK / 2 * sizeof(float),
};

static const float loud = -40, silent = -60, above = 6, rise = 0.05f; /* dB; the last a chunk */

static enum status take(struct vad *v, uint64_t bytes, enum gpu_memory memory,
                        enum gpu_purpose purpose, const char *tag, const struct gpu_buf **out)
{
    return gpu_buf_create(
        v->gpu,
        &(struct gpu_buf_params){.bytes = bytes, .memory = memory, .purpose = purpose, .tag = tag},
        out);
}

static enum status load(struct vad *v, const char *path)
{
    struct weights *w;
    float *host = mem_calloc(silero_floats(), sizeof *host);
    if (!host)
        return ERR_MEMORY;
    enum status s = weights_open(path, &w);
    if (s == OK) {
        s = silero_read(w, host);
        weights_close(&w);
    }
    uint64_t bytes = silero_floats() * sizeof *host;
    if (s == OK)
        s = take(v, bytes, GPU_DEVICE, GPU_WEIGHTS, "voice activity model", &v->weights);
    if (s == OK)
        s = gpu_upload(v->gpu, v->weights->addr, host, bytes);
    if (s == OK)
        silero_at(v->weights->addr, &v->model);
    mem_free(host);
    return s;
}

/* What the gate takes in place of weights. */
static enum status make_ones(struct vad *v)
{
    float ones[SILERO_CHUNK / 2];
    uint32_t used = VAD_BLOCK;
    for (int i = 0; i < SILERO_CHUNK / 2; i++)
        ones[i] = 1.0f / SILERO_CHUNK;
    TRY(take(v, ONES_BYTES + 4, GPU_DEVICE, GPU_STATE, "loudness", &v->weights));
    TRY(gpu_upload(v->gpu, v->weights->addr, ones, ONES_BYTES));
    return gpu_upload(v->gpu, v->weights->addr + ONES_BYTES, &used, sizeof used);
}

static enum status make_plan(struct vad *v)
{
    struct silero_step step = {.chunks = VAD_BLOCK,
                               .samples = v->samples->addr,
                               .state = v->state->addr,
                               .probs = v->probs->addr};
    TRY(plan_create(v->gpu, &(struct plan_params){.name = "voice activity"}, &v->plan));
    if (v->gate)
        TRY(silero_level(v->plan, &step, v->weights->addr, v->weights->addr + ONES_BYTES));
    else
        TRY(silero_hear(v->plan, &v->model, &step));
    TRY(plan_place(v->plan));
    uint64_t scratch = plan_scratch_bytes(v->plan);
    TRY(take(v, scratch ? scratch : 256, GPU_DEVICE, GPU_SCRATCH, "voice activity", &v->scratch));
    return plan_seal(v->plan, v->scratch);
}

enum status vad_open(struct gpu *g, const char *path, struct vad **out)
{
    enum { BYTES = VAD_BLOCK * SILERO_SAMPLES * sizeof(float) };
    *out = NULL;
    enum status s = ERR_MEMORY;
    struct vad *v = mem_alloc(sizeof *v);
    if (!v)
        return ERR_MEMORY;
    v->gpu = g;
    v->gate = !path;
    v->host = mem_alloc(BYTES);
    if (!v->host)
        goto fail;
    TRY_GOTO(path ? load(v, path) : make_ones(v));
    TRY_GOTO(take(v, STATE_BYTES, GPU_DEVICE, GPU_STATE, "voice activity", &v->state));
    TRY_GOTO(take(v, BYTES, GPU_DEVICE, GPU_SCRATCH, "samples", &v->samples));
    TRY_GOTO(take(v, 4 * VAD_BLOCK, GPU_HOST, GPU_STAGING, "voice activity", &v->probs));
    TRY_GOTO(make_plan(v));
    *out = v;
    return OK;
fail:
    vad_close(&v);
    return s;
}

void vad_close(struct vad **vad)
{
    struct vad *v = *vad;
    *vad = NULL;
    if (!v)
        return;
    plan_destroy(&v->plan);
    const struct gpu_buf **bufs[] = {&v->weights, &v->state, &v->samples, &v->probs, &v->scratch};
    for (unsigned i = 0; i < sizeof bufs / sizeof *bufs; i++)
        gpu_buf_destroy(v->gpu, bufs[i]);
    mem_free(v->host);
    mem_free(v);
}

enum status vad_reset(struct vad *v)
{
    memset(v->before, 0, sizeof v->before);
    v->quiet = 0;
    return gpu_fill(v->gpu, v->state->addr, 0, STATE_BYTES);
}

/* Chunks with what is around them, which the gate does not take. */
static void lay_out(struct vad *v, const float *samples, uint32_t n)
{
    memset(v->host, 0, (size_t)VAD_BLOCK * SILERO_SAMPLES * sizeof *v->host);
    if (v->gate) {
        memcpy(v->host, samples, (size_t)n * SILERO_CHUNK * sizeof *v->host);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const float *chunk = samples + (size_t)i * SILERO_CHUNK;
        float *to = v->host + (size_t)i * SILERO_SAMPLES, *end = to + SILERO_BEFORE + SILERO_CHUNK;
        memcpy(to, i ? chunk - SILERO_BEFORE : v->before, sizeof v->before);
        memcpy(to + SILERO_BEFORE, chunk, SILERO_CHUNK * sizeof *to);
        for (int k = 0; k < SILERO_AFTER; k++)
            end[k] = end[-2 - k];
    }
    memcpy(v->before, samples + (size_t)n * SILERO_CHUNK - SILERO_BEFORE, sizeof v->before);
}

/* 1 or 0 for what silero_level() says. */
static float gate(struct vad *v, float made)
{
    float level = 10 * (4 * made - 4); /* dB */
    v->quiet = fminf(level, v->quiet + rise);
    return level > fminf(fmaxf(v->quiet + above, silent), loud) ? 1.0f : 0.0f;
}

enum status vad_hear(struct vad *v, const float *samples, uint32_t n, float *probs)
{
    uint64_t ticket;
    lay_out(v, samples, n);
    TRY(gpu_upload(v->gpu, v->samples->addr, v->host,
                   (uint64_t)VAD_BLOCK * SILERO_SAMPLES * sizeof *v->host));
    TRY(plan_run(v->plan, 1, &ticket));
    TRY(gpu_wait(v->gpu, ticket));
    const float *made = v->probs->map;
    for (uint32_t i = 0; i < n; i++)
        probs[i] = v->gate ? gate(v, made[i]) : made[i];
    return OK;
}
