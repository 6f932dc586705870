// rms.glsl - the factor of RMSNorm (Zhang and Sennrich, 2019): 1 / sqrt(mean(x^2) + eps).
//
// Invocation t adds the squares of vectors t, t + 256, ... of four; then a butterfly over 256. All
// invocations of the workgroup call together. Needs reduce.glsl.
float rms_of_sum(float part, uint k, float eps)
{
    precise float sum = reduce_add(part, 256u);
    precise float mean = m_div(sum, float(k)) + eps;
    return m_rsqrt(mean);
}

// `sum` with the squares of one vector added.
float rms_add(float sum, vec4 v)
{
    precise float s = fma(v.x, v.x, sum);
    s = fma(v.y, v.y, s);
    s = fma(v.z, v.z, s);
    s = fma(v.w, v.w, s);
    return s;
}

float rms_factor(uint64_t x, uint k, float eps)
{
    float sum = 0.0;
    for (uint i = TID; i < k / 4u; i += 256u)
        sum = rms_add(sum, F32x4s(x).v[i]);
    return rms_of_sum(sum, k, eps);
}

float rms_apply(float x, float factor, float w)
{
    precise float y = x * factor;
    y = y * w;
    return y;
}

vec4 rms_apply(vec4 x, float factor, vec4 w)
{
    precise vec4 y = x * factor;
    y = y * w;
    return y;
}
