// probe.comp - one fma that tells one rounding from two; see probe.h.
#version 460
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x = 1) in;
layout(buffer_reference, buffer_reference_align = 4) buffer Floats { float v[]; };
layout(push_constant) uniform Push { uint64_t at; } p;

void main()
{
    Floats f = Floats(p.at);
    f.v[3] = fma(f.v[0], f.v[1], f.v[2]);
}
