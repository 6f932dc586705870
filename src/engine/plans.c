#include "engine/plans.h"

#include <inttypes.h>
#include <stdio.h>

enum { MAX_PLANS = 256, SMALLEST_PREFILL = 32 };

uint32_t engine_bucket(uint32_t n, uint32_t most)
{
    uint32_t b = 1;
    while (b < n && b < most)
        b *= 2;
    return b < most ? b : most;
}

uint32_t engine_prompt_bucket(uint32_t n, uint32_t most)
{
    uint32_t b = engine_bucket(n, UINT32_MAX / 2);
    if (b <= K_MAX_OUT)
        return b;
    uint32_t top = most < SMALLEST_PREFILL ? SMALLEST_PREFILL : most;
    return b < top ? b : top;
}

/* Memory of a plan that is only laid out: addresses that nothing reads. */
enum { NOWHERE = 4096 };

static uint64_t address(const struct gpu_buf *b)
{
    return b ? b->addr : NOWHERE;
}

static struct model_step step_of(struct engine *e, const struct model *m,
                                 const struct engine_shape *shape)
{
    const struct model_hparams *hp = &m->hp;
    bool decode = shape->kind == ENGINE_STEP, tail = shape->kind == ENGINE_TAIL;
    uint64_t state = address(e->state), ring = address(e->ring);
    uint64_t slots = e->params.slots;
    struct model_step s = {
        .rows = tail ? engine_prompt_bucket(e->params.n_batch, e->params.n_batch) : shape->rows,
        .outs = decode || tail ? shape->rows : 0,
        .steps.addr = state + (decode ? e->at.step : e->at.prompt),
        .next.addr = tail ? state + e->at.step : 0,
        .next.rows = tail ? K_MAX_OUT : 0,
        .kv = {.pages = state + e->at.page_table,
               .slots = e->params.slots,
               .max_pages = e->max_pages,
               .pool = e->pages ? e->pages[0]->addr : NOWHERE,
               .pool_bytes = e->pages ? e->pages[0]->bytes : NOWHERE,
               .heads = hp->n_heads,
               .kv_heads = hp->n_kv_heads,
               .head_dim = hp->head_dim},
        .rope = {.table = address(e->rope),
                 .table_bytes = 4ull * e->params.n_ctx * hp->rope.rot,
                 .rot = hp->rope.rot,
                 .neox = hp->rope.neox},
        .splits = shape->pages,
        .h = address(e->h),
        .logits = address(e->logits),
        .attn_counter = state + e->at.attn_counter,
        .sample = {.b = shape->sampler == ENGINE_LOGITS ? 0 : shape->rows,
                   .seqs = state + e->at.seqs,
                   .slots = e->params.slots,
                   .history = state + e->at.history,
                   .history_bytes = 4 * slots * e->params.n_ctx,
                   .ring = ring,
                   .ring_bytes = 4 * slots * ENGINE_RING,
                   .bias = state + e->at.bias,
                   .bias_bytes = 8 * slots * ENGINE_MAX_BIAS,
                   .counter = state + e->at.sample_counter,
                   .greedy = shape->sampler == ENGINE_GREEDY},
    };
    s.steps.rows = s.rows;
    if (!decode && !tail)
        s.sample.b = 0;
    return s;
}

static const char *const kind_names[] = {"decode", "chunk", "prefill", "tail"};

static enum status build(struct engine *e, const struct model *m, const struct engine_shape *shape,
                         struct plan **out)
{
    char name[64];
    snprintf(name, sizeof name, "%s %" PRIu32 "x%" PRIu32, kind_names[shape->kind], shape->rows,
             shape->pages);
    struct model_step step = step_of(e, m, shape);
    TRY(plan_create(e->gpu, &(struct plan_params){.name = name, .timestamps = shape->timestamps},
                    out));
    enum status (*const builders[])(struct plan *, const struct model *,
                                    const struct model_step *) = {m->arch->decode, m->arch->decode,
                                                                  m->arch->prefill, m->arch->tail};
    enum status s = builders[shape->kind](*out, m, &step);
    if (s == OK)
        s = plan_place(*out);
    if (s != OK)
        plan_destroy(out);
    return s;
}

static bool same_shape(const struct engine_shape *a, const struct engine_shape *b)
{
    return a->kind == b->kind && a->rows == b->rows && a->pages == b->pages &&
           a->sampler == b->sampler && a->timestamps == b->timestamps;
}

enum status engine_plan_get(struct engine *e, const struct engine_shape *shape, struct plan **out)
{
    for (uint32_t i = 0; i < e->n_plans; i++) {
        if (same_shape(&e->plans[i].shape, shape)) {
            *out = e->plans[i].plan;
            return OK;
        }
    }
    if (!e->plans) {
        e->plans = mem_calloc(MAX_PLANS, sizeof *e->plans);
        if (!e->plans)
            return ERR_MEMORY;
    }
    if (e->n_plans == MAX_PLANS)
        return status_fail(ERR, "%d recorded plans and a %s of %" PRIu32 " rows to add", MAX_PLANS,
                           kind_names[shape->kind], shape->rows);
    struct plan *p;
    TRY(build(e, &e->em->model, shape, &p));
    enum status s = plan_seal(p, e->scratch);
    if (s != OK) {
        plan_destroy(&p);
        return s;
    }
    e->plans[e->n_plans++] = (struct engine_plan){*shape, p};
    *out = p;
    return OK;
}

enum status engine_plan_again(struct engine *e, const struct plan *p, struct plan **out)
{
    uint32_t i = 0;
    *out = NULL;
    while (i < e->n_plans && e->plans[i].plan != p)
        i++;
    if (i == e->n_plans)
        return status_fail(ERR_USAGE, "'%s' is not a plan of this engine", plan_name(p));
    TRY(build(e, &e->em->model, &e->plans[i].shape, out));
    enum status s = plan_seal(*out, e->scratch);
    if (s != OK)
        plan_destroy(out);
    return s;
}

enum status engine_plans_scratch(struct engine *e, const struct model *m, uint64_t *bytes)
{
    uint32_t batch = e->params.n_batch, slots = e->params.slots;
    struct engine_shape shapes[4] = {
        {.kind = ENGINE_STEP,
         .rows = engine_bucket(slots, K_MAX_OUT),
         .pages = e->max_pages,
         .sampler = ENGINE_SAMPLE},
        {.kind = ENGINE_CHUNK, .rows = K_MAX_OUT, .pages = e->max_pages},
        {.kind = ENGINE_TAIL, .rows = K_MAX_OUT, .sampler = ENGINE_SAMPLE},
        {.kind = ENGINE_PREFILL, .rows = engine_prompt_bucket(batch, batch)},
    };
    *bytes = 256;
    for (int i = 0; i < 4; i++) {
        if (shapes[i].kind == ENGINE_PREFILL && shapes[i].rows <= K_MAX_OUT)
            continue;
        struct plan *p;
        TRY(build(e, m, &shapes[i], &p));
        if (plan_scratch_bytes(p) > *bytes)
            *bytes = plan_scratch_bytes(p);
        plan_destroy(&p);
    }
    return OK;
}

void engine_plans_free(struct engine *e)
{
    for (uint32_t i = 0; i < e->n_plans; i++)
        plan_destroy(&e->plans[i].plan);
    mem_free(e->plans);
    e->plans = NULL;
    e->n_plans = 0;
}
