#include "check/quant.h"
#include "check/quant/block.h"

/* {uint4 low[256]; uint2 high[256]; int8 scales[16]; f16 d}, a scale for 16 weights:
 * d * scale * (q - 32). Each half of the block has 64 bytes of low bits (its first 64 weights in
 * the low halves, the others in the high halves) and 32 bytes of high bits (a pair of bits for
 * each of its four runs of 32 weights). */
void check_decode_q6_k(const void *block, float *out)
{
    const uint8_t *b = block;
    float d = block_f16(b + 208);
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t half = i / 128, run = i % 128 / 32, at = i % 32;
        uint32_t low = b[half * 64 + run % 2 * 32 + at] >> (run / 2 * 4) & 15;
        uint32_t high = b[128 + half * 32 + at] >> (run * 2) & 3;
        int scale = (int8_t)b[192 + i / 16];
        out[i] = d * (float)scale * (float)((int)(low | high << 4) - 32);
    }
}
