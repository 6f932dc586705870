// Spins for `rounds` dependent steps and adds one to dst[0].
#version 460
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x = 1) in;
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Words { uint at[]; };
layout(push_constant) uniform Push {
    uint64_t dst;
    uint rounds;
} p;

void main()
{
    Words w = Words(p.dst);
    uint v = w.at[0];
    uint x = v | 1u;
    for (uint i = 0u; i < p.rounds; i++)
        x = x * 1664525u + 1013904223u + (x >> 7);
    // x is never 0 and 1 at once, but the compiler does not know.
    w.at[0] = v + 1u + ((x == 0u && (x & 1u) == 1u) ? 1u : 0u);
}
