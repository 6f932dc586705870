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
    else if ((a->x | w->addr | a->out | a->residual) % 16 || a->bias % 4)
        why = "operands must lie at multiples of 16 bytes";
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

/* Below 16 rows a tile of matrices is mostly empty. */
static enum k_way best(const struct gpu_info *info, const struct k_matmul_args *a, bool khr,
                       bool nv)
{
    if (a->m < 16)
        return K_WAY_F32;
    if (nv)
        return K_WAY_NV;
    return khr && k_matrices_pay(info) ? K_WAY_KHR : K_WAY_F32;
}

enum status k_matmul(struct plan *p, const struct k_matmul_args *a)
{
    TRY(check(a));
    const struct gpu_info *info = gpu_get_info(plan_gpu(p));
    /* F32 weights keep their precision: matrix units would round them. */
    bool whole = a->w.type != QUANT_F32 && a->w.k % 8 == 0;
    bool nv = whole && (info->caps & GPU_CAP_COOPMAT2) && k_usable(plan_gpu(p), "product_nv") &&
              k_usable(plan_gpu(p), "half") && k_usable(plan_gpu(p), "dequant");
    bool khr = whole && k_product_khr_fits(p, a);
    enum k_way way = a->way;
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
