/* Reference of rope: k_rope_push. */
#include <math.h>

#include "base/mem.h"
#include "kernels/params.h"
#include "kv.h"
#include "parallel.h"
#include "refs.h"

/* Reads one head of f32. */
static enum status load_head(struct check_mem *mem, uint64_t addr, uint32_t d,
                             struct check_sum *out)
{
    const float *in;
    CHECK_IN(in, mem, addr, (uint64_t)d * 4);
    for (uint32_t i = 0; i < d; i++)
        out[i] = (struct check_sum){(double)in[i], fabs((double)in[i])};
    return OK;
}

static enum status rotate_heads(const struct plan_op *op, struct check_mem *mem, uint32_t i,
                                const struct check_row *row, struct check_sum *head)
{
    const struct k_rope_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t heads = spec[K_ROPE_HEADS], kv_heads = spec[K_ROPE_KV_HEADS];
    uint32_t d = spec[K_ROPE_HEAD_DIM], rot = spec[K_ROPE_ROT];
    bool neox = spec[K_ROPE_NEOX];
    struct check_kv kv = {p->pages, p->max_pages, p->kv_offset, kv_heads, d};
    for (uint32_t h = 0; p->q && h < heads; h++) {
        uint64_t at = p->q + ((uint64_t)i * heads + h) * d * 4;
        TRY(load_head(mem, at, d, head));
        TRY(check_rotate(mem, p->rope, row->pos, rot, neox, head));
        for (uint32_t j = 0; j < d; j++)
            check_out_f32(mem, at + j * 4, head[j].value, head[j].mag);
    }
    for (uint32_t h = 0; h < kv_heads; h++) {
        uint64_t from = ((uint64_t)i * kv_heads + h) * d * 4;
        uint64_t key = check_kv_key(mem, &kv, row->slot, row->pos, h);
        uint64_t value = check_kv_value(mem, &kv, row->slot, row->pos, h);
        TRY(load_head(mem, p->k + from, d, head));
        TRY(check_rotate(mem, p->rope, row->pos, rot, neox, head));
        for (uint32_t j = 0; j < d; j++)
            check_out_f16(mem, key + j * 2, head[j].value, head[j].mag);
        TRY(load_head(mem, p->v + from, d, head));
        for (uint32_t j = 0; j < d; j++)
            check_out_f16(mem, value + j * 2, head[j].value, 0);
    }
    return OK;
}

static enum status rotate_row(const struct plan_op *op, struct check_mem *mem, uint32_t i,
                              const struct check_row *row)
{
    struct check_sum *head = mem_calloc(op->pipe.spec[K_ROPE_HEAD_DIM], sizeof *head);
    if (!head)
        return ERR_MEMORY;
    enum status s = rotate_heads(op, mem, i, row, head);
    mem_free(head);
    return s;
}

struct rope {
    const struct plan_op *op;
    struct check_mem *mem;
    check_rope_row fn;
};

static enum status rope_rows(void *ctx, uint32_t from, uint32_t to)
{
    const struct rope *r = ctx;
    const struct k_rope_push *p = r->op->push;
    const uint32_t *spec = r->op->pipe.spec;
    uint64_t row_bytes = (uint64_t)spec[K_ROPE_HEADS] * spec[K_ROPE_HEAD_DIM] * 4;
    for (uint32_t i = from; i < to; i++) {
        struct check_row row;
        TRY(check_step_row(r->mem, p->step, i, &row));
        if (row.live)
            TRY(r->fn(r->op, r->mem, i, &row));
        else if (p->q)
            check_out_any(r->mem, p->q + i * row_bytes, row_bytes);
    }
    return OK;
}

enum status check_rope_rows(const struct plan_op *op, struct check_mem *mem, check_rope_row fn)
{
    const uint32_t *spec = op->pipe.spec;
    uint64_t work = (uint64_t)spec[K_ROPE_HEADS] * spec[K_ROPE_HEAD_DIM] * 40;
    return check_parallel(op->groups[0], work, rope_rows, &(struct rope){op, mem, fn});
}

enum status check_rope(const struct plan_op *op, struct check_mem *mem)
{
    return check_rope_rows(op, mem, rotate_row);
}
