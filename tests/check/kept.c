/* What a run of the suite keeps beside the pipeline cache: a variant that failed once is forgotten
 * by a run that left nothing out, and by no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "check/suite.h"
#include "kernels/shaders.h"

static char folder[] = "/tmp/tawny-kept-XXXXXX";

static struct suite *run(const char *kernels, double seconds)
{
    struct suite *s = NULL;
    struct suite_params p = {.cache_dir = folder,
                             .kernels = kernels,
                             .types = "f32,-",
                             .seed = 1,
                             .cases = 1,
                             .only = -1,
                             .rounds = true,
                             .seconds = seconds};
    if (suite_create(&p, &s) != OK || suite_run(s) != OK)
        fail_msg("%s", status_message());
    assert_int_equal(suite_wrong(s), 0);
    return s;
}

/* Runs kernels, keeps what was found, and gives what is kept then. */
static struct gpu_verified kept(const char *kernels, double seconds, bool all, bool complete)
{
    struct gpu_verified v;
    char build[SHADER_BUILD_TEXT];
    struct suite *s = run(kernels, seconds);
    assert_int_equal(suite_complete(s), complete);
    assert_int_equal(suite_keep(s, all), OK);
    shader_build(build);
    gpu_verified_read(suite_info(s), folder, build, &v);
    suite_destroy(&s);
    return v;
}

static void keep_failure(void)
{
    char build[SHADER_BUILD_TEXT];
    struct gpu_verified v = {.when = 1, .cases = 9, .wrong = 1, .complete = true, .n_failed = 1};
    struct suite *s = run("silu", 0);
    strcpy(v.failed[0], "norm/8");
    shader_build(build);
    assert_int_equal(gpu_verified_write(suite_info(s), folder, build, &v), OK);
    suite_destroy(&s);
}

static void failures_stay_until_all_was_run(void **state)
{
    (void)state;
    /* Lines that take long to compile are not begun when the time is over at once. */
    struct gpu_verified v = kept("silu,qkv-bits", 1e-9, true, false);
    assert_true(v.when != 0);
    assert_false(v.complete);
    assert_int_equal(v.n_failed, 0);

    keep_failure();
    v = kept("silu,qkv-bits", 1e-9, true, false);
    assert_int_equal(v.n_failed, 1);
    v = kept("silu", 0, false, true);
    assert_int_equal(v.n_failed, 1);
    assert_string_equal(v.failed[0], "norm/8");

    v = kept("silu", 0, true, true);
    assert_int_equal(v.n_failed, 0);
    assert_true(v.complete);
    v = kept("silu,qkv-bits", 1e-9, true, false);
    assert_true(v.complete); /* what all of it showed is not replaced by what a part showed */
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(failures_stay_until_all_was_run)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
