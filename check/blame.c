/* Which variant of which kernel is behind a case that came out wrong. */
#include <string.h>

#include "case.h"

void case_blame_op(struct case_outcome *out, const struct plan_op *op)
{
    char name[GPU_VARIANT_TEXT];
    gpu_variant_text(op->pipe.shader->name, op->pipe.subgroup, name);
    for (uint32_t i = 0; i < out->n_blamed; i++) {
        if (!strcmp(out->blamed[i], name))
            return;
    }
    if (out->n_blamed < CASE_MAX_BLAMED)
        memcpy(out->blamed[out->n_blamed++], name, sizeof name);
}

static bool writes(const struct plan_op *op, uint64_t addr)
{
    for (int i = 0; i < PLAN_MAX_SPANS && op->writes[i].bytes; i++) {
        if (addr >= op->writes[i].addr && addr - op->writes[i].addr < op->writes[i].bytes)
            return true;
    }
    return false;
}

/* The pipelines that do not compile. */
static void blame_pipes(struct check_case *c, struct case_outcome *out)
{
    for (uint32_t i = 0; i < plan_count(c->plan); i++) {
        const struct plan_op *op = plan_get(c->plan, i);
        const struct gpu_pipe *pipe = NULL;
        struct gpu_cmd *cmd = NULL;
        enum status s = gpu_pipe_get(c->g, &op->pipe, &pipe);
        if (s == OK)
            s = gpu_cmd_create(c->g, &(struct gpu_cmd_params){.name = "check"}, &cmd);
        if (s == OK)
            s = gpu_cmd_dispatch(cmd, pipe, op->push, 1, 1, 1, op->name, op->layer);
        if (s == OK && gpu_cmd_end(cmd) != OK)
            case_blame_op(out, op);
        gpu_cmd_destroy(c->g, &cmd);
    }
}

/* Each dispatch on what the device has: the first wrong one, not those that its output misled. */
static void blame_first(void *ctx, uint32_t index, const struct plan_op *op,
                        const struct check_mem *wrote, const struct check_result *r,
                        struct check_limit limit)
{
    (void)index;
    (void)wrote;
    (void)limit;
    if (r->wrong)
        case_blame_op(ctx, op);
}

void check_blame(struct check_case *c, enum status s, struct case_outcome *out)
{
    char why[1024];
    uint32_t ops = c->plan && !c->run ? plan_count(c->plan) : 0;
    if (out->n_blamed || !ops)
        return;
    memcpy(why, status_message(), strlen(status_message()) + 1);
    if (gpu_check(c->g) != OK) {
        /* Which of them it was is not known. */
        for (uint32_t i = 0; i < ops; i++)
            case_blame_op(out, plan_get(c->plan, i));
    } else if (s == ERR_VERIFY) {
        /* A reference left its memory: no fault of the device's. */
    } else if (s != OK) {
        blame_pipes(c, out);
    } else {
        if (ops > 1 && gpu_upload(c->g, c->base, c->image, c->used) == OK)
            check_plan_on_device(c->g, c->plan,
                                 &(struct check_plan_params){.report = blame_first, .ctx = out});
        for (uint32_t i = ops; i-- > 0 && !out->n_blamed;) {
            if (ops == 1 || writes(plan_get(c->plan, i), out->result.around.addr))
                case_blame_op(out, plan_get(c->plan, i));
        }
    }
    if (s != OK)
        status_fail(s, "%s", why);
}
