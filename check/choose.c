#include "choose.h"

#include <stdlib.h>

#include "base/mem.h"
#include "exact.h"

enum { ID_BITS = 19 };

static uint32_t clean(float f)
{
    uint32_t bits = m_bits(f), size = bits & 0x7fffffffu, huge = m_bits(1e30f);
    if (size < 0x00800000u)
        return 0;
    if (size > 0x7f800000u)
        return m_bits(-1e30f);
    return (bits & 0x80000000u) | (size < huge ? size : huge);
}

enum status check_penalise(float *logits, uint32_t vocab, const struct k_seq *q,
                           const uint32_t *bias, const uint32_t *history, uint32_t n_history)
{
    for (uint32_t i = 0; i < q->n_bias; i++) {
        uint32_t id = bias[2 * i];
        if (id < vocab)
            logits[id] = m_float(clean(m_float(clean(logits[id])) + m_float(bias[2 * i + 1])));
    }
    if (n_history == 0 || (q->repeat == 1.0f && q->presence == 0.0f && q->frequency == 0.0f))
        return OK;
    uint32_t *count = mem_calloc(vocab, sizeof *count);
    if (!count)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < n_history; i++) {
        if (history[i] < vocab)
            count[history[i]]++;
    }
    for (uint32_t i = 0; i < vocab; i++) {
        if (!count[i])
            continue;
        float l = m_float(clean(logits[i]));
        l = m_float(clean(l > 0.0f ? m_div(l, q->repeat) : l * q->repeat));
        float off = (float)count[i] * q->frequency;
        logits[i] = m_float(clean(l - (off + q->presence)));
    }
    mem_free(count);
    return OK;
}

static uint64_t rank_of(uint32_t bits, uint32_t id)
{
    uint32_t key = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return (uint64_t)key << ID_BITS | ((1u << ID_BITS) - 1 - id);
}

static uint32_t id_of(uint64_t rank)
{
    return (1u << ID_BITS) - 1 - ((uint32_t)rank & ((1u << ID_BITS) - 1));
}

static int best_first(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* floor(2^38 x), 0 <= x <= 1. */
static uint64_t fixed38(float x)
{
    return (uint64_t)ldexp((double)fminf(x, 1.0f), 38);
}

static uint64_t mul_high(uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t mid = a1 * b0 + (a0 * b0 >> 32);
    uint64_t low = a0 * b1 + (uint32_t)mid;
    return a1 * b1 + (mid >> 32) + (low >> 32);
}

uint64_t check_random(uint32_t k0, uint32_t k1, uint32_t counter)
{
    uint32_t c[4] = {counter, 0, 0, 0};
    for (int i = 0; i < 10; i++) {
        uint64_t m0 = 0xd2511f53ull * c[0], m1 = 0xcd9e8d57ull * c[2];
        uint32_t n[4] = {(uint32_t)(m1 >> 32) ^ c[1] ^ k0, (uint32_t)m1,
                         (uint32_t)(m0 >> 32) ^ c[3] ^ k1, (uint32_t)m0};
        memcpy(c, n, sizeof c);
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    return c[0] | (uint64_t)c[1] << 32;
}

/* The smallest whole number that is at least top_p * total, but 1 at least; f = top_p in units of
 * 2^-32. */
static uint64_t mass_needed(float top_p, uint64_t total)
{
    if (!(top_p > 0.0f))
        return 1;
    uint64_t f = (uint64_t)((double)top_p * 4294967296.0);
    uint64_t high = mul_high(total, f << 32), low = total * f << 32;
    uint64_t need = high + (low != 0);
    return need ? need : 1;
}

static uint32_t draw(const uint64_t *ranks, const float *logits, uint32_t vocab,
                     const struct k_seq *q)
{
    float largest = m_float(clean(logits[id_of(ranks[0])]));
    float inverse = m_rcp(fminf(fmaxf(q->temp, 1e-6f), 1e6f));
    float min_p = q->min_p > 0.0f ? fminf(q->min_p, 1.0f) : 0.0f;
#define BELOW(i) (largest - m_float(clean(logits[id_of(ranks[i])])))

    uint32_t n = vocab;
    if (q->top_k > 0 && q->top_k < n)
        n = q->top_k;
    if (q->top_p < 1.0f) {
        uint64_t total = 0, sum = 0;
        for (uint32_t i = 0; i < n; i++)
            total += fixed38(m_exp(-BELOW(i)));
        uint64_t need = mass_needed(q->top_p, total);
        for (uint32_t i = 0; i < n && sum < need; i++) {
            sum += fixed38(m_exp(-BELOW(i)));
            if (sum >= need)
                n = i + 1;
        }
    }
    uint64_t total = 0, sum = 0;
    for (int pass = 0; pass < 2; pass++) {
        uint64_t target =
            pass ? mul_high(check_random(q->seed_lo, q->seed_hi, q->n_made), total) : 0;
        for (uint32_t i = 0; i < n; i++) {
            float d = BELOW(i);
            uint64_t t = m_exp(-d) < min_p ? 0 : fixed38(m_exp(-(d * inverse)));
            if (!pass)
                total += t;
            else if ((sum += t) > target)
                return id_of(ranks[i]);
        }
    }
    return id_of(ranks[0]); /* not reached: the sum is total, and total > target */
#undef BELOW
}

enum status check_choose(const float *logits, uint32_t vocab, const struct k_seq *q, bool greedy,
                         uint32_t *id)
{
    uint64_t *ranks = mem_calloc(vocab, sizeof *ranks);
    if (!ranks)
        return ERR_MEMORY;
    uint64_t best = 0;
    for (uint32_t i = 0; i < vocab; i++) {
        ranks[i] = rank_of(clean(logits[i]), i);
        best = ranks[i] > best ? ranks[i] : best;
    }
    *id = id_of(best);
    if (!greedy && q->temp > 0.0f) {
        qsort(ranks, vocab, sizeof *ranks, best_first);
        *id = draw(ranks, logits, vocab, q);
    }
    mem_free(ranks);
    return OK;
}

uint32_t check_done(const struct k_seq *q, uint32_t pos, uint32_t id)
{
    for (uint32_t i = 0; i < q->n_eog && i < K_MAX_EOG; i++) {
        if (q->eog[i] == id)
            return K_DONE_EOG;
    }
    if (q->n_left <= 1)
        return K_DONE_LENGTH;
    return pos + 1 >= q->n_ctx ? K_DONE_CONTEXT : K_RUNNING;
}
