// q8_0: a chunk is two blocks.
#define q8_0_OFFSET 0
#define q8_0_HALVES 0
#define q8_0_APART 0u
#define q8_0_MINUS 0

raw_chunk q8_0_take(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_chunk r;
    U32x4s q = U32x4s(w + uint64_t(row) * k);
    [[unroll]] for (uint i = 0u; i < 4u; i++)
        r.v[i] = q.v[4u * chunk + i];
    r.h.x = U32s(w + uint64_t(rows) * k + uint64_t(row) * (k / 16u)).v[chunk];
    return r;
}

void q8_0_words(raw_chunk r, uint chunk, out uint q[16], out vec2 scale, out vec2 minus,
                out ivec4 small)
{
    [[unroll]] for (uint i = 0u; i < 16u; i++)
        q[i] = r.v[i / 4u][i % 4u];
    scale = m_half2(r.h.x);
}
