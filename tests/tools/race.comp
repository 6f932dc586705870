// A sum over shared memory; without BARRIERS=1 a race, which validation has to find.
#version 460
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x = 64) in;
layout(buffer_reference, buffer_reference_align = 4) buffer words { uint v[]; };
layout(push_constant) uniform push { uint64_t dst; } p;

shared uint sums[64];

void main()
{
    uint t = gl_LocalInvocationIndex;
    sums[t] = t;
    for (uint n = 32; n > 0; n /= 2) {
#ifdef BARRIERS
        barrier();
#endif
        if (t < n)
            sums[t] += sums[t + n];
    }
    if (t == 0)
        words(p.dst).v[0] = sums[0];
}
