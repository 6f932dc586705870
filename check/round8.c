/* Reference of round8: k_round8_push. */
#include "round8.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "exact.h"
#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

float round8_block(const float *x, int8_t *q)
{
    const uint32_t least = 0x0d800000u, most = 0x7b800000u; /* 2^-100, 2^120 */
    uint32_t top = 0;
    for (int i = 0; i < ROUND8_BLOCK; i++) {
        uint32_t u = m_bits(x[i]) & 0x7fffffffu;
        top = u > top ? u : top;
    }
    memset(q, 0, ROUND8_BLOCK);
    if (top > most)
        return NAN;
    if (top < least)
        return 0;
    float largest = m_float(top), per = 127.0f * m_rcp(largest);
    for (int i = 0; i < ROUND8_BLOCK; i++) {
        float v = x[i] * per;
        q[i] = (int8_t)rintf(v);
    }
    return largest * (1.0f / 127.0f);
}

int round8_sum(const int8_t *q)
{
    int sum = 0;
    for (int i = 0; i < 16; i++)
        sum += q[i];
    return sum;
}

enum status round8_row(struct check_mem *mem, uint64_t rows, uint32_t k, uint32_t b, int8_t *q,
                       float *d)
{
    const uint8_t *from;
    CHECK_IN(from, mem, rows + (uint64_t)b * K_ROUND8_BYTES(k), K_ROUND8_BYTES(k));
    memcpy(q, from, k);
    for (uint32_t i = 0; i < k / ROUND8_BLOCK; i++)
        memcpy(&d[i], from + k + i * 8, sizeof *d);
    return OK;
}

bool round8_is_taken(const struct plan_op *op, bool *rows)
{
    const char *name = op->pipe.shader->name, *end = strstr(name, "_dot");
    bool is = end && !end[4];
    *rows = is && op->pipe.spec[K_MV_B] > 1;
    return is;
}

static enum status write_row(const struct plan_op *op, struct check_mem *mem, uint64_t from,
                             uint64_t to)
{
    uint32_t k = op->pipe.spec[K_ROUND8_K];
    const float *x;
    CHECK_IN(x, mem, from, (uint64_t)k * 4);
    for (uint32_t i = 0; i < k / ROUND8_BLOCK; i++) {
        int8_t q[ROUND8_BLOCK];
        float d = round8_block(x + (size_t)i * ROUND8_BLOCK, q);
        int16_t sums[2] = {(int16_t)round8_sum(q), (int16_t)round8_sum(q + 16)};
        uint64_t block = to + (uint64_t)i * ROUND8_BLOCK, beside = to + k + (uint64_t)i * 8;
        if (isnan(d)) {
            check_out_any(mem, block, ROUND8_BLOCK);
            check_out_f32(mem, beside, NAN, 0);
            check_out_any(mem, beside + 4, 4);
            continue;
        }
        check_out_bytes(mem, block, q, sizeof q);
        check_out_bytes(mem, beside, &d, sizeof d);
        check_out_bytes(mem, beside + 4, sums, sizeof sums);
    }
    return OK;
}

enum status check_round8(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_round8_push *p = op->push;
    uint32_t k = op->pipe.spec[K_ROUND8_K], rows[16], count;
    TRY(check_out_rows(mem, op->pipe.spec[K_ROUND8_OUT_ROWS], p->step, op->groups[1], rows,
                       &count));
    for (uint32_t b = 0; b < op->groups[1]; b++) {
        uint64_t to = p->dst + (uint64_t)b * K_ROUND8_BYTES(k);
        if (b < count)
            TRY(write_row(op, mem, p->x + (uint64_t)rows[b] * k * 4, to));
        else
            check_out_any(mem, to, K_ROUND8_BYTES(k));
    }
    return OK;
}
