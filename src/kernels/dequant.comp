// dequant.comp - a matrix of weights as f16: see k_dequant_push. One invocation a chunk, neighbours
// along the row.
#include "lib/types.glsl"
#include "lib/math.glsl"
#include "quants.glsl"

layout(constant_id = K_DEQUANT_TYPE) const uint TYPE = 0u;
layout(constant_id = K_DEQUANT_N) const uint N = 1u;
layout(constant_id = K_DEQUANT_K) const uint K = 8u;
layout(push_constant, scalar) uniform Push { k_dequant_push p; };

#include "lib/pieces.glsl"

const uint CHUNKS = K / Q_CHUNK(TYPE), RUN = Q_CHUNK(TYPE) / Q_RUNS(TYPE);

void main()
{
    uint row0 = gl_WorkGroupID.y * K_DEQUANT_ROWS;
    for (uint i = gl_WorkGroupID.x * K_GROUP + TID; i < K_DEQUANT_ROWS * CHUNKS;
         i += gl_NumWorkGroups.x * K_GROUP) {
        uint row = row0 + i / CHUNKS, chunk = i % CHUNKS;
        if (row >= p.rows)
            break;
        U32x4s dst = U32x4s(p.dst + uint64_t(row) * (K * 2u));
        raw_block raw = q_load(TYPE, p.w, N, K, p.first + row, chunk);
        [[unroll]] for (uint part = 0u; part < Q_CHUNK(TYPE) / 8u; part++) {
            float v[8];
            piece_decode(raw, chunk, part, v);
            uint column = q_column(TYPE, chunk, part * 8u / RUN) + part * 8u % RUN;
            dst.v[column / 8u] = piece_half(v);
        }
    }
}
