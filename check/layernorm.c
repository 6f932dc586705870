/* Reference of layernorm: k_layernorm_push. */
#include <math.h>

#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

static enum status one_row(const struct plan_op *op, struct check_mem *mem, uint64_t from,
                           uint64_t to)
{
    const struct k_layernorm_push *p = op->push;
    uint32_t k = op->pipe.spec[K_LAYERNORM_K];
    const float *x, *w, *b;
    CHECK_IN(x, mem, from, (uint64_t)k * 4);
    CHECK_IN(w, mem, p->w, (uint64_t)k * 4);
    CHECK_IN(b, mem, p->b, (uint64_t)k * 4);
    double mean = 0, variance = 0;
    for (uint32_t i = 0; i < k; i++)
        mean += (double)x[i];
    mean /= k;
    for (uint32_t i = 0; i < k; i++)
        variance += ((double)x[i] - mean) * ((double)x[i] - mean);
    double scale = 1 / sqrt(variance / k + (double)p->eps);
    for (uint32_t i = 0; i < k; i++) {
        double y = ((double)x[i] - mean) * scale * (double)w[i];
        /* Where x and the mean cancel, their own size counts. */
        double terms = hypot((double)x[i], mean) * scale * (double)w[i];
        double mag = sqrt(y * y + terms * terms + (double)b[i] * (double)b[i]);
        y += (double)b[i];
        if (op->pipe.spec[K_LAYERNORM_HALF])
            check_out_f16(mem, to + (uint64_t)i * 2, fmin(fmax(y, -65504), 65504), mag);
        else
            check_out_f32(mem, to + (uint64_t)i * 4, y, mag);
    }
    return OK;
}

enum status check_layernorm_rows(const struct plan_op *op, struct check_mem *mem, check_row_fn fn)
{
    const struct k_layernorm_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    struct check_rows rows = {.x = p->x,
                              .dst = p->dst,
                              .step = p->step,
                              .rows = p->rows,
                              .k = spec[K_LAYERNORM_K],
                              .out_rows = spec[K_LAYERNORM_OUT_ROWS],
                              .half = spec[K_LAYERNORM_HALF]};
    return check_each_row(op, mem, &rows, fn);
}

enum status check_layernorm(const struct plan_op *op, struct check_mem *mem)
{
    return check_layernorm_rows(op, mem, one_row);
}
