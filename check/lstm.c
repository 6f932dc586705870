/* Reference of lstm: k_lstm_push. */
#include <math.h>

#include "base/mem.h"
#include "kernels/params.h"
#include "refs.h"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-fmax(x, -40)));
}

/* What a gate takes in. */
static double gate(struct check_mem *mem, const struct k_lstm_push *p, uint32_t n, uint32_t t,
                   uint32_t j, const double *h)
{
    double sum = (double)check_in_f32(mem, p->x + 4 * ((uint64_t)t * 4 * n + j));
    sum += (double)check_in_f32(mem, p->b + 4ull * j);
    for (uint32_t k = 0; k < n; k++)
        sum += (double)check_in_f32(mem, p->w + 4 * ((uint64_t)k * 4 * n + j)) * h[k];
    return sum;
}

enum status check_lstm(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_lstm_push *p = op->push;
    uint32_t n = op->pipe.spec[K_LSTM_HIDDEN];
    double *h = mem_calloc(3 * n, sizeof *h), *c = h + n, *next = c + n;
    if (!h)
        return ERR_MEMORY;
    for (uint32_t j = 0; j < n; j++) {
        h[j] = (double)check_in_f32(mem, p->state + 4ull * j);
        c[j] = (double)check_in_f32(mem, p->state + 4ull * (n + j));
    }
    for (uint32_t t = 0; t < p->steps; t++) {
        for (uint32_t j = 0; j < n; j++) {
            double in = gate(mem, p, n, t, j, h), forget = gate(mem, p, n, t, n + j, h);
            double candidate = gate(mem, p, n, t, 2 * n + j, h);
            c[j] = sigmoid(forget) * c[j] + sigmoid(in) * tanh(candidate);
            next[j] = sigmoid(gate(mem, p, n, t, 3 * n + j, h)) * tanh(c[j]);
            check_out_f32(mem, p->dst + 4 * ((uint64_t)t * n + j), next[j], 1);
        }
        double *swap = h;
        h = next;
        next = swap;
    }
    for (uint32_t j = 0; j < n; j++) {
        check_out_f32(mem, p->state + 4ull * j, h[j], 1);
        check_out_f32(mem, p->state + 4ull * (n + j), c[j], 1 + fabs(c[j]));
    }
    mem_free(h < next ? h : next);
    return OK;
}
