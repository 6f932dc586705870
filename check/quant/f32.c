#include <string.h>

#include "check/quant.h"

void check_decode_f32(const void *block, float *out)
{
    memcpy(out, block, sizeof *out);
}
