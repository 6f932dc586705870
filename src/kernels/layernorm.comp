// layernorm.comp - LayerNorm of rows: see k_layernorm_push. One workgroup a row.
//
// Invocation t adds vectors t, t + 256, ... of four; then a butterfly over 256.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_LAYERNORM_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_LAYERNORM_K) const uint K = 4u;
layout(constant_id = K_LAYERNORM_OUT_ROWS) const uint OUT_ROWS = 0u;
layout(constant_id = K_LAYERNORM_HALF) const uint HALF = 0u;
layout(push_constant, scalar) uniform Push { k_layernorm_push p; };

const uint EACH = (K / 4u + K_GROUP - 1u) / K_GROUP;

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"

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

    // A row is read once: what an invocation adds stays in its registers.
    vec4 v[EACH];
    precise float sum = 0.0;
    [[unroll]] for (uint e = 0u; e < EACH; e++) {
        uint i = e * K_GROUP + TID;
        if (i < K / 4u) {
            v[e] = F32x4s(x).v[i];
            [[unroll]] for (uint j = 0u; j < 4u; j++)
                sum = sum + v[e][j];
        }
    }
    sum = reduce_add(sum, 256u);
    precise float mean = m_div(sum, float(K));

    precise float squares = 0.0;
    [[unroll]] for (uint e = 0u; e < EACH; e++) {
        if (e * K_GROUP + TID < K / 4u) {
            precise vec4 d = v[e] - mean;
            [[unroll]] for (uint j = 0u; j < 4u; j++)
                squares = fma(d[j], d[j], squares);
        }
    }
    squares = reduce_add(squares, 256u);
    precise float variance = m_div(squares, float(K)) + p.eps;
    float factor = m_rsqrt(variance);
    if (!wanted)
        return;
    [[unroll]] for (uint e = 0u; e < EACH; e++) {
        uint i = e * K_GROUP + TID;
        if (i >= K / 4u)
            break;
        precise vec4 y = v[e] - mean;
        y = y * factor;
        y = fma(y, F32x4s(p.w).v[i], F32x4s(p.b).v[i]);
        if (HALF != 0u) {
            y = clamp(y, vec4(-65504.0), vec4(65504.0));
            U32x2s(dst).v[i] = uvec2(m_half_bits(y.x) | m_half_bits(y.y) << 16,
                                     m_half_bits(y.z) | m_half_bits(y.w) << 16);
        } else {
            F32x4s(dst).v[i] = y;
        }
    }
}
