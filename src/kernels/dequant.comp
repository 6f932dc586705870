// dequant.comp - a matrix of weights as f16: see k_dequant_push. One invocation a piece.
#include "lib/types.glsl"
#include "lib/math.glsl"
#include "quants.glsl"

layout(constant_id = K_DEQUANT_TYPE) const uint TYPE = 0u;
layout(constant_id = K_DEQUANT_N) const uint N = 1u;
layout(constant_id = K_DEQUANT_K) const uint K = 8u;
layout(push_constant, scalar) uniform Push { k_dequant_push p; };

#include "lib/pieces.glsl"

void main()
{
    // A workgroup takes 64 rows; parts of a chunk are told apart by 64 invocations.
    uint row = gl_WorkGroupID.y * 64u + TID % 64u;
    uint piece = gl_WorkGroupID.x * 4u + TID / 64u;
    if (row >= p.rows || piece >= PIECES)
        return;
    float v[8];
    piece_load(p.w, p.first + row, piece, v);
    U32x4s(p.dst + uint64_t(row) * (K * 2u)).v[piece_column(piece) / 8u] = piece_half(v);
}
