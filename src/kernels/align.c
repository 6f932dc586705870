#include <inttypes.h>

#include "kernels/op.h"

_Static_assert(sizeof(struct k_align) == K_ALIGN_BYTES, "params.h");

enum status k_align_weights(struct plan *p, const struct k_align_weights_args *a)
{
    const struct k_kv *kv = &a->kv;
    TRY(k_kv_check("align", kv));
    if (!a->n || !a->rows || a->rows > 65535 || kv->heads != kv->kv_heads || !a->places ||
        !a->seen || a->seen > kv->max_pages * K_PAGE_TOKENS)
        return status_fail(
            ERR_MODEL,
            "align: %" PRIu32 " heads of %" PRIu32 " (%" PRIu32 " of keys) in %" PRIu32
            " rows, %" PRIu32 " frames in %" PRIu32 " pages, %" PRIu32 " tokens",
            a->n, kv->heads, kv->kv_heads, a->rows, a->seen, kv->max_pages, a->places);
    struct k_align_weights_push push = {
        .q = a->q,
        .pages = kv->pages,
        .step = a->steps.addr,
        .heads = a->heads,
        .align = a->align,
        .dst = a->x,
        .kv_offset = kv->offset,
        .max_pages = kv->max_pages,
        .first = a->first,
        .places = a->places,
        .scale = a->scale,
    };
    struct k_op o;
    k_op_begin(&o, "align_weights", "align_weights", &push, sizeof push, 6);
    o.op.pipe.spec[K_ALIGN_WEIGHTS_SUBGROUP] = k_subgroup(plan_gpu(p), "align_weights");
    o.op.pipe.spec[K_ALIGN_WEIGHTS_HEADS] = kv->heads;
    o.op.pipe.spec[K_ALIGN_WEIGHTS_HEAD_DIM] = kv->head_dim;
    o.op.pipe.spec[K_ALIGN_WEIGHTS_SEEN] = a->seen;
    o.op.pipe.n_spec = K_ALIGN_WEIGHTS_SPECS;
    o.op.groups[0] = a->n;
    o.op.groups[1] = a->rows;
    uint64_t head_bytes = 4ull * a->places * a->seen;
    k_reads(&o, a->q, 4ull * a->rows * kv->heads * kv->head_dim);
    k_reads(&o, kv->pages, 8ull * kv->slots * kv->max_pages);
    k_reads(&o, kv->pool, kv->pool_bytes);
    k_reads(&o, a->steps.addr, K_STEP_BYTES + sizeof(struct k_row) * (uint64_t)a->rows);
    k_reads(&o, a->heads, 4ull * (a->first + a->n));
    k_reads(&o, a->align, K_ALIGN_BYTES);
    k_writes(&o, a->x + head_bytes * a->first, head_bytes * a->n);
    return k_op_add(p, &o);
}

enum status k_align(struct plan *p, const struct k_align_args *a)
{
    if (!a->heads || a->heads > 65535 || !a->places || a->places > 65535 || !a->seen)
        return status_fail(ERR_MODEL,
                           "align: %" PRIu32 " heads, %" PRIu32 " tokens, %" PRIu32 " frames",
                           a->heads, a->places, a->seen);
    uint64_t row_bytes = 4ull * a->places * a->seen, bytes = row_bytes * a->heads;
    struct k_align_norm_push norm = {
        .align = a->align, .x = a->x, .places = a->places, .seen = a->seen};
    struct k_op o;
    k_op_begin(&o, "align_norm", "align_norm", &norm, sizeof norm, 2);
    o.op.groups[0] = (a->seen + K_GROUP - 1) / K_GROUP;
    o.op.groups[1] = a->heads;
    k_reads(&o, a->align, K_ALIGN_BYTES);
    k_reads(&o, a->x, bytes);
    k_writes(&o, a->x, bytes);
    TRY(k_op_add(p, &o));

    struct k_align_mean_push mean = {.align = a->align,
                                     .x = a->x,
                                     .dst = a->out,
                                     .heads = a->heads,
                                     .places = a->places,
                                     .seen = a->seen};
    k_op_begin(&o, "align_mean", "align_mean", &mean, sizeof mean, 3);
    o.op.groups[0] = (a->seen + K_GROUP - 1) / K_GROUP;
    o.op.groups[1] = a->places;
    k_reads(&o, a->align, K_ALIGN_BYTES);
    k_reads(&o, a->x, bytes);
    k_writes(&o, a->out, row_bytes);
    return k_op_add(p, &o);
}
