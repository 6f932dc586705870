/* Reference of matmul: k_matmul_push. */
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
    struct check_norm plain = {0};
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
        TRY_GOTO(check_x_row(mem, p->x + (uint64_t)i * k * 4, k, &plain, x + (size_t)i * k));
    TRY_GOTO(check_product(mem, &w, x, rows, p->bias, sums));
    struct check_products out = {p->dst, p->residual, sums, n, n, p->m, rows};
    TRY_GOTO(check_out_products(mem, &out));
fail:
    mem_free(x);
    mem_free(sums);
    return s;
}
