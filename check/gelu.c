/* Reference of gelu: k_gelu_push. */
#include <math.h>

#include "kernels/params.h"
#include "linear.h"
#include "parallel.h"
#include "refs.h"

static double gelu_value(double x)
{
    return 0.5 * x * erfc(-x * M_SQRT1_2);
}

struct check_sum check_gelu_of(struct check_sum v)
{
    double y = gelu_value(v.value);
    double slope =
        0.5 * erfc(-v.value * M_SQRT1_2) + v.value * exp(-0.5 * v.value * v.value) / sqrt(2 * M_PI);
    double own = v.value * 0x1p-6, carried = slope * v.mag;
    return (struct check_sum){y, sqrt(y * y + own * own + carried * carried)};
}

struct gelu {
    struct check_mem *mem;
    const struct k_gelu_push *p;
};

static enum status gelu_values(void *ctx, uint32_t from, uint32_t to)
{
    const struct gelu *a = ctx;
    const float *in, *more = NULL;
    uint64_t at = from * 4ull, bytes = (to - from) * 4ull;
    CHECK_IN(in, a->mem, a->p->x + at, bytes);
    if (a->p->add)
        CHECK_IN(more, a->mem, a->p->add + at, bytes);
    for (uint32_t i = 0; i < to - from; i++) {
        double x = (double)in[i], add = more ? (double)more[i] : 0;
        double y = gelu_value(x);
        check_out_f32(a->mem, a->p->dst + at + i * 4ull, y + add,
                      sqrt(y * y + add * add + x * x * 0x1p-12));
    }
    return OK;
}

enum status check_gelu(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_gelu_push *p = op->push;
    return check_parallel(p->n, 100, gelu_values, &(struct gelu){mem, p});
}
