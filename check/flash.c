/* Reference of flash: k_flash_push. */
#include <string.h>

#include "kernels/params.h"
#include "kv.h"
#include "parallel.h"
#include "refs.h"

struct flash {
    struct check_mem *mem;
    const struct k_flash_push *p;
    struct check_kv kv;
    uint32_t heads, seen;   /* seen: positions that all rows see; 0: each those up to its own */
    struct check_row first; /* the others follow it */
    uint32_t n_rows;
};

static enum status flash_rows(void *ctx, uint32_t from, uint32_t to)
{
    const struct flash *f = ctx;
    const struct k_flash_push *p = f->p;
    uint64_t row_bytes = (uint64_t)f->heads * f->kv.head_dim * (f->kv.half ? 2 : 4);
    for (uint32_t i = from; i < to; i++) {
        struct check_row row = f->first;
        row.pos = f->seen ? f->seen - 1 : row.pos + i;
        if (row.live && i < f->n_rows)
            TRY(check_attend(f->mem, &f->kv, &row, f->heads, p->scale, p->q + i * row_bytes,
                             p->dst + i * row_bytes));
        else
            check_out_any(f->mem, p->dst + i * row_bytes, row_bytes);
    }
    return OK;
}

enum status check_flash(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_flash_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t heads = spec[K_FLASH_HEADS], d = spec[K_FLASH_HEAD_DIM];
    struct flash f = {
        .mem = mem,
        .p = p,
        .kv = {.pages = p->pages,
               .max_pages = p->max_pages,
               .offset = p->kv_offset,
               .kv_heads = spec[K_FLASH_KV_HEADS],
               .head_dim = d,
               .half = !strcmp(op->pipe.shader->name, "flash_nv") && spec[K_FLASH_HALF]},
        .heads = heads,
        .seen = spec[K_FLASH_SEEN],
        .n_rows = check_in_u32(mem, p->step)};
    TRY(check_step_row(mem, p->step, 0, &f.first));
    uint64_t seen = f.seen ? f.seen : f.first.pos + p->m;
    return check_parallel(p->m, seen * heads * d * 2, flash_rows, &f);
}
