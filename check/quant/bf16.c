#include <string.h>

#include "check/quant.h"
#include "check/quant/block.h"

/* The upper half of an f32. */
void check_decode_bf16(const void *block, float *out)
{
    uint32_t bits = (uint32_t)block_u16(block) << 16;
    memcpy(out, &bits, sizeof *out);
}
