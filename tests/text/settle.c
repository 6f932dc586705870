/* Which words are certain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/settle.h"

static void is_cut(const char *text, const char *const *want)
{
    struct words w = {0};
    uint32_t n = 0;
    assert_int_equal(words_add(&w, text), OK);
    for (; want[n]; n++) {
        assert_true(n < w.n);
        assert_int_equal(w.at[n + 1] - w.at[n], strlen(want[n]));
        assert_memory_equal(w.text + w.at[n], want[n], strlen(want[n]));
    }
    assert_int_equal(w.n, n);
    words_free(&w);
}

static void words(void **state)
{
    (void)state;
    is_cut("", (const char *[]){NULL});
    is_cut(" And so,  my fellow", (const char *[]){" And", " so,", "  my", " fellow", NULL});
    is_cut("one two ", (const char *[]){"one", " two", " ", NULL});
    is_cut(" d\xc3\xa9j\xc3\xa0 vu", (const char *[]){" d\xc3\xa9j\xc3\xa0", " vu", NULL});
    is_cut("\xe4\xbd\xa0\xe5\xa5\xbd",
           (const char *[]){"\xe4\xbd\xa0", "\xe5\xa5\xbd", NULL}); /* two of Chinese */
    is_cut(" \xe4\xbd\xa0 ok", (const char *[]){" \xe4\xbd\xa0", " ok", NULL});
    is_cut("\xe2\x80\x94x", (const char *[]){"\xe2\x80\x94x", NULL}); /* a dash is no word */
}

static void texts_add_up(void **state)
{
    (void)state;
    struct words w = {0};
    assert_int_equal(words_add(&w, " a b"), OK);
    assert_int_equal(words_add(&w, ""), OK);
    assert_int_equal(words_add(&w, "c d"), OK);
    assert_int_equal(w.n, 4);
    assert_string_equal(words_from(&w, 0), " a bc d");
    words_drop(&w, 1);
    assert_string_equal(words_from(&w, 0), " bc d");
    assert_string_equal(words_from(&w, 2), " d");
    assert_string_equal(words_from(&w, 3), "");
    words_drop(&w, 9);
    assert_int_equal(w.n, 0);
    assert_string_equal(words_from(&w, 0), "");
    words_free(&w);
}

static void pass(struct settle *s, const char *text, bool all, const char *settled,
                 const char *open)
{
    struct words w = {0};
    assert_int_equal(words_add(&w, text), OK);
    assert_int_equal(settle_pass(s, &w, all), OK);
    assert_string_equal(words_from(&s->settled, 0), settled);
    assert_string_equal(words_from(&s->last, s->settled.n), open);
    words_free(&w);
}

static void agreement(void **state)
{
    (void)state;
    struct settle s = {0};
    pass(&s, " And so", false, "", " And so");
    pass(&s, " And so my", false, " And so", " my");
    pass(&s, " And so, my fellow", false, " And so my", " fellow");
    pass(&s, " And so, my yellow", false, " And so my", " yellow");
    pass(&s, " And so, my yellow dog", false, " And so my yellow", " dog");
    settle_free(&s);
}

static void what_is_certain_stays(void **state)
{
    (void)state;
    struct settle s = {0};
    pass(&s, " a b c", false, "", " a b c");
    pass(&s, " a b x", false, " a b", " x");
    pass(&s, "", false, " a b", "");
    pass(&s, " z", false, " a b", "");
    pass(&s, " a b c d", false, " a b", " c d");
    pass(&s, " a b c e", false, " a b c", " e");
    settle_drop(&s, 2);
    pass(&s, " c e f", false, " c e", " f");
    pass(&s, " q w r t", true, " c e r t", "");
    settle_drop(&s, UINT32_MAX);
    pass(&s, " new", false, "", " new");
    pass(&s, " new", false, " new", "");
    settle_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(texts_add_up),
        cmocka_unit_test(agreement),
        cmocka_unit_test(what_is_certain_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
