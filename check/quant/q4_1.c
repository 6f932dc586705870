#include "check/quant.h"
#include "check/quant/block.h"

/* {f16 d; f16 m; uint4 q[32]}: d * q + m. Byte i holds weight i low and weight i + 16 high. */
void check_decode_q4_1(const void *block, float *out)
{
    const uint8_t *b = block;
    float d = block_f16(b), m = block_f16(b + 2);
    for (uint32_t i = 0; i < 32; i++) {
        uint32_t q = i < 16 ? b[4 + i] & 15u : (uint32_t)b[4 + i - 16] >> 4;
        out[i] = d * (float)q + m;
    }
}
