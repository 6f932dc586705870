/* References of align_weights, align_norm and align_mean: k_align_weights_push and those behind it.
 */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "half.h"
#include "kernels/params.h"
#include "kv.h"
#include "refs.h"

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static enum status score(struct check_mem *mem, uint64_t q_at, uint64_t key_at, uint32_t d,
                         float scale, double *out, double *mag)
{
    const float *q;
    const uint16_t *k;
    double sum = 0, squares = 0;
    CHECK_IN(q, mem, q_at, 4ull * d);
    CHECK_IN(k, mem, key_at, 2ull * d);
    for (uint32_t i = 0; i < d; i++) {
        double term = (double)q[i] * half_to_double(k[i]);
        sum += term;
        squares += term * term;
    }
    *out = sum * (double)scale;
    *mag = sqrt(squares) * fabs((double)scale);
    return OK;
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
    double *v = mem_calloc(2ull * n + 1, sizeof *v), top = -INFINITY, sum = 0, off = 0;
    enum status s = v ? OK : ERR_MEMORY;
    for (uint32_t t = 0; s == OK && t < n; t++) {
        s = score(mem, p->q + 4 * (((uint64_t)b * heads + head) * d),
                  check_kv_key(mem, &kv, slot, t, head), d, p->scale, &v[t], &v[n + t]);
        top = fmax(top, v[t]);
        off = fmax(off, v[n + t]);
    }
    for (uint32_t t = 0; s == OK && t < n; t++)
        sum += exp(v[t] - top);
    for (uint32_t t = 0; s == OK && t < n; t++) {
        double w = exp(v[t] - top) / sum;
        w = w < CHECK_ALIGN_LEAST ? 0 : w;
        check_out_f32(mem, dst + 4ull * t, w, hypot(w * (1 + v[n + t] + off), 0x1p-86));
    }
    mem_free(v);
    return s;
}

enum status check_align_rows(const struct plan_op *op, struct check_mem *mem, check_align_row fn)
{
    const struct k_align_weights_push *p = op->push;
    const struct k_align *a;
    CHECK_IN(a, mem, p->align, sizeof *a);
    for (uint32_t b = 0; b < op->groups[1]; b++) {
        struct check_row row;
        TRY(check_step_row(mem, p->step, b, &row));
        for (uint32_t h = 0; row.live && a->at + b < p->places && h < op->groups[0]; h++)
            TRY(fn(mem, op, a, p->first + h, b, row.slot));
    }
    return OK;
}

enum status check_align_weights(const struct plan_op *op, struct check_mem *mem)
{
    return check_align_rows(op, mem, weigh);
}

/* One column: values x and stride between them. */
static void normalise(struct check_mem *mem, uint64_t at, uint64_t stride, uint32_t n)
{
    double top = 0, mean = 0, variance = 0;
    for (uint32_t i = 0; i < n; i++)
        top = fmax(top, (double)check_in_f32(mem, at + stride * i));
    bool none = top < CHECK_ALIGN_LEAST;
    for (uint32_t i = 0; i < n && !none; i++)
        mean += (double)check_in_f32(mem, at + stride * i) / top / n;
    for (uint32_t i = 0; i < n && !none; i++) {
        double d = (double)check_in_f32(mem, at + stride * i) / top - mean;
        variance += d * d / n;
    }
    double factor = none || variance < 0x1p-40 ? 0 : 1 / sqrt(variance);
    for (uint32_t i = 0; i < n; i++) {
        double v = none ? 0 : (double)check_in_f32(mem, at + stride * i) / top;
        check_out_f32(mem, at + stride * i, (v - mean) * factor,
                      fmax(hypot(v, mean) * factor, factor * factor * 1e-7));
    }
}

enum status check_align_columns(const struct plan_op *op, struct check_mem *mem,
                                check_align_column fn)
{
    const struct k_align_norm_push *p = op->push;
    const struct k_align *a;
    CHECK_IN(a, mem, p->align, sizeof *a);
    for (uint32_t h = 0; h < op->groups[1]; h++) {
        uint64_t head = p->x + 4ull * h * p->places * p->seen;
        for (uint32_t t = 0; t < least(a->frames, p->seen); t++)
            fn(mem, head + 4ull * t, 4ull * p->seen, least(a->tokens, p->places));
    }
    return OK;
}

enum status check_align_norm(const struct plan_op *op, struct check_mem *mem)
{
    return check_align_columns(op, mem, normalise);
}

static int by_value(const void *x, const void *y)
{
    float a = *(const float *)x, b = *(const float *)y;
    return (a > b) - (a < b);
}

/* The middle one of seven around t, mirrored at both ends. */
float check_align_median(const float *x, uint32_t t, uint32_t n)
{
    float v[7];
    if (n <= 3)
        return x[t];
    for (int i = 0; i < 7; i++) {
        int64_t at = llabs((int64_t)t + i - 3);
        v[i] = x[at < n ? at : 2 * (int64_t)n - 2 - at];
    }
    qsort(v, 7, sizeof *v, by_value);
    return v[3];
}

enum status check_align_mean(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_align_mean_push *p = op->push;
    const struct k_align *a;
    CHECK_IN(a, mem, p->align, sizeof *a);
    uint32_t n = least(a->frames, p->seen);
    for (uint32_t i = 0; i < least(a->tokens, p->places); i++) {
        for (uint32_t t = 0; t < n; t++) {
            double sum = 0, squares = p->heads; /* what is averaged has deviation 1 */
            for (uint32_t h = 0; h < p->heads; h++) {
                const float *x;
                CHECK_IN(x, mem, p->x + 4 * (((uint64_t)h * p->places + i) * p->seen), 4ull * n);
                double v = (double)check_align_median(x, t, n);
                sum += v;
                squares += v * v;
            }
            check_out_f32(mem, p->dst + 4 * ((uint64_t)i * p->seen + t), sum / p->heads,
                          sqrt(squares) / p->heads);
        }
    }
    return OK;
}
