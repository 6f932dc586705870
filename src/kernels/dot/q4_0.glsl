// q4_0: a chunk is two blocks.
#include "dot/nibbles.glsl"
#define q4_0_OFFSET 8
#define q4_0_HALVES 0
#define q4_0_APART 0u
#define q4_0_MINUS 0

raw_chunk q4_0_take(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_chunk r;
    nibble_take(r, w, k, row, chunk);
    r.h.x = U32s(w + uint64_t(rows) * (k / 2u) + uint64_t(row) * (k / 16u)).v[chunk];
    return r;
}

void q4_0_words(raw_chunk r, uint chunk, out uint q[16], out vec2 scale, out vec2 minus,
                out ivec4 small)
{
    nibble_words(r, q);
    scale = m_half2(r.h.x);
}
