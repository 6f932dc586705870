#include "check/quant.h"
#include "check/quant/block.h"

/* {f16 d; f16 m; uint32 high; uint4 low[32]}: d * q + m, q as in Q5_0. */
void check_decode_q5_1(const void *block, float *out)
{
    const uint8_t *b = block;
    float d = block_f16(b), m = block_f16(b + 2);
    for (uint32_t i = 0; i < 32; i++) {
        int q = i < 16 ? b[8 + i] & 15 : b[8 + i - 16] >> 4;
        q |= (b[4 + i / 8] >> i % 8 & 1) << 4;
        out[i] = d * (float)q + m;
    }
}
