/* Reference of dequant: k_dequant_push. */
#include <math.h>

#include "base/mem.h"
#include "kernels/params.h"
#include "linear.h"
#include "parallel.h"
#include "refs.h"

struct dequant {
    struct check_mem *mem;
    const struct k_dequant_push *p;
    struct check_weight w;
};

static enum status dequant_rows(void *ctx, uint32_t from, uint32_t to)
{
    const struct dequant *a = ctx;
    uint32_t k = a->w.k;
    enum status s = OK;
    float *row = mem_calloc(k, sizeof *row);
    double *held = mem_calloc(k, sizeof *held);
    if (!row || !held) {
        s = ERR_MEMORY;
        goto fail;
    }
    for (uint32_t i = from; i < to; i++) {
        TRY_GOTO(check_weight_row(a->mem, &a->w, a->p->first + i, row));
        for (uint32_t j = 0; j < k; j++)
            held[j] = fmin(fmax((double)row[j], -65504.0), 65504.0);
        check_out_f16s(a->mem, a->p->dst + (uint64_t)i * k * 2, held, k);
    }
fail:
    mem_free(held);
    mem_free(row);
    return s;
}

enum status check_dequant(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_dequant_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t k = spec[K_DEQUANT_K];
    enum quant_type type = (enum quant_type)spec[K_DEQUANT_TYPE];
    struct dequant a = {mem, p, {p->w, type, spec[K_DEQUANT_N], k}};
    return check_parallel(p->rows, k * 20ull, dequant_rows, &a);
}
