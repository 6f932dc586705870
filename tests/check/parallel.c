/* References on several threads: the same bits as on one, and a failure is said all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "check/check.h"
#include "check/mem.h"
#include "check/parallel.h"
#include "check/rand.h"
#include "kernels/kernels.h"
#include "kernels/params.h"

/* Not multiples of any number of threads; enough work for all of them. */
enum { N = 331, K = 256, M = 37, PIECES = 1000003 };

static const uint64_t W = 0x100000, X = 0x200000, DST = 0x300000;

/* ---- the pieces --------------------------------------------------------------------------- */

static enum status count(void *ctx, uint32_t from, uint32_t to)
{
    uint8_t *seen = ctx;
    for (uint32_t i = from; i < to; i++)
        seen[i]++;
    return OK;
}

static void every_piece_is_done_once(void **state)
{
    (void)state;
    static const uint32_t threads[] = {1, 2, 7, 64, 1000};
    static const uint32_t sizes[] = {0, 1, 2, 63, 65, 1000, PIECES};
    uint8_t *seen = mem_alloc(PIECES);
    assert_non_null(seen);
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        check_parallel_threads(threads[t]);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            memset(seen, 0, PIECES);
            assert_int_equal(check_parallel(sizes[i], 1u << 24, count, seen), OK);
            for (uint32_t k = 0; k < PIECES; k++)
                assert_int_equal(seen[k], k < sizes[i]);
        }
    }
    mem_free(seen);
}

static enum status fail_at(void *ctx, uint32_t from, uint32_t to)
{
    uint32_t at = *(const uint32_t *)ctx;
    return at >= from && at < to ? status_fail(ERR_MODEL, "row %u is bad", at) : OK;
}

static void a_failure_keeps_its_message(void **state)
{
    (void)state;
    check_parallel_threads(8);
    for (uint32_t at = 0; at < 1000; at += 37) {
        char text[32];
        status_clear();
        assert_int_equal(check_parallel(1000, 1u << 24, fail_at, &at), ERR_MODEL);
        snprintf(text, sizeof text, "row %u is bad", at);
        assert_string_equal(status_message(), text);
    }
}

/* ---- a reference -------------------------------------------------------------------------- */

static void add_random(struct check_mem *mem, uint64_t addr, uint32_t n, uint64_t seed)
{
    struct check_rand r = {seed};
    float *v = mem_calloc(n, sizeof *v);
    assert_non_null(v);
    for (uint32_t i = 0; i < n; i++)
        v[i] = (float)rand_normal(&r);
    assert_int_equal(check_mem_add(mem, addr, n * sizeof *v, v), OK);
    mem_free(v);
}

/* matmul of F32 weights in `threads` threads; rows: of the weights that the op says it reads. */
static enum status multiply(uint32_t threads, bool in_f32, uint32_t rows, struct check_mem **out)
{
    static const struct gpu_shader shader = {.name = "matmul"};
    struct k_matmul_push push = {.x = X, .w = W, .dst = DST, .m = M};
    struct plan_op op = {.name = "down",
                         .layer = 2,
                         .pipe = {.shader = &shader, .spec = {QUANT_F32, N, K, 4}},
                         .push = &push,
                         .reads = {{X, M * K * 4}, {W, rows * K * 4}},
                         .writes = {{DST, M * N * 4}}};
    assert_int_equal(check_mem_create(NULL, out), OK);
    add_random(*out, W, N * K, 1);
    add_random(*out, X, M * K, 2);
    add_random(*out, DST, M * N, 3);
    check_parallel_threads(threads);
    return in_f32 ? check_run_op_bits(&op, *out) : check_run_op(&op, *out);
}

static void the_bits_do_not_depend_on_threads(void **state)
{
    (void)state;
    for (int in_f32 = 0; in_f32 < 2; in_f32++) {
        struct check_mem *one, *many;
        assert_int_equal(multiply(1, in_f32, N, &one), OK);
        const struct check_range *a = check_mem_find(one, DST, M * N * 4);
        for (uint32_t threads = 2; threads < 12; threads += 3) {
            assert_int_equal(multiply(threads, in_f32, N, &many), OK);
            const struct check_range *b = check_mem_find(many, DST, M * N * 4);
            assert_memory_equal(a->data, b->data, M * N * 4);
            assert_memory_equal(a->kind, b->kind, M * N * 4);
            for (uint32_t i = 0; i < 2 * M * N; i += 2)
                assert_memory_equal(&a->mag[i], &b->mag[i], sizeof *a->mag);
            check_mem_destroy(&many);
        }
        check_mem_destroy(&one);
    }
}

static void a_stray_access_is_said(void **state)
{
    (void)state;
    for (int in_f32 = 0; in_f32 < 2; in_f32++) {
        struct check_mem *mem;
        status_clear();
        assert_int_equal(multiply(5, in_f32, N - 1, &mem), ERR_VERIFY);
        assert_non_null(strstr(status_message(), "down (layer 2): its reference reads"));
        check_mem_destroy(&mem);
    }
}

static int restore(void **state)
{
    (void)state;
    check_parallel_threads(0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_piece_is_done_once, restore),
        cmocka_unit_test_teardown(a_failure_keeps_its_message, restore),
        cmocka_unit_test_teardown(the_bits_do_not_depend_on_threads, restore),
        cmocka_unit_test_teardown(a_stray_access_is_said, restore),
    };
    return cmocka_run_group_tests_name("check/parallel", tests, NULL, NULL);
}
