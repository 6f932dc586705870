#include "kernels/pairs.h"

#include <inttypes.h>
#include <string.h>

enum {
    MAX_B = 16,
    MIN_LANES = MAX_B, /* lane b stores row b */
    MAX_LANES = K_GROUP,
    LANE_WEIGHTS = 32, /* of a row, about what one strand takes */
    MAX_XREG = 64,     /* values of x an invocation may hold in registers */
    DOT_CHUNK = 64,    /* weights of a row that a strand of integers takes at a time */
    GROUPS_A_UNIT = 2, /* workgroups that keep a multiprocessor's loads in flight */
};

/* As in kernels/quant/<type>.glsl. */
uint32_t k_matvec_chunk(enum quant_type t)
{
    switch (t) {
    case QUANT_F32:
        return 4;
    case QUANT_F16:
    case QUANT_BF16:
        return 8;
    case QUANT_Q8_0:
        return 16;
    default:
        return 32;
    }
}

/* A function of the row's length alone, so that no device changes the order of additions. */
static uint32_t lanes_of(uint32_t k)
{
    uint32_t lanes = MIN_LANES;
    while (lanes < MAX_LANES && lanes * LANE_WEIGHTS < k)
        lanes *= 2;
    return lanes;
}

static bool x_in_registers(enum quant_type t, uint32_t k)
{
    uint32_t chunk = k_matvec_chunk(t), lanes = lanes_of(k);
    return div_up(k / chunk, lanes) * chunk <= MAX_XREG;
}

bool k_fuses_norm(uint32_t b, enum quant_type t, uint32_t k)
{
    return b == 1 && x_in_registers(t, k);
}

bool k_fuses_layernorm(uint32_t b, enum quant_type t, uint32_t k)
{
    return quant_info(t)->block == 1 && k_fuses_norm(b, t, k);
}

/* ---- integer dot products ----------------------------------------------------------------- */

bool k_takes_int8(enum quant_type t, uint32_t k)
{
    return quant_info(t)->block > 1 && k % DOT_CHUNK == 0;
}

bool k_pairs_takes_dots(const struct gpu *g, const struct k_pairs *a, const char *dot_module)
{
    const struct gpu_info *info = gpu_get_info(g);
    if (a->x_as == K_X_F32 || (a->x_as == K_X_BEST && !(info->caps & GPU_CAP_INT_DOT)))
        return false;
    if (!k_usable(g, dot_module) || !k_usable(g, "round8"))
        return false;
    for (int i = 0; i < 3 && a->w[i]; i++) {
        if (!k_takes_int8(a->w[i]->type, a->w[i]->k))
            return false;
    }
    return K_ROUND8_BYTES(a->w[0]->k) <= info->shared_bytes / 4 * 3; /* for many rows of x too */
}

/* A chunk for each strand, if there are enough of them. */
static uint32_t dot_lanes(uint32_t k)
{
    uint32_t lanes = MIN_LANES;
    while (lanes < MAX_LANES && lanes * DOT_CHUNK < k)
        lanes *= 2;
    return lanes;
}

/* a->x's rows rounded, in scratch. */
static enum status round8_rows(struct plan *p, const struct k_pairs *a, uint64_t *out)
{
    uint32_t k = a->w[0]->k;
    struct k_round8_push push = {.x = a->x, .step = a->steps.out_rows ? a->steps.addr : 0};
    TRY(plan_scratch(p, (uint64_t)a->b * K_ROUND8_BYTES(k), "x in 8 bits", &push.dst));
    struct k_op o;
    k_op_begin(&o, "round8", "round8", &push, sizeof push, 3);
    o.op.pipe.spec[K_ROUND8_SUBGROUP] = k_subgroup(plan_gpu(p), "round8");
    o.op.pipe.spec[K_ROUND8_K] = k;
    o.op.pipe.spec[K_ROUND8_OUT_ROWS] = a->steps.out_rows;
    o.op.pipe.n_spec = K_ROUND8_SPECS;
    o.op.groups[0] = (uint32_t)div_up(k / 4, K_GROUP);
    o.op.groups[1] = a->b;
    k_reads(&o, a->x, (uint64_t)a->x_rows * k * 4);
    k_reads(&o, push.step, K_STEP_BYTES);
    k_writes(&o, push.dst, (uint64_t)a->b * K_ROUND8_BYTES(k));
    *out = push.dst;
    return k_op_add(p, &o);
}

enum status k_pairs_begin(struct plan *p, struct k_op *o, const struct k_pairs *a, const char *name,
                          const char *module, const char *dot_module, void *push,
                          uint32_t push_bytes, uint32_t n_addr)
{
    uint32_t k = a->w[0]->k, units = gpu_get_info(plan_gpu(p))->units;
    uint64_t x = a->x, x_bytes = (uint64_t)a->x_rows * k * 4;
    if (a->b < 1 || a->b > MAX_B)
        return status_fail(ERR_MODEL, "%s: %" PRIu32 " rows; a step has 1 to %d", name, a->b,
                           MAX_B);
    for (int i = 0; i < 3 && a->w[i]; i++) {
        TRY(k_weight_check(name, a->w[i]));
        bool layer = a->norm == K_MV_LAYER;
        if (a->norm && !(layer ? k_fuses_layernorm : k_fuses_norm)(a->b, a->w[i]->type, k))
            return status_fail(ERR_MODEL,
                               "%s: %s of %" PRIu32 " rows of %" PRIu32
                               " cannot be fused with a product of type %s",
                               name, layer ? "LayerNorm" : "RMSNorm", a->b, k,
                               quant_info(a->w[i]->type)->name);
    }
    bool dots = k_pairs_takes_dots(plan_gpu(p), a, dot_module);
    if (dots && a->b > 1) {
        x_bytes = (uint64_t)a->b * K_ROUND8_BYTES(k);
        TRY(round8_rows(p, a, &x));
    }
    memcpy(push, &x, sizeof x);
    k_op_begin(o, name, dots ? dot_module : module, push, push_bytes, n_addr);
    k_reads(o, x, x_bytes);

    uint32_t *spec = o->op.pipe.spec, lanes = dots ? dot_lanes(k) : lanes_of(k);
    uint32_t subgroup = k_subgroup(plan_gpu(p), o->module);
    o->op.pipe.subgroup = subgroup > 1 ? subgroup : 0;
    spec[K_MV_SUBGROUP] = subgroup;
    spec[K_MV_LANES] = lanes;
    spec[K_MV_B] = a->b;
    spec[K_MV_K] = k;
    spec[K_MV_NORM] = a->norm;
    spec[K_MV_XREG] = a->b == 1 && (dots || x_in_registers(a->w[0]->type, k));
    uint32_t tiles = (uint32_t)div_up(a->pairs, K_GROUP / lanes), most = units * GROUPS_A_UNIT;
    o->op.groups[0] = tiles < most ? tiles : most;
    return OK;
}
