#include "check/quant.h"
#include "check/quant/block.h"

/* {f16 d; f16 dmin; uint8 scales[12]; uint4 q[256]}, in 8 groups of 32 weights:
 * d * scale * q - dmin * min. Two groups share 32 bytes, the even one in the low halves. */
void check_decode_q4_k(const void *block, float *out)
{
    const uint8_t *b = block, *qs = b + 16;
    float d = block_f16(b), dmin = block_f16(b + 2);
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t group = i / 32, scale, min;
        uint32_t q = qs[group / 2 * 32 + i % 32] >> (group % 2 * 4) & 15;
        block_k_scales(b + 4, group, &scale, &min);
        out[i] = d * (float)scale * (float)q - dmin * (float)min;
    }
}
