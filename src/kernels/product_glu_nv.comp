// product_glu_nv.comp - many rows of x times two matrices of f16 weights by
// VK_NV_cooperative_matrix2, and SiLU of the one times the other: see k_product_glu_push and
// product_nv.comp.
//
// A workgroup makes TILE_M x TILE_N outputs of each product, with the same rows of x.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_NV_cooperative_matrix2 : require
#define LOCAL_SIZE 128
#include "lib/types.glsl"
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout(constant_id = K_PRODUCT_N) const uint N = 1u;
layout(constant_id = K_PRODUCT_K) const uint K = 8u;
layout(constant_id = K_PRODUCT_LD) const uint LD = 1u;
layout(constant_id = K_PRODUCT_TILE_M) const uint TILE_M = 128u;
layout(constant_id = K_PRODUCT_TILE_N) const uint TILE_N = 64u;
layout(constant_id = K_PRODUCT_TILE_K) const uint TILE_K = 64u;
layout(push_constant, scalar) uniform Push { k_product_glu_push p; };

layout(buffer_reference, scalar, buffer_reference_align = 16) buffer Halfs { float16_t v[]; };

#define MATRIX(T, DOWN, RIGHT, USE) coopmat<T, gl_ScopeWorkgroup, DOWN, RIGHT, gl_MatrixUse##USE>
#define CLAMPED tensorLayoutNV<2, gl_CooperativeMatrixClampModeConstantNV>

const uint BAND = 8u; // as in product_nv.comp

float gated_at(const in uint row, const in uint col, const in float gate, const in float up,
               const in uint64_t scale, const in uint m0, const in uint last)
{
    float s = F32s(scale).v[min(m0 + row, last)], g = gate * s;
    // As a product of what cannot overflow: exp(-g) is infinite below -88.
    float y = g / (1.0 + exp(-g)) * (up * s * (1.0 / K_GLU_DIVISOR));
    return clamp(y, -65504.0, 65504.0);
}

// One step along K, with layouts of a given way to treat what lies outside.
#define MULTIPLY(LAYOUT_X, LAYOUT_W, AT)                                                           \
    {                                                                                              \
        MATRIX(float16_t, TILE_M, TILE_K, A) a;                                                    \
        MATRIX(float16_t, TILE_K, TILE_N, B) b;                                                    \
        coopMatLoadTensorNV(a, Halfs(p.x).v, 0,                                                    \
                            sliceTensorLayoutNV(LAYOUT_X, m0, TILE_M, AT, TILE_K));                \
        coopMatLoadTensorNV(b, Halfs(p.gate).v, 0,                                                 \
                            sliceTensorLayoutNV(LAYOUT_W, n0, TILE_N, AT, TILE_K), turned);        \
        gate = coopMatMulAdd(a, b, gate);                                                          \
        coopMatLoadTensorNV(b, Halfs(p.up).v, 0,                                                   \
                            sliceTensorLayoutNV(LAYOUT_W, n0, TILE_N, AT, TILE_K), turned);        \
        up = coopMatMulAdd(a, b, up);                                                              \
    }

void main()
{
    uint right = (N + TILE_N - 1u) / TILE_N, down = (p.m + TILE_M - 1u) / TILE_M;
    uint first = gl_WorkGroupID.x / (BAND * right) * BAND, band = min(down - first, BAND);
    uint i = gl_WorkGroupID.x - first * right;
    uint m0 = (first + i % band) * TILE_M, n0 = i / band * TILE_N;
    uint rows = p.m;
    if (p.step != 0u)
        rows = min(rows, Steps(p.step).v.n_rows);
    if (m0 >= rows)
        return;

    tensorViewNV<2, false, 1, 0> turned = createTensorViewNV(2, false, 1, 0);
    tensorLayoutNV<2> x = createTensorLayoutNV(2), w = createTensorLayoutNV(2);
    x = setTensorLayoutDimensionNV(x, p.m, K);
    w = setTensorLayoutDimensionNV(w, N, K);
    CLAMPED some_x = createTensorLayoutNV(2, gl_CooperativeMatrixClampModeConstantNV);
    CLAMPED some_w = some_x, some_dst = some_x;
    some_x = setTensorLayoutDimensionNV(some_x, p.m, K);
    some_w = setTensorLayoutDimensionNV(some_w, N, K);

    MATRIX(float, TILE_M, TILE_N, Accumulator) gate =
        MATRIX(float, TILE_M, TILE_N, Accumulator)(0.0);
    MATRIX(float, TILE_M, TILE_N, Accumulator) up = gate;
    if (N % TILE_N == 0u && K % TILE_K == 0u) {
        for (uint k = 0u; k < p.k; k += TILE_K)
            MULTIPLY(x, w, k)
    } else {
        for (uint k = 0u; k < p.k; k += TILE_K)
            MULTIPLY(some_x, some_w, k)
    }

    coopMatPerElementNV(gate, gate, gated_at, up, p.scale, m0, p.m - 1u);
    MATRIX(float16_t, TILE_M, TILE_N, Accumulator) y =
        MATRIX(float16_t, TILE_M, TILE_N, Accumulator)(gate);
    if (N % TILE_N == 0u && m0 + TILE_M <= rows) {
        tensorLayoutNV<2> dst = createTensorLayoutNV(2);
        dst = setTensorLayoutDimensionNV(dst, rows, N);
        dst = setTensorLayoutStrideNV(dst, LD, 1u);
        coopMatStoreTensorNV(y, Halfs(p.dst).v, 0,
                             sliceTensorLayoutNV(dst, m0, TILE_M, n0, TILE_N));
    } else {
        some_dst = setTensorLayoutDimensionNV(some_dst, rows, N);
        some_dst = setTensorLayoutStrideNV(some_dst, LD, 1u);
        coopMatStoreTensorNV(y, Halfs(p.dst).v, 0,
                             sliceTensorLayoutNV(some_dst, m0, TILE_M, n0, TILE_N));
    }
}
