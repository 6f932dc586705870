// q4_k: blocks of 256 in eight sub-blocks of 32, x = d s q - dmin m, q 4 bits, s and m 6 bits.
// As in the file: d, dmin (f16), 12 bytes of scales, 128 bytes of q; bytes 32 g + l hold weight
// 64 g + l (low nibble) and 64 g + 32 + l (high). A chunk is 16 bytes of q.
#include "quant/k_scales.glsl"
#define q4_k_CHUNK 32u
#define q4_k_RUNS 2u
#define q4_k_MIN 1
#define q4_k_SCALED 1

raw_block q4_k_load(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_block r;
    U32x4s block = U32x4s(w + uint64_t(row) * (k / 256u * 144u));
    uint first = chunk / 8u * 9u;
    r.a = block.v[first + 1u + chunk % 8u];
    r.b = block.v[first];
    return r;
}

void q4_k_decode(raw_block r, uint chunk, out float q[32], out vec2 scale, out vec2 minus)
{
    [[unroll]] for (uint w = 0u; w < 4u; w++) {
        uint lo = r.a[w] & 0x0f0f0f0fu, hi = (r.a[w] >> 4) & 0x0f0f0f0fu;
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            q[4u * w + i] = m_uint8(lo, i);
            q[16u + 4u * w + i] = m_uint8(hi, i);
        }
    }
    k_scales(r.b, chunk % 8u / 2u, scale, minus);
}

uint q4_k_column(uint chunk, uint run)
{
    return chunk / 2u * 64u + chunk % 2u * 16u + run * 32u;
}
