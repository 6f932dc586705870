#include "check/quant.h"
#include "check/quant/block.h"

/* {f16 d; uint32 high; uint4 low[32]}: d * (q - 16). The low bits lie as in Q4_0; bit i of `high`
 * is the fifth bit of weight i. */
void check_decode_q5_0(const void *block, float *out)
{
    const uint8_t *b = block;
    float d = block_f16(b);
    for (uint32_t i = 0; i < 32; i++) {
        int q = i < 16 ? b[6 + i] & 15 : b[6 + i - 16] >> 4;
        q |= (b[2 + i / 8] >> i % 8 & 1) << 4;
        out[i] = d * (float)(q - 16);
    }
}
