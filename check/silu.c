/* Reference of silu: k_silu_push. What the step has no rows for stays as it was. */
#include "kernels/params.h"
#include "linear.h"
#include "parallel.h"
#include "refs.h"

enum { PIECE = 1024 };

struct silu {
    struct check_mem *mem;
    const struct k_silu_push *p;
    uint64_t n;
};

static enum status silu_pieces(void *ctx, uint32_t from, uint32_t to)
{
    const struct silu *a = ctx;
    double values[PIECE], mags[PIECE];
    for (uint64_t at = (uint64_t)from * PIECE; at < (uint64_t)to * PIECE && at < a->n;
         at += PIECE) {
        uint32_t n = a->n - at < PIECE ? (uint32_t)(a->n - at) : PIECE;
        const float *gate, *up;
        CHECK_IN(gate, a->mem, a->p->gate + at * 4, n * 4ull);
        CHECK_IN(up, a->mem, a->p->up + at * 4, n * 4ull);
        for (uint32_t i = 0; i < n; i++) {
            struct check_sum v = check_swiglu((struct check_sum){(double)gate[i], 0},
                                              (struct check_sum){(double)up[i], 0});
            values[i] = v.value;
            mags[i] = v.mag;
        }
        check_out_f32s(a->mem, a->p->dst + at * 4, values, mags, n);
    }
    return OK;
}

enum status check_silu_mul(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_silu_push *p = op->push;
    struct silu a = {mem, p, p->n};
    if (p->step && check_in_u32(mem, p->step) < a.n / p->row)
        a.n = (uint64_t)check_in_u32(mem, p->step) * p->row;
    return check_parallel((uint32_t)((a.n + PIECE - 1) / PIECE), PIECE * 100ull, silu_pieces, &a);
}
