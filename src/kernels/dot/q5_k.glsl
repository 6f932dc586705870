// q5_k: a chunk is 32 bytes of q, the sub-blocks 2g and 2g + 1.
#define q5_k_OFFSET 0
#define q5_k_HALVES 0
#define q5_k_APART 0u
#define q5_k_MINUS 1

raw_chunk q5_k_take(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_chunk r;
    U32x4s block = U32x4s(w + uint64_t(row) * (k / 256u * 176u));
    uint first = chunk / 4u * 11u, at = first + 3u + chunk % 4u * 2u;
    r.h = block.v[first];
    r.v[0] = block.v[at];
    r.v[1] = block.v[at + 1u];
    r.v[2] = block.v[first + 1u];
    r.v[3] = block.v[first + 2u];
    return r;
}

void q5_k_words(raw_chunk r, uint chunk, out uint q[16], out vec2 scale, out vec2 minus,
                out ivec4 small)
{
    uint g = chunk % 4u;
    [[unroll]] for (uint i = 0u; i < 8u; i++) {
        uint w = r.v[i / 4u][i % 4u], h = r.v[2u + i / 4u][i % 4u] >> (2u * g);
        q[i] = (w & 0x0f0f0f0fu) | ((h << 4) & 0x10101010u);
        q[8u + i] = ((w >> 4) & 0x0f0f0f0fu) | ((h << 3) & 0x10101010u);
    }
    k_scales(r.h, g, scale, minus);
}
