#include "kernels/op.h"

#include <inttypes.h>

enum status k_layernorm(struct plan *p, const struct k_layernorm_args *a)
{
    if (!a->rows || a->rows > 65535 || !a->k || a->k % 4)
        return status_fail(ERR_MODEL,
                           "layernorm: [%" PRIu32 ", %" PRIu32
                           "]: 1 to 65535 rows, their length a multiple of 4",
                           a->rows, a->k);
    if (a->steps.out_rows && a->rows > K_MAX_OUT)
        return status_fail(ERR_MODEL, "layernorm: %" PRIu32 " out rows: at most %u", a->rows,
                           K_MAX_OUT);
    if (!a->w || !a->b || (a->x | a->w | a->b | a->out) % 16)
        return status_fail(ERR_MODEL, "layernorm: operands must lie at multiples of 16 bytes%s",
                           a->w && a->b ? "" : "; weights or biases are absent");

    struct k_layernorm_push push = {
        .x = a->x,
        .w = a->w,
        .b = a->b,
        .dst = a->out,
        .step = a->steps.out_rows ? a->steps.addr : 0,
        .eps = a->eps,
        .rows = a->rows,
    };
    struct k_op o;
    k_op_begin(&o, "layernorm", "layernorm", &push, sizeof push, 5);
    uint32_t subgroup = k_subgroup(plan_gpu(p), "layernorm");
    o.op.pipe.spec[K_LAYERNORM_SUBGROUP] = subgroup;
    o.op.pipe.spec[K_LAYERNORM_K] = a->k;
    o.op.pipe.spec[K_LAYERNORM_OUT_ROWS] = a->steps.out_rows;
    o.op.pipe.spec[K_LAYERNORM_HALF] = a->half;
    o.op.pipe.n_spec = K_LAYERNORM_SPECS;
    o.op.groups[0] = a->rows;

    uint64_t row = (uint64_t)a->k * sizeof(float);
    k_reads(&o, a->x, (a->steps.out_rows ? a->x_rows : a->rows) * row);
    k_reads(&o, a->w, row);
    k_reads(&o, a->b, row);
    k_reads(&o, push.step, K_STEP_BYTES);
    k_writes(&o, a->out, a->rows * (a->half ? row / 2 : row));
    return k_op_add(p, &o);
}
