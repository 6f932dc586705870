/* The harness itself: what a reference may touch, and what a comparison must not let pass. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check/check.h"
#include "check/half.h"
#include "check/mem.h"
#include "check/rand.h"

enum { BASE = 0x10000, BYTES = 4096 };

static const struct check_limit limit = {1e-10, 1e-4};
static const struct check_limit bits = {0, 0};

struct fixture {
    struct check_mem *mem;
    uint8_t image[BYTES], got[BYTES];
    struct check_result r;
};

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    for (int i = 0; i < BYTES; i++)
        f->image[i] = (uint8_t)(i * 7);
    memcpy(f->got, f->image, BYTES);
    assert_int_equal(check_mem_create(NULL, &f->mem), OK);
    assert_int_equal(check_mem_add(f->mem, BASE, BYTES, f->image), OK);
    assert_int_equal(check_mem_name(f->mem, BASE + 1024, 1024, "buffer"), OK);
}

static uint64_t compare(struct fixture *f, struct check_limit l)
{
    memset(&f->r, 0, sizeof f->r);
    assert_int_equal(check_compare(f->mem, BASE, BYTES, f->got, l, &f->r), OK);
    return f->r.wrong;
}

static void put_f32(struct fixture *f, uint32_t offset, float v)
{
    memcpy(f->got + offset, &v, 4);
}

static void put_f16(struct fixture *f, uint32_t offset, uint16_t v)
{
    memcpy(f->got + offset, &v, 2);
}

static void halves_round_to_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        double v = half_to_double((uint16_t)h);
        if (!isnan(v))
            assert_int_equal(half_from_double(v), h);
        else
            assert_true(isnan(half_to_double(half_from_double(v))));
    }
    for (uint32_t h = 0; h < 0x7bff; h++) {
        double a = half_to_double((uint16_t)h), b = half_to_double((uint16_t)(h + 1));
        uint32_t even = h % 2 == 0 ? h : h + 1;
        assert_int_equal(half_from_double((a + b) / 2), even);
        assert_int_equal(half_from_double(-(a + b) / 2), even | 0x8000);
        assert_int_equal(half_from_double((a + b) / 2 * (1 + 1e-12)), h + 1);
        assert_int_equal(half_from_double((a + b) / 2 * (1 - 1e-12)), h);
    }
    assert_int_equal(half_from_double(65519.99), 0x7bff);
    assert_int_equal(half_from_double(65520), 0x7c00);
}

static void one_value_off_is_seen(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    for (uint32_t i = 0; i < 256; i++) {
        check_out_f32(f.mem, BASE + 1024 + 4 * i, 1.0 + i, 1.0 + i);
        put_f32(&f, 1024 + 4 * i, 1.0f + (float)i);
    }
    assert_int_equal(f.mem->status, OK);
    assert_int_equal(compare(&f, limit), 0);
    assert_int_equal(f.r.values, 256);
    put_f32(&f, 1024 + 4 * 77, 78.0f * (1 + 0.9e-4f));
    assert_int_equal(compare(&f, (struct check_limit){1, 1e-4}), 0);
    put_f32(&f, 1024 + 4 * 77, 78.0f * (1 + 1.1e-4f));
    assert_int_equal(compare(&f, (struct check_limit){1, 1e-4}), 1);
    assert_non_null(strstr(f.r.first, "buffer + 308"));
    put_f32(&f, 1024 + 4 * 77, NAN);
    assert_int_equal(compare(&f, limit), 1);
    put_f32(&f, 1024 + 4 * 77, INFINITY);
    assert_int_equal(compare(&f, limit), 1);
    check_mem_destroy(&f.mem);
}

static void many_small_errors_are_seen(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    for (uint32_t i = 0; i < 256; i++) {
        check_out_f32(f.mem, BASE + 4 * i, 1, 1);
        put_f32(&f, 4 * i, 1 + 5e-5f);
    }
    assert_int_equal(compare(&f, limit), 1);
    assert_non_null(strstr(f.r.first, "NMSE"));
    assert_true(f.r.nmse > 2e-9 && f.r.nmse < 3e-9);
    check_mem_destroy(&f.mem);
}

static void cancellation_is_measured_by_magnitude(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    check_out_f32(f.mem, BASE, 1e-9, 1.0);
    put_f32(&f, 0, 2e-9f);
    assert_int_equal(compare(&f, limit), 0);
    check_out_f32(f.mem, BASE, 1e-9, 1e-9);
    assert_true(compare(&f, limit) > 0);
    check_mem_destroy(&f.mem);
}

static void specials_must_match(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    check_out_f32(f.mem, BASE, (double)NAN, 0);
    put_f32(&f, 0, NAN);
    assert_int_equal(compare(&f, limit), 0);
    put_f32(&f, 0, 0);
    assert_int_equal(compare(&f, limit), 1);
    check_out_f32(f.mem, BASE, -(double)INFINITY, 0);
    put_f32(&f, 0, INFINITY);
    assert_int_equal(compare(&f, limit), 1);
    put_f32(&f, 0, -INFINITY);
    assert_int_equal(compare(&f, limit), 0);
    check_mem_destroy(&f.mem);
}

static void halves_must_be_rounded_right(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    double v = 1.0 + 0x1.7p-11; /* above the middle of two steps: up, not cut off */
    check_out_f16(f.mem, BASE, v, 0);
    put_f16(&f, 0, 0x3c01);
    assert_int_equal(compare(&f, limit), 0);
    put_f16(&f, 0, 0x3c00);
    assert_int_equal(compare(&f, limit), 1);
    check_out_f16(f.mem, BASE, 1e6, 1e6);
    put_f16(&f, 0, 0x7c00);
    assert_int_equal(compare(&f, limit), 0);
    put_f16(&f, 0, 0x7bff);
    assert_int_equal(compare(&f, limit), 0);
    put_f16(&f, 0, 0x7bfe);
    assert_int_equal(compare(&f, limit), 1);
    put_f16(&f, 0, 0xfc00);
    assert_int_equal(compare(&f, limit), 1);
    check_mem_destroy(&f.mem);
}

static void exact_is_exact(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    check_out_u32(f.mem, BASE + 64, 0x01020304);
    uint32_t v = 0x01020304;
    memcpy(f.got + 64, &v, 4);
    assert_int_equal(compare(&f, bits), 0);
    assert_int_equal(f.r.exact, 4);
    f.got[65] ^= 1;
    assert_int_equal(compare(&f, bits), 1);
    check_mem_destroy(&f.mem);
}

static void other_bytes_must_stay(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    check_out_any(f.mem, BASE + 128, 64);
    memset(f.got + 128, 0xff, 64);
    assert_int_equal(compare(&f, limit), 0);
    f.got[192] ^= 0x80;
    assert_int_equal(compare(&f, limit), 1);
    assert_non_null(strstr(f.r.first, "not the op's to write"));
    f.got[192] ^= 0x80;
    f.got[127] ^= 1;
    assert_int_equal(compare(&f, limit), 1);
    check_mem_destroy(&f.mem);
}

static void stray_accesses_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct plan_op op = {.name = "thing", .layer = 3};
    op.reads[0] = (struct plan_span){BASE, 64};
    op.reads[1] = (struct plan_span){BASE + 128, 64};
    op.writes[0] = (struct plan_span){BASE + 256, 64};

    begin(&f);
    assert_null(check_in(f.mem, BASE + BYTES - 2, 4));
    assert_non_null(strstr(status_message(), "outside of all known memory"));
    assert_int_equal(f.mem->status, ERR_VERIFY);
    check_mem_destroy(&f.mem);

    static const struct {
        uint64_t addr, bytes;
        bool write, ok;
    } cases[] = {
        {BASE, 64, false, true},       {BASE + 60, 4, false, true},
        {BASE + 62, 4, false, false},  {BASE + 64, 4, false, false},
        {BASE + 128, 64, false, true}, {BASE, 4, true, false},
        {BASE + 256, 4, false, false}, {BASE + 256, 4, true, true},
        {BASE + 316, 4, true, true},   {BASE + 318, 4, true, false},
        {BASE - 4, 8, false, false},   {UINT64_MAX - 2, 8, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(&f);
        f.mem->op = &op;
        if (cases[i].write)
            check_out_any(f.mem, cases[i].addr, cases[i].bytes);
        else
            (void)check_in(f.mem, cases[i].addr, cases[i].bytes);
        assert_int_equal(f.mem->status, cases[i].ok ? OK : ERR_VERIFY);
        if (!cases[i].ok)
            assert_non_null(strstr(status_message(), "thing (layer 3)"));
        check_mem_destroy(&f.mem);
    }
}

static void ranges_may_not_overlap(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(check_mem_add(f.mem, BASE + BYTES, 16, f.image), OK);
    assert_int_equal(check_mem_add(f.mem, BASE - 16, 16, f.image), OK);
    assert_int_equal(check_mem_add(f.mem, BASE - 8, 16, f.image), ERR);
    assert_int_equal(check_mem_add(f.mem, BASE + BYTES - 8, 4, f.image), ERR);
    assert_memory_equal(check_in(f.mem, BASE - 16, 16), f.image, 16);
    assert_memory_equal(check_in(f.mem, BASE + 100, 16), f.image + 100, 16);
    check_mem_destroy(&f.mem);
}

static void references_are_found_by_name(void **state)
{
    (void)state;
    assert_non_null(check_ref_find("matvec"));
    assert_ptr_equal(check_ref_find("matvec_fast"), check_ref_find("matvec"));
    assert_ptr_not_equal(check_ref_find("matmul"), check_ref_find("matvec"));
    assert_null(check_ref_find("mat"));
    assert_null(check_ref_find("matvecs"));
    assert_null(check_ref_find(""));
}

static void random_numbers_are_what_they_say(void **state)
{
    (void)state;
    struct check_rand r = {42}, again = {42};
    double sum = 0, squares = 0;
    enum { N = 100000 };
    for (int i = 0; i < N; i++) {
        double v = rand_normal(&r);
        sum += v;
        squares += v * v;
    }
    assert_true(fabs(sum / N) < 0.02);
    assert_true(fabs(squares / N - 1) < 0.03);
    for (int i = 0; i < 1000; i++) {
        assert_in_range(rand_range(&again, 3, 5), 3, 5);
        assert_true(rand_below(&again, 7) < 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_round_to_even),
        cmocka_unit_test(one_value_off_is_seen),
        cmocka_unit_test(many_small_errors_are_seen),
        cmocka_unit_test(cancellation_is_measured_by_magnitude),
        cmocka_unit_test(specials_must_match),
        cmocka_unit_test(halves_must_be_rounded_right),
        cmocka_unit_test(exact_is_exact),
        cmocka_unit_test(other_bytes_must_stay),
        cmocka_unit_test(stray_accesses_are_refused),
        cmocka_unit_test(ranges_may_not_overlap),
        cmocka_unit_test(references_are_found_by_name),
        cmocka_unit_test(random_numbers_are_what_they_say),
    };
    return cmocka_run_group_tests_name("check/harness", tests, NULL, NULL);
}
