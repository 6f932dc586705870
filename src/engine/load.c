#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/load.h"
#include "engine/vocab.h"

uint64_t engine_weight_bytes(const struct model *m)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m->n_tensors; i++)
        sum += align_up(m->tensors[i].file->bytes, 256);
    return sum;
}

struct loading {
    struct gpu *gpu;
    const struct weights *w;
    const struct engine_load_params *params;
    struct gpu_stream *stream;
    uint64_t slice, done, total;
};

static enum status progress(struct loading *l, uint64_t bytes)
{
    l->done += bytes;
    if (l->params->on_progress && !l->params->on_progress(l->params->ctx, l->done, l->total))
        return status_fail(ERR, "loading %s: cancelled", l->params->path);
    return OK;
}

/* One tensor through the ring of pinned slices, in whole blocks. */
static enum status send(struct loading *l, const struct weights_tensor *t, uint64_t dst)
{
    const struct quant *q = quant_info(t->type);
    /* A slice starts at a whole block whose offset keeps copies and shader reads aligned. */
    uint64_t unit = q->planes > 1 ? q->bytes * 2ull : 256;
    uint64_t step = l->slice / unit * unit;
    for (uint64_t at = 0; at < t->bytes; at += step) {
        uint64_t bytes = t->bytes - at < step ? t->bytes - at : step, src;
        void *host;
        TRY(gpu_stream_next(l->stream, &host, &src));
        TRY(weights_read(l->w, t, at, bytes, host));
        if (q->planes > 1)
            TRY(k_repack(l->gpu, l->stream, t->type, src, dst, t->bytes / q->bytes, at / q->bytes,
                         (uint32_t)(bytes / q->bytes)));
        else
            TRY(gpu_stream_copy(l->stream, dst + at, bytes));
        TRY(progress(l, bytes));
    }
    return OK;
}

enum status engine_send(struct gpu *g, const struct weights *w,
                        const struct engine_load_params *params, struct model_tensor *tensors,
                        uint32_t n, const struct gpu_buf **bufs)
{
    enum status s = OK;
    struct loading l = {.gpu = g, .w = w, .params = params, .slice = 16u << 20};
    for (uint32_t i = 0; i < n; i++)
        l.total += tensors[i].file->bytes;
    TRY(gpu_stream_create(g, &(struct gpu_stream_params){.slice_bytes = l.slice, .slices = 3},
                          &l.stream));
    for (uint32_t i = 0; i < n; i++) {
        const struct weights_tensor *t = tensors[i].file;
        TRY_GOTO(gpu_buf_create(
            g,
            &(struct gpu_buf_params){
                .bytes = t->bytes, .memory = GPU_DEVICE, .purpose = GPU_WEIGHTS, .tag = t->name},
            &bufs[i]));
        if (tensors[i].weight)
            tensors[i].weight->addr = bufs[i]->addr;
        else
            *tensors[i].vector = bufs[i]->addr;
        TRY_GOTO(send(&l, t, bufs[i]->addr));
    }
    TRY_GOTO(gpu_stream_finish(l.stream));
fail:
    gpu_stream_destroy(&l.stream);
    return s;
}

/* Refuses before anything is taken what cannot fit. */
enum status engine_check_room(struct gpu *g, const char *path, uint64_t need)
{
    uint64_t free_bytes = gpu_memory_free(g);
    if (need > free_bytes)
        return status_fail(ERR_MEMORY,
                           "%s needs %" PRIu64 " MiB for its weights; %s has %" PRIu64 " MiB free",
                           path, need >> 20, gpu_get_info(g)->name, free_bytes >> 20);
    return OK;
}

static char *copy_text(struct arena *a, const struct weights *w, const char *key)
{
    struct weights_str s = {0};
    if (weights_string(w, key, &s) != OK || !s.s)
        return arena_strndup(a, "", 0);
    return arena_strndup(a, s.s, s.len);
}

enum status engine_model_load(struct gpu *g, const struct engine_load_params *params,
                              struct engine_model **out)
{
    *out = NULL;
    double start = time_now();
    enum status s = ERR_MEMORY;
    struct weights *w = NULL;
    struct engine_model *em = mem_alloc(sizeof *em);
    if (!em)
        return ERR_MEMORY;
    em->gpu = g;
    TRY_GOTO(weights_open(params->path, &w));
    TRY_GOTO(model_load(w, &em->model));
    TRY_GOTO(vocab_load(w, em->model.hp.n_vocab, &em->tok));
    TRY_GOTO(vocab_chat_form(w, &em->chat));
    em->path = arena_strndup(&em->model.arena, params->path, strlen(params->path));
    em->name = copy_text(&em->model.arena, w, "general.name");
    em->bufs = arena_calloc(&em->model.arena, em->model.n_tensors, sizeof *em->bufs);
    s = ERR_MEMORY;
    if (!em->path || !em->name || !em->bufs)
        goto fail;
    for (uint32_t i = 0; i < em->model.n_tensors; i++) {
        const struct weights_tensor *t = em->model.tensors[i].file;
        em->weight_bytes += t->bytes;
        em->n_params += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
    }
    TRY_GOTO(engine_check_room(g, em->path, engine_weight_bytes(&em->model)));
    TRY_GOTO(engine_send(g, w, params, em->model.tensors, em->model.n_tensors, em->bufs));
    if (em->model.tied)
        em->model.head = em->model.embd;
    weights_close(&w);
    /* The file's descriptions are gone with it. */
    for (uint32_t i = 0; i < em->model.n_tensors; i++)
        em->model.tensors[i].file = NULL;
    em->load_seconds = time_now() - start;
    *out = em;
    return OK;
fail:
    weights_close(&w);
    engine_model_unload(&em);
    return s;
}

void engine_model_unload(struct engine_model **pem)
{
    struct engine_model *em = *pem;
    *pem = NULL;
    if (!em)
        return;
    for (uint32_t i = 0; em->bufs && i < em->model.n_tensors; i++)
        gpu_buf_destroy(em->gpu, &em->bufs[i]);
    tok_destroy(&em->tok);
    model_unload(&em->model);
    mem_free(em);
}
