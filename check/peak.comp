// peak.comp - reads memory, or multiplies and adds in registers, as fast as it goes; see peak.h.
#version 460
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint READ = 1;
layout(constant_id = 1) const uint ROUNDS = 1;
layout(buffer_reference, buffer_reference_align = 16, scalar) buffer Vectors { uvec4 v[]; };
layout(push_constant, scalar) uniform Push
{
    uint64_t src;
    uint vectors;
    float seed;
} p;

// Neighbours read neighbouring vectors; all invocations together, the whole of it.
void read_all()
{
    uvec4 sum = uvec4(0);
    uint all = gl_NumWorkGroups.x * 256u;
    for (uint i = gl_GlobalInvocationID.x; i < p.vectors; i += all)
        sum ^= Vectors(p.src).v[i];
    if (sum.x == 0x9e3779b9u && sum.y == 0x7f4a7c15u) // never, but no compiler knows that
        Vectors(p.src).v[0] = sum;
}

// Sixteen chains, so that no sum waits for the one before.
void multiply()
{
    vec4 a = vec4(p.seed), b = a + 1.0, c = a + 2.0, d = a + 3.0;
    vec4 x = vec4(0.999), y = vec4(gl_LocalInvocationIndex);
    for (uint i = 0; i < ROUNDS; i++) {
        a = fma(a, x, y);
        b = fma(b, x, y);
        c = fma(c, x, y);
        d = fma(d, x, y);
    }
    a += b + c + d;
    if (a.x + a.y + a.z + a.w == -1.0)
        Vectors(p.src).v[0] = uvec4(1);
}

void main()
{
    if (READ != 0)
        read_all();
    else
        multiply();
}
