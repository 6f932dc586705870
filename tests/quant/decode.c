/* The plain decoders of check/quant against golden blocks (tests/golden/make_quants.py): every
 * weight of every block, bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check/half.h"
#include "check/quant.h"
#include "formats/weights.h"

static void *read_tensor(const struct weights *w, const struct weights_tensor *t)
{
    void *p = malloc(t->bytes);
    assert_non_null(p);
    if (weights_read(w, t, 0, t->bytes, p) != OK)
        fail_msg("%s", status_message());
    return p;
}

static void compare_type(const struct weights *w, enum quant_type type)
{
    const struct quant *q = quant_info(type);
    char name[32];
    const struct weights_tensor *blocks = weights_tensor(w, q->name), *values;
    assert_non_null(blocks);
    assert_int_equal(blocks->type, type);
    snprintf(name, sizeof name, "%s.f32", q->name);
    const uint64_t ne[] = {blocks->ne[0], blocks->ne[1], 0};
    if (weights_need_tensor(w, name, ne, &values) != OK)
        fail_msg("%s", status_message());
    assert_int_equal(values->type, QUANT_F32);

    unsigned char *bytes = read_tensor(w, blocks);
    float *expected = read_tensor(w, values);
    uint64_t count = blocks->bytes / q->bytes;
    assert_true(count >= 16);
    assert_int_equal(count * q->block * sizeof *expected, values->bytes);
    float out[256 + 1];
    for (uint64_t b = 0; b < count; b++) {
        unsigned char block[256]; /* at an odd address: a block has no alignment */
        memset(out, 0x55, sizeof out);
        memcpy(block + 1, bytes + b * q->bytes, q->bytes);
        check_quant[type](block + 1, out);
        for (uint32_t i = 0; i < q->block; i++) {
            uint32_t is, want;
            memcpy(&is, &out[i], sizeof is);
            memcpy(&want, &expected[b * q->block + i], sizeof want);
            if (is != want)
                fail_msg("%s block %llu weight %u: %08x (%g), expected %08x (%g)", q->name,
                         (unsigned long long)b, i, is, (double)out[i], want,
                         (double)expected[b * q->block + i]);
        }
        uint32_t guard;
        memcpy(&guard, &out[q->block], sizeof guard);
        assert_int_equal(guard, 0x55555555); /* nothing behind the block is written */
    }
    free(bytes);
    free(expected);
}

static void decoders_equal_golden_blocks(void **state)
{
    (void)state;
    char path[4096];
    struct weights *w;
    const char *source = getenv("TAWNY_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/quants.gguf", source ? source : ".");
    if (weights_open(path, &w) != OK)
        fail_msg("%s", status_message());
    for (unsigned t = 0; t < QUANT_COUNT; t++)
        compare_type(w, (enum quant_type)t);
    weights_close(&w);
}

/* A block whose scale is no number gives weights that are none, and nothing worse. */
static void scales_that_are_no_numbers(void **state)
{
    (void)state;
    static const struct {
        enum quant_type type;
        uint32_t at;
    } scales[] = {{QUANT_Q4_0, 0}, {QUANT_Q8_0, 0},   {QUANT_Q4_K, 0}, {QUANT_Q4_K, 2},
                  {QUANT_Q5_K, 0}, {QUANT_Q6_K, 208}, {QUANT_F16, 0},  {QUANT_BF16, 0},
                  {QUANT_Q4_1, 0}, {QUANT_Q4_1, 2},   {QUANT_Q5_0, 0}, {QUANT_Q5_1, 0},
                  {QUANT_Q5_1, 2}};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        unsigned char block[256];
        float out[256];
        const struct quant *q = quant_info(scales[i].type);
        memset(block, 0x11, sizeof block);
        block[scales[i].at] = 0xC1; /* 0x7FC1: NaN in f16 and in bf16 */
        block[scales[i].at + 1] = 0x7F;
        check_quant[scales[i].type](block, out);
        for (uint32_t k = 0; k < q->block; k++)
            assert_true(isnan(out[k]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoders_equal_golden_blocks),
        cmocka_unit_test(scales_that_are_no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
