// half.comp - rows of x rounded for matrix units: see k_half_push. One workgroup a row.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_HALF_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_HALF_K) const uint K = 4u;
layout(constant_id = K_HALF_BF16) const uint BF16 = 0u;
layout(push_constant, scalar) uniform Push { k_half_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"

uint bf16_bits(float f)
{
    uint u = floatBitsToUint(f);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (u >> 16) | 0x40u;
    return (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
}

// Four values; those below the normal numbers count as zero, as some devices make of them.
vec4 load(uint64_t x, uint i)
{
    vec4 v = F32x4s(x).v[i];
    return mix(v, vec4(0.0), lessThan(abs(v), vec4(uintBitsToFloat(0x00800000u))));
}

void main()
{
    uint row = gl_WorkGroupID.x;
    uint64_t x = p.x + uint64_t(row) * (K * 4u), dst = p.dst + uint64_t(row) * (K * 2u);
    // Without a step something else is read and dropped, see matmul.comp.
    uint n_rows = Steps(p.step != 0u ? p.step : p.x).v.n_rows;
    bool wanted = p.step == 0u || row < n_rows;

    if (BF16 != 0u) {
        if (wanted)
            for (uint i = TID; i < K / 4u; i += K_GROUP) {
                vec4 v = F32x4s(x).v[i];
                U32x2s(dst).v[i] = uvec2(bf16_bits(v.x) | bf16_bits(v.y) << 16,
                                         bf16_bits(v.z) | bf16_bits(v.w) << 16);
            }
        return;
    }

    float top = 0.0;
    for (uint i = TID; i < K / 4u; i += K_GROUP) {
        vec4 v = wanted ? abs(load(x, i)) : vec4(0.0);
        top = max(top, max(max(v.x, v.y), max(v.z, v.w)));
    }
    top = reduce_max(top, K_GROUP);
    // Exponents, biased: that of the largest value becomes 141. Tiny rows and rows with an
    // infinity are taken by what a float can hold.
    uint e = clamp(floatBitsToUint(top) >> 23, 15u, 254u);
    if (top >= uintBitsToFloat(0x7f800000u))
        e = 141u;
    float up = uintBitsToFloat((268u - e) << 23), down = uintBitsToFloat((e - 14u) << 23);
    if (wanted) {
        for (uint i = TID; i < K / 4u; i += K_GROUP) {
            vec4 v = load(x, i) * up;
            U32x2s(dst).v[i] = uvec2(m_half_bits(v.x) | m_half_bits(v.y) << 16,
                                     m_half_bits(v.z) | m_half_bits(v.w) << 16);
        }
        if (TID == 0u)
            F32s(p.scale).v[row] = down;
    }
}
