/* quant.h - what the bytes of a block mean: one plain C function a block type, in quant/<type>.c.
 */
#ifndef TAWNY_CHECK_QUANT_H
#define TAWNY_CHECK_QUANT_H

#include "quant/quant.h"

/* Writes the weights of one block, as it lies in a file, to out: exactly what the format says,
 * each rounded to f32 once or not at all. */
typedef void (*check_decode)(const void *block, float *out);

/* By type. */
extern const check_decode check_quant[QUANT_COUNT];

#endif
