#include "kernels/op.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(sizeof(struct k_sample_part) == K_SAMPLE_PART_BYTES, "params.h");
_Static_assert(sizeof(struct k_seq) == K_SEQ_BYTES, "params.h");

static enum status check_args(const struct k_sample_args *a)
{
    if (!a->b || a->b > K_MAX_OUT)
        return status_fail(ERR_MODEL, "sample: %" PRIu32 " rows: must be 1 to %u", a->b, K_MAX_OUT);
    if (!a->vocab || a->vocab > K_SAMPLE_MAX_VOCAB)
        return status_fail(ERR_MODEL, "sample: a vocabulary of %" PRIu32 ": must be 1 to %u",
                           a->vocab, K_SAMPLE_MAX_VOCAB);
    return OK;
}

static uint64_t steps_bytes(const struct k_steps *s)
{
    return K_STEP_BYTES + (uint64_t)s->rows * sizeof(struct k_row);
}

static enum status add(struct plan *p, const struct k_sample_args *a, const char *module,
                       const struct k_sample_push *push)
{
    const struct k_steps *next = a->next.addr ? &a->next : &a->steps;
    uint64_t logits_bytes = (uint64_t)a->b * a->vocab * sizeof(float);
    uint64_t seqs_bytes = (uint64_t)a->slots * K_SEQ_BYTES;
    uint64_t counter_bytes = a->b * K_SAMPLE_COUNTERS * sizeof(uint32_t);
    bool prepares = strcmp(module, "sample_prepare") == 0;

    struct k_op o;
    k_op_begin(&o, "sample", module, push, sizeof *push, 6);
    uint32_t subgroup = k_subgroup(plan_gpu(p), module);
    o.op.pipe.subgroup = subgroup > 1 ? subgroup : 0;
    o.op.pipe.spec[K_SAMPLE_GREEDY] = a->greedy;
    o.op.pipe.n_spec = K_SAMPLE_SPECS;
    o.op.groups[0] = push->slices;
    o.op.groups[1] = a->b;
    k_reads(&o, a->logits, logits_bytes);
    k_reads(&o, a->steps.addr, steps_bytes(&a->steps));
    k_reads(&o, a->seqs, seqs_bytes);
    k_reads(&o, a->counter, counter_bytes);
    k_reads(&o, push->part, (uint64_t)a->b * push->part_bytes);
    if (prepares) {
        k_reads(&o, a->history, a->history_bytes);
        k_reads(&o, a->bias, a->bias_bytes);
        k_writes(&o, a->logits, logits_bytes);
    }
    k_writes(&o, a->counter, counter_bytes);
    k_writes(&o, push->part, (uint64_t)a->b * push->part_bytes);
    if (prepares || strcmp(module, "sample_pick") == 0) {
        k_writes(&o, next->addr, steps_bytes(next));
        k_writes(&o, a->seqs, seqs_bytes);
        k_writes(&o, a->ring, a->ring_bytes);
    }
    return k_op_add(p, &o);
}

enum status k_sample(struct plan *p, const struct k_sample_args *a)
{
    TRY(check_args(a));
    const struct k_steps *next = a->next.addr ? &a->next : &a->steps;
    struct k_sample_push push = {
        .logits = a->logits,
        .step = a->steps.addr,
        .next = next->addr,
        .seqs = a->seqs,
        .counter = a->counter,
        .vocab = a->vocab,
        .slices = (uint32_t)div_up(a->vocab, K_SAMPLE_SLICE),
        .next_rows = next->rows,
        .part_bytes = (uint32_t)align_up(K_SAMPLE_PART_BYTES + 4ull * a->vocab, 16),
    };
    TRY(plan_scratch(p, (uint64_t)a->b * push.part_bytes, "sample", &push.part));
    TRY(add(p, a, "sample_prepare", &push));
    if (!a->greedy) {
        TRY(add(p, a, "sample_count", &push));
        TRY(add(p, a, "sample_pick", &push));
    }
    return OK;
}
