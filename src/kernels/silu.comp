// silu.comp - dst[i] = silu(gate[i]) * up[i]: see k_silu_push. Four values an invocation at a time.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(push_constant, scalar) uniform Push { k_silu_push p; };

void main()
{
    uint first = gl_WorkGroupID.x * K_GROUP + TID, step = gl_NumWorkGroups.x * K_GROUP;
    // Without a step something else is read and dropped, see matmul.comp.
    uint n_rows = Steps(p.step != 0u ? p.step : p.gate).v.n_rows;
    uint n = p.step != 0u && n_rows < p.n / p.row ? n_rows * p.row : p.n;
    for (uint i = first; i < n / 4u; i += step) {
        vec4 gate = F32x4s(p.gate).v[i], up = F32x4s(p.up).v[i];
        precise vec4 y;
        [[unroll]] for (uint j = 0u; j < 4u; j++)
            y[j] = m_silu(gate[j]) * up[j];
        F32x4s(p.dst).v[i] = y;
    }
    uint i = n / 4u * 4u + first;
    if (i < n) {
        precise float y = m_silu(F32s(p.gate).v[i]) * F32s(p.up).v[i];
        F32s(p.dst).v[i] = y;
    }
}
