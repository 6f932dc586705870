/* What models of voice activity take: magnitude, unary, lstm. */
#include <math.h>

#include "base/mem.h"
#include "check/bits/bits.h"
#include "check/linear.h"
#include "kernels/params.h"

enum status bits_magnitude(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_magnitude_push *p = op->push;
    for (uint32_t r = 0; r < p->rows; r++) {
        uint64_t src = p->src + 8ull * r * p->bins, dst = p->dst + 4ull * r * p->width;
        for (uint32_t i = 0; i < p->width; i++) {
            float square = 0;
            if (i < p->bins) {
                float re = check_in_f32(mem, src + 4ull * i);
                float im = check_in_f32(mem, src + 4ull * (p->bins + i));
                square = re * re;
                square = m_fma(im, im, square);
            }
            bits_out_f32(mem, dst + 4ull * i, square >= 0x1p-100f ? square * m_rsqrt(square) : 0);
        }
    }
    return OK;
}

enum status bits_unary(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_unary_push *p = op->push;
    bool sigmoid = op->pipe.spec[K_UNARY_OP] == K_UNARY_SIGMOID;
    for (uint64_t i = 0; i < p->n; i++) {
        float x = check_in_f32(mem, p->x + 4 * i);
        bits_out_f32(mem, p->dst + 4 * i, sigmoid ? m_sigmoid(x) : x > 0 ? x : 0);
    }
    return OK;
}

/* gates[j], j < 4n. */
BITS_FMA static void take_in(const float *x, const float *b, const float *w, const float *h,
                             uint32_t n, float *gates)
{
    for (uint32_t j = 0; j < 4 * n; j++)
        gates[j] = x[j] + b[j];
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t j = 0; j < 4 * n; j++)
            gates[j] = m_fma(w[(uint64_t)k * 4 * n + j], h[k], gates[j]);
    }
}

enum status bits_lstm(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_lstm_push *p = op->push;
    uint32_t n = op->pipe.spec[K_LSTM_HIDDEN];
    float h[K_GROUP], c[K_GROUP], gates[4 * K_GROUP];
    const float *x, *w, *b;
    CHECK_IN(x, mem, p->x, 16ull * p->steps * n);
    CHECK_IN(w, mem, p->w, 16ull * n * n);
    CHECK_IN(b, mem, p->b, 16ull * n);
    for (uint32_t j = 0; j < n; j++) {
        h[j] = check_in_f32(mem, p->state + 4ull * j);
        c[j] = check_in_f32(mem, p->state + 4ull * (n + j));
    }
    for (uint32_t t = 0; t < p->steps; t++) {
        take_in(x + (uint64_t)t * 4 * n, b, w, h, n, gates);
        for (uint32_t j = 0; j < n; j++) {
            float add = m_sigmoid(gates[j]) * m_tanh(gates[2 * n + j]);
            c[j] = m_fma(m_sigmoid(gates[n + j]), c[j], add);
            if (fabsf(c[j]) < 0x1p-100f)
                c[j] = 0;
            h[j] = m_sigmoid(gates[3 * n + j]) * m_tanh(c[j]);
            bits_out_f32(mem, p->dst + 4 * ((uint64_t)t * n + j), h[j]);
        }
    }
    for (uint32_t j = 0; j < n; j++) {
        bits_out_f32(mem, p->state + 4ull * j, h[j]);
        bits_out_f32(mem, p->state + 4ull * (n + j), c[j]);
    }
    return OK;
}
