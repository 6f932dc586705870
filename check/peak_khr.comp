// peak_khr.comp - multiplies matrices by VK_KHR_cooperative_matrix as fast as it goes; see peak.h.
#version 460
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint M = 16;
layout(constant_id = 1) const uint N = 16;
layout(constant_id = 2) const uint K = 16;
layout(constant_id = 3) const uint ROUNDS = 1;
layout(buffer_reference, buffer_reference_align = 16, scalar) buffer Halfs { float16_t v[]; };
layout(push_constant, scalar) uniform Push
{
    uint64_t src;
    uint vectors;
    float seed;
} p;

#define SUMS coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>

void main()
{
    coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> a[2];
    coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> b[2];
    // Sums that do not wait for each other.
    SUMS sums[4];
    [[unroll]] for (uint i = 0; i < 2; i++) {
        coopMatLoad(a[i], Halfs(p.src).v, i * M * K, K, gl_CooperativeMatrixLayoutRowMajor);
        coopMatLoad(b[i], Halfs(p.src).v, (i + 2) * K * N, N, gl_CooperativeMatrixLayoutRowMajor);
    }
    [[unroll]] for (uint i = 0; i < 4; i++)
        sums[i] = SUMS(float(i));
    for (uint r = 0; r < ROUNDS; r++)
        [[unroll]] for (uint i = 0; i < 4; i++)
            sums[i] = coopMatMulAdd(a[i / 2], b[i % 2], sums[i]);
    float all = 0.0;
    [[unroll]] for (uint i = 0; i < 4; i++)
        for (uint e = 0; e < sums[i].length(); e++)
            all += sums[i][e];
    if (all == -1.0) // never, but no compiler knows that
        Halfs(p.src).v[0] = float16_t(all);
}
