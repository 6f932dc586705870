#include "check/quant.h"
#include "check/quant/block.h"

/* {f16 d; f16 dmin; uint8 scales[12]; uint8 high[32]; uint4 low[256]}: as Q4_K with a fifth bit,
 * which for weight i of group g is bit g of high[i]. */
void check_decode_q5_k(const void *block, float *out)
{
    const uint8_t *b = block, *high = b + 16, *low = b + 48;
    float d = block_f16(b), dmin = block_f16(b + 2);
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t group = i / 32, scale, min;
        uint32_t q = low[group / 2 * 32 + i % 32] >> (group % 2 * 4) & 15;
        q |= (high[i % 32] >> group & 1u) << 4;
        block_k_scales(b + 4, group, &scale, &min);
        out[i] = d * (float)scale * (float)q - dmin * (float)min;
    }
}
