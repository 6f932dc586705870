/* Texts that go round, and such that only look like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "check/rand.h"
#include "engine/loops.h"

enum { MOST = 224 };

/* What is left of a text, a token a letter. */
static void left_is(const char *text, const char *want)
{
    int32_t tokens[MOST] = {0};
    bool again[MOST];
    char left[MOST + 1];
    uint32_t n = (uint32_t)strlen(text), kept = 0;
    for (uint32_t i = 0; i < n; i++)
        tokens[i] = text[i];
    uint32_t marked = loops_mark(tokens, n, again);
    for (uint32_t i = 0; i < n; i++) {
        if (!again[i])
            left[kept++] = text[i];
    }
    left[kept] = 0;
    assert_string_equal(left, want);
    assert_int_equal(kept + marked, n);
}

static void test_mark(void **state)
{
    (void)state;
    left_is("", "");
    left_is("a", "a");
    left_is("abcdefgh", "abcdefgh");
    left_is("aaaaaaaa", "aaaaaaaa");  /* seven say it again */
    left_is("aaaaaaaaa", "a");
    left_is("xaaaaaaaaay", "xay");
    left_is("abababababab", "ab");
    left_is("abababab", "abababab");
    left_is("xyabababababaz", "xyabaz");     /* a part of a round before something else stays */
    left_is("xyabababababa", "xyab");        /* ... and at the end does not */
    left_is("abcdefghabcdefgh", "abcdefghabcdefgh"); /* twice is no loop */
    left_is("abcdefghabcdefghabcdefgh", "abcdefgh");
    left_is("abcdabcdabcdxxefghefghefghef", "abcdxxefgh");
    left_is("abcdabcdabcdaaaaaaaaa", "abcda");
}

static bool ends_in_rounds(const char *text)
{
    int32_t tokens[MOST];
    uint32_t n = (uint32_t)strlen(text);
    for (uint32_t i = 0; i < n; i++)
        tokens[i] = text[i];
    return loops_at_end(tokens, n);
}

static void test_at_end(void **state)
{
    (void)state;
    assert_false(ends_in_rounds(""));
    assert_false(ends_in_rounds("aaaaaaaa"));
    assert_true(ends_in_rounds("aaaaaaaaa"));
    assert_true(ends_in_rounds("xyzabcabcabcabcab"));
    assert_false(ends_in_rounds("xyzabcabcabcabcabx"));
    assert_false(ends_in_rounds("abcdefghabcdefgh"));
    assert_true(ends_in_rounds("abcdefghabcdefghabcdefgh"));
}

/* A loop is where its first round is taken away: whatever the text before, behind and the round. */
static void test_any(void **state)
{
    (void)state;
    struct check_rand r = {5};
    for (int i = 0; i < 2000; i++) {
        int32_t t[MOST], want[MOST];
        bool again[MOST];
        uint32_t n = 0, kept = 0, round = 1 + rand_below(&r, 12), before = rand_below(&r, 30);
        uint32_t rounds = 1 + LOOPS_AGAIN / round + 2 + rand_below(&r, 5), behind = before / 2;
        int32_t next = 0; /* no token twice */
        for (uint32_t k = 0; k < before; k++)
            want[kept++] = t[n++] = next++;
        for (uint32_t k = 0; k < rounds * round; k++)
            t[n++] = next + (int32_t)(k % round);
        for (uint32_t k = 0; k < round; k++)
            want[kept++] = next++;
        assert_true(loops_at_end(t, n));
        for (uint32_t k = 0; k < behind; k++)
            want[kept++] = t[n++] = next++;
        assert_int_equal(loops_mark(t, n, again), n - kept);
        uint32_t at = 0;
        for (uint32_t k = 0; k < n; k++) {
            if (!again[k])
                assert_int_equal(t[k], want[at++]);
        }
        assert_int_equal(at, kept);
    }
}

static size_t packed_size(const char *text, size_t n)
{
    Bytef to[4096];
    uLongf size = sizeof to;
    assert_int_equal(compress(to, &size, (const Bytef *)text, (uLong)n), Z_OK);
    return size;
}

/* When it says that a text of tokens of 4 bytes stays small, text that follows leaves it so. */
static void test_stay(void **state)
{
    (void)state;
    static const char round[] = "Thank you. ", behind[] =
        "Charles promised to understand the snack in the tower, and the keyboard complained "
        "usually. Flight 25 to Oslo is delayed; Robert is teaching her heavy garden, and we sat "
        "on Monday. Is there a shelter near the village? The restaurant of the pier stored the "
        "fog. When the handsome buyer visited the fourth fork, the kitten hurried, but the blue "
        "pan breathed. The owl ran across the dock without discussion; eagerly, the marble flower "
        "inspected the submarine.";
    char text[4096];
    uint32_t first = 0;
    for (uint32_t tokens = 1; tokens <= MOST; tokens++) {
        size_t n = 4 * tokens, rest = 4 * (MOST - tokens);
        for (size_t i = 0; i < n; i++)
            text[i] = round[i % (sizeof round - 1)];
        if (!loops_stay(n, packed_size(text, n), MOST - tokens, 2.4f))
            continue;
        first = first ? first : tokens;
        for (size_t more = 0; more <= rest && more < sizeof behind; more += 4) {
            memcpy(text + n, behind, more);
            assert_true((double)(n + more) > 2.4 * (double)packed_size(text, n + more));
        }
    }
    assert_in_range(first, 60, 140);
    assert_false(loops_stay(sizeof behind, packed_size(behind, sizeof behind), 0, 2.4f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mark),
        cmocka_unit_test(test_at_end),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
