// math.glsl - functions that give the same bits on every device.
//
// Division, roots and transcendentals built into drivers differ from one to the next; these use
// only operations that are exact everywhere: integer arithmetic, fma (fused) and precise multiply
// and add. check/math.h has the same in C.

// 1/x for 2^-120 < |x| < 2^120, within 1 ulp: an integer guess (relative error 0.12) and three
// Newton steps, each squaring the error.
float m_rcp(float x)
{
    precise float a = abs(x);
    precise float y = uintBitsToFloat(0x7ef311c3u - floatBitsToUint(a));
    y = fma(y, fma(-a, y, 1.0), y);
    y = fma(y, fma(-a, y, 1.0), y);
    y = fma(y, fma(-a, y, 1.0), y);
    return x < 0.0 ? -y : y;
}

// a/b for operands in the range of m_rcp, one correction step after the multiply.
float m_div(float a, float b)
{
    precise float y = m_rcp(b);
    precise float q = a * y;
    precise float r = fma(-b, q, a);
    return fma(r, y, q);
}

// 1/sqrt(x) for 2^-120 < x < 2^120, within 2 ulp.
float m_rsqrt(float x)
{
    precise float h = 0.5 * x;
    precise float y = uintBitsToFloat(0x5f3759dfu - (floatBitsToUint(x) >> 1));
    [[unroll]] for (int i = 0; i < 3; i++) {
        precise float t = h * y;
        y = fma(y, fma(-t, y, 0.5), y);
    }
    return y;
}

// e^x within 2 ulp; 0 below -87.3, infinity above 88.7, NaN stays.
// x = n ln 2 + r, |r| <= ln 2 / 2; e^r by its Taylor polynomial (error 2e-8 at degree 7).
float m_exp(float x)
{
    precise float n = roundEven(x * 1.44269504);
    precise float r = fma(n, -0.693359375, x);
    r = fma(n, 2.12194440e-4, r);
    precise float p = 1.98412698e-4;
    p = fma(p, r, 1.38888889e-3);
    p = fma(p, r, 8.33333333e-3);
    p = fma(p, r, 4.16666667e-2);
    p = fma(p, r, 0.166666667);
    p = fma(p, r, 0.5);
    p = fma(p, r, 1.0);
    p = fma(p, r, 1.0);
    int i = int(clamp(n, -126.0, 128.0));
    int half_i = i >> 1;
    precise float y = p * uintBitsToFloat(uint(half_i + 127) << 23);
    y = y * uintBitsToFloat(uint(i - half_i + 127) << 23);
    if (x < -87.3)
        y = 0.0;
    if (x > 88.7)
        y = uintBitsToFloat(0x7f800000u);
    return isnan(x) ? x : y;
}

// x / (1 + e^-x), with h = e^(-|x| / 2) so that nothing overflows: x / (1 + h^2) above zero and
// x h^2 / (1 + h^2) below, within 5 ulp down to the smallest normal numbers, and 0 from there on.
float m_silu(float x)
{
    precise float h = m_exp(-0.5 * abs(x));
    precise float top = x < 0.0 ? x * h * h : x;
    if (abs(top) < uintBitsToFloat(0x00800000u)) // which some devices make zero, others not
        top = 0.0;
    precise float y = top * m_rcp(fma(h, h, 1.0));
    return y;
}

// log x for normal numbers x > 0, within 2 ulp beside 1 and 1e-7 near it. x = m 2^e with m in
// [sqrt 1/2, sqrt 2); log m = 2 atanh s, s = (m - 1) / (m + 1), by its Taylor polynomial.
float m_log(float x)
{
    uint u = floatBitsToUint(x) - 0x3f3504f3u;
    precise float e = float(int(u) >> 23);
    precise float m = uintBitsToFloat((u & 0x7fffffu) + 0x3f3504f3u);
    precise float s = m_div(m - 1.0, m + 1.0);
    precise float z = s * s;
    precise float p = 0.222222222;
    p = fma(p, z, 0.285714286);
    p = fma(p, z, 0.4);
    p = fma(p, z, 0.666666667);
    p = p * z;
    precise float y = s + s;
    y = fma(p, s, y);
    y = fma(e, -2.12194440e-4, y);
    return fma(e, 0.693359375, y);
}

// x (1 + erf(x / sqrt 2)) / 2, within 1e-6 of it: h = erfc(|x| / sqrt 2) / 2 by the fit of
// Numerical Recipes (fractional error 1.2e-7); x h below zero, x - x h above.
float m_gelu(float x)
{
    precise float a = abs(x);
    precise float t = m_rcp(fma(a, 0.353553391, 1.0));
    precise float p = 0.17087277;
    p = fma(p, t, -0.82215223);
    p = fma(p, t, 1.48851587);
    p = fma(p, t, -1.13520398);
    p = fma(p, t, 0.27886807);
    p = fma(p, t, -0.18628806);
    p = fma(p, t, 0.09678418);
    p = fma(p, t, 0.37409196);
    p = fma(p, t, 1.00002368);
    p = fma(p, t, -1.26551223);
    // e^... is a normal number or 0; what it is multiplied by comes first, so that nothing on the
    // way is smaller, which some devices would make zero.
    precise float half_a = 0.5 * a;
    precise float y = 0.5 * x;
    y = y * t;
    y = y * m_exp(fma(-half_a, a, p));
    if (abs(y) < uintBitsToFloat(0x00800000u)) // which some devices make zero, others not
        y = 0.0;
    return x < 0.0 ? y : x - y;
}

// 1 / (1 + e^-x), at least that of x = -40, so that no product of two such is below the normal
// numbers; within 4 ulp.
float m_sigmoid(float x)
{
    precise float e = m_exp(-min(abs(x), 40.0));
    precise float y = m_rcp(1.0 + e);
    return x < 0.0 ? e * y : y;
}

// tanh x, within 2^-22 of it.
float m_tanh(float x)
{
    precise float e = m_exp(-2.0 * min(abs(x), 40.0));
    precise float top = 1.0 - e;
    precise float y = top * m_rcp(1.0 + e);
    return x < 0.0 ? -y : y;
}

// f32 to f16 bits, to nearest even (packHalf2x16 may round otherwise).
uint m_half_bits(float f)
{
    uint u = floatBitsToUint(f);
    uint sign = (u >> 16) & 0x8000u;
    u &= 0x7fffffffu;
    uint h;
    if (u >= 0x47800000u) {
        h = u > 0x7f800000u ? 0x7e00u : 0x7c00u;
    } else if (u < 0x38800000u) {
        precise float t = uintBitsToFloat(u) + 0.5;
        h = floatBitsToUint(t) - 0x3f000000u;
    } else {
        h = (u + 0xc8000fffu + ((u >> 13) & 1u)) >> 13;
    }
    return h | sign;
}

vec2 m_half2(uint u)
{
    return unpackHalf2x16(u);
}

float m_half(uint bits)
{
    return unpackHalf2x16(bits & 0xffffu).x;
}

// Byte i of a word as a float, unsigned or signed; compilers have one instruction for it.
float m_uint8(uint u, uint i)
{
    return float(bitfieldExtract(u, int(8u * i), 8));
}

float m_int8(uint u, uint i)
{
    return float(bitfieldExtract(int(u), int(8u * i), 8));
}

// a - b byte by byte, for bytes below 128; the results are signed.
uint m_less_bytes(uint a, uint b)
{
    return ((a | 0x80808080u) - b) ^ 0x80808080u;
}
