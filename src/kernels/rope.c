#include "kernels/op.h"

#include <inttypes.h>

enum status k_rope_append(struct plan *p, const struct k_rope_args *a)
{
    const struct k_kv *kv = &a->kv;
    TRY(k_kv_check("rope", kv));
    TRY(k_rope_check("rope", &a->rope, kv->head_dim));
    if (!a->m || a->m > 65535)
        return status_fail(ERR_MODEL, "rope: %" PRIu32 " rows: must be 1 to 65535", a->m);
    if (!a->q && a->rope.rot)
        return status_fail(ERR_MODEL, "rope: no q to rotate");

    struct k_rope_push push = {
        .q = a->q,
        .k = a->k,
        .v = a->v,
        .rope = a->rope.table,
        .step = a->steps.addr,
        .pages = kv->pages,
        .kv_offset = kv->offset,
        .max_pages = kv->max_pages,
    };
    struct k_op o;
    k_op_begin(&o, "rope", "rope", &push, sizeof push, 6);
    o.op.pipe.spec[K_ROPE_HEADS] = kv->heads;
    o.op.pipe.spec[K_ROPE_KV_HEADS] = kv->kv_heads;
    o.op.pipe.spec[K_ROPE_HEAD_DIM] = kv->head_dim;
    o.op.pipe.spec[K_ROPE_ROT] = a->rope.rot;
    o.op.pipe.spec[K_ROPE_NEOX] = a->rope.neox;
    o.op.pipe.n_spec = K_ROPE_SPECS;
    o.op.groups[0] = a->m;

    uint64_t row = (uint64_t)kv->head_dim * sizeof(float);
    k_reads(&o, a->q, a->m * kv->heads * row);
    k_reads(&o, a->k, a->m * kv->kv_heads * row);
    k_reads(&o, a->v, a->m * kv->kv_heads * row);
    k_reads(&o, a->rope.rot ? a->rope.table : 0, a->rope.table_bytes);
    k_reads(&o, a->steps.addr, K_STEP_BYTES + (uint64_t)a->m * sizeof(struct k_row));
    k_reads(&o, kv->pages, (uint64_t)kv->slots * kv->max_pages * sizeof(uint64_t));
    k_writes(&o, a->q, a->m * kv->heads * row);
    k_writes(&o, kv->pool, kv->pool_bytes);
    return k_op_add(p, &o);
}
