#include <inttypes.h>

#include "kernels/pairs.h"

static enum status check_rows(const char *what, const struct k_weight *w, uint32_t heads,
                              const struct k_kv *kv, uint32_t k)
{
    TRY(k_weight_check("qkv", w));
    if (w->n != heads * kv->head_dim || w->k != k)
        return status_fail(ERR_MODEL,
                           "qkv: %s is [%" PRIu32 ", %" PRIu32 "]; %" PRIu32 " heads of %" PRIu32
                           " and rows of %" PRIu32 " need [%" PRIu32 ", %" PRIu32 "]",
                           what, w->n, w->k, heads, kv->head_dim, k, heads * kv->head_dim, k);
    return OK;
}

enum status k_qkv(struct plan *p, const struct k_qkv_args *a)
{
    const struct k_kv *kv = &a->kv;
    struct k_qkv_push push = {
        .x = a->x,
        .norm_w = a->norm_w,
        .norm_b = a->norm_b,
        .wq = a->q.addr,
        .wk = a->k.addr,
        .wv = a->v.addr,
        .bq = a->bq,
        .bk = a->bk,
        .bv = a->bv,
        .rope = a->rope.table,
        .dst = a->out,
        .step = a->steps.addr,
        .pages = kv->pages,
        .kv_offset = kv->offset,
        .max_pages = kv->max_pages,
        .eps = a->eps,
    };
    struct k_op o;
    TRY(k_kv_check("qkv", kv));
    TRY(k_rope_check("qkv", &a->rope, kv->head_dim));
    TRY(check_rows("query", &a->q, kv->heads, kv, a->q.k));
    TRY(check_rows("key", &a->k, kv->kv_heads, kv, a->q.k));
    TRY(check_rows("value", &a->v, kv->kv_heads, kv, a->q.k));
    struct k_pairs pairs = {.w = {&a->q, &a->k, &a->v},
                            .b = a->b,
                            .x = a->x,
                            .x_rows = a->b,
                            .norm = k_pairs_norm(a->norm_w, a->norm_b),
                            .x_as = a->x_as,
                            .pairs = (kv->heads + 2 * kv->kv_heads) * kv->head_dim / 2};
    TRY(k_pairs_begin(p, &o, &pairs, "qkv", "qkv", "qkv_dot", &push, sizeof push, 13));
    uint32_t *spec = o.op.pipe.spec;
    spec[K_QKV_TYPE_Q] = a->q.type;
    spec[K_QKV_TYPE_K] = a->k.type;
    spec[K_QKV_TYPE_V] = a->v.type;
    spec[K_QKV_HEADS] = kv->heads;
    spec[K_QKV_KV_HEADS] = kv->kv_heads;
    spec[K_QKV_HEAD_DIM] = kv->head_dim;
    spec[K_QKV_ROT] = a->rope.rot;
    spec[K_QKV_NEOX] = a->rope.neox;
    o.op.pipe.n_spec = K_QKV_SPECS;
    k_reads(&o, a->norm_w, 4ull * a->q.k);
    k_reads(&o, a->norm_b, 4ull * a->q.k);
    k_reads_weight(&o, &a->q);
    k_reads_weight(&o, &a->k);
    k_reads_weight(&o, &a->v);
    k_reads(&o, a->bq, 4ull * a->q.n);
    k_reads(&o, a->bk, 4ull * a->k.n);
    k_reads(&o, a->bv, 4ull * a->v.n);
    k_reads(&o, a->rope.rot ? a->rope.table : 0, a->rope.table_bytes);
    k_reads(&o, a->steps.addr, K_STEP_BYTES + sizeof(struct k_row) * (uint64_t)a->b);
    k_reads(&o, kv->pages, 8ull * kv->slots * kv->max_pages);
    k_writes(&o, a->out, 4ull * a->q.n * a->b);
    k_writes(&o, kv->pool, kv->pool_bytes);
    return k_op_add(p, &o);
}
