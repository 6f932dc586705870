/* The table of block types: it agrees with itself and with what GGUF says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "quant/quant.h"

static void sizes_are_the_formats(void **state)
{
    (void)state;
    static const struct {
        enum quant_type type;
        const char *name;
        uint32_t gguf, block, bytes;
    } known[] = {
        {QUANT_F32, "F32", 0, 1, 4},        {QUANT_F16, "F16", 1, 1, 2},
        {QUANT_BF16, "BF16", 30, 1, 2},     {QUANT_Q4_0, "Q4_0", 2, 32, 18},
        {QUANT_Q8_0, "Q8_0", 8, 32, 34},    {QUANT_Q4_K, "Q4_K", 12, 256, 144},
        {QUANT_Q5_K, "Q5_K", 13, 256, 176}, {QUANT_Q6_K, "Q6_K", 14, 256, 210},
        {QUANT_Q4_1, "Q4_1", 3, 32, 20},    {QUANT_Q5_0, "Q5_0", 6, 32, 22},
        {QUANT_Q5_1, "Q5_1", 7, 32, 24},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct quant *q = quant_info(known[i].type);
        enum quant_type t;
        assert_string_equal(q->name, known[i].name);
        assert_int_equal(q->gguf, known[i].gguf);
        assert_int_equal(q->block, known[i].block);
        assert_int_equal(q->bytes, known[i].bytes);
        assert_true(quant_from_gguf(known[i].gguf, &t));
        assert_int_equal(t, known[i].type);
        assert_int_equal(quant_row_bytes(t, 512), 512 / q->block * q->bytes);
    }
    enum quant_type t;
    assert_false(quant_from_gguf(4, &t));
    assert_false(quant_from_gguf(UINT32_MAX, &t));
}

/* The planes hold every byte of a block once, so that a tensor keeps its size. */
static void planes_cover_a_block_once(void **state)
{
    (void)state;
    for (unsigned t = 0; t < QUANT_COUNT; t++) {
        const struct quant *q = quant_info((enum quant_type)t);
        unsigned char covered[512] = {0};
        uint64_t total = 0;
        assert_in_range(q->planes, 1, QUANT_MAX_PLANES);
        assert_int_equal(q->granule % q->block, 0);
        for (uint32_t p = 0; p < q->planes; p++) {
            assert_int_equal(quant_plane_offset((enum quant_type)t, p, 10), total * 10);
            assert_true(q->planes == 1 || q->plane[p].length % 2 == 0);
            for (uint32_t i = 0; i < q->plane[p].length; i++)
                covered[q->plane[p].offset + i]++;
            total += q->plane[p].length;
        }
        assert_int_equal(total, q->bytes);
        for (uint32_t i = 0; i < sizeof covered; i++)
            assert_int_equal(covered[i], i < q->bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_the_formats),
        cmocka_unit_test(planes_cover_a_block_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
