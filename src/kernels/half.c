#include "kernels/matmul.h"

#include <string.h>

static bool overlap(const struct plan_span *spans, uint64_t addr, uint64_t bytes)
{
    for (int i = 0; i < PLAN_MAX_SPANS && spans[i].bytes; i++) {
        if (spans[i].addr < addr + bytes && addr < spans[i].addr + spans[i].bytes)
            return true;
    }
    return false;
}

/* An earlier dispatch that did the same on the same values, or NULL. */
static const struct k_half_push *earlier(const struct plan *p, const struct k_half_push *push,
                                         const struct k_op *o)
{
    const struct plan_span *x = &o->op.reads[0];
    for (uint32_t i = plan_count(p); i-- > 0;) {
        const struct plan_op *op = plan_get(p, i);
        const struct k_half_push *other = op->push;
        if (!strcmp(op->pipe.shader->name, "half") && other->x == push->x &&
            other->step == push->step && other->m == push->m &&
            !memcmp(op->pipe.spec, o->op.pipe.spec, K_HALF_SPECS * sizeof *op->pipe.spec))
            return other;
        if (overlap(op->writes, x->addr, x->bytes))
            return NULL;
    }
    return NULL;
}

enum status k_half_rows(struct plan *p, uint64_t x, uint32_t m, uint32_t k,
                        const struct k_steps *steps, bool bf16, uint64_t *half, uint64_t *scale)
{
    struct k_half_push push = {.x = x, .step = steps->addr, .m = m};
    struct k_op o;
    k_op_begin(&o, "half", "half", &push, sizeof push, 4);
    o.op.pipe.spec[K_HALF_SUBGROUP] = k_subgroup(plan_gpu(p), "half");
    o.op.pipe.spec[K_HALF_K] = k;
    o.op.pipe.spec[K_HALF_BF16] = bf16;
    o.op.pipe.n_spec = K_HALF_SPECS;
    o.op.groups[0] = m;
    k_reads(&o, x, (uint64_t)m * k * sizeof(float));

    const struct k_half_push *made = earlier(p, &push, &o);
    if (made) {
        *half = made->dst;
        *scale = made->scale;
        return OK;
    }
    TRY(plan_scratch(p, align_up(m, K_HALF_ROWS) * k * 2, "x for matrix units", &push.dst));
    if (!bf16)
        TRY(plan_scratch(p, m * sizeof(float), "row scales", &push.scale));
    k_reads(&o, steps->addr, K_STEP_BYTES);
    k_writes(&o, push.dst, (uint64_t)m * k * 2);
    k_writes(&o, push.scale, m * sizeof(float));
    *half = push.dst;
    *scale = push.scale;
    return k_op_add(p, &o);
}
