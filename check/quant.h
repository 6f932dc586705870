/* quant.h - what the bytes of a block mean: one plain C function a block type, in quant/<type>.c.
 *
 * Written from the formats' public description and held bit for bit against what others' programs
 * make of the same bytes (tests/check/quant.c). Every product is exact in f32, so a weight is
 * rounded at most once: in the subtraction of Q4_K and Q5_K. */
#ifndef TAWNY_CHECK_QUANT_H
#define TAWNY_CHECK_QUANT_H

#include "quant/quant.h"

/* Writes the weights of one block, as it lies in a file, to out: quant_info(t)->block of them.
 * The block needs no alignment. */
typedef void (*check_decode)(const void *block, float *out);

/* By type. */
extern const check_decode check_quant[QUANT_COUNT];

#define QUANT(name, ...) void check_decode_##name(const void *block, float *out);
#include "quant/quants.def"
#undef QUANT

#endif
