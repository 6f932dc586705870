// rms.glsl - the factor of RMSNorm (Zhang and Sennrich, 2019): 1 / sqrt(mean(x^2) + eps).
//
// Invocation t adds the squares of vectors t, t + 256, ... of four; then a butterfly over 256. All
// invocations of the workgroup call together. Needs reduce.glsl.
float rms_factor(uint64_t x, uint k, float eps)
{
    precise float sum = 0.0;
    for (uint i = TID; i < k / 4u; i += 256u) {
        vec4 v = F32x4s(x).v[i];
        sum = fma(v.x, v.x, sum);
        sum = fma(v.y, v.y, sum);
        sum = fma(v.z, v.z, sum);
        sum = fma(v.w, v.w, sum);
    }
    sum = reduce_add(sum, 256u);
    precise float mean = m_div(sum, float(k)) + eps;
    return m_rsqrt(mean);
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
