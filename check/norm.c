/* Reference of norm: k_norm_push. */
#include <math.h>

#include "base/mem.h"
#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

enum status check_norm(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_norm_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t k = spec[K_NORM_K], count, picked[K_MAX_OUT];
    bool out_rows = spec[K_NORM_OUT_ROWS];
    uint64_t row_bytes = (uint64_t)k * 4;
    enum status s = OK;
    double *row = NULL;

    count = p->rows;
    if (out_rows)
        TRY(check_out_rows(mem, true, p->step, p->rows, picked, &count));
    row = mem_calloc(k, sizeof *row);
    if (!row)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < p->rows; i++) {
        if (i >= count) {
            check_out_any(mem, p->dst + i * row_bytes, row_bytes);
            continue;
        }
        uint64_t from = p->x + (out_rows ? picked[i] : i) * row_bytes;
        TRY_GOTO(check_x_row(mem, from, k, p->w, p->eps, row));
        for (uint32_t j = 0; j < k; j++)
            check_out_f32(mem, p->dst + i * row_bytes + (uint64_t)j * 4, row[j], fabs(row[j]));
    }
fail:
    mem_free(row);
    return s;
}
