/* What the tests of gpu and plan share. */
#ifndef TAWNY_TESTS_GPU_COMMON_H
#define TAWNY_TESTS_GPU_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gpu/fault.h"
#include "gpu/gpu.h"

static const uint32_t affine_code[] =
#include "affine.inc"
    ;
static const uint32_t slow_code[] =
#include "slow.inc"
    ;
static const uint32_t spec_code[] =
#include "spec.inc"
    ;

__attribute__((unused)) static const struct gpu_shader affine_shader = {"affine", affine_code,
                                                                        sizeof affine_code};
__attribute__((unused)) static const struct gpu_shader slow_shader = {"slow", slow_code,
                                                                      sizeof slow_code};
__attribute__((unused)) static const struct gpu_shader spec_shader = {"spec", spec_code,
                                                                      sizeof spec_code};

struct affine {
    uint64_t dst, src;
    uint32_t n, a, b, pad;
};

struct slow {
    uint64_t dst;
    uint32_t rounds, pad;
};

/* The status must be OK; otherwise its message is printed. */
#define OKAY(call)                                                                                 \
    do {                                                                                           \
        enum status okay_ = (call);                                                                \
        if (okay_ != OK)                                                                           \
            print_error("%s: %s\n", status_name(okay_), status_message());                         \
        assert_int_equal(okay_, OK);                                                               \
    } while (0)

/* The status must be `want`, and the message must hold every one of the parts. */
#define FAILS(want, call, ...)                                                                     \
    do {                                                                                           \
        enum status fails_ = (call);                                                               \
        const char *parts_[] = {__VA_ARGS__};                                                      \
        assert_int_equal(fails_, want);                                                            \
        for (size_t i_ = 0; i_ < sizeof parts_ / sizeof *parts_; i_++) {                           \
            if (!strstr(status_message(), parts_[i_]))                                             \
                print_error("no '%s' in: %s\n", parts_[i_], status_message());                     \
            assert_non_null(strstr(status_message(), parts_[i_]));                                 \
        }                                                                                          \
    } while (0)

__attribute__((unused)) static struct gpu_pipe_params affine_params(void)
{
    return (struct gpu_pipe_params){.shader = &affine_shader, .push_bytes = sizeof(struct affine)};
}

__attribute__((unused)) static const struct gpu_buf *device_buf(struct gpu *g, uint64_t bytes)
{
    const struct gpu_buf *b = NULL;
    OKAY(gpu_buf_create(
        g, &(struct gpu_buf_params){.bytes = bytes, .purpose = GPU_SCRATCH, .tag = "test"}, &b));
    return b;
}

/* A device for a group of tests, which leaves nothing on it. */
__attribute__((unused)) static int open_device(void **state)
{
    struct gpu *g = NULL;
    OKAY(gpu_open(&(struct gpu_params){.cache_dir = ""}, &g));
    *state = g;
    return 0;
}

__attribute__((unused)) static int close_device(void **state)
{
    struct gpu *g = *state;
    gpu_close(&g);
    assert_int_equal(gpu_test_objects(), 0);
    return 0;
}

#endif
