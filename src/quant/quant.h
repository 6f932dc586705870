/* quant.h - what a block type is: sizes and layout, and nothing about files or kernels.
 *
 * A type packs `block` consecutive weights of a row into `bytes` bytes. The table is quants.def. */
#ifndef TAWNY_QUANT_QUANT_H
#define TAWNY_QUANT_QUANT_H

#include <stdbool.h>
#include <stdint.h>

enum quant_type {
#define QUANT(name, NAME, ...) QUANT_##NAME,
#include "quant/quants.def"
#undef QUANT
    QUANT_COUNT
};

enum { QUANT_MAX_PLANES = 4 };

/* One segment of a block: `length` bytes at `offset`, all even unless the type has one plane. */
struct quant_segment {
    uint32_t offset, length;
};

struct quant {
    const char *stem; /* "q4_k" */
    const char *name; /* "Q4_K" */
    uint32_t gguf;    /* number in GGUF files */
    uint32_t block;   /* weights a block */
    uint32_t bytes;   /* bytes a block */
    uint32_t granule; /* row lengths the kernels take are multiples of this */
    uint32_t planes;  /* 1 to QUANT_MAX_PLANES */
    struct quant_segment plane[QUANT_MAX_PLANES];
};

/* Never NULL for a valid type. */
const struct quant *quant_info(enum quant_type t);

/* By GGUF number; false if this program does not know the type. */
bool quant_from_gguf(uint32_t gguf, enum quant_type *out);

/* Bytes of a row of `n` weights (n must be a multiple of the block, n / block * bytes < 2^64). */
uint64_t quant_row_bytes(enum quant_type t, uint64_t n);

/* Where plane `i` of a tensor of `blocks` blocks begins, from the tensor's first byte. */
uint64_t quant_plane_offset(enum quant_type t, uint32_t plane, uint64_t blocks);

#endif
