// layernorm.comp - LayerNorm of rows: see k_layernorm_push. One workgroup a row.
//
// Invocation t adds vectors t, t + 256, ... of four; then a butterfly over 256.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_LAYERNORM_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_LAYERNORM_K) const uint K = 4u;
layout(constant_id = K_LAYERNORM_OUT_ROWS) const uint OUT_ROWS = 0u;
layout(push_constant, scalar) uniform Push { k_layernorm_push p; };

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
    uint64_t x = p.x + uint64_t(from) * (K * 4u), dst = p.dst + uint64_t(row) * (K * 4u);

    precise float sum = 0.0;
    for (uint i = TID; i < K / 4u; i += K_GROUP) {
        vec4 v = F32x4s(x).v[i];
        [[unroll]] for (uint j = 0u; j < 4u; j++)
            sum = sum + v[j];
    }
    sum = reduce_add(sum, 256u);
    precise float mean = m_div(sum, float(K));

    precise float squares = 0.0;
    for (uint i = TID; i < K / 4u; i += K_GROUP) {
        precise vec4 d = F32x4s(x).v[i] - mean;
        [[unroll]] for (uint j = 0u; j < 4u; j++)
            squares = fma(d[j], d[j], squares);
    }
    squares = reduce_add(squares, 256u);
    precise float variance = m_div(squares, float(K)) + p.eps;
    float factor = m_rsqrt(variance);
    if (!wanted)
        return;
    for (uint i = TID; i < K / 4u; i += K_GROUP) {
        precise vec4 y = F32x4s(x).v[i] - mean;
        y = y * factor;
        F32x4s(dst).v[i] = fma(y, F32x4s(p.w).v[i], F32x4s(p.b).v[i]);
    }
}
