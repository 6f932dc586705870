// q6_k: a chunk is 32 bytes of nibbles; of its half block of 128 weights it holds, low, the block
// of 32 number p (0 or 1) and, high, number p + 2. A scale for each 16.
#define q6_k_OFFSET 32
#define q6_k_HALVES 1
#define q6_k_APART 1u
#define q6_k_MINUS 0

raw_chunk q6_k_take(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_chunk r;
    uint blocks = k / 256u;
    uint64_t all = uint64_t(rows) * blocks, block = uint64_t(row) * blocks;
    U32x4s low = U32x4s(w + block * 128u), high = U32x4s(w + all * 128u + block * 64u);
    U16s s = U16s(w + all * 192u + block * 16u), d = U16s(w + all * 208u + block * 2u);
    uint half_block = chunk / 2u, first = half_block * 4u + chunk % 2u;
    r.v[0] = low.v[2u * chunk];
    r.v[1] = low.v[2u * chunk + 1u];
    r.v[2] = high.v[2u * half_block];
    r.v[3] = high.v[2u * half_block + 1u];
    r.h = uvec4(uint(d.v[chunk / 4u]), uint(s.v[first]), uint(s.v[first + 2u]), 0u);
    return r;
}

void q6_k_words(raw_chunk r, uint chunk, out uint q[16], out vec2 scale, out vec2 minus,
                out ivec4 small)
{
    uint shift = chunk % 2u * 2u; // bit pair of the low nibbles; the high ones' is 4 above
    [[unroll]] for (uint i = 0u; i < 8u; i++) {
        uint w = r.v[i / 4u][i % 4u], h = r.v[2u + i / 4u][i % 4u] >> shift;
        q[i] = (w & 0x0f0f0f0fu) | ((h << 4) & 0x30303030u);
        q[8u + i] = ((w >> 4) & 0x0f0f0f0fu) | (h & 0x30303030u);
    }
    scale = vec2(m_half(r.h.x));
    int s = int(r.h.y), t = int(r.h.z);
    small = ivec4(bitfieldExtract(s, 0, 8), bitfieldExtract(s, 8, 8), bitfieldExtract(t, 0, 8),
                  bitfieldExtract(t, 8, 8));
}
