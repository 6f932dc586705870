/* References of product_khr, product_nv: k_product_push; of product_glu_nv: k_product_glu_push. */
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

/* Its slope is at most 1.13: errors stay what they are. */
static void all_gelu(struct check_sum *sums, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i].value *= 0.5 * erfc(-sums[i].value * M_SQRT1_2);
}

/* The rows of f16 (bf16) that count, as doubles, each times its scale and `factor`. */
static enum status read_rows(struct check_mem *mem, uint64_t x, uint64_t scales, double factor,
                             uint32_t rows, uint32_t k, bool bf16, double *out)
{
    for (uint32_t i = 0; i < rows; i++) {
        const uint16_t *in = check_in(mem, x + (uint64_t)i * k * 2, (uint64_t)k * 2);
        double scale = scales ? (double)check_in_f32(mem, scales + i * 4ull) : 1;
        if (!in)
            return ERR_VERIFY;
        for (uint32_t j = 0; j < k; j++)
            out[(size_t)i * k + j] = x_value(in[j], bf16) * scale * factor;
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
    bool nv = strncmp(op->pipe.shader->name, "product_nv", 10) == 0;
    bool times = nv && (spec[K_PRODUCT_HAS] & K_PRODUCT_HAS_FACTOR);
    TRY_GOTO(read_rows(mem, p->x, p->scale, times ? (double)p->factor : 1, rows, k,
                       spec[K_PRODUCT_BF16], x));
    TRY_GOTO(check_product(mem, &w, x, rows, p->bias, sums));
    if (nv && spec[K_PRODUCT_GELU])
        all_gelu(sums, (size_t)rows * n);
    struct check_products out = {.dst = p->dst,
                                 .residual = p->residual,
                                 .sums = sums,
                                 .n = n,
                                 .ld = ld,
                                 .rows = p->m,
                                 .live = rows,
                                 .half = nv && spec[K_PRODUCT_HALF]};
    TRY_GOTO(check_out_products(mem, &out));
fail:
    mem_free(x);
    mem_free(sums);
    return s;
}

/* Of product_glu_nv: k_product_glu_push. */
enum status check_product_glu(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_product_glu_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t n = spec[K_PRODUCT_N], k = spec[K_PRODUCT_K], rows = p->m;
    struct check_weight gate = {p->gate, QUANT_F16, n, k}, up = {p->up, QUANT_F16, n, k};
    enum status s = OK;
    size_t values = (size_t)p->m * n;
    double *x = mem_calloc((size_t)p->m * k, sizeof *x);
    struct check_sum *sums = mem_calloc(2 * values, sizeof *sums), *ups = sums + values;
    if (!x || !sums) {
        s = ERR_MEMORY;
        goto fail;
    }
    if (p->step && check_in_u32(mem, p->step) < rows)
        rows = check_in_u32(mem, p->step);
    TRY_GOTO(read_rows(mem, p->x, p->scale, 1, rows, k, false, x));
    TRY_GOTO(check_product(mem, &gate, x, rows, 0, sums));
    TRY_GOTO(check_product(mem, &up, x, rows, 0, ups));
    for (size_t i = 0; i < (size_t)rows * n; i++) {
        struct check_sum y = check_swiglu(sums[i], ups[i]);
        sums[i] = (struct check_sum){y.value / K_GLU_DIVISOR, y.mag / K_GLU_DIVISOR};
    }
    struct check_products out = {.dst = p->dst,
                                 .sums = sums,
                                 .n = n,
                                 .ld = spec[K_PRODUCT_LD],
                                 .rows = p->m,
                                 .live = rows,
                                 .half = true};
    TRY_GOTO(check_out_products(mem, &out));
fail:
    mem_free(x);
    mem_free(sums);
    return s;
}
