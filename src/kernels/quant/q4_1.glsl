// q4_1: blocks of 32, x = d q + m, q 4 bits as in q4_0. Planes: q, then d and m (f16). A chunk is a
// block.
#define q4_1_CHUNK 32u
#define q4_1_RUNS 2u
#define q4_1_MIN 1
#define q4_1_SCALED 1

raw_block q4_1_load(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_block r;
    uint64_t scales = w + uint64_t(rows) * (k / 2u) + uint64_t(row) * (k / 8u);
    r.a = U32x4s(w + uint64_t(row) * (k / 2u)).v[chunk];
    r.c.x = U32s(scales).v[chunk];
    return r;
}

void q4_1_decode(raw_block r, uint chunk, out float q[32], out vec2 scale, out vec2 minus)
{
    [[unroll]] for (uint w = 0u; w < 4u; w++) {
        uint lo = r.a[w] & 0x0f0f0f0fu, hi = (r.a[w] >> 4) & 0x0f0f0f0fu;
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            q[4u * w + i] = m_uint8(lo, i);
            q[16u + 4u * w + i] = m_uint8(hi, i);
        }
    }
    vec2 d = m_half2(r.c.x);
    scale = vec2(d.x);
    minus = vec2(-d.y);
}

uint q4_1_column(uint chunk, uint run)
{
    return chunk * 32u + run * 16u;
}
