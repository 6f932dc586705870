#include "check/quant.h"
#include "check/quant/block.h"

/* {f16 d; uint4 q[32]}: d * (q - 8). Byte i holds weight i low and weight i + 16 high. */
void check_decode_q4_0(const void *block, float *out)
{
    const uint8_t *b = block;
    float d = block_f16(b);
    for (uint32_t i = 0; i < 32; i++) {
        int q = i < 16 ? b[2 + i] & 15 : b[2 + i - 16] >> 4;
        out[i] = d * (float)(q - 8);
    }
}
