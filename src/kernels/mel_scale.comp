// mel_scale.comp - mel bands to the range that speech models take: see k_mel_scale_push.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_MEL_SCALE_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_MEL_SCALE_BANDS) const uint BANDS = 1u;
layout(push_constant, scalar) uniform Push { k_mel_scale_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"

void main()
{
    uint t = gl_WorkGroupID.x;
    float top = uintBitsToFloat(0xff800000u);
    for (uint i = TID; i < p.frames; i += K_GROUP)
        top = max(top, F32s(p.top).v[i]);
    top = reduce_max(top, 256u);
    precise float least = top - 8.0;
    bool used = t < U32s(p.used).v[0];
    uint64_t x = p.x + uint64_t(t) * (BANDS * 4u);
    for (uint i = TID; i < BANDS; i += K_GROUP) {
        precise float y = max(F32s(x).v[i], least) + 4.0;
        y = y * 0.25;
        F32s(x).v[i] = used ? y : 0.0;
    }
}
