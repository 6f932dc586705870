// k_scales.glsl - the 12 bytes of q4_k and q5_k: eight 6-bit scales and eight 6-bit minima, those
// of 0 to 3 in bytes of their own, the others in the upper bits of these and in nibbles.

// Scales and minima of the two sub-blocks 2g and 2g + 1; the header is d, dmin (f16), 12 bytes.
void k_scales(uvec4 header, uint g, out vec2 scale, out vec2 minus)
{
    uint shift = (g & 1u) * 16u;
    uint lo = header.y >> shift, mid = header.z >> shift, hi = header.w >> shift;
    uint s2 = g < 2u ? lo & 0x3f3fu : (hi & 0x0f0fu) | ((lo >> 2) & 0x3030u);
    uint m2 = g < 2u ? mid & 0x3f3fu : ((hi >> 4) & 0x0f0fu) | ((mid >> 2) & 0x3030u);
    vec2 d = m_half2(header.x);
    precise vec2 s = d.x * vec2(m_uint8(s2, 0u), m_uint8(s2, 1u));
    precise vec2 m = d.y * vec2(m_uint8(m2, 0u), m_uint8(m2, 1u));
    scale = s;
    minus = m;
}
