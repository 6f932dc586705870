/* The table of references. Limits: about five times the noise of a sum in f32 (NMSE 4e-12 at
 * 14,336 terms), or of operands rounded to f16 or 8 bits where a variant does that. */
#include "bits/bits.h"
#include "refs.h"

#define F32_SUM                                                                                    \
    {                                                                                              \
        2e-11, 1e-4                                                                                \
    }
#define F32_POINT                                                                                  \
    {                                                                                              \
        1e-11, 1e-4                                                                                \
    }
#define F16_IN                                                                                     \
    {                                                                                              \
        5e-7, 5e-3                                                                                 \
    }
#define F16_ATTENTION                                                                              \
    {                                                                                              \
        1e-6, 1e-2                                                                                 \
    }
#define INT8_IN                                                                                    \
    {                                                                                              \
        5e-4, 50                                                                                   \
    }
#define BITS                                                                                       \
    {                                                                                              \
        0, 0                                                                                       \
    }

const struct check_ref check_refs[] = {
    {"matvec", check_matvec, F32_SUM, bits_matvec},
    {"glu", check_glu, F32_SUM, bits_glu},
    {"qkv", check_qkv, F32_SUM, bits_qkv},
    {"matvec_dot", check_matvec, INT8_IN, bits_matvec},
    {"glu_dot", check_glu, INT8_IN, bits_glu},
    {"qkv_dot", check_qkv, INT8_IN, bits_qkv},
    {"round8", check_round8, BITS},
    {"attn", check_attn, F32_SUM, bits_attn},
    {"embed", check_embed, BITS},
    {"norm", check_norm, F32_POINT, bits_norm},
    {"matmul", check_matmul, F32_SUM, bits_matmul},
    {"half", check_half, BITS},
    {"dequant", check_dequant, F32_POINT},
    {"product", check_matrix_product, F16_IN},
    {"product_nv_bf16", check_matrix_product, F16_IN},
    {"product_glu_nv", check_product_glu, F16_IN},
    {"rope", check_rope, F32_POINT, bits_rope},
    {"flash", check_flash, F32_SUM, bits_flash},
    {"flash_nv", check_flash, F16_ATTENTION},
    {"silu", check_silu_mul, F32_POINT, bits_silu},
    {"transpose", check_transpose, BITS},
    {"bmm", check_bmm, F32_SUM, bits_bmm},
    {"sample_prepare", check_sample_prepare, BITS},
    {"sample_count", check_sample_count, BITS},
    {"sample_pick", check_sample_pick, BITS},
    {"layernorm", check_layernorm, F32_POINT, bits_layernorm},
    {"gelu", check_gelu, F32_POINT, bits_gelu},
    {"unfold", check_unfold, BITS},
    {"mel", check_mel, F32_SUM, bits_mel},
    {"mel_top", check_mel_top, F32_POINT, bits_mel_top},
    {"mel_scale", check_mel_scale, F32_POINT, bits_mel_scale},
    {"rules", check_rules, BITS},
    {"logprob", check_logprob, BITS},
    {"probs", check_probs, F32_SUM, bits_probs},
    {"top", check_top, BITS},
    {"fork", check_fork, BITS},
    {"magnitude", check_magnitude, F32_POINT, bits_magnitude},
    {"unary", check_unary, F32_POINT, bits_unary},
    {"lstm", check_lstm, F32_SUM, bits_lstm},
    {"align_weights", check_align_weights, F32_SUM, bits_align_weights},
    {"align_norm", check_align_norm, F32_SUM, bits_align_norm},
    {"align_mean", check_align_mean, F32_POINT, bits_align_mean},
    {0},
};
