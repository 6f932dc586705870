/* Memory, weights and floats of random cases. */
#include "case.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "half.h"

enum { GUARD = 256 };

static const uint32_t nan_pattern = 0x7fa17fa1; /* signalling, as f32; NaN as two f16 too */

/* Byte i of a guard: NaNs, as f32 and every other f16, of other bits each; the same every GUARD. */
static uint8_t guard_byte(uint64_t i)
{
    uint8_t b = (uint8_t)(0xa5 ^ i * 37);
    return i % 4 == 3 ? 0x7f : i % 4 == 2 ? b | 0xa0 : b;
}

static void fill_guards(uint8_t *image, uint64_t from, uint64_t to)
{
    uint8_t pattern[GUARD];
    for (uint32_t i = 0; i < GUARD; i++)
        pattern[i] = guard_byte(from + i);
    for (; from < to; from += GUARD)
        memcpy(image + from, pattern, to - from < GUARD ? to - from : GUARD);
}

static void fill_nans(uint8_t *to, uint64_t bytes)
{
    uint64_t i = 0;
    for (; i + 4 <= bytes; i += 4)
        memcpy(to + i, &nan_pattern, 4);
    memcpy(to + i, &nan_pattern, bytes - i);
}

void case_text(struct check_case *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->text, sizeof c->text, fmt, args);
    va_end(args);
}

void *case_buf(struct check_case *c, uint64_t bytes, bool align256, const char *tag, uint64_t *addr)
{
    uint64_t start = align_up(c->used + GUARD, 256);
    if (!align256)
        start += 16 * rand_below(&c->data, 16);
    uint64_t end = align_up(start + bytes, 4) + GUARD;
    fill_guards(c->image, c->used, start);
    fill_nans(c->image + start, bytes);
    fill_guards(c->image, start + bytes, end);
    c->used = end;
    *addr = c->base + start;
    enum status s = check_mem_name(c->mem, *addr, bytes, tag);
    if (c->status == OK)
        c->status = s;
    return c->image + start;
}

/* N(0, 1) to 12 bits of quantile: fast, and good enough for inputs. */
static float fast_normal(struct check_rand *r)
{
    static float table[4096];
    if (table[4095] == 0) {
        /* Sums of twelve uniform numbers are near enough to normal. */
        struct check_rand t = {1};
        for (int i = 0; i < 4096; i++) {
            double sum = -6;
            for (int j = 0; j < 12; j++)
                sum += rand_unit(&t);
            table[i] = (float)sum;
        }
    }
    uint64_t bits = rand_u64(r);
    return table[bits >> 52] + table[bits & 4095] * 0x1p-9f;
}

enum floats { NORMAL, OUTLIERS, ZEROS, LARGE, SMALL };

static void fill_floats(struct check_rand *r, float *p, uint64_t n, double scale, enum floats kind)
{
    static const double factor[] = {[NORMAL] = 1, [OUTLIERS] = 1, [LARGE] = 1e4, [SMALL] = 1e-4};
    for (uint64_t i = 0; i < n; i++) {
        double v = kind == ZEROS ? 0 : (double)fast_normal(r) * scale * factor[kind];
        p[i] = (float)(kind == OUTLIERS && i % 64 == 17 ? v * 1000 : v);
    }
}

uint64_t case_floats(struct check_case *c, uint64_t n, double scale, const char *tag)
{
    static const enum floats kinds[] = {NORMAL,   NORMAL, NORMAL, NORMAL, OUTLIERS,
                                        OUTLIERS, ZEROS,  LARGE,  SMALL};
    uint64_t addr;
    float *p = case_buf(c, n * 4, false, tag, &addr);
    fill_floats(&c->data, p, n, scale, kinds[rand_below(&c->data, 9)]);
    return addr;
}

uint64_t case_halves(struct check_case *c, uint64_t n, uint64_t room, double scale, const char *tag)
{
    uint64_t addr;
    uint16_t *p = case_buf(c, room * 2, false, tag, &addr);
    memset(p + n, 0xff, (room - n) * 2);
    for (uint64_t i = 0; i < n; i++)
        p[i] = half_from_double(rand_normal(&c->data) * scale);
    return addr;
}

uint64_t case_normals(struct check_case *c, uint64_t n, double scale, const char *tag)
{
    uint64_t addr;
    float *p = case_buf(c, n * 4, false, tag, &addr);
    fill_floats(&c->data, p, n, scale, NORMAL);
    return addr;
}

uint64_t case_out(struct check_case *c, uint64_t n, const char *tag)
{
    uint64_t addr;
    case_buf(c, n * 4, false, tag, &addr);
    return addr;
}

uint64_t case_counters(struct check_case *c, uint64_t n, const char *tag)
{
    uint64_t addr;
    memset(case_buf(c, n * 4, false, tag, &addr), 0, n * 4);
    return addr;
}

/* Where a block has scales in f16, and what one ought to be for weights of about N(0, 1). */
struct scales {
    uint32_t at[2];
    double size[2];
};

static void random_block(struct check_rand *r, enum quant_type type, double scale, uint8_t *out)
{
    static const struct scales table[QUANT_COUNT] = {
        [QUANT_Q4_0] = {{0}, {1 / 4.6}},
        [QUANT_Q8_0] = {{0}, {1 / 74.0}},
        [QUANT_Q4_1] = {{0, 2}, {1 / 4.6, 1.0}},
        [QUANT_Q5_0] = {{0}, {1 / 9.2}},
        [QUANT_Q5_1] = {{0, 2}, {1 / 9.2, 1.0}},
        [QUANT_Q4_K] = {{0, 2}, {1 / 300.0, 1 / 40.0}},
        [QUANT_Q5_K] = {{0, 2}, {1 / 600.0, 1 / 40.0}},
        [QUANT_Q6_K] = {{208}, {1 / 1350.0}},
    };
    const struct quant *q = quant_info(type);
    float v = (float)((double)fast_normal(r) * scale);
    uint32_t bits;
    uint16_t half;
    memcpy(&bits, &v, 4);
    switch (type) {
    case QUANT_F32:
        memcpy(out, &v, 4);
        return;
    case QUANT_F16:
        half = half_from_double((double)v);
        memcpy(out, &half, 2);
        return;
    case QUANT_BF16:
        memcpy(out, (uint8_t *)&bits + 2, 2);
        return;
    default:
        break;
    }
    for (uint32_t i = 0; i < q->bytes; i += 8) {
        uint64_t random = rand_u64(r);
        memcpy(out + i, &random, q->bytes - i < 8 ? q->bytes - i : 8);
    }
    for (int i = 0; i < 2 && table[type].size[i] > 0; i++) {
        double d = table[type].size[i] * scale * (0.5 + rand_unit(r));
        if (rand_one_in(r, 8))
            d = -d;
        if (rand_one_in(r, 32))
            d = rand_one_in(r, 2) ? 0 : d * 0x1p-10; /* also among f16's subnormal numbers */
        half = half_from_double(d);
        memcpy(out + table[type].at[i], &half, 2);
    }
}

struct k_weight case_weight(struct check_case *c, enum quant_type type, uint32_t n, uint32_t k,
                            const char *name)
{
    const struct quant *q = quant_info(type);
    uint64_t blocks = (uint64_t)n * k / q->block;
    struct k_weight w = {.type = type, .n = n, .k = k, .name = name};
    uint8_t *to = case_buf(c, blocks * q->bytes, true, name, &w.addr);
    uint8_t block[512];
    for (uint64_t i = 0; i < blocks; i++) {
        random_block(&c->data, type, 1 / sqrt(k), block);
        for (uint32_t p = 0; p < q->planes; p++) {
            const struct quant_segment *s = &q->plane[p];
            memcpy(to + quant_plane_offset(type, p, blocks) + i * s->length, block + s->offset,
                   s->length);
        }
    }
    return w;
}

uint32_t case_row_length(struct check_case *c, enum quant_type type, uint32_t most)
{
    uint32_t granule = quant_info(type)->granule;
    uint32_t units = most / granule;
    uint32_t pick = rand_below(&c->rand, 4);
    if (units <= 1 || pick == 0)
        return granule;
    if (pick == 1)
        return granule * rand_range(&c->rand, 1, units < 4 ? units : 4);
    return granule * rand_range(&c->rand, 1, units);
}

uint32_t case_count(struct check_case *c, uint32_t most)
{
    static const uint32_t edges[] = {1,  2,  3,  7,  8,   9,   13,  15,  16,  17,  31,  32, 33,
                                     63, 64, 65, 97, 127, 128, 129, 131, 255, 256, 257, 300};
    if (c->size == CASE_THOROUGH && most >= 300 && rand_one_in(&c->rand, 8))
        return 4097;
    for (int tries = 0; tries < 64; tries++) {
        uint32_t n = edges[rand_below(&c->rand, sizeof edges / sizeof *edges)];
        if (n <= most)
            return n;
    }
    return 1;
}

const struct case_model *case_model(struct check_case *c, enum quant_type type)
{
    static const struct case_model models[] = {
        {"0.5B", 896, 14, 2, 64, 4864, 151936},
        {"1B", 2048, 32, 8, 64, 8192, 128256},
        {"8B", 4096, 32, 8, 128, 14336, 128256},
        {"Whisper tiny", 384, 6, 6, 64, 1536, 51865},
        {"Whisper small", 768, 12, 12, 64, 3072, 51865},
        {"Whisper large", 1280, 20, 20, 64, 5120, 51866},
    };
    enum { COUNT = sizeof models / sizeof *models };
    if (c->size == CASE_QUICK || (c->size == CASE_THOROUGH && rand_one_in(&c->rand, 2)))
        return NULL;
    const struct case_model *m = &models[rand_below(&c->rand, COUNT)];
    return m->embed % quant_info(type)->granule ? &models[1] : m;
}

void case_same_bits(struct check_case *c, uint64_t a, uint64_t b, uint64_t bytes, const char *what)
{
    if (c->n_same < CASE_MAX_SAME)
        c->same[c->n_same++] = (struct case_same){a, b, bytes, what};
    else if (c->status == OK)
        c->status = status_fail(ERR, "check: more than %d pairs of one case", CASE_MAX_SAME);
}
