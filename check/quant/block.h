/* block.h - reading the fields of a block, which has no alignment. */
#ifndef TAWNY_CHECK_QUANT_BLOCK_H
#define TAWNY_CHECK_QUANT_BLOCK_H

#include <stdint.h>

#include "check/half.h"

static inline uint16_t block_u16(const uint8_t *b)
{
    return (uint16_t)(b[0] | b[1] << 8);
}

static inline float block_f16(const uint8_t *b)
{
    return (float)half_to_double(block_u16(b));
}

/* Q4_K and Q5_K pack eight 6-bit scales and eight 6-bit minima into 12 bytes. Of the first four
 * each has a byte of its own, in its low 6 bits; of the last four the low 4 bits share a byte
 * (scale low, minimum high) and the high 2 bits are the spare top bits of the first eight bytes. */
static inline void block_k_scales(const uint8_t *s, uint32_t i, uint32_t *scale, uint32_t *min)
{
    if (i < 4) {
        *scale = s[i] & 63;
        *min = s[i + 4] & 63;
    } else {
        *scale = (s[i + 4] & 15u) | (s[i - 4] >> 6 << 4);
        *min = (s[i + 4] >> 4) | (s[i] >> 6 << 4);
    }
}

#endif
