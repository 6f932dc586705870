/* ctranslate2.h - private to this room: a model.bin as it lies there. */
#ifndef TAWNY_FORMATS_CTRANSLATE2_H
#define TAWNY_FORMATS_CTRANSLATE2_H

#include "formats/folder.h"

enum { MAX_NAME = 256 }; /* bytes, with the zero behind them */

/* In model.bin's numbering. */
enum ct2_number { F32, I8, I16, I32, F16, BF16, TYPES };

struct ct2_type {
    const char *name;
    uint32_t bytes;
    enum quant_type quant; /* what weights of it become */
};

extern const struct ct2_type ct2_types[TYPES];

struct ct2_variable {
    const char *name;
    uint64_t shape[WEIGHTS_MAX_DIMS]; /* as in the file: the last is the contiguous one */
    uint32_t rank;                    /* 0: a single value */
    enum ct2_number type;
    uint64_t offset, bytes; /* inside the file, and as many as shape and type make */
    bool used;
};

struct ct2 {
    struct weights *w;
    struct reader r;
    uint32_t version;
    struct ct2_variable *all; /* by name, each name once; the caller's to free */
    uint32_t n, room, sorted;
    uint32_t width, n_vocab;
    bool dequantised;
};

/* Reads the header, all variables and their other names, which become variables with the same
 * data. c->w is set and c->r at the start of the file; the file ends where they do. */
enum status ct2_read(struct ct2 *c);

/* NULL if there is none. */
struct ct2_variable *ct2_find(const struct ct2 *c, const char *name);

#endif
