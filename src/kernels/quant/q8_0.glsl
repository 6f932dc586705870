// q8_0: blocks of 32, x = d q, q int8. Planes: q, then d (f16). A chunk is half a block.
#define q8_0_CHUNK 16u
#define q8_0_RUNS 1u
#define q8_0_MIN 0
#define q8_0_SCALED 1

raw_block q8_0_load(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_block r;
    uint64_t scales = w + uint64_t(rows) * k + uint64_t(row) * (k / 16u);
    r.a = U32x4s(w + uint64_t(row) * k).v[chunk];
    r.c.x = uint(U16s(scales).v[chunk >> 1]);
    return r;
}

void q8_0_decode(raw_block r, uint chunk, out float q[32], out vec2 scale, out vec2 minus)
{
    [[unroll]] for (uint i = 0u; i < 16u; i++)
        q[i] = m_int8(r.a[i / 4u], i % 4u);
    scale = vec2(m_half(r.c.x));
    minus = vec2(0.0);
}

uint q8_0_column(uint chunk, uint run)
{
    return chunk * 16u;
}
