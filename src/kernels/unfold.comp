// unfold.comp - the rows that a convolution along time multiplies: see k_unfold_push.
#include "lib/types.glsl"

layout(constant_id = K_UNFOLD_TAPS) const uint TAPS = 1u;
layout(constant_id = K_UNFOLD_STRIDE) const uint STRIDE = 1u;
layout(constant_id = K_UNFOLD_PAD) const uint PAD = 0u;
layout(push_constant, scalar) uniform Push { k_unfold_push p; };

void main()
{
    uint width = p.channels * TAPS;
    for (uint y = gl_WorkGroupID.y; y < p.out_rows * p.batch; y += gl_NumWorkGroups.y) {
        uint t = y % p.out_rows;
        uint64_t src = p.src + uint64_t(y / p.out_rows) * p.rows * p.channels * 4u;
        uint64_t dst = p.dst + uint64_t(y) * width * 4u;
        for (uint i = gl_WorkGroupID.x * K_GROUP + TID; i < width;
             i += gl_NumWorkGroups.x * K_GROUP) {
            uint row = t * STRIDE + i % TAPS; // PAD above
            float v = 0.0;
            if (row >= PAD && row - PAD < p.rows)
                v = F32s(src + uint64_t(row - PAD) * p.channels * 4u).v[i / TAPS];
            F32s(dst).v[i] = v;
        }
    }
}
