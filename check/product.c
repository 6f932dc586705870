/* Reference of product_khr, product_nv: k_product_push. */
#include "base/mem.h"
#include "half.h"
#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

static double x_value(uint16_t bits, bool bf16)
{
    if (!bf16)
        return half_to_double(bits);
    uint32_t u = (uint32_t)bits << 16;
    float f;
    memcpy(&f, &u, 4);
    return (double)f;
}

enum status check_matrix_product(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_product_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t n = spec[K_PRODUCT_N], k = spec[K_PRODUCT_K], ld = spec[K_PRODUCT_LD], rows = p->m;
    struct check_weight w = {p->w, (enum quant_type)spec[K_PRODUCT_TYPE], n, k};
    enum status s = OK;
    double *x = mem_calloc((size_t)p->m * k, sizeof *x);
    struct check_sum *sums = mem_calloc((size_t)p->m * n, sizeof *sums);
    if (!x || !sums) {
        s = ERR_MEMORY;
        goto fail;
    }
    if (p->step && check_in_u32(mem, p->step) < rows)
        rows = check_in_u32(mem, p->step);
    for (uint32_t i = 0; i < rows; i++) {
        const uint16_t *in = check_in(mem, p->x + (uint64_t)i * k * 2, (uint64_t)k * 2);
        double scale = p->scale ? (double)check_in_f32(mem, p->scale + i * 4ull) : 1;
        if (!in) {
            s = ERR_VERIFY;
            goto fail;
        }
        for (uint32_t j = 0; j < k; j++)
            x[(size_t)i * k + j] = x_value(in[j], !p->scale) * scale;
    }
    TRY_GOTO(check_product(mem, &w, x, rows, p->bias, sums));
    struct check_products out = {p->dst, p->residual, sums, n, ld, p->m, rows};
    TRY_GOTO(check_out_products(mem, &out));
fail:
    mem_free(x);
    mem_free(sums);
    return s;
}
