/* Reference of norm: k_norm_push. */
#include <math.h>

#include "base/mem.h"
#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

static enum status one_row(const struct plan_op *op, struct check_mem *mem, uint64_t from,
                           uint64_t to)
{
    const struct k_norm_push *p = op->push;
    uint32_t k = op->pipe.spec[K_NORM_K];
    double *row = mem_calloc(2 * (size_t)k, sizeof *row), *mags = row + k;
    if (!row)
        return ERR_MEMORY;
    struct check_norm norm = {.kind = K_MV_RMS, .w = p->w, .eps = p->eps};
    enum status s = check_x_row(mem, from, k, &norm, row);
    for (uint32_t j = 0; s == OK && j < k; j++)
        mags[j] = fabs(row[j]);
    if (s == OK)
        check_out_f32s(mem, to, row, mags, k);
    mem_free(row);
    return s;
}

enum status check_norm_rows(const struct plan_op *op, struct check_mem *mem, check_row_fn fn)
{
    const struct k_norm_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    struct check_rows rows = {p->x,    p->dst,         p->step,
                              p->rows, spec[K_NORM_K], spec[K_NORM_OUT_ROWS]};
    return check_each_row(op, mem, &rows, fn);
}

enum status check_norm(const struct plan_op *op, struct check_mem *mem)
{
    return check_norm_rows(op, mem, one_row);
}
