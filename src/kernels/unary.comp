// unary.comp - functions of single values: see k_unary_push.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_UNARY_OP) const uint OP = K_UNARY_RELU;
layout(push_constant, scalar) uniform Push { k_unary_push p; };

void main()
{
    uint step = gl_NumWorkGroups.x * K_GROUP;
    for (uint i = gl_WorkGroupID.x * K_GROUP + TID; i < p.n; i += step) {
        float x = F32s(p.x).v[i];
        F32s(p.dst).v[i] = OP == K_UNARY_SIGMOID ? m_sigmoid(x) : x > 0.0 ? x : 0.0;
    }
}
