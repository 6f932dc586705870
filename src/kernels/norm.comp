// norm.comp - RMSNorm of rows: see k_norm_push. One workgroup a row.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_NORM_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_NORM_K) const uint K = 4u;
layout(constant_id = K_NORM_OUT_ROWS) const uint OUT_ROWS = 0u;
layout(push_constant, scalar) uniform Push { k_norm_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"
#include "lib/rms.glsl"

void main()
{
    uint row = gl_WorkGroupID.x, from = row;
    bool wanted = true;
    if (OUT_ROWS != 0u) {
        wanted = row < Steps(p.step).v.n_out;
        from = wanted ? Steps(p.step).v.out_row[row] : 0u;
    }
    uint64_t x = p.x + uint64_t(from) * (K * 4u), dst = p.dst + uint64_t(row) * (K * 4u);
    float factor = rms_factor(x, K, p.eps);
    if (wanted)
        for (uint i = TID; i < K / 4u; i += K_GROUP)
            F32x4s(dst).v[i] = rms_apply(F32x4s(x).v[i], factor, F32x4s(p.w).v[i]);
}
