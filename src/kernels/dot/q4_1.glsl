// q4_1: a chunk is two blocks.
#define q4_1_OFFSET 0
#define q4_1_HALVES 0
#define q4_1_APART 0u
#define q4_1_MINUS 1

raw_chunk q4_1_take(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_chunk r;
    U32x4s q = U32x4s(w + uint64_t(row) * (k / 2u));
    r.v[0] = q.v[2u * chunk];
    r.v[1] = q.v[2u * chunk + 1u];
    r.h.xy = U32x2s(w + uint64_t(rows) * (k / 2u) + uint64_t(row) * (k / 8u)).v[chunk];
    return r;
}

void q4_1_words(raw_chunk r, uint chunk, out uint q[16], out vec2 scale, out vec2 minus,
                out ivec4 small)
{
    nibble_words(r, q);
    vec2 d0 = m_half2(r.h.x), d1 = m_half2(r.h.y);
    scale = vec2(d0.x, d1.x);
    minus = vec2(-d0.y, -d1.y);
}
