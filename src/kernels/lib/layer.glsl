// layer.glsl - LayerNorm (Ba et al., 2016) of a row of K values.
//
// The workgroup reads a row once: invocation t holds, and adds, vectors t, t + 256, ... of four;
// then a butterfly over 256; twice. All invocations call together. Needs K and reduce.glsl.
const uint LAYER_EACH = (K / 4u + 255u) / 256u;

// True if the invocation's vector number e lies in the row; `i` is its place there.
bool layer_at(uint e, out uint i)
{
    i = e * 256u + TID;
    return i < K / 4u;
}

void layer_read(uint64_t x, out vec4 v[LAYER_EACH])
{
    uint i;
    [[unroll]] for (uint e = 0u; e < LAYER_EACH; e++) {
        if (layer_at(e, i))
            v[e] = F32x4s(x).v[i];
    }
}

// The mean of the row, and 1 / sqrt(variance + eps).
vec2 layer_moments(vec4 v[LAYER_EACH], float eps)
{
    precise float sum = 0.0;
    uint i;
    [[unroll]] for (uint e = 0u; e < LAYER_EACH; e++) {
        if (layer_at(e, i))
            [[unroll]] for (uint j = 0u; j < 4u; j++)
                sum = sum + v[e][j];
    }
    sum = reduce_add(sum, 256u);
    precise float mean = m_div(sum, float(K));
    precise float squares = 0.0;
    [[unroll]] for (uint e = 0u; e < LAYER_EACH; e++) {
        if (layer_at(e, i)) {
            precise vec4 d = v[e] - mean;
            [[unroll]] for (uint j = 0u; j < 4u; j++)
                squares = fma(d[j], d[j], squares);
        }
    }
    squares = reduce_add(squares, 256u);
    precise float variance = m_div(squares, float(K)) + eps;
    return vec2(mean, m_rsqrt(variance));
}

float layer_apply(float x, vec2 moments, float w, float b)
{
    precise float y = x - moments.x;
    y = y * moments.y;
    return fma(y, w, b);
}
