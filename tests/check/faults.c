/* Planted faults: modules with one instruction made wrong must be caught, and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check/case.h"
#include "check/mutate.h"
#include "kernels/shaders.h"

/* Of a case of silu whose inputs are not zeros. */
enum { SEED = 5 };

static const struct check_family *family(const char *name)
{
    for (const struct check_family *f = check_families; f->name; f++) {
        if (!strcmp(f->name, name))
            return f;
    }
    return NULL;
}

/* Runs a case on a device of its own: pipelines belong to the table in use. */
static enum status run(const char *name, uint64_t seed, struct case_outcome *out)
{
    struct gpu *g = NULL;
    struct check_runner *r = NULL;
    enum status s = gpu_open(&(struct gpu_params){.cache_dir = ""}, &g);
    if (s != OK)
        print_error("%s\n", status_message());
    assert_int_equal(s, OK);
    assert_int_equal(check_runner_create(&(struct check_runner_params){.g = g}, &r), OK);
    s = check_runner_run(r, family(name), QUANT_F32, seed, out);
    check_runner_destroy(&r);
    gpu_close(&g);
    return s;
}

static int restore(void **state)
{
    (void)state;
    shader_use_table(NULL);
    return 0;
}

/* Uses the first site of a module at or after *site that is of this kind. */
static bool use_next(const char *module, const char *kind, uint32_t *site)
{
    char what[64];
    for (; check_mutate_use(&shader_table, module, *site, what) == OK; ++*site) {
        if (!strcmp(what, kind))
            return true;
    }
    return false;
}

static void sound_kernels_pass(void **state)
{
    (void)state;
    struct case_outcome out;
    assert_int_equal(run("silu", SEED, &out), OK);
    assert_int_equal(out.result.wrong, 0);
    assert_true(out.result.values > 0);
    assert_int_equal(run("prompt", 3, &out), OK);
    assert_int_equal(out.result.wrong, 0);
}

static void wrong_arithmetic_is_caught(void **state)
{
    (void)state;
    struct case_outcome out;
    uint32_t site = 0;
    assert_true(use_next("silu", "FMul to FAdd", &site));
    assert_int_equal(run("silu", SEED, &out), OK);
    assert_true(out.result.wrong > 0);
    assert_non_null(strstr(out.result.first, "out + "));
}

static void writes_beyond_the_end_are_caught(void **state)
{
    (void)state;
    struct case_outcome out;
    uint32_t site = 0;
    assert_true(use_next("silu", "ULessThan to ULessThanEqual", &site));
    assert_int_equal(run("silu", SEED, &out), OK);
    assert_true(out.result.wrong > 0);
    assert_non_null(strstr(out.result.first, "not the op's to write"));
}

/* In a plan of many dispatches the wrong one is named, though what follows gets wrong inputs. */
static void the_wrong_dispatch_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *module, *shown;
    } planted[] = {{"silu", "(silu, layer 0)"}, {"rope", "(rope, layer 0)"}};
    struct case_outcome out;
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        uint32_t site = 0;
        assert_true(use_next(planted[i].module, "FMul to FAdd", &site));
        assert_int_equal(run("prompt", 3, &out), ERR_VERIFY);
        if (!strstr(status_message(), planted[i].shown))
            print_error("no '%s' in: %s\n", planted[i].shown, status_message());
        assert_non_null(strstr(status_message(), planted[i].shown));
    }
}

static void a_mutant_must_exist(void **state)
{
    (void)state;
    char what[64];
    assert_int_equal(check_mutate_use(&shader_table, "no such", 0, what), ERR_USAGE);
    assert_int_equal(check_mutate_use(&shader_table, "silu", 1000000, what), ERR_USAGE);
    assert_ptr_equal(shader_find("silu"), shader_find("silu"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sound_kernels_pass, restore),
        cmocka_unit_test_teardown(wrong_arithmetic_is_caught, restore),
        cmocka_unit_test_teardown(writes_beyond_the_end_are_caught, restore),
        cmocka_unit_test_teardown(the_wrong_dispatch_is_named, restore),
        cmocka_unit_test_teardown(a_mutant_must_exist, restore),
    };
    return cmocka_run_group_tests_name("check/faults", tests, NULL, NULL);
}
