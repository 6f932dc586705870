// poison.comp - fills shared memory with a pattern; see poison.h.
#version 460
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint WORDS = 256;
layout(buffer_reference, buffer_reference_align = 4) buffer Words { uint v[]; };
layout(push_constant) uniform Push { uint64_t dst; } p;

shared uint all[WORDS];

void main()
{
    for (uint i = gl_LocalInvocationIndex; i < WORDS; i += 256)
        all[i] = 0xffc0deadu;
    barrier();
    // Never, but no compiler knows that.
    if (p.dst != 0)
        Words(p.dst).v[gl_LocalInvocationIndex] = all[gl_LocalInvocationIndex * 7 % WORDS];
}
