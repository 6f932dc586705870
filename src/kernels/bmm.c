#include "kernels/op.h"

#include <inttypes.h>

static enum status refuse(const struct k_bmm_push *a, const char *why)
{
    return status_fail(ERR_MODEL,
                       "bmm: %" PRIu32 " x %" PRIu32 " matrices [%" PRIu32 ", %" PRIu32
                       "] = [%" PRIu32 ", %" PRIu32 "] x [%" PRIu32 ", %" PRIu32
                       "], a repeated %" PRIu32 " x %" PRIu32 " times: %s",
                       a->ne3, a->ne2, a->m, a->n, a->m, a->k, a->k, a->n, a->r3, a->r2, why);
}

/* Bytes from the first to the last of ne3 x ne2 matrices of rows x cols. */
static uint64_t extent(uint64_t ne3, uint64_t s3, uint64_t ne2, uint64_t s2, uint64_t rows,
                       uint64_t row, uint64_t cols)
{
    return ((ne3 - 1) * s3 + (ne2 - 1) * s2 + (rows - 1) * row + cols) * sizeof(float);
}

enum status k_bmm(struct plan *p, const struct k_bmm_push *a, bool b_transposed)
{
    if (!a->m || !a->n || !a->k || !a->ne2 || !a->ne3 || !a->r2 || !a->r3)
        return refuse(a, "empty");
    if (a->ne2 % a->r2 || a->ne3 % a->r3)
        return refuse(a, "the counts of matrices must be multiples of the repeats");
    if ((uint64_t)a->ne2 * a->ne3 > UINT32_MAX - 65535)
        return refuse(a, "more than 2^32 - 2^16 matrices");
    if (a->m > 64 * 65535u || a->n > 64 * 65535u)
        return refuse(a, "more than 4194240 rows or columns");
    uint32_t b_rows = b_transposed ? a->n : a->k, b_cols = b_transposed ? a->k : a->n;
    if (a->a_row < a->k || a->b_row < b_cols || a->c_row < a->n)
        return refuse(a, "a stride is shorter than its row");

    struct k_op o;
    k_op_begin(&o, "bmm", "bmm", a, sizeof *a, 3);
    o.op.pipe.spec[K_BMM_BT] = b_transposed;
    o.op.pipe.n_spec = K_BMM_SPECS;
    uint32_t matrices = a->ne2 * a->ne3;
    o.op.groups[0] = (a->n + 63) / 64;
    o.op.groups[1] = (a->m + 63) / 64;
    o.op.groups[2] = matrices < 65535 ? matrices : 65535;
    k_reads(&o, a->a, extent(a->ne3 / a->r3, a->a_3, a->ne2 / a->r2, a->a_2, a->m, a->a_row, a->k));
    k_reads(&o, a->b, extent(a->ne3, a->b_3, a->ne2, a->b_2, b_rows, a->b_row, b_cols));
    k_writes(&o, a->c, extent(a->ne3, a->c_3, a->ne2, a->c_2, a->m, a->c_row, a->n));
    return k_op_add(p, &o);
}
