// q4_1: a chunk is two blocks.
#define q4_1_OFFSET 0
#define q4_1_HALVES 0
#define q4_1_APART 0u
#define q4_1_MINUS 1

raw_chunk q4_1_take(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_chunk r;
    nibble_take(r, w, k, row, chunk);
    r.h.xy = U32x2s(w + uint64_t(rows) * (k / 2u) + uint64_t(row) * (k / 8u)).v[chunk];
    return r;
}

void q4_1_words(raw_chunk r, uint chunk, out uint q[16], out vec2 scale, out vec2 minus,
                out ivec4 small)
{
    nibble_words(r, q);
    nibble_minima(r.h.xy, scale, minus);
}
