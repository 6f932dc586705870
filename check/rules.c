/* References of rules, logprob and probs: k_rules_push, k_logprob_push, k_probs_push. The first two
 * are in f32 alone, and agree in every bit: what is allowed hangs on a comparison of sums. */
#include <math.h>

#include "base/mem.h"
#include "bits/bits.h"
#include "kernels/params.h"
#include "refs.h"

static const float never = -1e30f;

static float logit(float l)
{
    if (fabsf(l) < FLT_MIN)
        return 0;
    return l >= never ? fminf(l, 1e30f) : never;
}

/* What is taken away, by the rules as openai-whisper writes them. */
struct grammar {
    const struct k_speech *s;
    const uint32_t *chosen;
    uint32_t n;
    const uint32_t *mask;
};

static bool is_time(const struct grammar *g, uint32_t i)
{
    return g->chosen[i] >= g->s->time_0;
}

static bool times_allow(const struct grammar *g, uint32_t id)
{
    const struct k_speech *s = g->s;
    bool last_was = g->n >= 1 && is_time(g, g->n - 1);
    bool one_before_was = g->n < 2 || is_time(g, g->n - 2);
    if (id == s->no_times)
        return false;
    if (last_was && one_before_was && id >= s->time_0)
        return false;
    if (last_was && !one_before_was && id < s->end)
        return false;
    for (uint32_t i = g->n; i-- > 0;) {
        if (!is_time(g, i))
            continue;
        uint32_t least = g->chosen[i] + (last_was && !one_before_was ? 0 : 1);
        if (id >= s->time_0 && id < least)
            return false;
        break;
    }
    return g->n || (id >= s->time_0 && id <= s->time_0 + s->latest);
}

static bool allows(const struct grammar *g, uint32_t id)
{
    if (g->mask && (g->mask[id / 32] >> id % 32 & 1))
        return false;
    for (uint32_t i = 0; !g->n && i < g->s->n_first && i < 3; i++) {
        if (g->s->not_first[i] == id)
            return false;
    }
    return !g->s->timed || times_allow(g, id);
}

/* Maximum and sum of e^(l - maximum) over ids from .. to - 1 that are above `never`. */
static float sum_over(const float *l, uint32_t from, uint32_t to, float *top)
{
    float lane[256] = {0};
    *top = -INFINITY;
    for (uint32_t id = from; id < to; id++) {
        if (l[id] != never)
            *top = fmaxf(*top, l[id]);
    }
    for (uint32_t id = from; id < to; id++) {
        if (l[id] != never)
            lane[id % 256] += m_exp(l[id] - *top);
    }
    return bits_tree(lane, 256);
}

static enum status rule_row(struct check_mem *mem, const struct k_rules_push *p, uint32_t j,
                            const struct k_row *row, const struct k_seq *q)
{
    enum status s = OK;
    uint64_t at = p->logits + 4ull * j * p->vocab;
    const struct k_speech *speech;
    CHECK_IN(speech, mem, p->speech + (uint64_t)K_SPEECH_BYTES * row->slot, sizeof *speech);
    struct grammar g = {.s = speech};
    if (row->pos + 1 > speech->begin) {
        g.n = row->pos + 1 - speech->begin;
        CHECK_IN(g.chosen, mem, q->history + 4ull * speech->begin, 4ull * g.n);
    }
    if (speech->never)
        CHECK_IN(g.mask, mem, speech->never, (p->vocab + 31) / 32 * 4ull);
    float *l = mem_calloc(p->vocab, sizeof *l);
    if (!l)
        return ERR_MEMORY;
    for (uint32_t id = 0; id < p->vocab; id++) {
        l[id] = logit(check_in_f32(mem, at + 4ull * id));
        if (!allows(&g, id))
            l[id] = never;
    }
    uint32_t time_0 = speech->time_0 < p->vocab ? speech->time_0 : p->vocab;
    float text, time, text_sum = sum_over(l, 0, time_0, &text);
    float time_sum = sum_over(l, time_0, p->vocab, &time);
    bool times = isinf(text) || (speech->timed && !isinf(time) && time_sum > m_exp(text - time));
    for (uint32_t id = 0; times && id < time_0; id++)
        l[id] = never;
    for (uint32_t id = 0; id < p->vocab; id++)
        check_out_u32(mem, at + 4ull * id, m_bits(l[id]));
    float top = times ? time : fmaxf(text, time), sum = 0;
    if (!times)
        sum = text_sum * m_exp(text - top);
    if (!isinf(time))
        sum = m_fma(time_sum, m_exp(time - top), sum);
    struct k_note note = {row->slot, q->n_made, row->next, top + m_log(sum)};
    check_out_bytes(mem, p->notes + 16ull * j, &note, sizeof note);
    mem_free(l);
    return s;
}

enum status check_rules(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_rules_push *p = op->push;
    for (uint32_t j = 0; j < op->groups[0]; j++) {
        const struct k_step *step;
        const struct k_row *row = NULL;
        const struct k_seq *q = NULL;
        CHECK_IN(step, mem, p->step, K_STEP_BYTES);
        if (j < step->n_out)
            CHECK_IN(row, mem, p->step + K_STEP_BYTES + 16ull * step->out_row[j], sizeof *row);
        if (row && row->slot != K_NO_SLOT)
            CHECK_IN(q, mem, p->seqs + (uint64_t)K_SEQ_BYTES * row->slot, K_SEQ_BYTES);
        if (q && q->done == K_RUNNING) {
            TRY(rule_row(mem, p, j, row, q));
        } else {
            struct k_note none = {.slot = K_NO_SLOT};
            check_out_bytes(mem, p->notes + 16ull * j, &none, sizeof none);
        }
    }
    return OK;
}

enum status check_logprob(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_logprob_push *p = op->push;
    for (uint32_t j = 0; j < p->rows; j++) {
        const struct k_note *note;
        const struct k_row *row;
        const struct k_seq *q;
        const struct k_speech *speech;
        CHECK_IN(note, mem, p->notes + 16ull * j, sizeof *note);
        if (note->slot == K_NO_SLOT)
            continue;
        CHECK_IN(row, mem, p->next + K_STEP_BYTES + 16ull * note->next, sizeof *row);
        CHECK_IN(q, mem, p->seqs + (uint64_t)K_SEQ_BYTES * note->slot, K_SEQ_BYTES);
        CHECK_IN(speech, mem, p->speech + (uint64_t)K_SPEECH_BYTES * note->slot, sizeof *speech);
        uint32_t id = row->token < p->vocab ? row->token : p->vocab - 1;
        float l = logit(check_in_f32(mem, p->logits + 4 * ((uint64_t)j * p->vocab + id)));
        if (q->ring_size)
            check_out_u32(mem, speech->logprobs + 4ull * (note->made % q->ring_size),
                          m_bits(l - note->log_sum));
    }
    return OK;
}

enum status check_probs(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_probs_push *p = op->push;
    for (uint32_t j = 0; j < op->groups[0]; j++) {
        const float *l;
        CHECK_IN(l, mem, p->logits + 4ull * j * p->vocab, 4ull * p->vocab);
        double top = -1e30, sum = 0;
        uint32_t first = p->ids ? check_in_u32(mem, p->ids + 4ull * j) : p->first;
        for (uint32_t id = p->from; id < p->to; id++)
            top = fmax(top, (double)logit(l[id]));
        for (uint32_t id = p->from; id < p->to; id++)
            sum += exp((double)logit(l[id]) - top);
        for (uint32_t i = 0; i < p->count; i++) {
            uint32_t id = first + i;
            double v = 0;
            if (id >= p->from && id < p->to)
                v = exp((double)logit(l[id]) - top) / sum;
            /* e^x may be 0 below the normal numbers. */
            check_out_f32(mem, p->dst + 4 * ((uint64_t)j * p->count + i), v, hypot(v, 0x1p-100));
        }
    }
    return OK;
}
