#include "quant/quant.h"

static const struct quant table[QUANT_COUNT] = {
#define QUANT(name, NAME, gguf, block, bytes, granule, planes, ...)                                \
    [QUANT_##NAME] = {#name, #NAME, gguf, block, bytes, granule, planes, {__VA_ARGS__}},
#include "quant/quants.def"
#undef QUANT
};

const struct quant *quant_info(enum quant_type t)
{
    return &table[t];
}

bool quant_from_gguf(uint32_t gguf, enum quant_type *out)
{
    for (unsigned i = 0; i < QUANT_COUNT; i++) {
        if (table[i].gguf == gguf) {
            *out = (enum quant_type)i;
            return true;
        }
    }
    return false;
}

uint64_t quant_row_bytes(enum quant_type t, uint64_t n)
{
    return n / table[t].block * table[t].bytes;
}

uint64_t quant_plane_offset(enum quant_type t, uint32_t plane, uint64_t blocks)
{
    uint64_t offset = 0;
    for (uint32_t i = 0; i < plane; i++)
        offset += blocks * table[t].plane[i].length;
    return offset;
}
