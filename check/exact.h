/* exact.h - lib/math.glsl in C, the same bits: for references of what is compared bit for bit. */
#ifndef TAWNY_CHECK_EXACT_H
#define TAWNY_CHECK_EXACT_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t m_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float m_float(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* The device's fma() rounds once (probe.h). */
extern bool m_fused;

static inline float m_fma(float a, float b, float c)
{
    if (m_fused)
        return fmaf(a, b, c);
    float product = a * b;
    return product + c;
}

static inline float m_rcp(float x)
{
    float a = fabsf(x);
    float y = m_float(0x7ef311c3u - m_bits(a));
    for (int i = 0; i < 3; i++)
        y = m_fma(y, m_fma(-a, y, 1.0f), y);
    return x < 0.0f ? -y : y;
}

static inline float m_div(float a, float b)
{
    float y = m_rcp(b);
    float q = a * y;
    return m_fma(m_fma(-b, q, a), y, q);
}

static inline float m_rsqrt(float x)
{
    float h = 0.5f * x;
    float y = m_float(0x5f3759dfu - (m_bits(x) >> 1));
    for (int i = 0; i < 3; i++) {
        float t = h * y;
        y = m_fma(y, m_fma(-t, y, 0.5f), y);
    }
    return y;
}

static inline float m_exp(float x)
{
    static const float c[] = {1.98412698e-4f, 1.38888889e-3f, 8.33333333e-3f, 4.16666667e-2f,
                              0.166666667f,   0.5f,           1.0f,           1.0f};
    if (!(x >= -87.3f))
        return isnan(x) ? x : 0.0f;
    if (x > 88.7f)
        return INFINITY;
    float n = rintf(x * 1.44269504f);
    float r = m_fma(n, 2.12194440e-4f, m_fma(n, -0.693359375f, x));
    float p = c[0];
    for (int i = 1; i < 8; i++)
        p = m_fma(p, r, c[i]);
    int e = (int)fminf(fmaxf(n, -126.0f), 128.0f);
    int half = e >> 1;
    return p * m_float((uint32_t)(half + 127) << 23) * m_float((uint32_t)(e - half + 127) << 23);
}

static inline float m_silu(float x)
{
    float h = m_exp(-0.5f * fabsf(x));
    float top = x < 0.0f ? x * h * h : x;
    if (fabsf(top) < FLT_MIN)
        top = 0;
    return top * m_rcp(m_fma(h, h, 1.0f));
}

static inline float m_log(float x)
{
    uint32_t u = m_bits(x) - 0x3f3504f3u;
    float e = (float)((int32_t)u >> 23);
    float m = m_float((u & 0x7fffffu) + 0x3f3504f3u);
    float s = m_div(m - 1.0f, m + 1.0f), z = s * s;
    float p = m_fma(0.222222222f, z, 0.285714286f);
    p = m_fma(p, z, 0.4f);
    p = m_fma(p, z, 0.666666667f) * z;
    float y = m_fma(p, s, s + s);
    return m_fma(e, 0.693359375f, m_fma(e, -2.12194440e-4f, y));
}

static inline float m_gelu(float x)
{
    static const float c[] = {0.17087277f,  -0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f,
                              -0.18628806f, 0.09678418f,  0.37409196f, 1.00002368f,  -1.26551223f};
    float a = fabsf(x), t = m_rcp(m_fma(a, 0.353553391f, 1.0f)), p = c[0];
    for (int i = 1; i < 10; i++)
        p = m_fma(p, t, c[i]);
    float half = 0.5f * a, y = 0.5f * x;
    y = y * t;
    y = y * m_exp(m_fma(-half, a, p));
    if (fabsf(y) < FLT_MIN)
        y = 0;
    return x < 0.0f ? y : x - y;
}

static inline float m_sigmoid(float x)
{
    float e = m_exp(-fminf(fabsf(x), 40.0f)), y = m_rcp(1.0f + e);
    return x < 0.0f ? e * y : y;
}

static inline float m_tanh(float x)
{
    float e = m_exp(-2.0f * fminf(fabsf(x), 40.0f));
    float top = 1.0f - e, y = top * m_rcp(1.0f + e);
    return x < 0.0f ? -y : y;
}

static inline uint16_t m_half_bits(float f)
{
    uint32_t u = m_bits(f), sign = u >> 16 & 0x8000u, h;
    u &= 0x7fffffffu;
    if (u >= 0x47800000u)
        h = u > 0x7f800000u ? 0x7e00u : 0x7c00u;
    else if (u < 0x38800000u)
        h = m_bits(m_float(u) + 0.5f) - 0x3f000000u;
    else
        h = (u + 0xc8000fffu + (u >> 13 & 1u)) >> 13;
    return (uint16_t)(h | sign);
}

#endif
