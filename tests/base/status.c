/* The one message of a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

static void message_is_kept(void **state)
{
    (void)state;
    status_clear();
    assert_string_equal(status_message(), "");
    assert_int_equal(status_fail(ERR_MODEL, "tensor %s: %d", "a", 3), ERR_MODEL);
    assert_string_equal(status_message(), "tensor a: 3");
    assert_int_equal(status_fail(ERR, "later"), ERR);
    assert_string_equal(status_message(), "later");
    status_clear();
    assert_string_equal(status_message(), "");
}

static void long_message_is_cut(void **state)
{
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_int_equal(status_fail(ERR, "%s", text), ERR);
    assert_int_equal(strlen(status_message()), 1023);
}

static enum status passes_up(enum status from)
{
    TRY(from);
    return status_fail(ERR, "went on");
}

static void try_returns_the_cause(void **state)
{
    (void)state;
    status_clear();
    assert_int_equal(passes_up(ERR_DEVICE), ERR_DEVICE);
    assert_string_equal(status_message(), "");
    assert_int_equal(passes_up(OK), ERR);
    assert_string_equal(status_message(), "went on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_kept),
        cmocka_unit_test(long_message_is_cut),
        cmocka_unit_test(try_returns_the_cause),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
