// A kernel with an array of its own of SIZE words that is indexed by what is read: too big for
// registers, it lies in scratch memory.
#version 460
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x = 256) in;
layout(constant_id = 0) const uint SIZE = 512u;
layout(buffer_reference) buffer Words { uint v[]; };
layout(push_constant) uniform Push { uint64_t src, dst; } p;

void main()
{
    uint own[SIZE], sum = 0u;
    for (uint i = 0u; i < SIZE; i++)
        own[i] = Words(p.src).v[gl_GlobalInvocationID.x * SIZE + i];
    for (uint i = 0u; i < SIZE; i++) {
        uint at = Words(p.dst).v[i] % SIZE;
        sum += own[at];
        own[at] = sum;
    }
    Words(p.dst).v[gl_GlobalInvocationID.x] = sum;
}
