/* Reference of matmul: k_matmul_push. */
#include <math.h>

#include "base/mem.h"
#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

enum status check_matmul(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_matmul_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t n = spec[K_MATMUL_N], k = spec[K_MATMUL_K], rows = p->m;
    struct check_weight w = {p->w, (enum quant_type)spec[K_MATMUL_TYPE], n, k};
    enum status s = OK;
    double *x = mem_calloc((size_t)p->m * k, sizeof *x);
    struct check_sum *sums = mem_calloc((size_t)p->m * n, sizeof *sums);
    if (!x || !sums) {
        s = ERR_MEMORY;
        goto fail;
    }
    if (p->step && check_in_u32(mem, p->step) < rows)
        rows = check_in_u32(mem, p->step);
    for (uint32_t i = 0; i < rows; i++)
        TRY_GOTO(check_x_row(mem, p->x + (uint64_t)i * k * 4, k, 0, 0, x + (size_t)i * k));
    TRY_GOTO(check_product(mem, &w, x, rows, p->bias, sums));
    for (size_t i = 0; i < (size_t)rows * n; i++) {
        double add = p->residual ? (double)check_in_f32(mem, p->residual + i * 4) : 0;
        check_out_f32(mem, p->dst + i * 4, sums[i].value + add, hypot(sums[i].mag, add));
    }
    check_out_any(mem, p->dst + (uint64_t)rows * n * 4, (uint64_t)(p->m - rows) * n * 4);
fail:
    mem_free(x);
    mem_free(sums);
    return s;
}
