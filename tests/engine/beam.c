/* What a search asks for is in order: pages that are played here, token by token, hold at each step
 * what the row's text is; and no slot is copied to twice, or copied to and from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check/rand.h"
#include "engine/beam.h"

enum { PROMPT = 7, MOST = 40, END = 1000, CTX = 448, LAST = 99 };

/* Tokens at each position of each slot. */
static int32_t pages[K_MAX_OUT][CTX];

static void copy(const struct k_fork *forks, uint32_t n)
{
    bool read[K_MAX_OUT] = {false}, written[K_MAX_OUT] = {false};
    for (uint32_t i = 0; i < n; i++) {
        assert_true(forks[i].from < K_MAX_OUT && forks[i].to < K_MAX_OUT);
        assert_true(forks[i].first <= forks[i].end && forks[i].end <= CTX);
        assert_false(written[forks[i].to]);
        read[forks[i].from] = written[forks[i].to] = true;
    }
    for (uint32_t i = 0; i < n; i++) {
        assert_false(read[forks[i].to]);
        for (uint32_t pos = forks[i].first; pos < forks[i].end; pos++)
            pages[forks[i].to][pos] = pages[forks[i].from][pos];
    }
}

/* A number that follows from all of a row's text, so that the candidates do. */
static uint64_t text_of(const struct k_row *row)
{
    uint64_t sum = 1;
    for (uint32_t pos = 0; pos <= row->pos; pos++)
        sum = sum * 1000003 + (uint64_t)(int64_t)pages[row->slot][pos];
    return sum;
}

static void candidates_of(uint64_t text, uint32_t n, uint32_t end_in, struct k_candidate *out)
{
    struct check_rand r = {text};
    float l = -0.1f;
    for (uint32_t i = 0; i < n; i++) {
        l -= (float)rand_unit(&r);
        out[i] = (struct k_candidate){i * 3 + rand_below(&r, 3), l};
    }
    if (rand_one_in(&r, end_in))
        out[rand_below(&r, n)].id = END;
}

/* One search; `text` and `sum` are of its answer. */
static void one(uint32_t size, uint32_t slot, float patience, uint32_t end_in)
{
    struct beam *b;
    struct k_fork forks[K_MAX_OUT];
    uint32_t n_forks = 0, steps = 0;
    memset(pages, 0xff, sizeof pages);
    for (int i = 0; i < PROMPT - 1; i++)
        pages[slot][i] = 100 + i;
    assert_int_equal(beam_create(&(struct beam_params){.size = size,
                                                       .patience = patience,
                                                       .slot = slot,
                                                       .last = LAST,
                                                       .n_prompt = PROMPT,
                                                       .n_ctx = CTX,
                                                       .n_most = MOST,
                                                       .end = END},
                                 &b),
                     OK);
    while (!beam_is_done(b)) {
        struct k_row rows[K_MAX_OUT];
        struct k_candidate found[K_MAX_OUT * K_TOP_MOST];
        uint32_t live = 0;
        copy(forks, n_forks);
        beam_rows(b, rows);
        for (uint32_t i = 0; i < size; i++) {
            if (rows[i].slot == K_NO_SLOT)
                continue;
            live++;
            assert_true(rows[i].slot >= slot && rows[i].slot < slot + size);
            assert_int_equal(rows[i].pos, PROMPT - 1 + steps);
            pages[rows[i].slot][rows[i].pos] = (int32_t)rows[i].token;
            for (uint32_t pos = 0; pos < PROMPT - 1; pos++) /* all have the prompt */
                assert_int_equal(pages[rows[i].slot][pos], 100 + pos);
            for (uint32_t pos = PROMPT - 1; pos <= rows[i].pos; pos++)
                assert_int_not_equal(pages[rows[i].slot][pos], -1);
            candidates_of(text_of(&rows[i]), size + 1, end_in, &found[i * (size + 1)]);
        }
        assert_int_equal(live, steps ? size : 1);
        n_forks = 0;
        beam_take(b, found, size + 1, forks, &n_forks);
        assert_true(n_forks < size);
        steps++;
    }
    struct speech_answer a = {0};
    beam_best(b, &a);
    assert_true(a.n <= MOST && (a.n || a.ended));
    /* The same text, step by step, has the sum that the search says. */
    double sum = 0;
    int32_t *alone = pages[0];
    for (int i = 0; i < PROMPT; i++)
        alone[i] = i < PROMPT - 1 ? 100 + i : LAST;
    for (uint32_t i = 0; i < a.n + a.ended; i++) {
        struct k_candidate found[K_TOP_MOST];
        int32_t id = i < a.n ? a.tokens[i] : END;
        uint32_t k = 0;
        candidates_of(text_of(&(struct k_row){.pos = PROMPT - 1 + i}), size + 1, end_in, found);
        while (k <= size && (int32_t)found[k].id != id)
            k++;
        assert_true(k <= size);
        assert_true(a.logprobs[i] == found[k].logprob);
        sum += (double)found[k].logprob;
        alone[PROMPT + i] = id;
    }
    assert_true(fabs(sum - a.sum_logprob) < 1e-3);
    beam_destroy(&b);
}

static void pages_hold_the_texts(void **state)
{
    (void)state;
    for (uint32_t size = 2; size <= K_MAX_OUT; size++) {
        one(size, 0, 1, 1000000);
        one(size, 0, 0, 4);
        one(size, (K_MAX_OUT - size) / 2, 2, 4);
    }
}

/* Where nothing may follow but what is never chosen, the search ends. */
static void nothing_follows(void **state)
{
    (void)state;
    struct beam *b;
    struct k_fork forks[K_MAX_OUT];
    struct k_candidate found[3] = {{1, -1e30f}, {K_NO_TOKEN, -INFINITY}, {K_NO_TOKEN, -INFINITY}};
    struct speech_answer a = {0};
    uint32_t n = 0;
    assert_int_equal(beam_create(&(struct beam_params){.size = 2,
                                                       .last = LAST,
                                                       .n_prompt = PROMPT,
                                                       .n_ctx = CTX,
                                                       .n_most = MOST,
                                                       .end = END},
                                 &b),
                     OK);
    beam_take(b, found, 3, forks, &n);
    assert_true(beam_is_done(b));
    beam_best(b, &a);
    assert_int_equal(a.n, 0);
    assert_false(a.ended);
    beam_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_hold_the_texts),
        cmocka_unit_test(nothing_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
