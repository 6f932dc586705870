#include "kernels/op.h"

#include <inttypes.h>

_Static_assert(sizeof(struct k_speech) == K_SPEECH_BYTES, "params.h");
_Static_assert(sizeof(struct k_note) == 16, "lib/speech.glsl");

static uint64_t steps_bytes(const struct k_steps *s)
{
    return K_STEP_BYTES + (uint64_t)s->rows * sizeof(struct k_row);
}

static enum status rules(struct plan *p, const struct k_speech_args *a,
                         const struct k_rules_push *push, bool judge)
{
    const struct k_sample_args *s = a->sample;
    struct k_op o;
    k_op_begin(&o, "rules", "rules", push, sizeof *push, 6);
    o.op.pipe.spec[K_RULES_SUBGROUP] = k_subgroup(plan_gpu(p), "rules");
    o.op.pipe.spec[K_RULES_JUDGE] = judge;
    o.op.pipe.n_spec = K_RULES_SPECS;
    o.op.groups[0] = push->slices;
    o.op.groups[1] = s->b;
    uint64_t logits_bytes = 4ull * s->b * s->vocab, part_bytes = 16ull * s->b * push->slices;
    k_reads(&o, s->steps.addr, steps_bytes(&s->steps));
    k_reads(&o, s->seqs, (uint64_t)K_SEQ_BYTES * s->slots);
    k_reads(&o, a->speech, (uint64_t)K_SPEECH_BYTES * s->slots);
    k_writes(&o, s->logits, logits_bytes);
    if (judge) {
        k_reads(&o, push->part, part_bytes);
        k_writes(&o, a->notes, sizeof(struct k_note) * s->b);
    } else {
        k_reads(&o, s->logits, logits_bytes);
        k_reads(&o, s->history, s->history_bytes);
        k_reads(&o, a->never, a->never_bytes);
        k_writes(&o, push->part, part_bytes);
    }
    return k_op_add(p, &o);
}

enum status k_rules(struct plan *p, const struct k_speech_args *a)
{
    const struct k_sample_args *s = a->sample;
    struct k_rules_push push = {
        .logits = s->logits,
        .step = s->steps.addr,
        .seqs = s->seqs,
        .speech = a->speech,
        .notes = a->notes,
        .vocab = s->vocab,
        .slices = (uint32_t)div_up(s->vocab, K_RULES_SLICE),
    };
    if (!s->b || s->b > K_MAX_OUT)
        return status_fail(ERR_MODEL, "rules: %" PRIu32 " rows: must be 1 to %u", s->b, K_MAX_OUT);
    TRY(plan_scratch(p, 16ull * s->b * push.slices, "slices", &push.part));
    TRY(rules(p, a, &push, false));
    return rules(p, a, &push, true);
}

static enum status logprobs(struct plan *p, const struct k_speech_args *a)
{
    const struct k_sample_args *s = a->sample;
    const struct k_steps *next = s->next.addr ? &s->next : &s->steps;
    struct k_logprob_push push = {
        .logits = s->logits,
        .next = next->addr,
        .seqs = s->seqs,
        .speech = a->speech,
        .notes = a->notes,
        .vocab = s->vocab,
        .rows = s->b,
    };
    struct k_op o;
    k_op_begin(&o, "logprob", "logprob", &push, sizeof push, 5);
    k_reads(&o, s->logits, 4ull * s->b * s->vocab);
    k_reads(&o, next->addr, steps_bytes(next));
    k_reads(&o, s->seqs, (uint64_t)K_SEQ_BYTES * s->slots);
    k_reads(&o, a->speech, (uint64_t)K_SPEECH_BYTES * s->slots);
    k_reads(&o, a->notes, sizeof(struct k_note) * s->b);
    k_writes(&o, a->logprobs, a->logprobs_bytes);
    return k_op_add(p, &o);
}

enum status k_speech_sample(struct plan *p, const struct k_speech_args *a)
{
    TRY(k_rules(p, a));
    TRY(k_sample(p, a->sample));
    return logprobs(p, a);
}

enum status k_probs(struct plan *p, const struct k_probs_args *a)
{
    if (!a->rows || a->rows > 65535 || a->from >= a->to || a->to > a->vocab || !a->count)
        return status_fail(ERR_MODEL,
                           "probs: %" PRIu32 " of ids %" PRIu32 " to %" PRIu32 " of %" PRIu32
                           " in %" PRIu32 " rows",
                           a->count, a->from, a->to, a->vocab, a->rows);
    struct k_probs_push push = {
        .logits = a->logits,
        .dst = a->out,
        .ids = a->ids,
        .vocab = a->vocab,
        .from = a->from,
        .to = a->to,
        .first = a->first,
        .count = a->count,
    };
    struct k_op o;
    k_op_begin(&o, "probs", "probs", &push, sizeof push, 3);
    uint32_t subgroup = k_subgroup(plan_gpu(p), "probs");
    o.op.pipe.spec[K_PROBS_SUBGROUP] = subgroup;
    o.op.pipe.n_spec = K_PROBS_SPECS;
    o.op.groups[0] = a->rows;
    k_reads(&o, a->logits, 4ull * a->rows * a->vocab);
    k_reads(&o, a->ids, 4ull * a->rows);
    k_writes(&o, a->out, 4ull * a->rows * a->count);
    return k_op_add(p, &o);
}
