/* Reference of glu: k_glu_push. */
#include "base/mem.h"
#include "kernels/params.h"
#include "linear.h"
#include "refs.h"

enum status check_glu(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_glu_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t b = spec[K_MV_B], k = spec[K_MV_K], n = spec[K_GLU_N];
    struct check_weight gate = {p->gate, (enum quant_type)spec[K_GLU_TYPE], n, k};
    struct check_weight up = {p->up, (enum quant_type)spec[K_GLU_TYPE], n, k};
    enum status s = OK;
    double *x = mem_calloc((size_t)b * k, sizeof *x);
    struct check_sum *g = mem_calloc((size_t)b * n, sizeof *g);
    struct check_sum *u = mem_calloc((size_t)b * n, sizeof *u);
    if (!x || !g || !u) {
        s = ERR_MEMORY;
        goto fail;
    }
    struct check_norm norm = {.kind = spec[K_MV_NORM], .w = p->norm_w, .eps = p->eps};
    TRY_GOTO(check_x_rows(op, mem, p->x, check_in_order, b, &norm, x));
    TRY_GOTO(check_product(mem, &gate, x, b, 0, g));
    TRY_GOTO(check_product(mem, &up, x, b, 0, u));
    for (size_t i = 0; i < (size_t)b * n; i++) {
        struct check_sum v = check_swiglu(g[i], u[i]);
        check_out_f32(mem, p->dst + i * 4, v.value, v.mag);
    }
fail:
    mem_free(x);
    mem_free(g);
    mem_free(u);
    return s;
}
