// mel_top.comp - the loudest band so far: see k_mel_top_push.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_MEL_TOP_SUBGROUP) const uint SUBGROUP = 1u;
layout(push_constant, scalar) uniform Push { k_mel_top_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"

void main()
{
    float top = F32s(p.loudest).v[0];
    for (uint i = TID; i < p.frames; i += K_GROUP) {
        float y = F32s(p.top).v[i];
        top = y < uintBitsToFloat(K_MEL_MOST) ? max(top, y) : top;
    }
    barrier(); // all have read it
    top = reduce_max(top, 256u);
    if (TID == 0u)
        F32s(p.loudest).v[0] = top;
}
