/* cases.h - the generators, one a family, and what they share. */
#ifndef TAWNY_CHECK_CASES_H
#define TAWNY_CHECK_CASES_H

#include "case.h"

enum status case_matvec(struct check_case *c, enum quant_type type);
enum status case_matvec_int8(struct check_case *c, enum quant_type type);
enum status case_matvec_bits(struct check_case *c, enum quant_type type);
enum status case_glu(struct check_case *c, enum quant_type type);
enum status case_glu_int8(struct check_case *c, enum quant_type type);
enum status case_glu_bits(struct check_case *c, enum quant_type type);
enum status case_qkv(struct check_case *c, enum quant_type type);
enum status case_qkv_int8(struct check_case *c, enum quant_type type);
enum status case_qkv_bits(struct check_case *c, enum quant_type type);
enum status case_attn(struct check_case *c, enum quant_type type);
enum status case_attn_bits(struct check_case *c, enum quant_type type);
enum status case_embed(struct check_case *c, enum quant_type type);
enum status case_norm(struct check_case *c, enum quant_type type);
enum status case_matmul(struct check_case *c, enum quant_type type);
enum status case_matmul_bits(struct check_case *c, enum quant_type type);
enum status case_dequant(struct check_case *c, enum quant_type type);
enum status case_rope_append(struct check_case *c, enum quant_type type);
enum status case_flash(struct check_case *c, enum quant_type type);
enum status case_flash_bits(struct check_case *c, enum quant_type type);
enum status case_flash_matrix(struct check_case *c, enum quant_type type);
enum status case_silu(struct check_case *c, enum quant_type type);
enum status case_repack(struct check_case *c, enum quant_type type);
enum status case_transpose(struct check_case *c, enum quant_type type);
enum status case_bmm(struct check_case *c, enum quant_type type);

enum status case_glu_matrix(struct check_case *c, enum quant_type type);
enum status case_matmul_matrix(struct check_case *c, enum quant_type type);
enum status case_sample(struct check_case *c, enum quant_type type);
enum status case_decode(struct check_case *c, enum quant_type type);
enum status case_prompt(struct check_case *c, enum quant_type type);

enum status case_layernorm(struct check_case *c, enum quant_type type);
enum status case_gelu(struct check_case *c, enum quant_type type);
enum status case_unfold(struct check_case *c, enum quant_type type);
enum status case_mel(struct check_case *c, enum quant_type type);
enum status case_rules(struct check_case *c, enum quant_type type);
enum status case_probs(struct check_case *c, enum quant_type type);
enum status case_top(struct check_case *c, enum quant_type type);
enum status case_fork(struct check_case *c, enum quant_type type);
enum status case_magnitude(struct check_case *c, enum quant_type type);
enum status case_unary(struct check_case *c, enum quant_type type);
enum status case_lstm(struct check_case *c, enum quant_type type);
enum status case_align(struct check_case *c, enum quant_type type);

/* Sequences with settings of many kinds, and what belongs to them: fills a->seqs, slots, history,
 * ring, bias and counter. One slot a row of the step. */
void case_seqs(struct check_case *c, uint32_t slots, uint32_t n_ctx, struct k_sample_args *a);
/* Rows 0, 1 ... are the out rows; returns how many. At least one row must be in use. */
uint32_t case_out_rows(struct check_case *c, const struct k_steps *steps);

/* A head size: a multiple of 8 up to 256. */
uint32_t case_head_dim(struct check_case *c);

/* Row `row` computes something that can be compared. */
bool case_row_is_live(struct check_case *c, const struct k_steps *steps, uint32_t row);
/* A step of that row alone. */
struct k_steps case_one_row(struct check_case *c, const struct k_steps *steps, uint32_t row);
/* Other pages, in the same order, of NaN; with a table of their own. */
struct k_kv case_twin_kv(struct check_case *c, const struct k_kv *kv);
/* Address of the page that a live row's position lies in. */
uint64_t case_row_page(struct check_case *c, const struct k_kv *kv, const struct k_steps *steps,
                       uint32_t row);

#endif
