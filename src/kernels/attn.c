#include <inttypes.h>

#include "kernels/op.h"

/* Query heads a workgroup: as many as share a KV head, at most `most`, dividing them evenly. */
static uint32_t group_of(uint32_t share, uint32_t most)
{
    uint32_t group = share < most ? share : most;
    while (share % group)
        group--;
    return group;
}

enum status k_attn(struct plan *p, const struct k_attn_args *a)
{
    enum { MOST_HEADS = 8, LITTLE_SHARED = 32 * 1024 };
    const struct k_kv *kv = &a->kv;
    struct k_attn_push push = {
        .q = a->q,
        .pages = kv->pages,
        .step = a->steps.addr,
        .dst = a->out,
        .counter = a->counter,
        .kv_offset = kv->offset,
        .max_pages = kv->max_pages,
        .splits = a->splits,
        .scale = a->scale,
    };
    TRY(k_kv_check("attn", kv));
    if (!a->splits || a->splits > kv->max_pages)
        return status_fail(ERR, "attn: %" PRIu32 " chunks of a table of %" PRIu32 " pages",
                           a->splits, kv->max_pages);
    /* On a device with little shared memory a checker's shadow of it must fit beside. */
    bool little = gpu_get_info(plan_gpu(p))->shared_bytes <= LITTLE_SHARED;
    uint32_t group = group_of(kv->heads / kv->kv_heads, little ? MOST_HEADS / 2 : MOST_HEADS);
    uint64_t part_bytes = 0;
    if (a->splits > 1) {
        part_bytes = 4ull * (kv->head_dim + 2) * kv->heads * a->splits * a->b;
        TRY(plan_scratch(p, part_bytes, "attention parts", &push.part));
    }
    struct k_op o;
    k_op_begin(&o, "attn", "attn", &push, sizeof push, 6);
    uint32_t subgroup = k_subgroup(plan_gpu(p), "attn");
    o.op.pipe.subgroup = subgroup > 1 ? subgroup : 0;
    uint32_t *spec = o.op.pipe.spec;
    spec[K_ATTN_SUBGROUP] = subgroup;
    spec[K_ATTN_HEADS] = kv->heads;
    spec[K_ATTN_KV_HEADS] = kv->kv_heads;
    spec[K_ATTN_HEAD_DIM] = kv->head_dim;
    spec[K_ATTN_GROUP] = group;
    o.op.pipe.n_spec = K_ATTN_SPECS;
    o.op.groups[0] = a->splits;
    o.op.groups[1] = kv->heads / group;
    o.op.groups[2] = a->b;
    uint64_t row = 4ull * kv->heads * kv->head_dim;
    k_reads(&o, a->q, row * a->b);
    k_reads(&o, a->steps.addr, K_STEP_BYTES + sizeof(struct k_row) * (uint64_t)a->b);
    k_reads(&o, kv->pages, 8ull * kv->slots * kv->max_pages);
    k_reads(&o, kv->pool, kv->pool_bytes);
    k_writes(&o, a->out, row * a->b);
    k_writes(&o, push.part, part_bytes);
    k_writes(&o, a->counter, 4ull * kv->heads * a->b);
    return k_op_add(p, &o);
}
