/* Reference of product_khr, product_nv: k_product_push. */
#include <math.h>

#include "base/mem.h"
#include "half.h"
#include "kernels/params.h"
#include "linear.h"
#include "parallel.h"
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

struct rows {
    const struct k_product_push *p;
    struct check_mem *mem;
    const struct check_sum *sums;
    uint32_t n, ld, live;
};

static enum status write_rows(void *ctx, uint32_t from, uint32_t to)
{
    const struct rows *r = ctx;
    const struct k_product_push *p = r->p;
    for (uint32_t i = from; i < to; i++) {
        uint64_t row = (uint64_t)i * r->ld * 4;
        const float *residual = NULL;
        if (i >= r->live) {
            check_out_any(r->mem, p->dst + row, r->n * 4ull);
            continue;
        }
        if (p->residual)
            CHECK_IN(residual, r->mem, p->residual + row, r->n * 4ull);
        for (uint32_t j = 0; j < r->n; j++) {
            struct check_sum sum = r->sums[(size_t)i * r->n + j];
            double add = residual ? (double)residual[j] : 0;
            check_out_f32(r->mem, p->dst + row + j * 4ull, sum.value + add, hypot(sum.mag, add));
        }
    }
    return OK;
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
    struct rows r = {p, mem, sums, n, ld, rows};
    TRY_GOTO(check_parallel(p->m, n * 40ull, write_rows, &r));
fail:
    mem_free(x);
    mem_free(sums);
    return s;
}
