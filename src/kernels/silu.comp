// silu.comp - dst[i] = silu(gate[i]) * up[i]. Four values an invocation at a time.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(push_constant, scalar) uniform Push { k_silu_push p; };

void main()
{
    uint first = gl_WorkGroupID.x * K_GROUP + TID, step = gl_NumWorkGroups.x * K_GROUP;
    for (uint i = first; i < p.n / 4u; i += step) {
        vec4 gate = F32x4s(p.gate).v[i], up = F32x4s(p.up).v[i];
        precise vec4 y;
        [[unroll]] for (uint j = 0u; j < 4u; j++)
            y[j] = m_silu(gate[j]) * up[j];
        F32x4s(p.dst).v[i] = y;
    }
    uint i = p.n / 4u * 4u + first;
    if (i < p.n) {
        precise float y = m_silu(F32s(p.gate).v[i]) * F32s(p.up).v[i];
        F32s(p.dst).v[i] = y;
    }
}
