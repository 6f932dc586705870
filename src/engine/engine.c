#include "engine/engine.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "engine/plans.h"

enum { DEFAULT_CTX = 4096, DEFAULT_BATCH = 512, DEFAULT_STEPS = 8, MAX_BATCH = 4096 };

/* ---- memory ------------------------------------------------------------------------------- */

static uint64_t place(uint64_t *size, uint64_t bytes)
{
    uint64_t at = *size;
    *size += align_up(bytes, 256);
    return at;
}

static enum status fill_params(const struct model *m, struct engine_params *p)
{
    const struct model_hparams *hp = &m->hp;
    if (!p->slots)
        p->slots = 1;
    if (!p->n_ctx)
        p->n_ctx = hp->n_ctx_train < DEFAULT_CTX ? hp->n_ctx_train : DEFAULT_CTX;
    if (!p->n_batch)
        p->n_batch = DEFAULT_BATCH;
    if (!p->steps)
        p->steps = DEFAULT_STEPS;
    if (p->n_ctx > hp->n_ctx_train)
        log_warn("a context of %" PRIu32 " tokens: the model was trained for %" PRIu32, p->n_ctx,
                 hp->n_ctx_train);
    if (p->n_ctx > 1u << 24)
        return status_fail(ERR_USAGE, "a context of %" PRIu32 " tokens (at most %u)", p->n_ctx,
                           1u << 24);
    if (p->steps > ENGINE_MAX_STEPS)
        return status_fail(ERR_USAGE, "%" PRIu32 " tokens a submit (at most %d)", p->steps,
                           ENGINE_MAX_STEPS);
    if (p->n_batch > p->n_ctx)
        p->n_batch = p->n_ctx;
    if (p->n_batch > MAX_BATCH)
        p->n_batch = MAX_BATCH;
    return OK;
}

static struct engine_layout layout_of(const struct model *m, const struct engine_params *p)
{
    struct engine_layout at = {0};
    uint64_t pages = div_up(p->n_ctx, K_PAGE_TOKENS), slots = p->slots, *size = &at.size;
    at.page_table = place(size, 8 * slots * pages);
    at.step = place(size, K_STEP_BYTES + sizeof(struct k_row) * K_MAX_OUT);
    at.prompt = place(size, K_STEP_BYTES + sizeof(struct k_row) * align_up(p->n_batch, K_MAX_OUT));
    at.seqs = place(size, K_SEQ_BYTES * slots);
    at.history = place(size, 4 * slots * p->n_ctx);
    at.bias = place(size, 8 * slots * ENGINE_MAX_BIAS);
    at.attn_counter = place(size, 4ull * m->hp.n_heads * K_MAX_OUT);
    at.sample_counter = place(size, 4ull * K_MAX_OUT * K_SAMPLE_COUNTERS);
    return at;
}

static uint64_t rope_bytes(const struct model *m, uint32_t n_ctx)
{
    return 4ull * n_ctx * m->hp.rope.rot;
}

/* Logits of all the rows that may go through the head in one step. */
static uint64_t logits_bytes(const struct model *m)
{
    return 4ull * K_MAX_OUT * m->hp.n_vocab;
}

static uint64_t h_bytes(const struct model *m, const struct engine_params *p)
{
    uint64_t rows = p->n_batch > K_MAX_OUT ? p->n_batch : K_MAX_OUT;
    return 4ull * engine_prompt_bucket((uint32_t)rows, (uint32_t)rows) * m->hp.n_embd;
}

/* Matrix units are at their best with many rows: an n_batch that nobody chose becomes longer where
 * what that takes is little beside the weights, 3 % of them and 44 MiB. */
static enum status lengthen(const struct engine *e, const struct model *m, struct engine_params *p)
{
    enum { LONGEST = 2048, LITTLE = 44 << 20 };
    uint64_t weights = 0;
    if (!e->gpu || !(gpu_get_info(e->gpu)->caps & GPU_CAP_COOPMAT2))
        return OK;
    for (uint32_t i = 0; i < m->n_tensors; i++) {
        const struct k_weight *w = m->tensors[i].weight;
        weights += w ? quant_row_bytes(w->type, w->k) * w->n : 0;
    }
    for (uint32_t batch = LONGEST; batch > p->n_batch; batch /= 2) {
        struct engine t = *e;
        uint64_t scratch;
        if (batch > p->n_ctx)
            continue;
        t.params = *p;
        t.params.n_batch = batch;
        t.max_pages = (uint32_t)div_up(p->n_ctx, K_PAGE_TOKENS);
        t.at = layout_of(m, &t.params);
        TRY(engine_plans_scratch(&t, m, &scratch));
        if (scratch + logits_bytes(m) + h_bytes(m, &t.params) <= weights * 3 / 100 + LITTLE) {
            p->n_batch = batch;
            return OK;
        }
    }
    return OK;
}

/* What e's parameters leave open, and what follows from them. */
static enum status settle(struct engine *e, const struct model *m)
{
    bool chosen = e->params.n_batch;
    TRY(fill_params(m, &e->params));
    if (!chosen)
        TRY(lengthen(e, m, &e->params));
    e->max_pages = (uint32_t)div_up(e->params.n_ctx, K_PAGE_TOKENS);
    e->at = layout_of(m, &e->params);
    return OK;
}

enum status engine_plan_memory(struct gpu *g, const struct model *m,
                               const struct engine_params *params, struct engine_memory *out)
{
    struct engine e = {.gpu = g, .params = *params};
    TRY(settle(&e, m));
    uint64_t scratch = 0;
    if (g)
        TRY(engine_plans_scratch(&e, m, &scratch));
    *out = (struct engine_memory){
        .kv = model_page_bytes(&m->hp) * e.max_pages * e.params.slots,
        .scratch = scratch + logits_bytes(m) + h_bytes(m, &e.params),
        .state = e.at.size + rope_bytes(m, e.params.n_ctx),
        .staging = 4ull * ENGINE_RING * e.params.slots,
        .n_ctx = e.params.n_ctx,
    };
    return OK;
}

static enum status take(struct engine *e, uint64_t bytes, enum gpu_memory memory,
                        enum gpu_purpose purpose, const char *tag, const struct gpu_buf **out)
{
    return gpu_buf_create(
        e->gpu,
        &(struct gpu_buf_params){.bytes = bytes, .memory = memory, .purpose = purpose, .tag = tag},
        out);
}

/* Buffers of whole pages, and the table of their addresses. */
static enum status take_pages(struct engine *e)
{
    const struct model_hparams *hp = &e->em->model.hp;
    uint64_t page = model_page_bytes(hp), pages = (uint64_t)e->max_pages * e->params.slots;
    uint64_t most = gpu_get_info(e->gpu)->max_allocation;
    uint64_t per_buf = page < most ? most / page : 1;
    if (per_buf > pages)
        per_buf = pages;
    uint64_t *table = mem_calloc(pages, sizeof *table);
    e->pages = mem_calloc(div_up(pages, per_buf), sizeof *e->pages);
    enum status s = table && e->pages ? OK : ERR_MEMORY;
    for (uint64_t i = 0; s == OK && i < pages; i += per_buf) {
        uint64_t n = pages - i < per_buf ? pages - i : per_buf;
        const struct gpu_buf **buf = &e->pages[e->n_page_bufs];
        TRY_GOTO(take(e, n * page, GPU_DEVICE, GPU_KV, "keys and values", buf));
        e->n_page_bufs++;
        /* Masked positions are multiplied by zero: what lies there must be finite. */
        TRY_GOTO(gpu_fill(e->gpu, (*buf)->addr, 0, n * page));
        for (uint64_t j = 0; j < n; j++)
            table[i + j] = (*buf)->addr + j * page;
    }
    if (s == OK)
        s = gpu_upload(e->gpu, e->state->addr + e->at.page_table, table, pages * sizeof *table);
fail:
    mem_free(table);
    return s;
}

static enum status take_memory(struct engine *e)
{
    const struct model *m = &e->em->model;
    uint64_t scratch, rope = rope_bytes(m, e->params.n_ctx);
    TRY(take(e, e->at.size, GPU_DEVICE, GPU_STATE, "state", &e->state));
    TRY(gpu_fill(e->gpu, e->state->addr, 0, e->at.size));
    TRY(take_pages(e));
    TRY(take(e, 4ull * ENGINE_RING * e->params.slots, GPU_HOST, GPU_STAGING, "token ring",
             &e->ring));
    TRY(take(e, h_bytes(m, &e->params), GPU_DEVICE, GPU_SCRATCH, "residual stream", &e->h));
    TRY(gpu_fill(e->gpu, e->h->addr, 0, e->h->bytes));
    TRY(take(e, logits_bytes(m), GPU_DEVICE, GPU_SCRATCH, "logits", &e->logits));
    TRY(engine_plans_scratch(e, m, &scratch));
    TRY(take(e, scratch, GPU_DEVICE, GPU_SCRATCH, "scratch", &e->scratch));
    TRY(take(e, rope, GPU_DEVICE, GPU_STATE, "RoPE table", &e->rope));
    float *table = mem_alloc(rope);
    if (!table)
        return ERR_MEMORY;
    model_rope_table(&m->hp.rope, e->params.n_ctx, table);
    enum status s = gpu_upload(e->gpu, e->rope->addr, table, rope);
    mem_free(table);
    return s;
}

static enum status check_room(struct engine *e)
{
    struct engine_memory mem;
    TRY(engine_plan_memory(e->gpu, &e->em->model, &e->params, &mem));
    uint64_t need = mem.kv + mem.scratch + mem.state, room = gpu_memory_free(e->gpu);
    if (need > room)
        return status_fail(ERR_MEMORY,
                           "a context of %" PRIu32 " tokens needs %" PRIu64
                           " MiB for keys and values and %" PRIu64 " MiB besides; %s has %" PRIu64
                           " MiB free",
                           mem.n_ctx, mem.kv >> 20, (mem.scratch + mem.state) >> 20,
                           gpu_get_info(e->gpu)->name, room >> 20);
    return OK;
}

enum status engine_open(struct engine_model *em, const struct engine_params *params,
                        struct engine **out)
{
    *out = NULL;
    struct engine *e = mem_alloc(sizeof *e);
    if (!e)
        return ERR_MEMORY;
    enum status s;
    e->em = em;
    e->gpu = em->gpu;
    if (params)
        e->params = *params;
    TRY_GOTO(settle(e, &em->model));
    TRY_GOTO(check_room(e));
    s = ERR_MEMORY;
    e->slots = mem_calloc(e->params.slots, sizeof *e->slots);
    e->host = mem_alloc(K_STEP_BYTES + sizeof(struct k_row) * align_up(e->params.n_batch, 16));
    if (!e->slots || !e->host)
        goto fail;
    for (uint32_t i = 0; i < e->params.slots; i++) {
        e->slots[i].tokens = mem_calloc(e->params.n_ctx + 1ull, sizeof(int32_t));
        if (!e->slots[i].tokens)
            goto fail;
    }
    TRY_GOTO(take_memory(e));
    *out = e;
    return OK;
fail:
    engine_close(&e);
    return s;
}

void engine_close(struct engine **pe)
{
    struct engine *e = *pe;
    *pe = NULL;
    if (!e)
        return;
    engine_plans_free(e);
    for (uint32_t i = 0; i < e->n_page_bufs; i++)
        gpu_buf_destroy(e->gpu, &e->pages[i]);
    const struct gpu_buf **bufs[] = {&e->rope, &e->state, &e->ring, &e->h, &e->logits, &e->scratch};
    for (unsigned i = 0; i < sizeof bufs / sizeof *bufs; i++)
        gpu_buf_destroy(e->gpu, bufs[i]);
    for (uint32_t i = 0; e->slots && i < e->params.slots; i++)
        mem_free(e->slots[i].tokens);
    mem_free(e->pages);
    mem_free(e->slots);
    mem_free(e->host);
    mem_free(e->host_logits);
    mem_free(e);
}
