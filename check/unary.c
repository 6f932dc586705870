/* Reference of unary: k_unary_push. */
#include <math.h>

#include "kernels/params.h"
#include "refs.h"

enum status check_unary(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_unary_push *p = op->push;
    bool sigmoid = op->pipe.spec[K_UNARY_OP] == K_UNARY_SIGMOID;
    for (uint64_t i = 0; i < p->n; i++) {
        double x = (double)check_in_f32(mem, p->x + 4 * i);
        double y = sigmoid ? 1 / (1 + exp(-fmax(x, -40))) : fmax(x, 0);
        check_out_f32(mem, p->dst + 4 * i, y, y);
    }
    return OK;
}
