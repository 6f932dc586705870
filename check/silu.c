/* Reference of silu: k_silu_push. */
#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

enum status check_silu_mul(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_silu_push *p = op->push;
    for (uint64_t i = 0; i < p->n; i++) {
        struct check_sum gate = {(double)check_in_f32(mem, p->gate + i * 4), 0};
        struct check_sum up = {(double)check_in_f32(mem, p->up + i * 4), 0};
        struct check_sum v = check_swiglu(gate, up);
        check_out_f32(mem, p->dst + i * 4, v.value, v.mag);
    }
    return OK;
}
