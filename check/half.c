/* Reference of half: k_half_push. */
#include <float.h>

#include "half.h"

#include "base/mem.h"
#include "kernels/params.h"
#include "linear.h"
#include "parallel.h"
#include "refs.h"

static uint16_t bf16_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    if (isnan(f))
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

/* The power of two that brings the largest of the row into [2^14, 2^15), as far as a float and
 * its inverse can hold it; 1 for a row with an infinity. */
static int row_shift(const float *x, uint32_t k)
{
    float top = 0;
    int e;
    for (uint32_t i = 0; i < k; i++)
        top = fmaxf(top, fabsf(x[i]));
    if (isinf(top))
        return 0;
    (void)frexpf(top, &e); /* top = f * 2^e, f in [0.5, 1) */
    if (top == 0 || e < -111)
        e = -111;
    return 15 - e;
}

struct halves {
    struct check_mem *mem;
    const struct k_half_push *p;
    uint32_t k;
    bool bf16;
};

static enum status half_rows(void *ctx, uint32_t from, uint32_t to)
{
    const struct halves *h = ctx;
    struct check_mem *mem = h->mem;
    const struct k_half_push *p = h->p;
    uint32_t k = h->k;
    bool bf16 = h->bf16;
    enum status s = OK;
    uint16_t *out = mem_calloc(k, sizeof *out);
    if (!out)
        return ERR_MEMORY;
    for (uint32_t i = from; i < to; i++) {
        const float *x = check_in(mem, p->x + (uint64_t)i * k * 4, (uint64_t)k * 4);
        if (!x) {
            s = ERR_VERIFY;
            goto fail;
        }
        int shift = bf16 ? 0 : row_shift(x, k);
        for (uint32_t j = 0; j < k; j++) {
            double v = fabsf(x[j]) < FLT_MIN ? 0 : (double)x[j];
            out[j] = bf16 ? bf16_bits(x[j]) : half_from_double(ldexp(v, shift));
        }
        check_out_bytes(mem, p->dst + (uint64_t)i * k * 2, out, (uint64_t)k * 2);
        if (!bf16) {
            float scale = ldexpf(1, -shift);
            check_out_bytes(mem, p->scale + (uint64_t)i * 4, &scale, 4);
        }
    }
fail:
    mem_free(out);
    return s;
}

enum status check_half(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_half_push *p = op->push;
    uint32_t k = op->pipe.spec[K_HALF_K], rows = p->m;
    if (p->step && check_in_u32(mem, p->step) < rows)
        rows = check_in_u32(mem, p->step);
    struct halves h = {mem, p, k, op->pipe.spec[K_HALF_BF16]};
    return check_parallel(rows, k * 20ull, half_rows, &h);
}
