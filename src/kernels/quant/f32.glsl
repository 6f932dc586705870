// f32: plain floats; a chunk is 4.
#define f32_CHUNK 4u
#define f32_RUNS 1u
#define f32_MIN 0
#define f32_SCALED 0

raw_block f32_load(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_block r;
    r.a = U32x4s(w + uint64_t(row) * (k * 4u)).v[chunk];
    return r;
}

void f32_decode(raw_block r, uint chunk, out float q[32], out vec2 scale, out vec2 minus)
{
    [[unroll]] for (uint i = 0u; i < 4u; i++)
        q[i] = uintBitsToFloat(r.a[i]);
    scale = vec2(1.0);
    minus = vec2(0.0);
}

uint f32_column(uint chunk, uint run)
{
    return chunk * 4u;
}
