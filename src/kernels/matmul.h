/* matmul.h - the ways in which k_matmul runs on matrix units; only its own sources include this. */
#ifndef TAWNY_KERNELS_MATMUL_H
#define TAWNY_KERNELS_MATMUL_H

#include "kernels/op.h"

/* x, f32 [m][k], as k_half_push makes it, in scratch: rows of f16, with room for K_HALF_ROWS whole
 * ones, and their scales; with bf16 set plain bf16 (*scale is 0). When the plan's last dispatches
 * have made just that and nothing has been written to x since, as for q, k and v, it is used
 * again. */
enum status k_half_rows(struct plan *p, uint64_t x, uint32_t m, uint32_t k,
                        const struct k_steps *steps, bool bf16, uint64_t *half, uint64_t *scale);

/* VK_KHR_cooperative_matrix with the smallest f16 matrix that the device reports, a subgroup each.
 * Weights are decoded tile by tile. */
bool k_product_khr_fits(struct plan *p, const struct k_matmul_args *a);
enum status k_product_khr(struct plan *p, const struct k_matmul_args *a);

/* VK_NV_cooperative_matrix2, one matrix a workgroup. Weights other than F16 (and BF16, where the
 * device multiplies that) are first written out as f16, at most 64 MiB of scratch at a time. */
enum status k_product_nv(struct plan *p, const struct k_matmul_args *a);

#endif
