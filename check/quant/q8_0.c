#include "check/quant.h"
#include "check/quant/block.h"

/* {f16 d; int8 q[32]}: d * q. */
void check_decode_q8_0(const void *block, float *out)
{
    const uint8_t *b = block;
    float d = block_f16(b);
    for (uint32_t i = 0; i < 32; i++)
        out[i] = d * (float)(int8_t)b[2 + i];
}
