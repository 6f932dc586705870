// q5_0: a chunk is two blocks.
#define q5_0_OFFSET 16
#define q5_0_HALVES 0
#define q5_0_APART 0u
#define q5_0_MINUS 0

raw_chunk q5_0_take(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_chunk r;
    nibble_take(r, w, k, row, chunk);
    q5_high_take(r, w, rows, k, row, chunk);
    uint64_t scales = w + uint64_t(rows) * (k / 2u + k / 8u) + uint64_t(row) * (k / 16u);
    r.h.x = U32s(scales).v[chunk];
    return r;
}

void q5_0_words(raw_chunk r, uint chunk, out uint q[16], out vec2 scale, out vec2 minus,
                out ivec4 small)
{
    nibble_words(r, q);
    q5_high_words(r.h.zw, q);
    scale = m_half2(r.h.x);
}
