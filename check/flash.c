/* Reference of flash: k_flash_push. */
#include "kernels/params.h"
#include "kv.h"
#include "refs.h"

enum status check_flash(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_flash_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t heads = spec[K_FLASH_HEADS], d = spec[K_FLASH_HEAD_DIM];
    struct check_kv kv = {p->pages, p->max_pages, p->kv_offset, spec[K_FLASH_KV_HEADS], d};
    uint64_t row_bytes = (uint64_t)heads * d * 4;
    uint32_t n_rows = check_in_u32(mem, p->step);
    struct check_row row; /* the first; the others follow it */
    TRY(check_step_row(mem, p->step, 0, &row));
    uint32_t seen = spec[K_FLASH_SEEN];
    for (uint32_t i = 0; i < p->m; i++, row.pos++) {
        if (seen)
            row.pos = seen - 1;
        if (row.live && i < n_rows)
            TRY(check_attend(mem, &kv, &row, heads, p->scale, p->q + i * row_bytes,
                             p->dst + i * row_bytes));
        else
            check_out_any(mem, p->dst + i * row_bytes, row_bytes);
    }
    return OK;
}
