/* Reference of silu: k_silu_push. What the step has no rows for stays as it was. */
#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

enum status check_silu_mul(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_silu_push *p = op->push;
    uint64_t n = p->n;
    if (p->step && check_in_u32(mem, p->step) < n / p->row)
        n = (uint64_t)check_in_u32(mem, p->step) * p->row;
    for (uint64_t i = 0; i < n; i++) {
        struct check_sum gate = {(double)check_in_f32(mem, p->gate + i * 4), 0};
        struct check_sum up = {(double)check_in_f32(mem, p->up + i * 4), 0};
        struct check_sum v = check_swiglu(gate, up);
        check_out_f32(mem, p->dst + i * 4, v.value, v.mag);
    }
    return OK;
}
