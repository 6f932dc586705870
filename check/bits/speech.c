/* What speech models take besides: layernorm, gelu, mel, mel_top, mel_scale, probs. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "check/bits/bits.h"
#include "check/linear.h"
#include "check/parallel.h"
#include "kernels/params.h"

static enum status layernorm_row(const struct plan_op *op, struct check_mem *mem, uint64_t from,
                                 uint64_t to)
{
    const struct k_layernorm_push *p = op->push;
    uint32_t k = op->pipe.spec[K_LAYERNORM_K];
    const float *x, *w, *b;
    CHECK_IN(x, mem, from, (uint64_t)k * 4);
    CHECK_IN(w, mem, p->w, (uint64_t)k * 4);
    CHECK_IN(b, mem, p->b, (uint64_t)k * 4);
    float *y = mem_alloc(k * sizeof *y);
    if (!y)
        return ERR_MEMORY;
    memcpy(y, x, k * sizeof *y);
    bits_layer(y, k, w, b, p->eps);
    for (uint32_t i = 0; i < k; i++) {
        if (op->pipe.spec[K_LAYERNORM_HALF])
            bits_out_f16(mem, to + (uint64_t)i * 2, fminf(fmaxf(y[i], -65504), 65504));
        else
            bits_out_f32(mem, to + (uint64_t)i * 4, y[i]);
    }
    mem_free(y);
    return OK;
}

enum status bits_layernorm(const struct plan_op *op, struct check_mem *mem)
{
    return check_layernorm_rows(op, mem, layernorm_row);
}

struct gelu {
    struct check_mem *mem;
    const struct k_gelu_push *p;
};

static enum status gelu_values(void *ctx, uint32_t from, uint32_t to)
{
    const struct gelu *a = ctx;
    const float *x, *add = NULL;
    uint64_t at = from * 4ull, bytes = (to - from) * 4ull;
    CHECK_IN(x, a->mem, a->p->x + at, bytes);
    if (a->p->add)
        CHECK_IN(add, a->mem, a->p->add + at, bytes);
    for (uint32_t i = 0; i < to - from; i++) {
        float y = m_gelu(x[i]);
        bits_out_f32(a->mem, a->p->dst + at + i * 4ull, add ? y + add[i] : y);
    }
    return OK;
}

enum status bits_gelu(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_gelu_push *p = op->push;
    return check_parallel(p->n, 50, gelu_values, &(struct gelu){mem, p});
}

BITS_FMA static float band(const float *filter, const float *re, const float *im, uint32_t bins)
{
    float sum = 0;
    for (uint32_t i = 0; i < bins; i++) {
        float a = re[i] * re[i];
        sum = m_fma(filter[i], m_fma(im[i], im[i], a), sum);
    }
    return m_log(sum > 1e-10f ? sum : 1e-10f) * 0.434294482f;
}

enum status bits_mel(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_mel_push *p = op->push;
    uint32_t bins = op->pipe.spec[K_MEL_BINS], bands = op->pipe.spec[K_MEL_BANDS];
    for (uint32_t t = 0; t < op->groups[0]; t++) {
        const float *dft, *filters;
        float top = -INFINITY;
        CHECK_IN(dft, mem, p->dft + 8ull * t * bins, 8ull * bins);
        CHECK_IN(filters, mem, p->filters, 4ull * bands * bins);
        for (uint32_t m = 0; m < bands; m++) {
            float y = band(filters + (uint64_t)m * bins, dft, dft + bins, bins);
            top = fmaxf(top, y);
            bits_out_f32(mem, p->dst + 4 * ((uint64_t)t * bands + m), y);
        }
        bits_out_f32(mem, p->top + 4ull * t, top);
    }
    return OK;
}

enum status bits_mel_top(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_mel_top_push *p = op->push;
    float top = check_in_f32(mem, p->loudest);
    for (uint32_t t = 0; t < p->frames; t++) {
        float y = check_in_f32(mem, p->top + 4ull * t);
        top = y < 16 ? fmaxf(top, y) : top;
    }
    bits_out_f32(mem, p->loudest, top);
    return OK;
}

enum status bits_mel_scale(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_mel_scale_push *p = op->push;
    uint32_t bands = op->pipe.spec[K_MEL_SCALE_BANDS], used = check_in_u32(mem, p->used);
    float top = check_in_f32(mem, p->loudest);
    for (uint32_t t = 0; t < op->groups[0]; t++) {
        for (uint32_t m = 0; m < bands; m++) {
            uint64_t at = p->x + 4 * ((uint64_t)t * bands + m);
            float y = fmaxf(check_in_f32(mem, at), top - 8.0f) + 4.0f;
            bits_out_f32(mem, at, t < used ? y * 0.25f : 0.0f);
        }
    }
    return OK;
}

static float logit(float l)
{
    if (fabsf(l) < FLT_MIN)
        return 0;
    return l >= -1e30f ? fminf(l, 1e30f) : -1e30f;
}

enum status bits_probs(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_probs_push *p = op->push;
    for (uint32_t j = 0; j < op->groups[0]; j++) {
        const float *l;
        float top = -1e30f, sum[256] = {0};
        uint32_t first = p->ids ? check_in_u32(mem, p->ids + 4ull * j) : p->first;
        CHECK_IN(l, mem, p->logits + 4ull * j * p->vocab, 4ull * p->vocab);
        for (uint32_t id = p->from; id < p->to; id++)
            top = fmaxf(top, logit(l[id]));
        for (uint32_t id = p->from; id < p->to; id++)
            sum[(id - p->from) % 256] += m_exp(logit(l[id]) - top);
        float all = bits_tree(sum, 256);
        for (uint32_t i = 0; i < p->count; i++) {
            uint32_t id = first + i;
            bool inside = id >= p->from && id < p->to;
            bits_out_f32(mem, p->dst + 4 * ((uint64_t)j * p->count + i),
                         inside ? m_div(m_exp(logit(l[id]) - top), all) : 0.0f);
        }
    }
    return OK;
}
