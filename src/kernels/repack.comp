// repack.comp - file blocks to planes: see k_repack_push. An invocation moves two bytes at a time;
// x counts 16-bit units of the call's blocks.
#include "lib/types.glsl"

layout(push_constant, scalar) uniform Push { k_repack_push p; };

void main()
{
    const uint words = p.block_bytes / 2u;
    const uint all = p.blocks * words; // less than 2^31
    for (uint i = gl_WorkGroupID.x * 256u + TID; i < all; i += gl_NumWorkGroups.x * 256u) {
        uint block = i / words, byte = i % words * 2u;
        uint16_t value = U16s(p.src).v[i];
        [[unroll]] for (uint s = 0u; s < 4u; s++) {
            if (s < p.planes && byte >= p.offset[s] && byte < p.offset[s] + p.len[s]) {
                uint64_t plane = uint64_t(p.plane_lo[s]) | uint64_t(p.plane_hi[s]) << 32;
                uint64_t at = p.dst + plane + (uint64_t(p.first) + block) * p.len[s];
                U16s(at + (byte - p.offset[s])).v[0] = value;
            }
        }
    }
}
