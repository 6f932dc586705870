// f16: IEEE halves; a chunk is 8.
#define f16_CHUNK 8u
#define f16_RUNS 1u
#define f16_MIN 0
#define f16_SCALED 0

raw_block f16_load(uint64_t w, uint rows, uint k, uint row, uint chunk)
{
    raw_block r;
    r.a = U32x4s(w + uint64_t(row) * (k * 2u)).v[chunk];
    return r;
}

void f16_decode(raw_block r, uint chunk, out float q[32], out vec2 scale, out vec2 minus)
{
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
        vec2 v = m_half2(r.a[i]);
        q[2u * i] = v.x;
        q[2u * i + 1u] = v.y;
    }
    scale = vec2(1.0);
    minus = vec2(0.0);
}

uint f16_column(uint chunk, uint run)
{
    return chunk * 8u;
}
