// mel_scale.comp - mel bands to the range that speech models take: see k_mel_scale_push.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_MEL_SCALE_BANDS) const uint BANDS = 1u;
layout(push_constant, scalar) uniform Push { k_mel_scale_push p; };

void main()
{
    uint t = gl_WorkGroupID.x;
    precise float least = F32s(p.loudest).v[0] - 8.0;
    bool used = t < U32s(p.used).v[0];
    uint64_t x = p.x + uint64_t(t) * (BANDS * 4u);
    for (uint i = TID; i < BANDS; i += K_GROUP) {
        precise float y = max(F32s(x).v[i], least) + 4.0;
        y = y * 0.25;
        F32s(x).v[i] = used ? y : 0.0;
    }
}
