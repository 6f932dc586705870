// q5_0: blocks of 32, x = d (q - 16), q 5 bits: nibbles as in q4_0, and a word of fifth bits.
// Planes: nibbles, fifth bits, d (f16). A chunk is a block.
#include "quant/q5_high.glsl"
#define q5_0_CHUNK 32u
#define q5_0_RUNS 2u
#define q5_0_MIN 0
#define q5_0_SCALED 1

raw_block q5_0_load(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_block r;
    uint64_t high = w + uint64_t(rows) * (k / 2u) + uint64_t(row) * (k / 8u);
    uint64_t scales = w + uint64_t(rows) * (k / 2u + k / 8u) + uint64_t(row) * (k / 16u);
    r.a = U32x4s(w + uint64_t(row) * (k / 2u)).v[chunk];
    r.c.x = uint(U16s(scales).v[chunk]);
    r.c.y = U32s(high).v[chunk];
    return r;
}

void q5_0_decode(raw_block r, uint chunk, out float q[32], out vec2 scale, out vec2 minus)
{
    [[unroll]] for (uint w = 0u; w < 4u; w++) {
        uint lo = (r.a[w] & 0x0f0f0f0fu) | q5_high(r.c.y, w);
        uint hi = ((r.a[w] >> 4) & 0x0f0f0f0fu) | q5_high(r.c.y, 4u + w);
        lo = m_less_bytes(lo, 0x10101010u);
        hi = m_less_bytes(hi, 0x10101010u);
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            q[4u * w + i] = m_int8(lo, i);
            q[16u + 4u * w + i] = m_int8(hi, i);
        }
    }
    scale = vec2(m_half(r.c.x));
    minus = vec2(0.0);
}

uint q5_0_column(uint chunk, uint run)
{
    return chunk * 32u + run * 16u;
}
