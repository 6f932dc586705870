// nibbles.glsl - a chunk of two blocks of 32 nibbles, the first 16 weights in the low ones; fifth
// bits and minima, which some types have besides.
#include "quant/q5_high.glsl"

void nibble_take(inout raw_chunk r, uint64_t w, uint k, uint row, uint chunk)
{
    U32x4s q = U32x4s(w + uint64_t(row) * (k / 2u));
    r.v[0] = q.v[2u * chunk];
    r.v[1] = q.v[2u * chunk + 1u];
}

void nibble_words(raw_chunk r, out uint q[16])
{
    [[unroll]] for (uint b = 0u; b < 2u; b++) {
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            q[8u * b + i] = r.v[b][i] & 0x0f0f0f0fu;
            q[8u * b + 4u + i] = (r.v[b][i] >> 4) & 0x0f0f0f0fu;
        }
    }
}

// Q5_0 and Q5_1: the plane of fifth bits lies behind that of the nibbles.
void q5_high_take(inout raw_chunk r, uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    r.h.zw = U32x2s(w + uint64_t(rows) * (k / 2u) + uint64_t(row) * (k / 8u)).v[chunk];
}

void q5_high_words(uvec2 bits, inout uint q[16])
{
    [[unroll]] for (uint i = 0u; i < 16u; i++)
        q[i] |= q5_high(bits[i / 8u], i % 8u);
}

// Scale and minimum of both blocks, f16.
void nibble_minima(uvec2 h, out vec2 scale, out vec2 minus)
{
    vec2 d0 = m_half2(h.x), d1 = m_half2(h.y);
    scale = vec2(d0.x, d1.x);
    minus = vec2(-d0.y, -d1.y);
}
