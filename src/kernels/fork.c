#include <inttypes.h>

#include "kernels/op.h"

_Static_assert(sizeof(struct k_fork) == 16, "params.h");

enum status k_fork(struct plan *p, const struct k_fork_args *a)
{
    const struct k_kv *kv = &a->kv;
    TRY(k_kv_check("fork", kv));
    if (!a->most || a->most > 16 || !a->layers || a->layers > 65535 / 2)
        return status_fail(ERR_MODEL,
                           "fork: %" PRIu32 " copies of %" PRIu32
                           " layers: must be 1 to 16 of 1 to 32767",
                           a->most, a->layers);
    struct k_fork_push push = {
        .forks = a->forks,
        .pages = kv->pages,
        .seqs = a->seqs,
        .max_pages = kv->max_pages,
    };
    struct k_op o;
    k_op_begin(&o, "fork", "fork", &push, sizeof push, 3);
    o.op.pipe.spec[K_FORK_KV_HEADS] = kv->kv_heads;
    o.op.pipe.spec[K_FORK_HEAD_DIM] = kv->head_dim;
    o.op.pipe.n_spec = K_FORK_SPECS;
    o.op.groups[0] = kv->max_pages;
    o.op.groups[1] = 2 * a->layers;
    o.op.groups[2] = a->most;
    k_reads(&o, a->forks, K_FORKS_HEAD + sizeof(struct k_fork) * a->most);
    k_reads(&o, kv->pages, 8ull * kv->slots * kv->max_pages);
    k_reads(&o, a->seqs, (uint64_t)K_SEQ_BYTES * kv->slots);
    k_reads(&o, kv->pool, kv->pool_bytes);
    k_reads(&o, a->history, a->history_bytes);
    k_writes(&o, kv->pool, kv->pool_bytes);
    k_writes(&o, a->history, a->history_bytes);
    return k_op_add(p, &o);
}
