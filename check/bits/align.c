/* When words are said: align_weights, align_norm, align_mean. */
#include <math.h>

#include "base/mem.h"
#include "check/bits/bits.h"
#include "check/half.h"
#include "check/kv.h"
#include "check/refs.h"
#include "kernels/params.h"

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

BITS_FMA static float dot(const float *q, const uint16_t *k, uint32_t d)
{
    float sum = 0;
    for (uint32_t i = 0; i < d; i++)
        sum = m_fma(q[i], (float)half_to_double(k[i]), sum);
    return sum;
}

static enum status weigh(struct check_mem *mem, const struct plan_op *op, const struct k_align *a,
                         uint32_t at, uint32_t b, uint32_t slot)
{
    const struct k_align_weights_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t heads = spec[K_ALIGN_WEIGHTS_HEADS], d = spec[K_ALIGN_WEIGHTS_HEAD_DIM];
    uint32_t seen = spec[K_ALIGN_WEIGHTS_SEEN], n = least(a->frames, seen);
    uint32_t head = check_in_u32(mem, p->heads + 4ull * at);
    struct check_kv kv = {p->pages, p->max_pages, p->kv_offset, heads, d};
    uint64_t dst = p->dst + 4 * (((uint64_t)at * p->places + a->at + b) * seen);
    const float *q;
    CHECK_IN(q, mem, p->q + 4 * (((uint64_t)b * heads + head) * d), 4ull * d);
    float *v = mem_calloc(n + 1ull, sizeof *v), top = -INFINITY, sum[256] = {0};
    if (!v)
        return ERR_MEMORY;
    for (uint32_t t = 0; t < n; t++) {
        const uint16_t *k = check_in(mem, check_kv_key(mem, &kv, slot, t, head), 2ull * d);
        v[t] = k ? dot(q, k, d) * p->scale : 0;
        top = fmaxf(top, v[t]);
    }
    for (uint32_t t = 0; t < n; t++) {
        v[t] = m_exp(v[t] - top);
        sum[t % 256] += v[t];
    }
    float all = bits_tree(sum, 256);
    for (uint32_t t = 0; t < n; t++) {
        float w = m_div(v[t], all);
        bits_out_f32(mem, dst + 4ull * t, w < (float)CHECK_ALIGN_LEAST ? 0 : w);
    }
    mem_free(v);
    return OK;
}

enum status bits_align_weights(const struct plan_op *op, struct check_mem *mem)
{
    return check_align_rows(op, mem, weigh);
}

static void normalise(struct check_mem *mem, uint64_t at, uint64_t stride, uint32_t n)
{
    float top = 0, sum = 0, squares = 0;
    for (uint32_t i = 0; i < n; i++)
        top = fmaxf(top, check_in_f32(mem, at + stride * i));
    bool none = top < (float)CHECK_ALIGN_LEAST;
    float scale = m_rcp(none ? 1 : top);
    for (uint32_t i = 0; i < n; i++)
        sum += check_in_f32(mem, at + stride * i) * scale;
    float mean = m_div(sum, (float)n);
    for (uint32_t i = 0; i < n; i++) {
        float d = check_in_f32(mem, at + stride * i) * scale;
        d = d - mean;
        squares = m_fma(d, d, squares);
    }
    float variance = m_div(squares, (float)n);
    bool flat = none || variance < 0x1p-40f;
    float factor = m_rsqrt(flat ? 1 : variance);
    for (uint32_t i = 0; i < n; i++) {
        float d = check_in_f32(mem, at + stride * i) * scale;
        d = d - mean;
        bits_out_f32(mem, at + stride * i, flat ? 0 : d * factor);
    }
}

enum status bits_align_norm(const struct plan_op *op, struct check_mem *mem)
{
    return check_align_columns(op, mem, normalise);
}

enum status bits_align_mean(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_align_mean_push *p = op->push;
    const struct k_align *a;
    CHECK_IN(a, mem, p->align, sizeof *a);
    uint32_t n = least(a->frames, p->seen);
    for (uint32_t i = 0; i < least(a->tokens, p->places); i++) {
        for (uint32_t t = 0; t < n; t++) {
            float sum = 0;
            for (uint32_t h = 0; h < p->heads; h++) {
                const float *x;
                CHECK_IN(x, mem, p->x + 4 * (((uint64_t)h * p->places + i) * p->seen), 4ull * n);
                sum += check_align_median(x, t, n);
            }
            bits_out_f32(mem, p->dst + 4 * ((uint64_t)i * p->seen + t),
                         m_div(sum, (float)p->heads));
        }
    }
    return OK;
}
