// round8.comp - rows of x rounded to 8 bits: see k_round8_push. An invocation takes four columns.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_ROUND8_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_ROUND8_K) const uint K = 32u;
layout(constant_id = K_ROUND8_OUT_ROWS) const uint OUT_ROWS = 0u;
layout(push_constant, scalar) uniform Push { k_round8_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"
#include "lib/round8.glsl"

void main()
{
    const uint b = gl_WorkGroupID.y, at = gl_WorkGroupID.x * 256u + TID;
    uint row = b;
    if (OUT_ROWS != 0u)
        row = b < Steps(p.step).v.n_out ? Steps(p.step).v.out_row[b] : 0u;
    uint q;
    float d;
    round8(F32x4s(p.x + uint64_t(row) * (K * 4u)).v[min(at, K / 4u - 1u)], q, d);
    // Sums of 16 bytes, which a float holds; then the other half's.
    precise float four = m_int8(q, 0u) + m_int8(q, 1u) + m_int8(q, 2u) + m_int8(q, 3u);
    int half_sum = int(reduce_add(four, 4u));
    int other = int(reduce_add(float(half_sum), 8u)) / 4 - half_sum;
    uint64_t dst = round8_row(p.dst, K, b);
    if (at >= K / 4u)
        return;
    U32s(dst).v[at] = q;
    if (at % 8u == 0u)
        U32x2s(dst + K).v[at / 8u] =
            uvec2(floatBitsToUint(d), (uint(half_sum) & 0xffffu) | (uint(other) << 16));
}
