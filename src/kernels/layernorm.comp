// layernorm.comp - LayerNorm of rows: see k_layernorm_push. One workgroup a row.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_LAYERNORM_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_LAYERNORM_K) const uint K = 4u;
layout(constant_id = K_LAYERNORM_OUT_ROWS) const uint OUT_ROWS = 0u;
layout(constant_id = K_LAYERNORM_HALF) const uint HALF = 0u;
layout(push_constant, scalar) uniform Push { k_layernorm_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"
#include "lib/layer.glsl"

void main()
{
    uint row = gl_WorkGroupID.x, from = row;
    bool wanted = true;
    if (OUT_ROWS != 0u) {
        wanted = row < Steps(p.step).v.n_out;
        from = wanted ? Steps(p.step).v.out_row[row] : 0u;
    }
    uint64_t x = p.x + uint64_t(from) * (K * 4u);
    uint64_t dst = p.dst + uint64_t(row) * (K * (HALF != 0u ? 2u : 4u));

    vec4 v[LAYER_EACH];
    layer_read(x, v);
    vec2 moments = layer_moments(v, p.eps);
    if (!wanted)
        return;
    uint i;
    [[unroll]] for (uint e = 0u; e < LAYER_EACH; e++) {
        if (!layer_at(e, i))
            break;
        vec4 w = F32x4s(p.w).v[i], b = F32x4s(p.b).v[i], y;
        [[unroll]] for (uint j = 0u; j < 4u; j++)
            y[j] = layer_apply(v[e][j], moments, w[j], b[j]);
        if (HALF != 0u) {
            y = clamp(y, vec4(-65504.0), vec4(65504.0));
            U32x2s(dst).v[i] = uvec2(m_half_bits(y.x) | m_half_bits(y.y) << 16,
                                     m_half_bits(y.z) | m_half_bits(y.w) << 16);
        } else {
            F32x4s(dst).v[i] = y;
        }
    }
}
