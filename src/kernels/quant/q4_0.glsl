// q4_0: blocks of 32, x = d (q - 8), q 4 bits: low nibbles are the first 16 weights, high nibbles
// the last. Planes: q, then d (f16). A chunk is a block.
#define q4_0_CHUNK 32u
#define q4_0_RUNS 2u
#define q4_0_MIN 0
#define q4_0_SCALED 1

raw_block q4_0_load(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_block r;
    uint64_t scales = w + uint64_t(rows) * (k / 2u) + uint64_t(row) * (k / 16u);
    r.a = U32x4s(w + uint64_t(row) * (k / 2u)).v[chunk];
    r.c.x = uint(U16s(scales).v[chunk]);
    return r;
}

void q4_0_decode(raw_block r, uint chunk, out float q[32], out vec2 scale, out vec2 minus)
{
    [[unroll]] for (uint w = 0u; w < 4u; w++) {
        uint lo = m_less_bytes(r.a[w] & 0x0f0f0f0fu, 0x08080808u);
        uint hi = m_less_bytes((r.a[w] >> 4) & 0x0f0f0f0fu, 0x08080808u);
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            q[4u * w + i] = m_int8(lo, i);
            q[16u + 4u * w + i] = m_int8(hi, i);
        }
    }
    scale = vec2(m_half(r.c.x));
    minus = vec2(0.0);
}

uint q4_0_column(uint chunk, uint run)
{
    return chunk * 32u + run * 16u;
}
