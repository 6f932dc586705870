// align_norm.comp - weights of each frame, over the tokens, to mean 0 and deviation 1: see
// k_align_norm_push.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(push_constant, scalar) uniform Push { k_align_norm_push p; };

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Aligns { k_align v; };

void main()
{
    k_align a = Aligns(p.align).v;
    uint t = gl_WorkGroupID.x * K_GROUP + TID, n = min(a.tokens, p.places);
    uint64_t head = p.x + uint64_t(gl_WorkGroupID.y) * p.places * p.seen * 4u;
    if (t >= min(a.frames, p.seen))
        return;
    F32s x = F32s(head + t * 4u);
    float top = 0.0;
    for (uint i = 0u; i < n; i++)
        top = max(top, x.v[i * p.seen]);
    bool none = top < uintBitsToFloat(K_ALIGN_LEAST);
    float scale = m_rcp(none ? 1.0 : top);
    precise float sum = 0.0;
    for (uint i = 0u; i < n; i++) {
        precise float v = x.v[i * p.seen] * scale;
        sum = sum + v;
    }
    float mean = m_div(sum, float(n));
    precise float squares = 0.0;
    for (uint i = 0u; i < n; i++) {
        precise float v = x.v[i * p.seen] * scale;
        precise float d = v - mean;
        squares = fma(d, d, squares);
    }
    float variance = m_div(squares, float(n));
    bool even = none || variance < uintBitsToFloat(0x2b800000u);
    float factor = m_rsqrt(even ? 1.0 : variance);
    for (uint i = 0u; i < n; i++) {
        precise float v = x.v[i * p.seen] * scale;
        precise float d = v - mean;
        precise float y = d * factor;
        x.v[i * p.seen] = even ? 0.0 : y;
    }
}
