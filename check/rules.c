/* References of rules, logprob and probs: k_rules_push, k_logprob_push, k_probs_push. The first two
 * are in f32 alone, and agree in every bit: what is allowed hangs on a comparison of sums. */
#include <math.h>

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

/* Of one kind of id in a slice, or in all: the largest logit, and the sum of e^(l - largest). */
struct share {
    float top, sum;
};

/* Over ids from .. to - 1 that are above `never`; l: those from `first` on. */
static struct share share_of(const float *l, uint32_t first, uint32_t from, uint32_t to)
{
    float lane[256] = {0};
    struct share s = {.top = -INFINITY};
    for (uint32_t id = from; id < to; id++) {
        if (l[id - first] != never)
            s.top = fmaxf(s.top, l[id - first]);
    }
    for (uint32_t id = from; id < to; id++) {
        if (l[id - first] != never)
            lane[(id - first) % 256] += m_exp(l[id - first] - s.top);
    }
    s.sum = bits_tree(lane, 256);
    return s;
}

/* Over all slices: part[i][which] and part[i][which + 2]. */
static struct share share_of_all(const float (*part)[4], uint32_t slices, uint32_t which)
{
    float lane[256] = {0};
    struct share s = {.top = -INFINITY};
    for (uint32_t i = 0; i < slices; i++)
        s.top = fmaxf(s.top, part[i][which]);
    for (uint32_t i = 0; i < slices; i++) {
        if (!isinf(part[i][which]))
            lane[i % 256] += part[i][which + 2] * m_exp(part[i][which] - s.top);
    }
    s.sum = bits_tree(lane, 256);
    return s;
}

/* One out row that something is to be chosen for. */
struct rule_row {
    const struct k_row *row;
    const struct k_seq *q;
    const struct k_speech *speech;
    uint64_t logits, part, note;
    uint32_t time_0; /* at most vocab */
};

static enum status filter_row(struct check_mem *mem, const struct k_rules_push *p,
                              const struct rule_row *r)
{
    struct grammar g = {.s = r->speech};
    if (r->row->pos + 1 > r->speech->begin) {
        g.n = r->row->pos + 1 - r->speech->begin;
        CHECK_IN(g.chosen, mem, r->q->history + 4ull * r->speech->begin, 4ull * g.n);
    }
    if (r->speech->never)
        CHECK_IN(g.mask, mem, r->speech->never, (p->vocab + 31) / 32 * 4ull);
    for (uint32_t i = 0; i < p->slices; i++) {
        float l[K_RULES_SLICE];
        uint32_t from = i * K_RULES_SLICE, to = from + K_RULES_SLICE;
        to = to < p->vocab ? to : p->vocab;
        for (uint32_t id = from; id < to; id++) {
            l[id - from] = logit(check_in_f32(mem, r->logits + 4ull * id));
            if (!allows(&g, id))
                l[id - from] = never;
            check_out_u32(mem, r->logits + 4ull * id, m_bits(l[id - from]));
        }
        uint32_t mid = r->time_0 < from ? from : r->time_0 < to ? r->time_0 : to;
        struct share text = share_of(l, from, from, mid), time = share_of(l, from, mid, to);
        float part[4] = {text.top, time.top, text.sum, time.sum};
        check_out_bytes(mem, r->part + 16ull * i, part, sizeof part);
    }
    return OK;
}

static enum status judge_row(struct check_mem *mem, const struct k_rules_push *p,
                             const struct rule_row *r)
{
    const float(*part)[4];
    CHECK_IN(part, mem, r->part, 16ull * p->slices);
    struct share text = share_of_all(part, p->slices, 0), time = share_of_all(part, p->slices, 1);
    bool times = isinf(text.top) ||
                 (r->speech->timed && !isinf(time.top) && time.sum > m_exp(text.top - time.top));
    for (uint32_t id = 0; times && id < r->time_0; id++)
        check_out_u32(mem, r->logits + 4ull * id, m_bits(never));
    float top = times ? time.top : fmaxf(text.top, time.top), sum = 0;
    if (!times)
        sum = text.sum * m_exp(text.top - top);
    if (!isinf(time.top))
        sum = m_fma(time.sum, m_exp(time.top - top), sum);
    struct k_note note = {r->row->slot, r->q->n_made, r->row->next, top + m_log(sum)};
    check_out_bytes(mem, r->note, &note, sizeof note);
    return OK;
}

enum status check_rules(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_rules_push *p = op->push;
    bool judge = op->pipe.spec[K_RULES_JUDGE];
    for (uint32_t j = 0; j < op->groups[1]; j++) {
        const struct k_step *step;
        struct rule_row r = {.logits = p->logits + 4ull * j * p->vocab,
                             .part = p->part + 16ull * j * p->slices,
                             .note = p->notes + 16ull * j};
        CHECK_IN(step, mem, p->step, K_STEP_BYTES);
        if (j < step->n_out)
            CHECK_IN(r.row, mem, p->step + K_STEP_BYTES + 16ull * step->out_row[j], sizeof *r.row);
        if (r.row && r.row->slot != K_NO_SLOT)
            CHECK_IN(r.q, mem, p->seqs + (uint64_t)K_SEQ_BYTES * r.row->slot, K_SEQ_BYTES);
        if (r.q && r.q->done == K_RUNNING) {
            CHECK_IN(r.speech, mem, p->speech + (uint64_t)K_SPEECH_BYTES * r.row->slot,
                     sizeof *r.speech);
            r.time_0 = r.speech->time_0 < p->vocab ? r.speech->time_0 : p->vocab;
            TRY(judge ? judge_row(mem, p, &r) : filter_row(mem, p, &r));
        } else if (judge) {
            struct k_note none = {.slot = K_NO_SLOT};
            check_out_bytes(mem, r.note, &none, sizeof none);
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
