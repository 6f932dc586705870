/* The sampler's reference against the textbook: doubles, sorted probabilities. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check/choose.h"

enum { MAX_VOCAB = 151936 };

static uint64_t random_state = 1;

static uint32_t random_u32(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) ^ (uint32_t)(random_state >> 20);
}

/* About normal, with this spread. */
static float random_logit(float spread)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += random_u32() / 4294967296.0;
    return (float)((sum - 6) * spread);
}

struct entry {
    double logit;
    uint32_t id;
};

static int by_logit(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->logit != y->logit)
        return x->logit < y->logit ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

/* p[id]: the probability of each token. */
static void textbook(const float *logits, uint32_t vocab, const struct k_seq *q, double *p)
{
    struct entry *e = calloc(vocab, sizeof *e);
    assert_non_null(e);
    for (uint32_t i = 0; i < vocab; i++)
        e[i] = (struct entry){logits[i], i};
    qsort(e, vocab, sizeof *e, by_logit);
    uint32_t n = q->top_k && q->top_k < vocab ? q->top_k : vocab;
    double sum = 0, cum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += exp(e[i].logit - e[0].logit);
    if (q->top_p < 1) {
        uint32_t kept = 0;
        while (kept < n && (kept == 0 || cum < (double)q->top_p))
            cum += exp(e[kept++].logit - e[0].logit) / sum;
        n = kept;
    }
    memset(p, 0, vocab * sizeof *p);
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || exp(e[i].logit - e[0].logit) >= (double)q->min_p)
            p[e[i].id] = exp((e[i].logit - e[0].logit) / (double)q->temp);
    }
    sum = 0;
    for (uint32_t i = 0; i < vocab; i++)
        sum += p[i];
    for (uint32_t i = 0; i < vocab; i++)
        p[i] /= sum;
    free(e);
}

static uint32_t choose(const float *logits, uint32_t vocab, const struct k_seq *q)
{
    uint32_t id = UINT32_MAX;
    assert_int_equal(check_choose(logits, vocab, q, false, &id), OK);
    assert_true(id < vocab);
    return id;
}

static const struct k_seq plain = {.temp = 1, .top_p = 1, .repeat = 1, .seed_lo = 42};

/* Chi-square of many draws; 40 tokens at most, so 80 is far out (p < 1e-4). */
static void draws_follow(struct k_seq q, uint32_t vocab, float spread)
{
    float logits[40];
    double p[40], count[40] = {0};
    for (uint32_t i = 0; i < vocab; i++)
        logits[i] = random_logit(spread);
    textbook(logits, vocab, &q, p);
    enum { DRAWS = 40000 };
    for (uint32_t i = 0; i < DRAWS; i++) {
        q.n_made = i;
        count[choose(logits, vocab, &q)]++;
    }
    double chi = 0, rare = 0, rare_count = 0;
    for (uint32_t i = 0; i < vocab; i++) {
        double expected = p[i] * DRAWS;
        if (p[i] == 0)
            assert_true(count[i] == 0);
        if (expected >= 5) {
            chi += (count[i] - expected) * (count[i] - expected) / expected;
        } else {
            rare += expected;
            rare_count += count[i];
        }
    }
    assert_true(rare_count <= 10 + 3 * rare);
    assert_true(chi < 80);
}

static void distribution(void **state)
{
    (void)state;
    struct k_seq q = plain;
    draws_follow(q, 1, 1);
    draws_follow(q, 2, 1);
    draws_follow(q, 40, 1);
    q.temp = 0.5f;
    draws_follow(q, 40, 2);
    q.temp = 2;
    draws_follow(q, 40, 4);
    q.temp = 0.8f, q.top_k = 20, q.top_p = 0.95f, q.min_p = 0.05f, q.seed_hi = 7;
    draws_follow(q, 40, 2);
    q.top_k = 0;
    draws_follow(q, 40, 2);
    q.top_p = 1;
    draws_follow(q, 40, 2);
}

/* Flat draws (temperature 1e6) from a small kept set see all of it, and nothing else. */
static void sets_are_equal(struct k_seq q, uint32_t vocab, float spread)
{
    float *logits = calloc(vocab, sizeof *logits);
    double *p = calloc(vocab, sizeof *p);
    bool *seen = calloc(vocab, sizeof *seen);
    for (uint32_t i = 0; i < vocab; i++)
        logits[i] = random_logit(spread);
    q.temp = 1e6f;
    textbook(logits, vocab, &q, p);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < vocab; i++)
        kept += p[i] > 0;
    for (uint32_t i = 0; i < 20 * kept; i++) {
        q.n_made = i;
        uint32_t id = choose(logits, vocab, &q);
        assert_true(p[id] > 0);
        seen[id] = true;
    }
    for (uint32_t i = 0; i < vocab; i++)
        assert_true(seen[i] == (p[i] > 0));
    free(logits);
    free(p);
    free(seen);
}

static void sets(void **state)
{
    (void)state;
    static const uint32_t vocabs[] = {1, 2, 40, 255, 256, 257};
    for (size_t i = 0; i < sizeof vocabs / sizeof *vocabs; i++) {
        struct k_seq q = plain;
        q.top_k = 10;
        sets_are_equal(q, vocabs[i], 2);
        q.top_k = 0, q.top_p = 0.6f;
        sets_are_equal(q, vocabs[i], 3);
        q.top_p = 1, q.min_p = 0.1f;
        sets_are_equal(q, vocabs[i], 2);
        q.top_k = 12, q.top_p = 0.7f, q.min_p = 0.02f;
        sets_are_equal(q, vocabs[i], 2);
        q.top_p = 0;
        sets_are_equal(q, vocabs[i], 2);
        q.top_p = 1, q.top_k = 0, q.min_p = 2;
        sets_are_equal(q, vocabs[i], 2);
    }
    struct k_seq q = plain;
    q.top_k = 3;
    sets_are_equal(q, MAX_VOCAB, 2);
}

static void greedy_and_odd_logits(void **state)
{
    (void)state;
    struct k_seq q = plain;
    q.temp = 0;
    float ties[] = {1, 3, -0.0f, 3, 2};
    assert_int_equal(choose(ties, 5, &q), 1);
    float zeros[] = {-1, -0.0f, 0.0f};
    assert_int_equal(choose(zeros, 3, &q), 1);
    float odd[] = {NAN, -INFINITY, -NAN, -5, NAN};
    assert_int_equal(choose(odd, 5, &q), 3);
    float big[] = {1, INFINITY, NAN};
    assert_int_equal(choose(big, 3, &q), 1);
    float none[] = {NAN, NAN, -INFINITY};
    assert_int_equal(choose(none, 3, &q), 0);
    q.temp = NAN;
    assert_int_equal(choose(ties, 5, &q), 1);

    q.temp = 1;
    for (uint32_t i = 0; i < 200; i++) {
        q.n_made = i;
        assert_int_equal(choose(odd, 5, &q), 3);
        assert_int_equal(choose(big, 3, &q), 1);
        (void)choose(none, 3, &q); /* any id will do, but one of the three */
    }
    q.temp = 1e-30f;
    assert_int_equal(choose((float[]){1, 1.001f, 0}, 3, &q), 1);
}

static void penalties(void **state)
{
    (void)state;
    struct k_seq q = plain;
    q.repeat = 1.3f, q.presence = 0.5f, q.frequency = 0.25f, q.n_bias = 2;
    float l[] = {2, -2, 3, 1, 0};
    uint32_t history[] = {0, 1, 0, 900, 3, 4}, bias[4] = {3, 0, 77, 0};
    float by = 0.5f;
    memcpy(&bias[1], &by, 4);
    assert_int_equal(check_penalise(l, 5, &q, bias, history, 6), OK);
    double want[] = {2 / 1.3 - 1.0, -2 * 1.3 - 0.75, 3, 1.5 / 1.3 - 0.75, -0.75};
    for (int i = 0; i < 5; i++)
        assert_true(fabs((double)l[i] - want[i]) < 1e-6);

    float banned[] = {1, 5};
    q.n_bias = 1, bias[0] = 1, by = -INFINITY;
    memcpy(&bias[1], &by, 4);
    assert_int_equal(check_penalise(banned, 2, &q, bias, history, 0), OK);
    assert_int_equal(choose(banned, 2, &q), 0);
}

static void seeds(void **state)
{
    (void)state;
    /* Random123's known answer. */
    assert_true(check_random(0, 0, 0) == 0xe169c58d6627e8d5u);
    float logits[64] = {0};
    struct k_seq a = plain, b = plain, c = plain;
    b.seed_lo++, c.seed_hi++;
    unsigned same_b = 0, same_c = 0, same_next = 0;
    for (uint32_t i = 0; i < 640; i++) {
        a.n_made = b.n_made = c.n_made = i;
        uint32_t id = choose(logits, 64, &a);
        assert_int_equal(choose(logits, 64, &a), id);
        same_b += choose(logits, 64, &b) == id;
        same_c += choose(logits, 64, &c) == id;
        a.n_made++;
        same_next += choose(logits, 64, &a) == id;
    }
    assert_true(same_b < 40 && same_c < 40 && same_next < 40);
}

static void endings(void **state)
{
    (void)state;
    struct k_seq q = {.n_left = 5, .n_ctx = 10, .n_eog = 2, .eog = {7, 9}};
    assert_int_equal(check_done(&q, 3, 1), K_RUNNING);
    assert_int_equal(check_done(&q, 3, 9), K_DONE_EOG);
    assert_int_equal(check_done(&q, 8, 1), K_RUNNING);
    assert_int_equal(check_done(&q, 9, 1), K_DONE_CONTEXT);
    q.n_left = 1;
    assert_int_equal(check_done(&q, 9, 1), K_DONE_LENGTH);
    assert_int_equal(check_done(&q, 9, 7), K_DONE_EOG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distribution),
        cmocka_unit_test(sets),
        cmocka_unit_test(greedy_and_odd_logits),
        cmocka_unit_test(penalties),
        cmocka_unit_test(seeds),
        cmocka_unit_test(endings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
