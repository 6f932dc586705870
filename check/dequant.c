/* Reference of dequant: k_dequant_push. */
#include <math.h>

#include "base/mem.h"
#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

enum status check_dequant(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_dequant_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t k = spec[K_DEQUANT_K];
    struct check_weight w = {p->w, (enum quant_type)spec[K_DEQUANT_TYPE], spec[K_DEQUANT_N], k};
    enum status s = OK;
    float *row = mem_calloc(k, sizeof *row);
    if (!row)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < p->rows; i++) {
        TRY_GOTO(check_weight_row(mem, &w, p->first + i, row));
        for (uint32_t j = 0; j < k; j++) {
            double v = fmin(fmax((double)row[j], -65504.0), 65504.0);
            check_out_f16(mem, p->dst + ((uint64_t)i * k + j) * 2, v, fabs(v));
        }
    }
fail:
    mem_free(row);
    return s;
}
