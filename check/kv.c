/* Keys and values in pages, RoPE and attention, for the references. */
#include "kv.h"

#include <math.h>

#include "base/mem.h"
#include "half.h"
#include "kernels/params.h"

static uint64_t kv_at(struct check_mem *mem, const struct check_kv *kv, uint32_t slot, uint32_t pos,
                      uint32_t half, uint32_t head)
{
    uint64_t entry = (uint64_t)slot * kv->max_pages + pos / K_PAGE_TOKENS;
    uint64_t page = check_in_u64(mem, kv->pages + entry * 8);
    uint64_t row = ((uint64_t)half * kv->kv_heads + head) * K_PAGE_TOKENS + pos % K_PAGE_TOKENS;
    return page ? page + kv->offset + row * kv->head_dim * 2 : 0;
}

uint64_t check_kv_key(struct check_mem *mem, const struct check_kv *kv, uint32_t slot, uint32_t pos,
                      uint32_t head)
{
    return kv_at(mem, kv, slot, pos, 0, head);
}

uint64_t check_kv_value(struct check_mem *mem, const struct check_kv *kv, uint32_t slot,
                        uint32_t pos, uint32_t head)
{
    return kv_at(mem, kv, slot, pos, 1, head);
}

enum status check_rotate(struct check_mem *mem, uint64_t table, uint32_t pos, uint32_t rot,
                         bool neox, struct check_sum *head)
{
    for (uint32_t i = 0; i < rot / 2; i++) {
        uint64_t at = table + ((uint64_t)pos * (rot / 2) + i) * 8;
        double c = (double)check_in_f32(mem, at), s = (double)check_in_f32(mem, at + 4);
        struct check_sum *a = head + (neox ? i : 2 * i);
        struct check_sum *b = head + (neox ? i + rot / 2 : 2 * i + 1);
        struct check_sum x = *a, y = *b;
        *a = (struct check_sum){x.value * c - y.value * s, hypot(x.mag * c, y.mag * s)};
        *b = (struct check_sum){x.value * s + y.value * c, hypot(x.mag * s, y.mag * c)};
    }
    return OK;
}

/* One head: scores, softmax, and the sum of values; v and v2 (squares) have head_dim entries.
 * *sharp: how much an error of a score, relative to its terms, weighs. */
static enum status attend_head(struct check_mem *mem, const struct check_kv *kv,
                               const struct check_row *row, uint32_t kv_head, float scale,
                               const float *q, double *score, double *v, double *v2, double *sharp)
{
    uint32_t d = kv->head_dim, n = row->pos + 1;
    double top = -INFINITY, sum = 0;
    *sharp = 1;
    for (uint32_t t = 0; t < n; t++) {
        const uint16_t *key;
        double s = 0, squares = 0;
        CHECK_IN(key, mem, check_kv_key(mem, kv, row->slot, t, kv_head), (uint64_t)d * 2);
        for (uint32_t i = 0; i < d; i++) {
            double term = (double)q[i] * half_to_double(key[i]);
            s += term;
            squares += term * term;
        }
        score[t] = s * (double)scale;
        top = fmax(top, score[t]);
        *sharp = fmax(*sharp, 1 + sqrt(squares) * fabs((double)scale));
    }
    for (uint32_t i = 0; i < d; i++)
        v[i] = v2[i] = 0;
    for (uint32_t t = 0; t < n; t++) {
        const uint16_t *value;
        double e = exp(score[t] - top);
        sum += e;
        CHECK_IN(value, mem, check_kv_value(mem, kv, row->slot, t, kv_head), (uint64_t)d * 2);
        for (uint32_t i = 0; i < d; i++) {
            double x = half_to_double(value[i]);
            v[i] += e * x;
            v2[i] += e * x * x;
        }
    }
    for (uint32_t i = 0; i < d; i++) {
        v[i] /= sum;
        v2[i] /= sum;
    }
    return OK;
}

enum status check_attend(struct check_mem *mem, const struct check_kv *kv,
                         const struct check_row *row, uint32_t heads, float scale, uint64_t q,
                         uint64_t out)
{
    uint32_t d = kv->head_dim, share = heads / kv->kv_heads;
    enum status s = OK;
    double *score = mem_calloc(row->pos + 1, sizeof *score);
    double *v = mem_calloc(2 * (size_t)d, sizeof *v);
    if (!score || !v) {
        s = ERR_MEMORY;
        goto fail;
    }
    uint32_t size = kv->half ? 2 : 4;
    for (uint32_t h = 0; h < heads; h++) {
        double sharp;
        float wide[256];
        const void *in = check_in(mem, q + (uint64_t)h * d * size, (uint64_t)d * size);
        if (!in) {
            s = ERR_VERIFY;
            goto fail;
        }
        for (uint32_t i = 0; kv->half && i < d; i++)
            wide[i] = (float)half_to_double(((const uint16_t *)in)[i]);
        TRY_GOTO(attend_head(mem, kv, row, h / share, scale, kv->half ? wide : in, score, v, v + d,
                             &sharp));
        for (uint32_t i = 0; i < d; i++)
            v[d + i] = sharp * sqrt(v[d + i]);
        for (uint32_t i = 0; kv->half && i < d; i++)
            check_out_f16(mem, out + ((uint64_t)h * d + i) * 2, v[i], v[d + i]);
        if (!kv->half)
            check_out_f32s(mem, out + (uint64_t)h * d * 4, v, v + d, d);
    }
fail:
    mem_free(score);
    mem_free(v);
    return s;
}
