/* Reference of attn: k_attn_push. */
#include "kernels/params.h"
#include "kv.h"
#include "refs.h"

enum status check_attn(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_attn_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t heads = spec[K_ATTN_HEADS], d = spec[K_ATTN_HEAD_DIM];
    struct check_kv kv = {p->pages, p->max_pages, p->kv_offset, spec[K_ATTN_KV_HEADS], d};
    uint64_t row_bytes = (uint64_t)heads * d * 4;
    uint32_t b = check_declared_rows(op, p->dst, row_bytes);
    for (uint32_t i = 0; i < b; i++) {
        struct check_row row;
        TRY(check_step_row(mem, p->step, i, &row));
        if (row.live)
            TRY(check_attend(mem, &kv, &row, heads, p->scale, p->q + i * row_bytes,
                             p->dst + i * row_bytes));
        else
            check_out_any(mem, p->dst + i * row_bytes, row_bytes);
    }
    if (p->part)
        check_out_any(mem, p->part, (uint64_t)b * heads * p->splits * (2 + d) * 4);
    return OK;
}
