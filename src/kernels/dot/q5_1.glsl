// q5_1: a chunk is two blocks.
#define q5_1_OFFSET 0
#define q5_1_HALVES 0
#define q5_1_APART 0u
#define q5_1_MINUS 1

raw_chunk q5_1_take(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_chunk r;
    nibble_take(r, w, k, row, chunk);
    q5_high_take(r, w, rows, k, row, chunk);
    uint64_t scales = w + uint64_t(rows) * (k / 2u + k / 8u) + uint64_t(row) * (k / 8u);
    r.h.xy = U32x2s(scales).v[chunk];
    return r;
}

void q5_1_words(raw_chunk r, uint chunk, out uint q[16], out vec2 scale, out vec2 minus,
                out ivec4 small)
{
    nibble_words(r, q);
    q5_high_words(r.h.zw, q);
    nibble_minima(r.h.xy, scale, minus);
}
