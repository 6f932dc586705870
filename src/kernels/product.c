#include <inttypes.h>

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
        .dst = a->out + first * (a->half ? 2 : sizeof(float)),
        .step = a->steps.addr,
        .m = a->m,
        .factor = a->x_half && a->factor != 0 ? a->factor : 1,
    };
    k_op_begin(o, a->name ? a->name : "matmul", module, push, sizeof *push, 7);
    o->op.pipe.spec[K_PRODUCT_TYPE] = w->type;
    o->op.pipe.spec[K_PRODUCT_N] = w->n;
    o->op.pipe.spec[K_PRODUCT_K] = w->k;
    o->op.pipe.spec[K_PRODUCT_LD] = a->w.n;

    uint64_t out = ((uint64_t)(a->m - 1) * a->w.n + w->n) * (a->half ? 2 : sizeof(float));
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
    TRY(k_half_rows(p, a->x, a->m, a->w.k, &a->steps, false, &push.x, &push.scale));

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

/* A tile, and the microseconds that an H200 takes for 2048 columns of it: from beginning to end
 * where a multiprocessor has few, and each where it has many. */
struct nv_tile {
    uint32_t m, n, k;
    float alone, among;
};

/* The tile that should take the least time: large ones read less, small ones leave fewer
 * multiprocessors idle. */
static const struct nv_tile *nv_tile(const struct gpu_info *info, uint32_t m, uint32_t n)
{
    static const struct nv_tile tiles[] = {
        {128, 128, 64, 39, 27}, {64, 128, 64, 28, 19},      {128, 64, 64, 27, 18.7f},
        {64, 64, 64, 23, 13},   {32, 64, 128, 13.5f, 8.6f}, {32, 32, 128, 12, 6},
    };
    const struct nv_tile *best = tiles;
    float least = 0;
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        const struct nv_tile *t = &tiles[i];
        uint64_t count = div_up(m, t->m) * div_up(n, t->n), rounds = div_up(count, info->units);
        /* Between rounds that end together and none at all. */
        float cost = t->among * ((float)rounds + (float)count / (float)info->units) / 2;
        if (cost < t->alone)
            cost = t->alone;
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
    o.op.pipe.spec[K_PRODUCT_HAS] = (push.scale ? K_PRODUCT_HAS_SCALE : 0) |
                                    (push.bias ? K_PRODUCT_HAS_BIAS : 0) |
                                    (push.residual ? K_PRODUCT_HAS_RESIDUAL : 0) |
                                    (push.factor != 1 ? K_PRODUCT_HAS_FACTOR : 0);
    o.op.pipe.spec[K_PRODUCT_HALF] = a->half;
    o.op.pipe.spec[K_PRODUCT_GELU] = a->gelu;
    o.op.pipe.n_spec = K_PRODUCT_NV_SPECS;
    o.op.groups[0] = (uint32_t)(div_up(w->n, t->n) * div_up(a->m, t->m));
    if (a->w.type == w->type)
        o.op.weight_bytes = k_weight_bytes(w);
    return k_op_add(p, &o);
}

/* Rows of w that are written as f16 at a time, as many each time: `least` where they take no more
 * than 64 MiB, so that there are tiles for all multiprocessors, and more up to 32 MiB. */
static uint32_t slice_rows(const struct k_weight *w, uint32_t least)
{
    enum { WHOLE = 128, FEW_BYTES = 32 << 20, MOST_BYTES = 64 << 20, PLENTY = 2048 };
    uint64_t row = (uint64_t)w->k * 2, few = FEW_BYTES / (PLENTY / least);
    uint64_t most = MOST_BYTES / (PLENTY / least), bytes = least * row;
    bytes = bytes < few ? few : bytes > most ? most : bytes;
    uint64_t rows = bytes / row / WHOLE * WHOLE;
    if (rows < WHOLE)
        rows = WHOLE;
    rows = align_up(div_up(w->n, div_up(w->n, rows)), WHOLE);
    return rows < w->n ? (uint32_t)rows : w->n;
}

enum status k_product_nv(struct plan *p, const struct k_matmul_args *a)
{
    const struct k_weight *w = &a->w;
    uint64_t caps = gpu_get_info(plan_gpu(p))->caps, half = 0, scale = 0, dense = 0;
    bool bf16 = a->way == K_WAY_BF16 && !a->x_half && w->type == QUANT_BF16 &&
                (caps & GPU_CAP_COOPMAT_BF16) && k_usable(plan_gpu(p), "product_nv_bf16");
    if (a->x_half)
        half = a->x_half;
    else
        TRY(k_half_rows(p, a->x, a->m, w->k, &a->steps, bf16, &half, &scale));
    if (bf16 || w->type == QUANT_F16)
        return nv_slice(p, a, bf16, half, scale, w, 0);

    uint32_t rows = slice_rows(w, 2048);
    TRY(plan_scratch(p, (uint64_t)rows * w->k * 2, "weights as f16", &dense));
    for (uint32_t first = 0; first < w->n; first += rows) {
        uint32_t count = w->n - first < rows ? w->n - first : rows;
        struct k_weight slice = {.addr = dense, .type = QUANT_F16, .n = count, .k = w->k};
        TRY(k_dequant(p, w, first, count, dense));
        TRY(nv_slice(p, a, false, half, scale, &slice, first));
    }
    return OK;
}

/* ---- SwiGLU ------------------------------------------------------------------------------- */

/* Rows first ... first + n - 1 of w as f16: where they lie, or in *dense. */
static enum status dense_rows(struct plan *p, const struct k_weight *w, uint32_t first, uint32_t n,
                              uint64_t dense, struct k_weight *out)
{
    *out = (struct k_weight){.addr = dense, .type = QUANT_F16, .n = n, .k = w->k};
    if (w->type != QUANT_F16)
        return k_dequant(p, w, first, n, dense);
    out->addr = w->addr + (uint64_t)first * w->k * 2;
    return OK;
}

static enum status glu_slice(struct plan *p, const struct k_glu_rows_args *a, uint64_t half,
                             uint64_t scale, const struct k_weight *gate, const struct k_weight *up,
                             uint32_t first)
{
    enum { TILE_M = 128, TILE_N = 64, TILE_K = 64 };
    struct k_product_glu_push push = {.x = half,
                                      .scale = scale,
                                      .gate = gate->addr,
                                      .up = up->addr,
                                      .dst = a->out + first * 2ull,
                                      .step = a->steps.addr,
                                      .m = a->m,
                                      .k = gate->k};
    struct k_op o;
    k_op_begin(&o, "gate, up", "product_glu_nv", &push, sizeof push, 6);
    o.op.pipe.spec[K_PRODUCT_TYPE] = QUANT_F16;
    o.op.pipe.spec[K_PRODUCT_N] = gate->n;
    o.op.pipe.spec[K_PRODUCT_K] = gate->k;
    o.op.pipe.spec[K_PRODUCT_LD] = a->gate.n;
    o.op.pipe.spec[K_PRODUCT_TILE_M] = TILE_M;
    o.op.pipe.spec[K_PRODUCT_TILE_N] = TILE_N;
    o.op.pipe.spec[K_PRODUCT_TILE_K] = TILE_K;
    o.op.pipe.n_spec = K_PRODUCT_GLU_SPECS;
    o.op.groups[0] = (uint32_t)(div_up(gate->n, TILE_N) * div_up(a->m, TILE_M));
    k_reads(&o, half, (uint64_t)a->m * gate->k * 2);
    k_reads(&o, scale, a->m * sizeof(float));
    k_reads(&o, gate->addr, k_weight_bytes(gate));
    k_reads(&o, up->addr, k_weight_bytes(up));
    k_reads(&o, push.step, K_STEP_BYTES);
    k_writes(&o, push.dst, ((uint64_t)(a->m - 1) * a->gate.n + gate->n) * 2);
    if (a->gate.type == QUANT_F16)
        o.op.weight_bytes = k_weight_bytes(gate) + k_weight_bytes(up);
    return k_op_add(p, &o);
}

bool k_glu_takes_half(const struct plan *p, uint32_t m, const struct k_weight *gate,
                      const struct k_weight *up)
{
    return k_takes_half(p, m, gate) && k_takes_half(p, m, up) &&
           k_usable(plan_gpu(p), "product_glu_nv");
}

enum status k_glu_rows(struct plan *p, const struct k_glu_rows_args *a)
{
    const struct k_weight *gate = &a->gate, *up = &a->up;
    TRY(k_weight_check("gate and up", gate));
    TRY(k_weight_check("gate and up", up));
    if (!a->m || a->m > 64 * 65535u || gate->n != up->n || gate->k != up->k ||
        (a->x | a->out) % 16 || !k_glu_takes_half(p, a->m, gate, up))
        return status_fail(ERR_MODEL,
                           "gate and up: %" PRIu32 " rows, [%" PRIu32 ", %" PRIu32
                           "] %s and [%" PRIu32 ", %" PRIu32 "] %s: cannot run as one",
                           a->m, gate->n, gate->k, quant_info(gate->type)->name, up->n, up->k,
                           quant_info(up->type)->name);
    uint64_t half, scale, dense[2] = {0};
    bool plain = gate->type == QUANT_F16 && up->type == QUANT_F16;
    uint32_t rows = plain ? gate->n : slice_rows(gate, 1024);
    TRY(k_half_rows(p, a->x, a->m, gate->k, &a->steps, false, &half, &scale));
    if (gate->type != QUANT_F16)
        TRY(plan_scratch(p, (uint64_t)rows * gate->k * 2, "gate as f16", &dense[0]));
    if (up->type != QUANT_F16)
        TRY(plan_scratch(p, (uint64_t)rows * up->k * 2, "up as f16", &dense[1]));
    for (uint32_t first = 0; first < gate->n; first += rows) {
        uint32_t count = gate->n - first < rows ? gate->n - first : rows;
        struct k_weight g, u;
        TRY(dense_rows(p, gate, first, count, dense[0], &g));
        TRY(dense_rows(p, up, first, count, dense[1], &u));
        TRY(glu_slice(p, a, half, scale, &g, &u, first));
    }
    return OK;
}
