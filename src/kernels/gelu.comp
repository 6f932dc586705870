// gelu.comp - dst[i] = gelu(x[i]) + add[i]. Four values an invocation at a time.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(push_constant, scalar) uniform Push { k_gelu_push p; };

void main()
{
    uint first = gl_WorkGroupID.x * K_GROUP + TID, step = gl_NumWorkGroups.x * K_GROUP;
    for (uint i = first; i < p.n / 4u; i += step) {
        vec4 x = F32x4s(p.x).v[i];
        precise vec4 y;
        [[unroll]] for (uint j = 0u; j < 4u; j++)
            y[j] = m_gelu(x[j]);
        if (p.add != 0ul)
            y = y + F32x4s(p.add).v[i];
        F32x4s(p.dst).v[i] = y;
    }
    uint i = p.n / 4u * 4u + first;
    if (i < p.n) {
        precise float y = m_gelu(F32s(p.x).v[i]);
        if (p.add != 0ul)
            y = y + F32s(p.add).v[i];
        F32s(p.dst).v[i] = y;
    }
}
