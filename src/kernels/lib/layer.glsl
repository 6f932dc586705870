// layer.glsl - LayerNorm (Ba et al., 2016) of a row, as layernorm.comp does it, bit for bit.
//
// Invocation t adds vectors t, t + 256, ... of four; then a butterfly over 256; twice. All
// invocations of the workgroup call together. Needs reduce.glsl.

// The mean of x[0 .. k), and 1 / sqrt(variance + eps).
vec2 layer_moments(uint64_t x, uint k, float eps)
{
    precise float sum = 0.0;
    for (uint i = TID; i < k / 4u; i += 256u) {
        vec4 v = F32x4s(x).v[i];
        [[unroll]] for (uint j = 0u; j < 4u; j++)
            sum = sum + v[j];
    }
    sum = reduce_add(sum, 256u);
    precise float mean = m_div(sum, float(k));
    precise float squares = 0.0;
    for (uint i = TID; i < k / 4u; i += 256u) {
        precise vec4 d = F32x4s(x).v[i] - mean;
        [[unroll]] for (uint j = 0u; j < 4u; j++)
            squares = fma(d[j], d[j], squares);
    }
    squares = reduce_add(squares, 256u);
    precise float variance = m_div(squares, float(k)) + eps;
    return vec2(mean, m_rsqrt(variance));
}

float layer_apply(float x, vec2 moments, float w, float b)
{
    precise float y = x - moments.x;
    y = y * moments.y;
    return fma(y, w, b);
}
