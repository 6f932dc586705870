/* linear.h - what the references of matrix products share. */
#ifndef TAWNY_CHECK_LINEAR_H
#define TAWNY_CHECK_LINEAR_H

#include "check.h"
#include "quant/quant.h"

/* Long loops want wide instructions where there are some. (A choice at load time comes too early
 * for the thread sanitizer.) */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_THREAD__)
#define CHECK_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define CHECK_WIDE
#endif

/* A sum and the root of the sum of squares of its terms. */
struct check_sum {
    double value, mag;
};

/* A matrix of n rows of k weights, in planes as quants.def says, at addr. */
struct check_weight {
    uint64_t addr;
    enum quant_type type;
    uint32_t n, k;
};

/* Row i as floats (exactly what its blocks say). */
enum status check_weight_row(struct check_mem *mem, const struct check_weight *w, uint32_t i,
                             float *out);

/* sum of a[i] b[i] over k values */
struct check_sum check_dot(const float *a, const double *b, uint32_t k);

/* out[b][n] = bias[n] + sum_k w[n][k] x[b][k]; bias 0: none. */
enum status check_product(struct check_mem *mem, const struct check_weight *w, const double *x,
                          uint32_t b, uint64_t bias, struct check_sum *out);

/* Products with a residual, 0: none, as rows of n values at dst, ld values from one to the next;
 * of `rows` rows the first `live` count, the others may become anything. */
struct check_products {
    uint64_t dst, residual;
    const struct check_sum *sums; /* [live][n] */
    uint32_t n, ld, rows, live;
    bool half; /* dst is f16, at most 65504 in magnitude; there is no residual */
};
enum status check_out_products(struct check_mem *mem, const struct check_products *out);

/* What a product takes its rows of x through: a K_MV_NORM (0: nothing), weights, biases. */
struct check_norm {
    uint32_t kind;
    uint64_t w, b;
    float eps;
};
/* A row of x as doubles, normalised. */
enum status check_x_row(struct check_mem *mem, uint64_t x, uint32_t k,
                        const struct check_norm *norm, double *out);

/* 0 to 15: rows that are not picked. */
extern const uint32_t check_in_order[16];

/* The rows of x that one of the matrix-vector kernels multiplies, [count][k]: as they are at addr,
 * rows[b] of them each, normalised; or what round8.comp made. */
enum status check_x_rows(const struct plan_op *op, struct check_mem *mem, uint64_t addr,
                         const uint32_t *rows, uint32_t count, const struct check_norm *norm,
                         double *out);

/* What row i of the step header says. */
struct check_row {
    uint32_t token, pos, slot;
    bool live; /* i < n_rows and slot is not K_NO_SLOT; else the rest means nothing */
};
enum status check_step_row(struct check_mem *mem, uint64_t step, uint32_t i, struct check_row *out);

/* How many rows of row_bytes the op declares to write at addr: for kernels that are told the count
 * by their grid alone. */
uint32_t check_declared_rows(const struct plan_op *op, uint64_t addr, uint64_t row_bytes);

/* out[i] = the rows of x that a dispatch with `b` rows takes: row i, or step.out_row[i] where
 * out_rows is set; *count: how many of them count. b <= 16 with out_rows. */
enum status check_out_rows(struct check_mem *mem, bool out_rows, uint64_t step, uint32_t b,
                           uint32_t *out, uint32_t *count);

/* A kernel that makes `rows` rows of k floats at dst, one at a time, of rows of x: those of the
 * same number, or with out_rows those that the step at `step` picks. */
struct check_rows {
    uint64_t x, dst, step;
    uint32_t rows, k;
    bool out_rows;
    bool half; /* dst is f16 */
};

typedef enum status (*check_row_fn)(const struct plan_op *op, struct check_mem *mem, uint64_t from,
                                    uint64_t to);

/* Calls fn with the addresses of each row that counts, on all processors; what lies in the others
 * may be anything. */
enum status check_each_row(const struct plan_op *op, struct check_mem *mem,
                           const struct check_rows *r, check_row_fn fn);

/* The same of a dispatch of norm or layernorm. */
enum status check_norm_rows(const struct plan_op *op, struct check_mem *mem, check_row_fn fn);
enum status check_layernorm_rows(const struct plan_op *op, struct check_mem *mem, check_row_fn fn);

/* SiLU(x) = x / (1 + e^-x) and its derivative. */
double check_silu(double x);
double check_silu_slope(double x);

/* gelu(v), with the magnitude that follows from that of v. */
struct check_sum check_gelu_of(struct check_sum v);

/* silu(g) * u with the magnitude that follows from those of g and u. */
struct check_sum check_swiglu(struct check_sum g, struct check_sum u);

#endif
