#include "kernels/pairs.h"

#include <inttypes.h>

enum {
    MAX_B = 16,
    MIN_LANES = MAX_B, /* lane b stores row b */
    MAX_LANES = K_GROUP,
    LANE_WEIGHTS = 32, /* of a row, about what one strand takes */
    MAX_XREG = 64,     /* values of x an invocation may hold in registers */
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

enum status k_pairs_setup(struct plan *p, struct k_op *o, const struct k_weight *w, uint32_t b,
                          uint32_t norm, uint32_t pairs)
{
    if (b < 1 || b > MAX_B)
        return status_fail(ERR_MODEL, "%s: %" PRIu32 " rows; a step has 1 to %d", o->op.name, b,
                           MAX_B);
    bool layer = norm == K_MV_LAYER;
    if (norm && !(layer ? k_fuses_layernorm : k_fuses_norm)(b, w->type, w->k))
        return status_fail(
            ERR_MODEL,
            "%s: %s of %" PRIu32 " rows of %" PRIu32 " cannot be fused with a product of type %s",
            o->op.name, layer ? "LayerNorm" : "RMSNorm", b, w->k, quant_info(w->type)->name);
    uint32_t *spec = o->op.pipe.spec, lanes = lanes_of(w->k);
    uint32_t subgroup = k_subgroup(plan_gpu(p), o->module);
    o->op.pipe.subgroup = subgroup > 1 ? subgroup : 0;
    spec[K_MV_SUBGROUP] = subgroup;
    spec[K_MV_LANES] = lanes;
    spec[K_MV_B] = b;
    spec[K_MV_K] = w->k;
    spec[K_MV_NORM] = norm;
    spec[K_MV_XREG] = b == 1 && x_in_registers(w->type, w->k);
    uint32_t tiles = (uint32_t)div_up(pairs, K_GROUP / lanes);
    uint32_t most = gpu_get_info(plan_gpu(p))->units * GROUPS_A_UNIT;
    o->op.groups[0] = tiles < most ? tiles : most;
    return OK;
}
