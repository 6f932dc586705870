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

/* Sets constants 0 to 5 and the workgroups for `pairs` pairs of rows of w's type and length.
 * ERR_MODEL if a norm is asked for where it cannot be fused (see k_fuses_norm). */
enum status k_pairs_setup(struct plan *p, struct k_op *o, const struct k_weight *w, uint32_t b,
                          uint32_t norm, uint32_t pairs);

#endif
