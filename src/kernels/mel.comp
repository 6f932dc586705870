// mel.comp - one frame's spectrum to mel bands, and the largest of them: see k_mel_push.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_MEL_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_MEL_BINS) const uint BINS = 1u;
layout(constant_id = K_MEL_BANDS) const uint BANDS = 1u;
layout(push_constant, scalar) uniform Push { k_mel_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"

shared float power[BINS];

void main()
{
    uint t = gl_WorkGroupID.x;
    uint64_t re = p.dft + uint64_t(t) * (BINS * 8u), im = re + BINS * 4u;
    for (uint i = TID; i < BINS; i += K_GROUP) {
        precise float a = F32s(re).v[i], b = F32s(im).v[i];
        precise float v = a * a;
        power[i] = fma(b, b, v);
    }
    barrier();
    float top = uintBitsToFloat(0xff800000u);
    for (uint band = TID; band < BANDS; band += K_GROUP) {
        uint64_t filter_row = p.filters + uint64_t(band) * (BINS * 4u);
        precise float sum = 0.0;
        for (uint i = 0u; i < BINS; i++)
            sum = fma(F32s(filter_row).v[i], power[i], sum);
        precise float y = m_log(max(sum, 1e-10)) * 0.434294482;
        F32s(p.dst + uint64_t(t) * (BANDS * 4u)).v[band] = y;
        top = max(top, y);
    }
    top = reduce_max(top, 256u);
    if (TID == 0u)
        F32s(p.top).v[t] = top;
}
