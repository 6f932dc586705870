#include "kernels/matmul.h"

enum { KHR_STEP = 32 }; /* columns that product_khr.comp stages at a time */

/* What both kernels are told; w: all of the weights, or the slice of rows from `first` on. */
static void begin(struct k_op *o, const char *module, struct k_product_push *push,
                  const struct k_matmul_args *a, const struct k_weight *w, uint32_t first)
{
    *push = (struct k_product_push){
        .x = push->x,
        .scale = push->scale,
        .w = w->addr,
        .bias = a->bias ? a->bias + first * sizeof(float) : 0,
        .residual = a->residual ? a->residual + first * sizeof(float) : 0,
        .dst = a->out + first * sizeof(float),
        .step = a->steps.addr,
        .m = a->m,
    };
    k_op_begin(o, a->name ? a->name : "matmul", module, push, sizeof *push, 7);
    o->op.pipe.spec[K_PRODUCT_TYPE] = w->type;
    o->op.pipe.spec[K_PRODUCT_N] = w->n;
    o->op.pipe.spec[K_PRODUCT_K] = w->k;
    o->op.pipe.spec[K_PRODUCT_LD] = a->w.n;

    uint64_t out = ((uint64_t)(a->m - 1) * a->w.n + w->n) * sizeof(float);
    k_reads(o, push->x, (uint64_t)a->m * w->k * 2);
    k_reads(o, push->scale, a->m * sizeof(float));
    k_reads(o, w->addr, k_weight_bytes(w));
    k_reads(o, push->bias, w->n * sizeof(float));
    k_reads(o, push->residual, out);
    k_reads(o, push->step, K_STEP_BYTES);
    k_writes(o, push->dst, out);
}

/* ---- VK_KHR_cooperative_matrix ------------------------------------------------------------ */

struct khr_tile {
    uint32_t subgroup, side, rows, cols;
};

static struct khr_tile khr_tile(struct plan *p, const struct k_matmul_args *a)
{
    const struct gpu_info *info = gpu_get_info(plan_gpu(p));
    struct khr_tile t = {.subgroup = k_subgroup(plan_gpu(p), "product_khr"), .side = 128};
    /* A device with little shared memory may also hold a checker's shadow of it. */
    if (info->shared_bytes <= 32 * 1024 || a->m <= 64)
        t.side = 64;
    uint32_t down = t.subgroup == 8 ? 8 : t.subgroup == 16 ? 4 : 2;
    t.rows = t.side / down;
    t.cols = t.side / (K_GROUP / t.subgroup / down);
    return t;
}

bool k_product_khr_fits(struct plan *p, const struct k_matmul_args *a)
{
    const struct gpu_info *info = gpu_get_info(plan_gpu(p));
    struct khr_tile t = khr_tile(p, a);
    return (info->caps & GPU_CAP_COOPMAT) && k_usable(plan_gpu(p), "product_khr") &&
           k_usable(plan_gpu(p), "half") && t.subgroup >= 8 && t.subgroup <= 64 &&
           t.rows % info->coop_m == 0 && t.cols % info->coop_n == 0 && info->coop_n % 4 == 0 &&
           info->coop_k % 8 == 0 && KHR_STEP % info->coop_k == 0;
}

enum status k_product_khr(struct plan *p, const struct k_matmul_args *a)
{
    const struct gpu_info *info = gpu_get_info(plan_gpu(p));
    struct khr_tile t = khr_tile(p, a);
    struct k_product_push push = {0};
    TRY(k_half_rows(p, a, a->m, false, &push.x, &push.scale));

    struct k_op o;
    begin(&o, "product_khr", &push, a, &a->w, 0);
    o.op.weight_bytes = k_weight_bytes(&a->w);
    o.op.pipe.spec[K_PRODUCT_SUBGROUP] = t.subgroup;
    o.op.pipe.spec[K_PRODUCT_MAT_M] = info->coop_m;
    o.op.pipe.spec[K_PRODUCT_MAT_N] = info->coop_n;
    o.op.pipe.spec[K_PRODUCT_MAT_K] = info->coop_k;
    o.op.pipe.spec[K_PRODUCT_SIDE] = t.side;
    o.op.pipe.spec[K_PRODUCT_ROWS] = t.rows;
    o.op.pipe.spec[K_PRODUCT_COLS] = t.cols;
    o.op.pipe.n_spec = K_PRODUCT_KHR_SPECS;
    o.op.groups[0] = (a->w.n + t.side - 1) / t.side;
    o.op.groups[1] = (a->m + t.side - 1) / t.side;
    return k_op_add(p, &o);
}

/* ---- VK_NV_cooperative_matrix2 ------------------------------------------------------------ */

/* A tile and what it costs a multiprocessor (microseconds an H200 takes for 2048 columns). */
struct nv_tile {
    uint32_t m, n, k;
    float cost;
};

/* The tile that should take the least time: tall and wide ones read less, small ones leave fewer
 * multiprocessors idle in the last round. */
static const struct nv_tile *nv_tile(const struct gpu_info *info, uint32_t m, uint32_t n)
{
    static const struct nv_tile tiles[] = {
        {128, 256, 64, 70},  {128, 128, 64, 40}, {128, 64, 64, 29},    {64, 128, 64, 30},
        {64, 64, 64, 15.5f}, {64, 32, 64, 14},   {32, 32, 128, 11.5f},
    };
    const struct nv_tile *best = tiles;
    float least = 0;
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        const struct nv_tile *t = &tiles[i];
        uint64_t count = div_up(m, t->m) * div_up(n, t->n), rounds = div_up(count, info->units);
        /* Between rounds that end together and none at all. */
        float cost = t->cost * ((float)rounds + (float)count / (float)info->units) / 2;
        if (count <= info->units)
            cost = t->cost;
        if (i == 0 || cost < least) {
            best = t;
            least = cost;
        }
    }
    return best;
}

enum status k_dequant(struct plan *p, const struct k_weight *w, uint32_t first, uint32_t rows,
                      uint64_t dst)
{
    struct k_dequant_push push = {.w = w->addr, .dst = dst, .first = first, .rows = rows};
    struct k_op o;
    k_op_begin(&o, "dequant", "dequant", &push, sizeof push, 2);
    o.op.pipe.spec[K_DEQUANT_TYPE] = w->type;
    o.op.pipe.spec[K_DEQUANT_N] = w->n;
    o.op.pipe.spec[K_DEQUANT_K] = w->k;
    o.op.pipe.n_spec = K_DEQUANT_SPECS;
    o.op.groups[0] = (K_DEQUANT_ROWS * (w->k / 32) + K_GROUP - 1) / K_GROUP;
    if (!o.op.groups[0])
        o.op.groups[0] = 1;
    o.op.groups[1] = (rows + K_DEQUANT_ROWS - 1) / K_DEQUANT_ROWS;
    k_reads(&o, w->addr, k_weight_bytes(w));
    k_writes(&o, dst, (uint64_t)rows * w->k * 2);
    o.op.weight_bytes = quant_row_bytes(w->type, w->k) * rows;
    return k_op_add(p, &o);
}

static enum status nv_slice(struct plan *p, const struct k_matmul_args *a, bool bf16, uint64_t half,
                            uint64_t scale, const struct k_weight *w, uint32_t first)
{
    const struct nv_tile *t = nv_tile(gpu_get_info(plan_gpu(p)), a->m, w->n);
    struct k_product_push push = {.x = half, .scale = scale};
    struct k_op o;
    begin(&o, bf16 ? "product_nv_bf16" : "product_nv", &push, a, w, first);
    o.op.pipe.spec[K_PRODUCT_BF16] = bf16;
    o.op.pipe.spec[K_PRODUCT_TILE_M] = t->m;
    o.op.pipe.spec[K_PRODUCT_TILE_N] = t->n;
    o.op.pipe.spec[K_PRODUCT_TILE_K] = t->k;
    o.op.pipe.n_spec = K_PRODUCT_NV_SPECS;
    o.op.groups[0] = (w->n + t->n - 1) / t->n;
    o.op.groups[1] = (a->m + t->m - 1) / t->m;
    if (a->w.type == w->type)
        o.op.weight_bytes = k_weight_bytes(w);
    return k_op_add(p, &o);
}

enum status k_product_nv(struct plan *p, const struct k_matmul_args *a)
{
    enum { MOST_BYTES = 16 << 20, WHOLE = 256 };
    const struct k_weight *w = &a->w;
    uint64_t caps = gpu_get_info(plan_gpu(p))->caps, half = 0, scale = 0, dense = 0;
    bool bf16 = a->way == K_WAY_BF16 && w->type == QUANT_BF16 && (caps & GPU_CAP_COOPMAT_BF16) &&
                k_usable(plan_gpu(p), "product_nv_bf16");
    uint32_t padded = (uint32_t)align_up(a->m, 128);
    TRY(k_half_rows(p, a, padded, bf16, &half, &scale));
    if (bf16 || w->type == QUANT_F16)
        return nv_slice(p, a, bf16, half, scale, w, 0);

    uint64_t most = MOST_BYTES / ((uint64_t)w->k * 2) / WHOLE * WHOLE;
    uint32_t rows = most >= w->n ? w->n : most ? (uint32_t)most : WHOLE;
    TRY(plan_scratch(p, (uint64_t)rows * w->k * 2, "weights as f16", &dense));
    for (uint32_t first = 0; first < w->n; first += rows) {
        uint32_t count = w->n - first < rows ? w->n - first : rows;
        struct k_weight slice = {.addr = dense, .type = QUANT_F16, .n = count, .k = w->k};
        TRY(k_dequant(p, w, first, count, dense));
        TRY(nv_slice(p, a, false, half, scale, &slice, first));
    }
    return OK;
}
