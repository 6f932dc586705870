/* refs.h - the references, one a kernel; each in the file of the kernel's name. */
#ifndef TAWNY_CHECK_REFS_H
#define TAWNY_CHECK_REFS_H

#include "check.h"

enum status check_matvec(const struct plan_op *op, struct check_mem *mem);
enum status check_glu(const struct plan_op *op, struct check_mem *mem);
enum status check_qkv(const struct plan_op *op, struct check_mem *mem);
enum status check_attn(const struct plan_op *op, struct check_mem *mem);
enum status check_embed(const struct plan_op *op, struct check_mem *mem);
enum status check_round8(const struct plan_op *op, struct check_mem *mem);
enum status check_norm(const struct plan_op *op, struct check_mem *mem);
enum status check_matmul(const struct plan_op *op, struct check_mem *mem);
enum status check_half(const struct plan_op *op, struct check_mem *mem);
enum status check_dequant(const struct plan_op *op, struct check_mem *mem);
enum status check_matrix_product(const struct plan_op *op, struct check_mem *mem);
enum status check_product_glu(const struct plan_op *op, struct check_mem *mem);
enum status check_rope(const struct plan_op *op, struct check_mem *mem);
enum status check_flash(const struct plan_op *op, struct check_mem *mem);
enum status check_silu_mul(const struct plan_op *op, struct check_mem *mem);
enum status check_transpose(const struct plan_op *op, struct check_mem *mem);
enum status check_bmm(const struct plan_op *op, struct check_mem *mem);
enum status check_sample_prepare(const struct plan_op *op, struct check_mem *mem);
enum status check_sample_count(const struct plan_op *op, struct check_mem *mem);
enum status check_sample_pick(const struct plan_op *op, struct check_mem *mem);
enum status check_layernorm(const struct plan_op *op, struct check_mem *mem);
enum status check_gelu(const struct plan_op *op, struct check_mem *mem);
enum status check_unfold(const struct plan_op *op, struct check_mem *mem);
enum status check_mel(const struct plan_op *op, struct check_mem *mem);
enum status check_mel_top(const struct plan_op *op, struct check_mem *mem);
enum status check_mel_scale(const struct plan_op *op, struct check_mem *mem);
enum status check_rules(const struct plan_op *op, struct check_mem *mem);
enum status check_logprob(const struct plan_op *op, struct check_mem *mem);
enum status check_probs(const struct plan_op *op, struct check_mem *mem);
enum status check_top(const struct plan_op *op, struct check_mem *mem);
enum status check_fork(const struct plan_op *op, struct check_mem *mem);
enum status check_magnitude(const struct plan_op *op, struct check_mem *mem);
enum status check_unary(const struct plan_op *op, struct check_mem *mem);
enum status check_lstm(const struct plan_op *op, struct check_mem *mem);
enum status check_align_weights(const struct plan_op *op, struct check_mem *mem);
enum status check_align_norm(const struct plan_op *op, struct check_mem *mem);
enum status check_align_mean(const struct plan_op *op, struct check_mem *mem);

/* The median of the seven values around x[t], of n, mirrored at both ends; x[t] of fewer than 4. */
float check_align_median(const float *x, uint32_t t, uint32_t n);

#define CHECK_ALIGN_LEAST 0x1p-100 /* K_ALIGN_LEAST */

struct k_align;

/* Calls fn with each head of each live row that align_weights has a place for: head number `at` of
 * those that are looked at, row b of the step, its slot. */
typedef enum status (*check_align_row)(struct check_mem *mem, const struct plan_op *op,
                                       const struct k_align *a, uint32_t at, uint32_t b,
                                       uint32_t slot);
enum status check_align_rows(const struct plan_op *op, struct check_mem *mem, check_align_row fn);

/* Calls fn with each column that align_norm goes through: n values from `at` on, `stride` bytes
 * from one to the next. */
typedef void (*check_align_column)(struct check_mem *mem, uint64_t at, uint64_t stride, uint32_t n);
enum status check_align_columns(const struct plan_op *op, struct check_mem *mem,
                                check_align_column fn);

#endif
