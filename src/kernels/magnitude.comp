// magnitude.comp - lengths of complex numbers: see k_magnitude_push.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(push_constant, scalar) uniform Push { k_magnitude_push p; };

void main()
{
    uint i = gl_WorkGroupID.x * K_GROUP + TID;
    if (i >= p.width)
        return;
    for (uint row = gl_WorkGroupID.y; row < p.rows; row += gl_NumWorkGroups.y) {
        uint64_t src = p.src + uint64_t(row) * p.bins * 8u;
        precise float y = 0.0;
        if (i < p.bins) {
            float re = F32s(src + 4u * i).v[0], im = F32s(src + 4u * (p.bins + i)).v[0];
            precise float square = re * re;
            square = fma(im, im, square);
            if (square >= uintBitsToFloat(0x0d800000u)) // 2^-100
                y = square * m_rsqrt(square);
        }
        F32s(p.dst + uint64_t(row) * p.width * 4u).v[i] = y;
    }
}
