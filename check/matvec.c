/* Reference of matvec: k_matvec_push. */
#include <math.h>

#include "base/mem.h"
#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

enum status check_matvec(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_matvec_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t k = spec[K_MV_K], n = spec[K_MATVEC_N], count, rows[16];
    struct check_weight w = {p->w, (enum quant_type)spec[K_MATVEC_TYPE], n, k};
    enum status s = OK;
    double *x = NULL;
    struct check_sum *sums = NULL;

    TRY(check_out_rows(mem, spec[K_MATVEC_OUT_ROWS], p->step, spec[K_MV_B], rows, &count));
    x = mem_calloc((size_t)16 * k, sizeof *x);
    sums = mem_calloc((size_t)16 * n, sizeof *sums);
    if (!x || !sums) {
        s = ERR_MEMORY;
        goto fail;
    }
    struct check_norm norm = {spec[K_MV_NORM], p->norm_w, p->norm_b, p->eps};
    TRY_GOTO(check_x_rows(op, mem, p->x, rows, count, &norm, x));
    TRY_GOTO(check_product(mem, &w, x, count, p->bias, sums));
    for (uint32_t b = 0; b < spec[K_MV_B]; b++) {
        if (b >= count)
            check_out_any(mem, p->dst + (uint64_t)b * n * 4, (uint64_t)n * 4);
        for (uint32_t i = 0; i < n && b < count; i++) {
            uint64_t at = ((uint64_t)b * n + i) * 4;
            struct check_sum v = sums[(size_t)b * n + i];
            double add = p->residual ? (double)check_in_f32(mem, p->residual + at) : 0;
            if (spec[K_MATVEC_GELU])
                v = check_gelu_of(v);
            check_out_f32(mem, p->dst + at, v.value + add, hypot(v.mag, add));
        }
    }
fail:
    mem_free(x);
    mem_free(sums);
    return s;
}
