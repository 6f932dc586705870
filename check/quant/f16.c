#include "check/quant.h"
#include "check/quant/block.h"

void check_decode_f16(const void *block, float *out)
{
    *out = block_f16(block);
}
