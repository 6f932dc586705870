// bf16: the upper half of a float; a chunk is 8.
#define bf16_CHUNK 8u
#define bf16_RUNS 1u
#define bf16_MIN 0
#define bf16_SCALED 0

raw_block bf16_load(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_block r;
    r.a = U32x4s(w + uint64_t(row) * (k * 2u)).v[chunk];
    return r;
}

void bf16_decode(raw_block r, uint chunk, out float q[32], out vec2 scale, out vec2 minus)
{
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
        q[2u * i] = uintBitsToFloat(r.a[i] << 16);
        q[2u * i + 1u] = uintBitsToFloat(r.a[i] & 0xffff0000u);
    }
    scale = vec2(1.0);
    minus = vec2(0.0);
}

uint bf16_column(uint chunk, uint run)
{
    return chunk * 8u;
}
