// k_scales.glsl - the 12 bytes of q4_k and q5_k: eight 6-bit scales and eight 6-bit minima.
// `s` holds the bytes as three words; gives {scale, minimum} number j.
uvec2 k_scale(uvec3 s, uint j)
{
    uint shift = (j & 3u) * 8u;
    uint lo = s.x >> shift, mid = s.y >> shift, hi = s.z >> shift;
    return j < 4u ? uvec2(lo & 63u, mid & 63u)
                  : uvec2((hi & 15u) | ((lo >> 2) & 48u), ((hi >> 4) & 15u) | ((mid >> 2) & 48u));
}

// Scales and minima of the two sub-blocks 2g and 2g + 1; the header is d, dmin (f16), 12 bytes.
void k_scales(uvec4 header, uint g, out vec2 scale, out vec2 minus)
{
    vec2 d = m_half2(header.x);
    uvec2 s0 = k_scale(header.yzw, 2u * g), s1 = k_scale(header.yzw, 2u * g + 1u);
    precise vec2 s = d.x * vec2(s0.x, s1.x);
    precise vec2 m = d.y * vec2(s0.y, s1.y);
    scale = s;
    minus = m;
}
