// product_nv.comp - many rows of x times a matrix of f16 or bf16 weights by
// VK_NV_cooperative_matrix2: see k_product_push.
//
// A workgroup makes TILE_M x TILE_N outputs, as one matrix of the whole workgroup; the compiler
// stages x and w. It has 128 invocations, so that two workgroups with tiles of 128 x 128 share a
// multiprocessor and one multiplies while the other stores. K and N are constants, so that the
// compiler knows how rows are aligned; it is told how far to unroll, or it unrolls all of the loop,
// which does not fit the instruction cache. x has room for whole tiles of rows: what lies beyond
// the last is computed and not stored. With BF16 both operands are bf16.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_NV_cooperative_matrix2 : require
#define LOCAL_SIZE 128
#include "lib/types.glsl"
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#ifdef BF16
#extension GL_EXT_bfloat16 : require
#define SMALL bfloat16_t
#else
#define SMALL float16_t
#endif

layout(constant_id = K_PRODUCT_N) const uint N = 1u;
layout(constant_id = K_PRODUCT_K) const uint K = 8u;
layout(constant_id = K_PRODUCT_LD) const uint LD = 1u;
layout(constant_id = K_PRODUCT_TILE_M) const uint TILE_M = 128u;
layout(constant_id = K_PRODUCT_TILE_N) const uint TILE_N = 128u;
layout(constant_id = K_PRODUCT_TILE_K) const uint TILE_K = 64u;
layout(constant_id = K_PRODUCT_HAS) const uint HAS = 0u;
layout(constant_id = K_PRODUCT_HALF) const uint HALF = 0u;
layout(constant_id = K_PRODUCT_GELU) const uint GELU = 0u;
layout(push_constant, scalar) uniform Push { k_product_push p; };

layout(buffer_reference, scalar, buffer_reference_align = 16) buffer Smalls { SMALL v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer Halfs { float16_t v[]; };

#define MATRIX(T, DOWN, RIGHT, USE) coopmat<T, gl_ScopeWorkgroup, DOWN, RIGHT, gl_MatrixUse##USE>
#define CLAMPED tensorLayoutNV<2, gl_CooperativeMatrixClampModeConstantNV>

const uint STEPS = K % (4u * TILE_K) == 0u ? 4u : K % (2u * TILE_K) == 0u ? 2u : 1u;
const uint BAND = 8u; // tiles of rows that share tiles of w while those are in the cache

// As m_gelu(); the device's own exponential will do where operands have been rounded to f16.
float gelu(float x)
{
    float a = abs(x), t = 1.0 / (1.0 + 0.353553391 * a);
    float e = 0.17087277;
    e = e * t - 0.82215223;
    e = e * t + 1.48851587;
    e = e * t - 1.13520398;
    e = e * t + 0.27886807;
    e = e * t - 0.18628806;
    e = e * t + 0.09678418;
    e = e * t + 0.37409196;
    e = e * t + 1.00002368;
    e = e * t - 1.26551223;
    float y = 0.5 * x * t * exp(e - 0.5 * a * a);
    return x < 0.0 ? y : x - y;
}

// m0, n0: where the tile begins; last: the last row of scale.
float finished_at(const in uint row, const in uint col, const in float a, const in uint64_t scale,
                  const in uint64_t bias, const in float factor, const in uint m0,
                  const in uint n0, const in uint last)
{
    float v = a;
    if ((HAS & K_PRODUCT_HAS_SCALE) != 0u)
        v *= F32s(scale).v[min(m0 + row, last)];
    if ((HAS & K_PRODUCT_HAS_FACTOR) != 0u)
        v *= factor;
    if ((HAS & K_PRODUCT_HAS_BIAS) != 0u)
        v += F32s(bias).v[N % TILE_N == 0u ? n0 + col : min(n0 + col, N - 1u)];
    if (GELU != 0u)
        v = gelu(v);
    return HALF != 0u ? clamp(v, -65504.0, 65504.0) : v;
}

// One step along K, with layouts of a given way to treat what lies outside.
#define MULTIPLY(LAYOUT_X, LAYOUT_W, AT)                                                           \
    {                                                                                              \
        MATRIX(SMALL, TILE_M, TILE_K, A) a;                                                        \
        MATRIX(SMALL, TILE_K, TILE_N, B) b;                                                        \
        coopMatLoadTensorNV(a, Smalls(p.x).v, 0,                                                   \
                            sliceTensorLayoutNV(LAYOUT_X, m0, TILE_M, AT, TILE_K));                \
        coopMatLoadTensorNV(b, Smalls(p.w).v, 0,                                                   \
                            sliceTensorLayoutNV(LAYOUT_W, n0, TILE_N, AT, TILE_K), turned);        \
        acc = coopMatMulAdd(a, b, acc);                                                            \
    }

// Adds the residual and stores, with a layout of dst.
#define STORE(LAYOUT)                                                                              \
    {                                                                                              \
        if ((HAS & K_PRODUCT_HAS_RESIDUAL) != 0u) {                                                \
            MATRIX(float, TILE_M, TILE_N, Accumulator) more;                                       \
            coopMatLoadTensorNV(more, F32s(p.residual).v, 0,                                       \
                                sliceTensorLayoutNV(LAYOUT, m0, TILE_M, n0, TILE_N));              \
            acc = acc + more;                                                                      \
        }                                                                                          \
        if (HALF != 0u)                                                                            \
            coopMatStoreTensorNV(MATRIX(float16_t, TILE_M, TILE_N, Accumulator)(acc),              \
                                 Halfs(p.dst).v, 0,                                                \
                                 sliceTensorLayoutNV(LAYOUT, m0, TILE_M, n0, TILE_N));             \
        else                                                                                       \
            coopMatStoreTensorNV(acc, F32s(p.dst).v, 0,                                            \
                                 sliceTensorLayoutNV(LAYOUT, m0, TILE_M, n0, TILE_N));             \
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

    MATRIX(float, TILE_M, TILE_N, Accumulator) acc =
        MATRIX(float, TILE_M, TILE_N, Accumulator)(0.0);
    if (N % TILE_N == 0u && K % TILE_K == 0u) {
        [[dont_unroll]] for (uint k = 0u; k < K; k += STEPS * TILE_K)
            [[unroll]] for (uint j = 0u; j < STEPS; j++)
                MULTIPLY(x, w, k + j * TILE_K)
    } else if (K % TILE_K == 0u) {
        [[dont_unroll]] for (uint k = 0u; k < K; k += TILE_K)
            MULTIPLY(x, some_w, k)
    } else {
        [[dont_unroll]] for (uint k = 0u; k < K; k += TILE_K)
            MULTIPLY(some_x, some_w, k)
    }

    if ((HAS & ~K_PRODUCT_HAS_RESIDUAL) != 0u || GELU != 0u || HALF != 0u)
        coopMatPerElementNV(acc, acc, finished_at, p.scale, p.bias, p.factor, m0, n0, p.m - 1u);
    if (N % TILE_N == 0u && m0 + TILE_M <= rows) {
        tensorLayoutNV<2> dst = createTensorLayoutNV(2);
        dst = setTensorLayoutDimensionNV(dst, rows, N);
        dst = setTensorLayoutStrideNV(dst, LD, 1u);
        STORE(dst)
    } else {
        some_dst = setTensorLayoutDimensionNV(some_dst, rows, N);
        some_dst = setTensorLayoutStrideNV(some_dst, LD, 1u);
        STORE(some_dst)
    }
}
