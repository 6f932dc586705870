// dst[i] = a * src[i] + b over words; src 0: the index instead of src[i].
#version 460
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x = 64) in;
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Words { uint at[]; };
layout(push_constant) uniform Push {
    uint64_t dst, src;
    uint n, a, b;
} p;

void main()
{
    uint i = gl_GlobalInvocationID.x;
    if (i >= p.n)
        return;
    uint v = i;
    if (p.src != 0ul)
        v = Words(p.src).at[i];
    Words(p.dst).at[i] = p.a * v + p.b;
}
