#include "kernels/matmul.h"

#include <inttypes.h>

static enum status check(const struct k_matmul_args *a)
{
    TRY(k_weight_check("matmul", &a->w));
    const struct k_weight *w = &a->w;
    const char *why = NULL;
    if (!a->m)
        why = "no rows";
    else if (a->m > 64 * 65535u || w->n > 64 * 65535u)
        why = "more than 4194240 rows";
    else if ((uint64_t)w->k * sizeof(float) > UINT32_MAX)
        why = "rows of 4 GiB or more";
    else if ((a->x | a->x_half | w->addr | a->out | a->residual) % 16 || a->bias % 4)
        why = "operands must lie at multiples of 16 bytes";
    else if ((a->half || a->gelu) && a->residual)
        why = "f16 or gelu with a residual";
    if (!why)
        return OK;
    return status_fail(
        ERR_MODEL, "matmul: x [%" PRIu32 ", %" PRIu32 "], %s [%" PRIu32 ", %" PRIu32 "] %s: %s",
        a->m, w->k, w->name ? w->name : "weights", w->n, w->k, quant_info(w->type)->name, why);
}

/* The kernel of plain f32: every device, every type, the same bits everywhere. */
static enum status simt(struct plan *p, const struct k_matmul_args *a)
{
    const struct k_weight *w = &a->w;
    struct k_matmul_push push = {
        .x = a->x,
        .w = w->addr,
        .bias = a->bias,
        .residual = a->residual,
        .dst = a->out,
        .step = a->steps.addr,
        .m = a->m,
    };
    struct k_op o;
    k_op_begin(&o, a->name ? a->name : "matmul", "matmul", &push, sizeof push, 6);
    /* Wide tiles read less; they pay when there are enough to fill a device. The bits are the
     * same either way. */
    uint64_t wide = (((uint64_t)a->m + 127) / 128) * (((uint64_t)w->n + 127) / 128);
    uint32_t tile = a->m > 64 && wide >= 64 ? 8 : 4, side = 16 * tile;
    o.op.pipe.spec[K_MATMUL_TYPE] = w->type;
    o.op.pipe.spec[K_MATMUL_N] = w->n;
    o.op.pipe.spec[K_MATMUL_K] = w->k;
    o.op.pipe.spec[K_MATMUL_TILE] = tile;
    o.op.pipe.n_spec = K_MATMUL_SPECS;
    o.op.groups[0] = (w->n + side - 1) / side;
    o.op.groups[1] = (a->m + side - 1) / side;

    uint64_t out = (uint64_t)a->m * w->n * sizeof(float);
    k_reads(&o, a->x, (uint64_t)a->m * w->k * sizeof(float));
    k_reads_weight(&o, w);
    k_reads(&o, a->bias, w->n * sizeof(float));
    k_reads(&o, a->residual, out);
    k_reads(&o, a->steps.addr, K_STEP_BYTES);
    k_writes(&o, a->out, out);
    return k_op_add(p, &o);
}

bool k_matrices_pay(const struct gpu_info *info)
{
    return info->coop_m * info->coop_n * info->coop_k >= 1024;
}

/* With fewer a tile of matrices is mostly empty. */
enum { LEAST_ROWS = 16 };

static enum k_way best(const struct gpu_info *info, const struct k_matmul_args *a, bool khr,
                       bool nv)
{
    if (a->m < LEAST_ROWS)
        return K_WAY_F32;
    if (nv)
        return K_WAY_NV;
    return khr && k_matrices_pay(info) ? K_WAY_KHR : K_WAY_F32;
}

/* F32 weights keep their precision: matrix units would round them. */
static bool whole(const struct k_weight *w)
{
    return w->type != QUANT_F32 && w->k % 8 == 0;
}

static bool nv_fits(const struct gpu *g, const struct k_weight *w)
{
    return whole(w) && (gpu_get_info(g)->caps & GPU_CAP_COOPMAT2) && k_usable(g, "product_nv") &&
           k_usable(g, "half") && k_usable(g, "dequant");
}

bool k_takes_half(const struct plan *p, uint32_t m, const struct k_weight *w)
{
    return m >= LEAST_ROWS && nv_fits(plan_gpu(p), w);
}

enum status k_matmul(struct plan *p, const struct k_matmul_args *a)
{
    TRY(check(a));
    const struct gpu_info *info = gpu_get_info(plan_gpu(p));
    bool nv = nv_fits(plan_gpu(p), &a->w), khr = whole(&a->w) && k_product_khr_fits(p, a);
    enum k_way way = a->way;
    if (a->x_half || a->half || a->gelu)
        return nv ? k_product_nv(p, a)
                  : status_fail(ERR, "matmul: f16 rows or gelu, and no matrix units take %s",
                                a->w.name ? a->w.name : "the weights");
    if (way == K_WAY_BEST || (way >= K_WAY_NV && !nv) || (way == K_WAY_KHR && !khr))
        way = best(info, a, khr, nv);
    switch (way) {
    case K_WAY_NV:
    case K_WAY_BF16:
        return k_product_nv(p, a);
    case K_WAY_KHR:
        return k_product_khr(p, a);
    case K_WAY_BEST:
    case K_WAY_F32:
        break;
    }
    return simt(p, a);
}
