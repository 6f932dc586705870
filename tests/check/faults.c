/* Planted faults: modules with one instruction made wrong must be caught, and named. */
#include <math.h>
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

/* Of the comparisons of silu, those with the end. */
static void writes_beyond_the_end_are_caught(void **state)
{
    (void)state;
    struct case_outcome out;
    uint32_t caught = 0;
    for (uint32_t site = 0; use_next("silu", "ULessThan to ULessThanEqual", &site); site++) {
        assert_int_equal(run("silu", SEED, &out), OK);
        caught += strstr(out.result.first, "not the op's to write") != NULL;
    }
    assert_true(caught > 0);
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

/* ---- signs of zeros ----------------------------------------------------------------------- */

/* Two floats and two halves that must be the same, on the device with other signs. */
static float planted_float;
static uint16_t planted_half;

static enum status write_both(struct check_case *c)
{
    uint64_t at = *(const uint64_t *)c->run_arg;
    const float floats[2] = {planted_float, -planted_float};
    const uint16_t halves[2] = {planted_half, planted_half | 0x8000};
    for (uint32_t i = 0; i < 2; i++) {
        check_out_f32(c->mem, at + i * 4ull, (double)planted_float, 0);
        check_out_f16(c->mem, at + 8 + i * 2ull, planted_half ? 1 : 0, 0);
    }
    TRY(gpu_upload(c->g, at, floats, sizeof floats));
    return gpu_upload(c->g, at + 8, halves, sizeof halves);
}

static enum status make_both(struct check_case *c, enum quant_type type)
{
    static uint64_t at;
    (void)type;
    case_buf(c, 12, true, "both", &at);
    case_same_bits(c, at, at + 4, 4, "floats");
    case_same_bits(c, at + 8, at + 10, 2, "halves");
    c->run = write_both;
    c->run_arg = &at;
    c->limit = (struct check_limit){INFINITY, INFINITY};
    return OK;
}

/* Compilers may take fma(a, b, 0) for a product, whose zero may have the other sign. */
static void only_zeros_may_have_other_signs(void **state)
{
    (void)state;
    static const struct check_family both = {"both", false, 1, make_both};
    static const struct {
        float f;
        uint16_t h;
        uint32_t wrong;
    } cases[] = {{0, 0, 0}, {1, 0x3c00, 2}, {0x1p-149f, 0, 1}, {0, 0x3c00, 1}};
    struct gpu *g = NULL;
    struct check_runner *r = NULL;
    struct case_outcome out;
    assert_int_equal(gpu_open(&(struct gpu_params){.cache_dir = ""}, &g), OK);
    assert_int_equal(check_runner_create(&(struct check_runner_params){.g = g}, &r), OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        planted_float = cases[i].f;
        planted_half = cases[i].h;
        assert_int_equal(check_runner_run(r, &both, QUANT_F32, 1, &out), OK);
        print_message("# %g %04x: %s\n", (double)cases[i].f, cases[i].h, out.result.first);
        assert_int_equal(out.result.wrong, cases[i].wrong);
    }
    check_runner_destroy(&r);
    gpu_close(&g);
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
        cmocka_unit_test(only_zeros_may_have_other_signs),
        cmocka_unit_test_teardown(a_mutant_must_exist, restore),
    };
    return cmocka_run_group_tests_name("check/faults", tests, NULL, NULL);
}
