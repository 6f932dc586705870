/* npy.h - a float32 matrix as a NumPy file (.npy, version 1), written row by row.
 *
 * The file appears under its name when npy_finish() succeeds and not before; what is not a regular
 * file (a pipe, a device) is written to directly. */
#ifndef TAWNY_CLI_NPY_H
#define TAWNY_CLI_NPY_H

#include "cli.h"

struct npy {
    FILE *f;
    const char *path;
    char *temporary; /* NULL: written to directly */
};

/* `path` must live until the end. On failure *out holds nothing. */
enum status npy_start(struct npy *out, const char *path, uint64_t rows, uint64_t columns);
enum status npy_put(struct npy *out, const float *values, size_t n);
enum status npy_finish(struct npy *out);
/* Removes what was written so far; also after npy_finish(), when it does nothing. */
void npy_drop(struct npy *out);

#endif
