/* Stretches of speech as probabilities come, against the same rules over all of them at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/voice.h"

enum { CHUNK = 512, MOST = 4000 };

struct stretch {
    int64_t start, end;
};

static uint64_t random_state = 88172645463325252u;

static uint32_t below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 20) % n;
}

/* ---- the rules, as whisper.cpp applies them ----------------------------------------------- */

static uint32_t find(const struct voice_params *p, const float *probs, uint32_t n,
                     struct stretch *out)
{
    float low = p->threshold - 0.15f < 0.01f ? 0.01f : p->threshold - 0.15f;
    int64_t start = 0, temp_end = 0, prev_end = 0, next_start = 0;
    bool speaking = false;
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        int64_t at = (int64_t)i * p->chunk;
        if (probs[i] >= p->threshold && temp_end) {
            temp_end = 0;
            if (next_start < prev_end)
                next_start = at;
        }
        if (probs[i] >= p->threshold && !speaking) {
            speaking = true;
            start = at;
            continue;
        }
        if (speaking && p->max_speech && at - start > p->max_speech) {
            bool cut = prev_end;
            out[count++] = (struct stretch){start, cut ? prev_end : at};
            speaking = cut && next_start >= prev_end;
            if (speaking)
                start = next_start;
            prev_end = next_start = temp_end = 0;
            if (!cut)
                continue;
        }
        if (probs[i] >= low || !speaking)
            continue;
        if (!temp_end)
            temp_end = at;
        if (at - temp_end > VOICE_RATE * 98 / 1000)
            prev_end = temp_end;
        if (at - temp_end < p->min_silence)
            continue;
        if (temp_end - start > p->min_speech)
            out[count++] = (struct stretch){start, temp_end};
        prev_end = next_start = temp_end = 0;
        speaking = false;
    }
    if (speaking && n * p->chunk - start > p->min_speech)
        out[count++] = (struct stretch){start, n * p->chunk};
    return count;
}

static uint32_t tidy(const struct voice_params *p, int64_t total, struct stretch *s, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) { /* joined */
        if (kept && s[i].start - s[kept - 1].end < VOICE_MERGE)
            s[kept - 1].end = s[i].end;
        else
            s[kept++] = s[i];
    }
    n = kept;
    kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (s[i].end - s[i].start >= p->min_speech)
            s[kept++] = s[i];
    }
    for (uint32_t i = 0; i < kept; i++) { /* padded */
        if (i == 0)
            s[i].start = s[i].start > p->pad ? s[i].start - p->pad : 0;
        if (i + 1 == kept) {
            s[i].end += p->pad + p->overlap;
            s[i].end = s[i].end < total ? s[i].end : total;
            break;
        }
        int64_t gap = s[i + 1].start - s[i].end;
        int64_t pad = gap < 2 * p->pad ? gap / 2 : p->pad;
        s[i].end += pad;
        s[i + 1].start -= pad;
    }
    for (uint32_t i = 0; i + 1 < kept; i++) { /* and what tawny adds behind */
        int64_t gap = s[i + 1].start - s[i].end;
        s[i].end += gap < p->overlap ? gap : p->overlap;
    }
    return kept;
}

/* ---- tests -------------------------------------------------------------------------------- */

/* Speech, silence and what lies between, in runs. */
static uint32_t make_probs(float *probs)
{
    uint32_t n = below(MOST - 100), at = 0, longest = 1 + below(60);
    while (at < n) {
        uint32_t run = 1 + below(longest), kind = below(3);
        for (; run && at < n; run--)
            probs[at++] = kind == 0 ? 0.9f : kind == 1 ? 0.05f : (float)below(1000) / 1000;
    }
    return n;
}

static struct voice_params make_params(void)
{
    const int64_t ms = VOICE_RATE / 1000;
    return (struct voice_params){
        .threshold = 0.1f + 0.1f * (float)below(8),
        .chunk = CHUNK,
        .min_speech = ms * below(2) * below(600),
        .min_silence = ms * below(below(2) ? 200 : 2000),
        .max_speech = below(2) ? 0 : ms * (1000 + below(20000)),
        .pad = ms * below(below(2) ? 60 : 400),
        .overlap = ms * below(2) * below(200),
    };
}

static void same_as_at_once(void **state)
{
    (void)state;
    static float probs[MOST];
    static struct stretch want[MOST];
    for (int round = 0; round < 3000; round++) {
        struct voice_params p = make_params();
        uint32_t n = make_probs(probs), got = 0;
        uint32_t n_want = tidy(&p, n * (int64_t)CHUNK, want, find(&p, probs, n, want));
        struct voice v;
        voice_init(&v, &p);
        int64_t seen_end = 0, settled = 0;
        for (uint32_t i = 0; i <= n; i++) {
            assert_int_equal(i < n ? voice_push(&v, probs[i]) : voice_end(&v), OK);
            /* What is said stays so, and nothing is said of what was given up. */
            if (v.n) {
                struct voice_piece *first = &v.pieces[0];
                assert_true(got < n_want && first->start == want[got].start);
                assert_true(first->end >= seen_end && first->end <= want[got].end);
                seen_end = first->end;
            }
            for (uint32_t k = 0; k < v.n; k++)
                assert_true(v.pieces[k].end >= settled);
            while (v.n && v.pieces[0].closed) {
                assert_int_equal(v.pieces[0].start, want[got].start);
                assert_int_equal(v.pieces[0].end, want[got].end);
                voice_take(&v);
                seen_end = 0;
                got++;
            }
            assert_true(voice_settled(&v) >= settled || i == n);
            settled = voice_settled(&v);
        }
        assert_int_equal(v.n, 0);
        assert_int_equal(got, n_want);
        voice_free(&v);
    }
}

/* Without a longest stretch, what may still matter is little, however long someone speaks. */
static void little_is_kept(void **state)
{
    (void)state;
    struct voice v;
    voice_init(&v, &(struct voice_params){.threshold = 0.5f,
                                          .chunk = CHUNK,
                                          .min_speech = 4000,
                                          .min_silence = 1600,
                                          .pad = 480,
                                          .overlap = 1600});
    for (uint32_t i = 0; i < 100000; i++) {
        assert_int_equal(voice_push(&v, i % 1000 < 20 || i > 20000 ? 0.9f : 0), OK);
        assert_true(v.at - voice_settled(&v) <= 4000 + VOICE_MERGE + 1600 + 480 + 2 * CHUNK);
        while (v.n && v.pieces[0].closed)
            voice_take(&v);
        assert_true(v.n <= 1);
    }
    assert_int_equal(voice_end(&v), OK);
    assert_int_equal(v.n, 1);
    voice_free(&v);
}

static void silence_is_none(void **state)
{
    (void)state;
    struct voice v;
    voice_init(&v, &(struct voice_params){.threshold = 0.5f, .chunk = CHUNK});
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(voice_push(&v, 0.4f), OK);
    assert_int_equal(voice_end(&v), OK);
    assert_int_equal(v.n, 0);
    voice_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_at_once),
        cmocka_unit_test(little_is_kept),
        cmocka_unit_test(silence_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
