// q6_k: blocks of 256 in sixteen sub-blocks of 16, x = d s (q - 32), q 6 bits, s int8.
// Planes: 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16 scales, d (f16). In each half
// of 128 weights, low-nibble byte l (0 to 63) holds weight l and, high nibble, weight l + 64; bits
// 2 j of pair byte l % 32 belong to weight l % 32 + 32 j. A chunk is 16 bytes of nibbles.
#define q6_k_CHUNK 32u
#define q6_k_RUNS 2u
#define q6_k_MIN 0
#define q6_k_SCALED 1

raw_block q6_k_load(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_block r;
    uint blocks = k / 256u;
    uint64_t all = uint64_t(rows) * blocks, block = uint64_t(row) * blocks;
    uint half_block = chunk / 4u, piece = chunk % 4u;
    r.a = U32x4s(w + block * 128u).v[chunk];
    r.b = U32x4s(w + all * 128u + block * 64u).v[half_block * 2u + piece % 2u];
    U16s d = U16s(w + all * 208u + block * 2u);
    U8s s = U8s(w + all * 192u + block * 16u);
    uint first = half_block * 8u + piece;
    r.c = uvec4(uint(d.v[chunk / 8u]), uint(s.v[first]), uint(s.v[first + 4u]), 0u);
    return r;
}

void q6_k_decode(raw_block r, uint chunk, out float q[32], out vec2 scale, out vec2 minus)
{
    uint shift = chunk % 4u / 2u * 2u; // bit pair of the low nibbles; the high ones' is 4 above
    [[unroll]] for (uint w = 0u; w < 4u; w++) {
        uint h = r.b[w] >> shift;
        uint lo = (r.a[w] & 0x0f0f0f0fu) | ((h & 0x03030303u) << 4);
        uint hi = ((r.a[w] >> 4) & 0x0f0f0f0fu) | (h & 0x30303030u);
        lo = m_less_bytes(lo, 0x20202020u);
        hi = m_less_bytes(hi, 0x20202020u);
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            q[4u * w + i] = m_int8(lo, i);
            q[16u + 4u * w + i] = m_int8(hi, i);
        }
    }
    float d = m_half(r.c.x);
    precise float s0 = d * float(bitfieldExtract(int(r.c.y), 0, 8));
    precise float s1 = d * float(bitfieldExtract(int(r.c.z), 0, 8));
    scale = vec2(s0, s1);
    minus = vec2(0.0);
}

uint q6_k_column(uint chunk, uint run)
{
    return chunk / 4u * 128u + chunk % 4u * 16u + run * 64u;
}
