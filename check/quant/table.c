#include "check/quant.h"

const check_decode check_quant[QUANT_COUNT] = {
#define QUANT(name, NAME, ...) [QUANT_##NAME] = check_decode_##name,
#include "quant/quants.def"
#undef QUANT
};
