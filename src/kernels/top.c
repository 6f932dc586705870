#include <inttypes.h>

#include "kernels/op.h"

_Static_assert(sizeof(struct k_candidate) == 8, "top.comp");

static enum status add(struct plan *p, const struct k_top_args *a, const struct k_top_push *push,
                       bool merge)
{
    struct k_op o;
    k_op_begin(&o, "top", "top", push, sizeof *push, 4);
    o.op.pipe.spec[K_TOP_SUBGROUP] = k_subgroup(plan_gpu(p), "top");
    o.op.pipe.spec[K_TOP_MERGE] = merge;
    o.op.pipe.n_spec = K_TOP_SPECS;
    o.op.groups[0] = merge ? 1 : push->slices;
    o.op.groups[1] = a->b;
    uint64_t part_bytes = 8ull * a->b * push->slices * a->count;
    k_reads(&o, a->notes, sizeof(struct k_note) * a->b);
    if (merge) {
        k_reads(&o, push->part, part_bytes);
        k_writes(&o, a->out, 8ull * a->b * a->count);
    } else {
        k_reads(&o, a->logits, 4ull * a->b * a->vocab);
        k_writes(&o, push->part, part_bytes);
    }
    return k_op_add(p, &o);
}

enum status k_top(struct plan *p, const struct k_top_args *a)
{
    if (!a->b || a->b > K_MAX_OUT || !a->vocab || a->vocab > 65536 || !a->count ||
        a->count > K_TOP_MOST)
        return status_fail(ERR_MODEL,
                           "top: %" PRIu32 " of %" PRIu32 " in %" PRIu32
                           " rows: must be 1 to %u of at most 65536 in 1 to %u",
                           a->count, a->vocab, a->b, K_TOP_MOST, K_MAX_OUT);
    struct k_top_push push = {
        .logits = a->logits,
        .notes = a->notes,
        .dst = a->out,
        .vocab = a->vocab,
        .slices = (uint32_t)div_up(a->vocab, K_TOP_SLICE),
        .count = a->count,
    };
    TRY(plan_scratch(p, 8ull * a->b * push.slices * a->count, "candidates", &push.part));
    TRY(add(p, a, &push, false));
    return add(p, a, &push, true);
}
