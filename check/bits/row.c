/* Rows of weights in the parts that kernels multiply separately. */
#include <string.h>

#include "base/mem.h"
#include "check/bits/bits.h"
#include "check/quant.h"
#include "check/quant/block.h"

/* ---- in which order kernels go through a row ---------------------------------------------- */

static uint32_t by_4(uint32_t chunk, uint32_t run)
{
    (void)run;
    return chunk * 4;
}

static uint32_t by_8(uint32_t chunk, uint32_t run)
{
    (void)run;
    return chunk * 8;
}

static uint32_t by_16(uint32_t chunk, uint32_t run)
{
    (void)run;
    return chunk * 16;
}

static uint32_t by_block(uint32_t chunk, uint32_t run)
{
    return chunk * 32 + run * 16;
}

static uint32_t by_nibbles(uint32_t chunk, uint32_t run)
{
    return chunk / 2 * 64 + chunk % 2 * 16 + run * 32;
}

static uint32_t by_halves(uint32_t chunk, uint32_t run)
{
    return chunk / 4 * 128 + chunk % 4 * 16 + run * 64;
}

const struct bits_layout *bits_layout(enum quant_type type)
{
    static const struct bits_layout layouts[QUANT_COUNT] = {
        [QUANT_F32] = {4, 1, false, false, by_4},
        [QUANT_F16] = {8, 1, false, false, by_8},
        [QUANT_BF16] = {8, 1, false, false, by_8},
        [QUANT_Q8_0] = {16, 1, true, false, by_16},
        [QUANT_Q4_0] = {32, 2, true, false, by_block},
        [QUANT_Q4_1] = {32, 2, true, true, by_block},
        [QUANT_Q5_0] = {32, 2, true, false, by_block},
        [QUANT_Q5_1] = {32, 2, true, true, by_block},
        [QUANT_Q4_K] = {32, 2, true, true, by_nibbles},
        [QUANT_Q5_K] = {32, 2, true, true, by_nibbles},
        [QUANT_Q6_K] = {32, 2, true, false, by_halves},
    };
    return layouts[type].chunk ? &layouts[type] : NULL;
}

/* ---- blocks ------------------------------------------------------------------------------- */

static void from_d(const uint8_t *d, uint32_t groups, float *scale)
{
    for (uint32_t i = 0; i < groups; i++)
        scale[i] = block_f16(d);
}

static void from_k(const uint8_t *b, float *scale, float *minus)
{
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t s, m;
        block_k_scales(b + 4, i / 2, &s, &m);
        scale[i] = block_f16(b) * (float)s;
        minus[i] = block_f16(b + 2) * (float)m;
    }
}

/* A scaled block as the format documents it, with its scales taken out: the plain decoder is run
 * over a copy whose scales are 1 and whose minima are 0. */
static void unscaled(enum quant_type type, const uint8_t *block, float *q)
{
    static const uint8_t one[2] = {0x00, 0x3c};
    uint8_t b[256];
    memcpy(b, block, quant_info(type)->bytes);
    switch (type) {
    case QUANT_Q4_K:
    case QUANT_Q5_K:
        memset(b + 2, 0, 2);
        memset(b + 4, 1, 4);
        memset(b + 8, 0, 4);
        memset(b + 12, 1, 4);
        memcpy(b, one, 2);
        break;
    case QUANT_Q4_1:
    case QUANT_Q5_1:
        memset(b + 2, 0, 2);
        memcpy(b, one, 2);
        break;
    case QUANT_Q6_K:
        memset(b + 192, 1, 16);
        memcpy(b + 208, one, 2);
        break;
    default:
        memcpy(b, one, 2);
        break;
    }
    check_quant[type](b, q);
}

static void scales(enum quant_type type, const uint8_t *b, float *scale, float *minus)
{
    switch (type) {
    case QUANT_Q4_0:
    case QUANT_Q5_0:
    case QUANT_Q8_0:
        from_d(b, 2, scale);
        break;
    case QUANT_Q4_1:
    case QUANT_Q5_1:
        from_d(b, 2, scale);
        from_d(b + 2, 2, minus);
        minus[0] = minus[1] = -minus[0];
        break;
    case QUANT_Q4_K:
    case QUANT_Q5_K:
        from_k(b, scale, minus);
        break;
    case QUANT_Q6_K:
        for (uint32_t i = 0; i < 16; i++)
            scale[i] = block_f16(b + 208) * (float)(int8_t)b[192 + i];
        break;
    default:
        break;
    }
}

/* ---- rows --------------------------------------------------------------------------------- */

enum status bits_row_create(uint32_t k, struct bits_row *row)
{
    *row = (struct bits_row){
        .q = mem_calloc(k, sizeof(float)),
        .scale = mem_calloc(k / 16 + 1, sizeof(float)),
        .minus = mem_calloc(k / 16 + 1, sizeof(float)),
        .whole = mem_calloc(k / 16 + 1, sizeof(float)),
        .small = mem_calloc(k / 16 + 1, 1),
    };
    if (row->q && row->scale && row->minus && row->whole && row->small)
        return OK;
    bits_row_destroy(row);
    return ERR_MEMORY;
}

void bits_row_destroy(struct bits_row *row)
{
    mem_free(row->q);
    mem_free(row->scale);
    mem_free(row->minus);
    mem_free(row->whole);
    mem_free(row->small);
    *row = (struct bits_row){0};
}

enum status bits_row_read(struct check_mem *mem, uint64_t addr, enum quant_type type, uint32_t n,
                          uint32_t k, uint32_t i, struct bits_row *row)
{
    const struct quant *q = quant_info(type);
    uint64_t row_blocks = k / q->block, blocks = row_blocks * n;
    const uint8_t *plane[QUANT_MAX_PLANES];
    for (uint32_t p = 0; p < q->planes; p++) {
        uint64_t at = addr + quant_plane_offset(type, p, blocks);
        uint64_t length = q->plane[p].length;
        CHECK_IN(plane[p], mem, at + row_blocks * i * length, row_blocks * length);
    }
    uint8_t block[256];
    for (uint64_t b = 0; b < row_blocks; b++) {
        for (uint32_t p = 0; p < q->planes; p++) {
            const struct quant_segment *s = &q->plane[p];
            memcpy(block + s->offset, plane[p] + b * s->length, s->length);
        }
        float *to = row->q + b * q->block;
        if (bits_layout(type)->scaled) {
            unscaled(type, block, to);
            uint64_t first = b * q->block / 16;
            scales(type, block, row->scale + first, row->minus + first);
            for (uint32_t g = 0; g < q->block / 16; g++) {
                bool apart = type == QUANT_Q6_K;
                row->whole[first + g] = apart ? block_f16(block + 208) : row->scale[first + g];
                row->small[first + g] = apart ? (int8_t)block[192 + g] : 1;
            }
        } else {
            check_quant[type](block, to);
        }
    }
    return OK;
}
