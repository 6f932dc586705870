/* Reference of gelu: k_gelu_push. */
#include <math.h>

#include "kernels/params.h"
#include "refs.h"

enum status check_gelu(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_gelu_push *p = op->push;
    for (uint64_t i = 0; i < p->n; i++) {
        double x = (double)check_in_f32(mem, p->x + i * 4);
        double add = p->add ? (double)check_in_f32(mem, p->add + i * 4) : 0;
        double y = 0.5 * x * erfc(-x * M_SQRT1_2);
        check_out_f32(mem, p->dst + i * 4, y + add, sqrt(y * y + add * add + x * x * 0x1p-12));
    }
    return OK;
}
