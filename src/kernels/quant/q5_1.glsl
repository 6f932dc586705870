// q5_1: blocks of 32, x = d q + m, q 5 bits as in q5_0. Planes: nibbles, fifth bits, d and m (f16).
// A chunk is a block.
#define q5_1_CHUNK 32u
#define q5_1_RUNS 2u
#define q5_1_MIN 1
#define q5_1_SCALED 1

raw_block q5_1_load(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_block r;
    uint64_t high = w + uint64_t(rows) * (k / 2u) + uint64_t(row) * (k / 8u);
    uint64_t scales = w + uint64_t(rows) * (k / 2u + k / 8u) + uint64_t(row) * (k / 8u);
    r.a = U32x4s(w + uint64_t(row) * (k / 2u)).v[chunk];
    r.c.x = U32s(scales).v[chunk];
    r.c.y = U32s(high).v[chunk];
    return r;
}

void q5_1_decode(raw_block r, uint chunk, out float q[32], out vec2 scale, out vec2 minus)
{
    [[unroll]] for (uint w = 0u; w < 4u; w++) {
        uint lo = (r.a[w] & 0x0f0f0f0fu) | q5_high(r.c.y, w);
        uint hi = ((r.a[w] >> 4) & 0x0f0f0f0fu) | q5_high(r.c.y, 4u + w);
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            q[4u * w + i] = m_uint8(lo, i);
            q[16u + 4u * w + i] = m_uint8(hi, i);
        }
    }
    vec2 d = m_half2(r.c.x);
    scale = vec2(d.x);
    minus = vec2(-d.y);
}

uint q5_1_column(uint chunk, uint run)
{
    return chunk * 32u + run * 16u;
}
