/* bits.h - references that agree with their kernels in every bit.
 *
 * A kernel without matrix units fixes the order of its additions by the model's shapes (params.h
 * and the heads of the shaders say how), uses no operation whose result a driver may choose
 * (lib/math.glsl) and no contraction but fma. The references here do the same in C, in f32; the
 * others (double sums) say whether the result is right, these whether it is the same everywhere.
 * Results below the normal numbers are left out: devices may flush them to zero. */
#ifndef TAWNY_CHECK_BITS_H
#define TAWNY_CHECK_BITS_H

#include "check/check.h"
#include "check/exact.h"
#include "quant/quant.h"

enum status bits_matvec(const struct plan_op *op, struct check_mem *mem);
enum status bits_glu(const struct plan_op *op, struct check_mem *mem);
enum status bits_qkv(const struct plan_op *op, struct check_mem *mem);
enum status bits_attn(const struct plan_op *op, struct check_mem *mem);
enum status bits_flash(const struct plan_op *op, struct check_mem *mem);
enum status bits_matmul(const struct plan_op *op, struct check_mem *mem);
enum status bits_bmm(const struct plan_op *op, struct check_mem *mem);
enum status bits_norm(const struct plan_op *op, struct check_mem *mem);
enum status bits_rope(const struct plan_op *op, struct check_mem *mem);
enum status bits_silu(const struct plan_op *op, struct check_mem *mem);
enum status bits_layernorm(const struct plan_op *op, struct check_mem *mem);
enum status bits_gelu(const struct plan_op *op, struct check_mem *mem);
enum status bits_mel(const struct plan_op *op, struct check_mem *mem);
enum status bits_mel_top(const struct plan_op *op, struct check_mem *mem);
enum status bits_mel_scale(const struct plan_op *op, struct check_mem *mem);
enum status bits_probs(const struct plan_op *op, struct check_mem *mem);
enum status bits_magnitude(const struct plan_op *op, struct check_mem *mem);
enum status bits_unary(const struct plan_op *op, struct check_mem *mem);
enum status bits_lstm(const struct plan_op *op, struct check_mem *mem);
enum status bits_align_weights(const struct plan_op *op, struct check_mem *mem);
enum status bits_align_norm(const struct plan_op *op, struct check_mem *mem);
enum status bits_align_mean(const struct plan_op *op, struct check_mem *mem);

/* ---- what they share ---------------------------------------------------------------------- */

/* Loops of fma() want the instruction, not a call. (A choice at load time comes too early for the
 * thread sanitizer.) */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_THREAD__)
#define BITS_FMA __attribute__((target_clones("fma", "default")))
#else
#define BITS_FMA
#endif

static inline void bits_out_f32(struct check_mem *mem, uint64_t addr, float v)
{
    check_out_f32(mem, addr, (double)v, 0);
}

static inline void bits_out_f16(struct check_mem *mem, uint64_t addr, float v)
{
    uint16_t h = m_half_bits(v);
    check_out_bytes(mem, addr, &h, sizeof h);
}

/* Adds v[0 .. n), n a power of two, as lib/reduce.glsl does; v is used up. */
static inline float bits_tree(float *v, uint32_t n)
{
    for (uint32_t s = 1; s < n; s <<= 1) {
        for (uint32_t i = 0; i < n; i += 2 * s)
            v[i] = v[i] + v[i + s];
    }
    return v[0];
}

/* How kernels go through a row of weights: in chunks of `chunk` weights, each `runs` runs of
 * neighbours; chunk c's run r begins at column[...]. */
struct bits_layout {
    uint32_t chunk, runs;
    bool scaled, min; /* q has scales, minima */
    uint32_t (*column)(uint32_t chunk, uint32_t run);
};
const struct bits_layout *bits_layout(enum quant_type type);

/* A row of weights in parts: weight i is scale[i / 16] * q[i] - minus[i / 16] (scale, minus only
 * where the layout has them). Where runs of 16 have scales that are integers, small[i / 16], scale
 * is whole[i / 16] times that; else whole is scale and small 1. */
struct bits_row {
    float *q, *scale, *minus, *whole;
    int8_t *small;
};
/* Room for rows of k weights. */
enum status bits_row_create(uint32_t k, struct bits_row *row);
void bits_row_destroy(struct bits_row *row);
/* Row i of the [n][k] matrix at addr. */
enum status bits_row_read(struct check_mem *mem, uint64_t addr, enum quant_type type, uint32_t n,
                          uint32_t k, uint32_t i, struct bits_row *row);

/* The factor of RMSNorm (lib/rms.glsl). */
float bits_rms(const float *x, uint32_t k, float eps);

/* x[0 .. k) through LayerNorm, in place (lib/layer.glsl). */
void bits_layer(float *x, uint32_t k, const float *w, const float *b, float eps);

#endif
