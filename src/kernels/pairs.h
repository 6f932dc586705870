/* pairs.h - what the C sides of the matrix-vector kernels share: see lib/pairs.glsl.
 *
 * Only the kernels' own sources include this. */
#ifndef TAWNY_KERNELS_PAIRS_H
#define TAWNY_KERNELS_PAIRS_H

#include "kernels/op.h"

/* 0, K_MV_RMS or K_MV_LAYER, of the addresses that a kernel is told. */
static inline uint32_t k_pairs_norm(uint64_t norm_w, uint64_t norm_b)
{
    return norm_b ? K_MV_LAYER : norm_w ? K_MV_RMS : 0;
}

/* What a dispatch takes. */
struct k_pairs {
    const struct k_weight *w[3]; /* its matrices, rows of one length; the last may be NULL */
    uint32_t b;                  /* rows of x, 1 to 16 */
    uint64_t x;
    uint32_t x_rows;             /* that lie there */
    struct k_steps steps;        /* with out_rows: where the rows are named */
    uint32_t norm;               /* 0, K_MV_RMS or K_MV_LAYER: x goes through that first */
    enum k_x x_as;
    uint32_t pairs;              /* of rows of weights */
};

/* True if such a dispatch takes x as 8 bits. */
bool k_pairs_takes_dots(const struct gpu *g, const struct k_pairs *a, const char *dot_module);

/* Begins a dispatch of `module` or, where x goes in as 8 bits, of `dot_module` (lib/dots.glsl). Its
 * first push word becomes the address of x, its constants 0 to 5 and the workgroups are set, x is
 * declared as read. For many rows of x a dispatch that rounds them may go before. ERR_MODEL if a
 * norm is asked for where it cannot be fused (see k_fuses_norm). */
enum status k_pairs_begin(struct plan *p, struct k_op *o, const struct k_pairs *a, const char *name,
                          const char *module, const char *dot_module, void *push,
                          uint32_t push_bytes, uint32_t n_addr);

#endif
