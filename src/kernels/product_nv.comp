// product_nv.comp - many rows of x times a matrix of f16 or bf16 weights by
// VK_NV_cooperative_matrix2: see k_product_push.
//
// A workgroup makes TILE_M x TILE_N outputs, as one matrix of the whole workgroup; the compiler
// stages x and w. K and N are constants, so that it knows how rows are aligned. x has room for
// whole tiles of rows: what lies beyond the last is computed and not stored. With BF16 both
// operands are bf16 and x has no scale.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_NV_cooperative_matrix2 : require
#include "lib/types.glsl"
#ifdef BF16
#extension GL_EXT_bfloat16 : require
#define SMALL bfloat16_t
#else
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define SMALL float16_t
#endif

layout(constant_id = K_PRODUCT_N) const uint N = 1u;
layout(constant_id = K_PRODUCT_K) const uint K = 8u;
layout(constant_id = K_PRODUCT_LD) const uint LD = 1u;
layout(constant_id = K_PRODUCT_TILE_M) const uint TILE_M = 128u;
layout(constant_id = K_PRODUCT_TILE_N) const uint TILE_N = 128u;
layout(constant_id = K_PRODUCT_TILE_K) const uint TILE_K = 64u;
layout(push_constant, scalar) uniform Push { k_product_push p; };

layout(buffer_reference, scalar, buffer_reference_align = 16) buffer Smalls { SMALL v[]; };

#define SUMS coopmat<float, gl_ScopeWorkgroup, TILE_M, TILE_N, gl_MatrixUseAccumulator>
#define CLAMPED tensorLayoutNV<2, gl_CooperativeMatrixClampModeConstantNV>

// Of an f32 operand: rows x N values, `down` and `right` apart.
CLAMPED layout_of(uint rows, uint down, uint right)
{
    CLAMPED t = createTensorLayoutNV(2, gl_CooperativeMatrixClampModeConstantNV);
    t = setTensorLayoutDimensionNV(t, rows, N);
    return setTensorLayoutStrideNV(t, down, right);
}

// One step along K, with layouts of a given way to treat what lies outside.
#define MULTIPLY(LAYOUT_X, LAYOUT_W)                                                               \
    {                                                                                              \
        coopmat<SMALL, gl_ScopeWorkgroup, TILE_M, TILE_K, gl_MatrixUseA> a;                        \
        coopmat<SMALL, gl_ScopeWorkgroup, TILE_K, TILE_N, gl_MatrixUseB> b;                        \
        coopMatLoadTensorNV(a, Smalls(p.x).v, 0,                                                   \
                            sliceTensorLayoutNV(LAYOUT_X, m0, TILE_M, k, TILE_K));                 \
        coopMatLoadTensorNV(b, Smalls(p.w).v, 0,                                                   \
                            sliceTensorLayoutNV(LAYOUT_W, n0, TILE_N, k, TILE_K), turned);         \
        acc = coopMatMulAdd(a, b, acc);                                                            \
    }

void main()
{
    uint m0 = gl_WorkGroupID.y * TILE_M, n0 = gl_WorkGroupID.x * TILE_N;
    uint rows = p.m;
    if (p.step != 0u)
        rows = min(rows, Steps(p.step).v.n_rows);

    tensorViewNV<2, false, 1, 0> turned = createTensorViewNV(2, false, 1, 0);
    SUMS acc = SUMS(0.0);

    uint end = m0 < rows ? K : 0u;
    if (N % TILE_N == 0u && K % TILE_K == 0u) {
        tensorLayoutNV<2> x = createTensorLayoutNV(2), w = createTensorLayoutNV(2);
        x = setTensorLayoutDimensionNV(x, p.m, K);
        w = setTensorLayoutDimensionNV(w, N, K);
        for (uint k = 0u; k < end; k += TILE_K)
            MULTIPLY(x, w)
    } else {
        CLAMPED x = createTensorLayoutNV(2, gl_CooperativeMatrixClampModeConstantNV);
        CLAMPED w = x;
        x = setTensorLayoutDimensionNV(x, p.m, K);
        w = setTensorLayoutDimensionNV(w, N, K);
        for (uint k = 0u; k < end; k += TILE_K)
            MULTIPLY(x, w)
    }

    if (m0 < rows) {
        // The operands as matrices: a scale a row, a bias a column, a residual as it is.
        SUMS other;
        CLAMPED dst = sliceTensorLayoutNV(layout_of(rows, LD, 1u), m0, TILE_M, n0, TILE_N);
        if (p.scale != 0u) {
            coopMatLoadTensorNV(other, F32s(p.scale).v, 0,
                                sliceTensorLayoutNV(layout_of(rows, 1u, 0u), m0, TILE_M, n0,
                                                    TILE_N));
            acc = acc * other;
        }
        if (p.bias != 0u) {
            coopMatLoadTensorNV(other, F32s(p.bias).v, 0,
                                sliceTensorLayoutNV(layout_of(rows, 0u, 1u), m0, TILE_M, n0,
                                                    TILE_N));
            acc = acc + other;
        }
        if (p.residual != 0u) {
            coopMatLoadTensorNV(other, F32s(p.residual).v, 0, dst);
            acc = acc + other;
        }
        coopMatStoreTensorNV(acc, F32s(p.dst).v, 0, dst);
    }
}
