// q4_k: a chunk is 32 bytes of q, the sub-blocks 2g and 2g + 1.
#include "quant/k_scales.glsl"
#define q4_k_OFFSET 0
#define q4_k_HALVES 0
#define q4_k_APART 0u
#define q4_k_MINUS 1

raw_chunk q4_k_take(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_chunk r;
    U32x4s block = U32x4s(w + uint64_t(row) * (k / 256u * 144u));
    uint first = chunk / 4u * 9u, at = first + 1u + chunk % 4u * 2u;
    r.h = block.v[first];
    r.v[0] = block.v[at];
    r.v[1] = block.v[at + 1u];
    return r;
}

void q4_k_words(raw_chunk r, uint chunk, out uint q[16], out vec2 scale, out vec2 minus,
                out ivec4 small)
{
    [[unroll]] for (uint i = 0u; i < 8u; i++) {
        q[i] = r.v[i / 4u][i % 4u] & 0x0f0f0f0fu;
        q[8u + i] = (r.v[i / 4u][i % 4u] >> 4) & 0x0f0f0f0fu;
    }
    k_scales(r.h, chunk % 4u, scale, minus);
}
