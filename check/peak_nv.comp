// peak_nv.comp - multiplies matrices of whole workgroups by VK_NV_cooperative_matrix2 as fast as it
// goes; see peak.h.
#version 460
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_NV_cooperative_matrix2 : require
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint M = 128;
layout(constant_id = 1) const uint N = 256;
layout(constant_id = 2) const uint K = 64;
layout(constant_id = 3) const uint ROUNDS = 1;
layout(buffer_reference, buffer_reference_align = 16, scalar) buffer Halfs { float16_t v[]; };
layout(push_constant, scalar) uniform Push
{
    uint64_t src;
    uint vectors;
    float seed;
} p;

#define SUMS coopmat<float, gl_ScopeWorkgroup, M, N, gl_MatrixUseAccumulator>

void main()
{
    // The same few tiles for all, which stay in the caches.
    tensorLayoutNV<2> x = createTensorLayoutNV(2), w = createTensorLayoutNV(2);
    x = setTensorLayoutDimensionNV(x, M, 4 * K);
    w = setTensorLayoutDimensionNV(w, N, 4 * K);
    tensorViewNV<2, false, 1, 0> turned = createTensorViewNV(2, false, 1, 0);
    SUMS sums = SUMS(p.seed);
    for (uint r = 0; r < ROUNDS; r++) {
        coopmat<float16_t, gl_ScopeWorkgroup, M, K, gl_MatrixUseA> a;
        coopmat<float16_t, gl_ScopeWorkgroup, K, N, gl_MatrixUseB> b;
        coopMatLoadTensorNV(a, Halfs(p.src).v, 0, sliceTensorLayoutNV(x, 0, M, r % 4 * K, K));
        coopMatLoadTensorNV(b, Halfs(p.src).v, 0, sliceTensorLayoutNV(w, 0, N, r % 4 * K, K),
                            turned);
        sums = coopMatMulAdd(a, b, sums);
    }
    float all = 0.0;
    for (uint e = 0; e < sums.length(); e++)
        all += sums[e];
    if (all == -1.0) // never, but no compiler knows that
        Halfs(p.src).v[0] = float16_t(all);
}
