/* Leaves out each barrier of the plans of models, one at a time: the hazard check must report it,
 * with the dispatch that stands behind it.
 *
 *     barriers MODEL...
 *
 * A line a model: barriers left out, of these reported. Exit code 1 if one was not. */
#include <stdio.h>

#include "engine/engine.h"
#include "engine/plans.h"

static const struct engine_shape shapes[] = {
    {.kind = ENGINE_PREFILL, .rows = 32},
    {.kind = ENGINE_PREFILL, .rows = 64},
    {.kind = ENGINE_CHUNK, .rows = 8, .pages = 2},
    {.kind = ENGINE_TAIL, .rows = 1, .sampler = ENGINE_SAMPLE},
    {.kind = ENGINE_TAIL, .rows = 4, .sampler = ENGINE_GREEDY},
    {.kind = ENGINE_TAIL, .rows = 16, .sampler = ENGINE_LOGITS},
    {.kind = ENGINE_STEP, .rows = 1, .pages = 1, .sampler = ENGINE_SAMPLE},
    {.kind = ENGINE_STEP, .rows = 1, .pages = 2, .sampler = ENGINE_GREEDY},
    {.kind = ENGINE_STEP, .rows = 4, .pages = 2, .sampler = ENGINE_SAMPLE},
};

struct counts {
    uint32_t barriers, reported;
};

static enum status leave_out(struct engine *e, const struct engine_shape *shape, struct counts *c)
{
    struct plan *p;
    struct plan_hazard h;
    TRY(engine_plan_get(e, shape, &p));
    TRY(plan_check_hazards(p, UINT32_MAX));
    for (uint32_t i = 0; i < plan_count(p); i++) {
        if (!plan_barrier_before(p, i))
            continue;
        c->barriers++;
        if (plan_find_hazard(p, i, &h) != OK && h.after == i)
            c->reported++;
        else
            printf("not reported: the barrier before dispatch %u of %s\n", i, plan_name(p));
    }
    return OK;
}

static enum status look_at(struct gpu *g, const char *path, struct counts *c)
{
    struct engine_model *em = NULL;
    struct engine *e = NULL;
    enum status s;
    TRY_GOTO(engine_model_load(g, &(struct engine_load_params){.path = path}, &em));
    TRY_GOTO(engine_open(em, &(struct engine_params){.slots = 4, .n_ctx = 512, .n_batch = 64}, &e));
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        TRY_GOTO(leave_out(e, &shapes[i], c));
fail:
    engine_close(&e);
    engine_model_unload(&em);
    return s;
}

int main(int argc, char **argv)
{
    struct gpu *g = NULL;
    int failed = 0;
    enum status s = gpu_open(&(struct gpu_params){0}, &g);
    for (int i = 1; i < argc && s == OK; i++) {
        struct counts c = {0};
        s = look_at(g, argv[i], &c);
        printf("%s: %u barriers, %u reported\n", argv[i], c.barriers, c.reported);
        failed |= c.reported < c.barriers || !c.barriers;
    }
    if (s != OK)
        fprintf(stderr, "barriers: %s\n", status_message());
    gpu_close(&g);
    return s != OK ? (int)s : failed;
}
