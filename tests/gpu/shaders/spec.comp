// Writes its constants, its group size and its subgroup size.
#version 460
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_KHR_shader_subgroup_basic : require

layout(constant_id = 0) const uint ONE = 1;
layout(constant_id = 1) const uint TWO = 2;
layout(constant_id = 31) const uint LAST = 3;
layout(local_size_x_id = 2, local_size_y = 1, local_size_z = 1) in;
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Words { uint at[]; };
layout(push_constant) uniform Push {
    uint64_t dst;
} p;

void main()
{
    if (gl_LocalInvocationIndex != 0u)
        return;
    Words w = Words(p.dst);
    w.at[0] = ONE;
    w.at[1] = TWO;
    w.at[2] = LAST;
    w.at[3] = gl_WorkGroupSize.x;
    w.at[4] = gl_SubgroupSize;
}
