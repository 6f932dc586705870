// round8.glsl - rows of x rounded to 8 bits, in blocks of 32: integers q = x / d to nearest even,
// of -127 to 127, with d = max|x| / 127. A block of values below 2^-100 becomes zeros; where a
// value is beyond 2^120, infinite or NaN, d is NaN, so that what comes of it is seen.
//
// Eight neighbouring invocations share a block, four values each. All of the workgroup call
// together. Needs reduce.glsl.

// Gives the four integers of this invocation's values, and d.
void round8(vec4 x, out uint q, out float d)
{
    const uint LEAST = 0x0d800000u, MOST = 0x7b800000u; // 2^-100, 2^120
    uvec4 u = floatBitsToUint(x) & 0x7fffffffu;         // compared as bits, which keeps NaN
    uint top = min(max(max(u.x, u.y), max(u.z, u.w)), MOST + 1u);
    precise float largest = reduce_max(uintBitsToFloat(top), 8u);
    top = floatBitsToUint(largest);
    precise float per = 127.0 * m_rcp(largest);
    precise float scale = largest * (1.0 / 127.0);
    if (top > MOST)
        scale = uintBitsToFloat(0x7fc00000u);
    if (top < LEAST)
        per = scale = 0.0;
    // Beside 1.5 * 2^23 a float is a whole number, its lowest byte that of the integer.
    precise vec4 n = x * per;
    n = n + 12582912.0;
    uvec4 bits = floatBitsToUint(n) & 0xffu;
    q = bits.x | (bits.y << 8) | (bits.z << 16) | (bits.w << 24);
    d = scale;
}

// The sums of the halves of a block, beside d, as 16-bit integers.
ivec2 round8_sums(uint u)
{
    return ivec2(bitfieldExtract(int(u), 0, 16), int(u) >> 16);
}

// Where row b of rows that round8.comp made lies.
uint64_t round8_row(uint64_t rows, uint k, uint b)
{
    return rows + uint64_t(b) * K_ROUND8_BYTES(k);
}
