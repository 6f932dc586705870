// nibbles.glsl - two blocks of 32 nibbles, the first 16 weights in the low ones; and fifth bits.
#include "quant/q5_high.glsl"

void nibble_words(raw_chunk r, out uint q[16])
{
    [[unroll]] for (uint b = 0u; b < 2u; b++) {
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            q[8u * b + i] = r.v[b][i] & 0x0f0f0f0fu;
            q[8u * b + 4u + i] = (r.v[b][i] >> 4) & 0x0f0f0f0fu;
        }
    }
}

void q5_high_words(uvec2 bits, inout uint q[16])
{
    [[unroll]] for (uint i = 0u; i < 16u; i++)
        q[i] |= q5_high(bits[i / 8u], i % 8u);
}
