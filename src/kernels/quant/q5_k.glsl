// q5_k: as q4_k with a fifth bit: d, dmin (f16), 12 bytes of scales, 32 bytes qh, 128 bytes q.
// Bit 2 g of qh[l] belongs to weight 64 g + l, bit 2 g + 1 to weight 64 g + 32 + l.
#define q5_k_CHUNK 32u
#define q5_k_RUNS 2u
#define q5_k_MIN 1
#define q5_k_SCALED 1

raw_block q5_k_load(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_block r;
    U32x4s block = U32x4s(w + uint64_t(row) * (k / 256u * 176u));
    uint first = chunk / 8u * 11u;
    r.a = block.v[first + 3u + chunk % 8u];
    r.b = block.v[first];
    r.c = block.v[first + 1u + chunk % 2u];
    return r;
}

void q5_k_decode(raw_block r, uint chunk, out float q[32], out vec2 scale, out vec2 minus)
{
    uint g = chunk % 8u / 2u;
    [[unroll]] for (uint w = 0u; w < 4u; w++) {
        uint h = r.c[w] >> (2u * g);
        uint lo = (r.a[w] & 0x0f0f0f0fu) | ((h & 0x01010101u) << 4);
        uint hi = ((r.a[w] >> 4) & 0x0f0f0f0fu) | ((h & 0x02020202u) << 3);
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            q[4u * w + i] = m_uint8(lo, i);
            q[16u + 4u * w + i] = m_uint8(hi, i);
        }
    }
    k_scales(r.b, g, scale, minus);
}

uint q5_k_column(uint chunk, uint run)
{
    return chunk / 2u * 64u + chunk % 2u * 16u + run * 32u;
}
