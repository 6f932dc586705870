/* Reference of qkv: k_qkv_push. */
#include "base/mem.h"
#include "kernels/params.h"
#include "kv.h"
#include "refs.h"

struct qkv {
    uint32_t b, k, heads, kv_heads, d, rot;
    bool neox;
    struct check_kv kv;
    struct check_sum *q, *key, *value; /* [b][heads * d], [b][kv_heads * d] twice */
};

/* Rotates and writes row i. */
static enum status write_row(struct check_mem *mem, const struct k_qkv_push *p, const struct qkv *a,
                             uint32_t i, const struct check_row *row)
{
    struct check_sum *q = a->q + (size_t)i * a->heads * a->d;
    uint64_t out = p->dst + (uint64_t)i * a->heads * a->d * 4;
    for (uint32_t h = 0; h < a->heads; h++) {
        TRY(check_rotate(mem, p->rope, row->pos, a->rot, a->neox, q + (size_t)h * a->d));
        for (uint32_t j = h * a->d; j < (h + 1) * a->d; j++)
            check_out_f32(mem, out + (uint64_t)j * 4, q[j].value, q[j].mag);
    }
    for (uint32_t h = 0; h < a->kv_heads; h++) {
        struct check_sum *key = a->key + ((size_t)i * a->kv_heads + h) * a->d;
        struct check_sum *value = a->value + ((size_t)i * a->kv_heads + h) * a->d;
        uint64_t key_at = check_kv_key(mem, &a->kv, row->slot, row->pos, h);
        uint64_t value_at = check_kv_value(mem, &a->kv, row->slot, row->pos, h);
        TRY(check_rotate(mem, p->rope, row->pos, a->rot, a->neox, key));
        for (uint32_t j = 0; j < a->d; j++) {
            check_out_f16(mem, key_at + j * 2, key[j].value, key[j].mag);
            check_out_f16(mem, value_at + j * 2, value[j].value, value[j].mag);
        }
    }
    return OK;
}

enum status check_qkv(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_qkv_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    struct qkv a = {
        .b = spec[K_MV_B],
        .k = spec[K_MV_K],
        .heads = spec[K_QKV_HEADS],
        .kv_heads = spec[K_QKV_KV_HEADS],
        .d = spec[K_QKV_HEAD_DIM],
        .rot = spec[K_QKV_ROT],
        .neox = spec[K_QKV_NEOX],
        .kv = {p->pages, p->max_pages, p->kv_offset, spec[K_QKV_KV_HEADS], spec[K_QKV_HEAD_DIM]},
    };
    uint32_t nq = a.heads * a.d, nkv = a.kv_heads * a.d;
    struct check_weight wq = {p->wq, (enum quant_type)spec[K_QKV_TYPE_Q], nq, a.k};
    struct check_weight wk = {p->wk, (enum quant_type)spec[K_QKV_TYPE_K], nkv, a.k};
    struct check_weight wv = {p->wv, (enum quant_type)spec[K_QKV_TYPE_V], nkv, a.k};
    enum status s = OK;
    double *x = mem_calloc((size_t)a.b * a.k, sizeof *x);
    a.q = mem_calloc((size_t)a.b * nq, sizeof *a.q);
    a.key = mem_calloc((size_t)a.b * nkv, sizeof *a.key);
    a.value = mem_calloc((size_t)a.b * nkv, sizeof *a.value);
    if (!x || !a.q || !a.key || !a.value) {
        s = ERR_MEMORY;
        goto fail;
    }
    struct check_norm norm = {spec[K_MV_NORM], p->norm_w, p->norm_b, p->eps};
    TRY_GOTO(check_x_rows(op, mem, p->x, check_in_order, a.b, &norm, x));
    TRY_GOTO(check_product(mem, &wq, x, a.b, p->bq, a.q));
    TRY_GOTO(check_product(mem, &wk, x, a.b, p->bk, a.key));
    TRY_GOTO(check_product(mem, &wv, x, a.b, p->bv, a.value));
    for (uint32_t i = 0; i < a.b; i++) {
        struct check_row row;
        TRY_GOTO(check_step_row(mem, p->step, i, &row));
        if (row.live)
            TRY_GOTO(write_row(mem, p, &a, i, &row));
        else
            check_out_any(mem, p->dst + (uint64_t)i * nq * 4, (uint64_t)nq * 4);
    }
fail:
    mem_free(x);
    mem_free(a.q);
    mem_free(a.key);
    mem_free(a.value);
    return s;
}
