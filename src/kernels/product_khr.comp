// product_khr.comp - many rows of x times a matrix of weights by VK_KHR_cooperative_matrix: see
// k_product_push.
//
// A workgroup makes SIDE x SIDE outputs, each of its subgroups ROWS x COLS of them. 32 columns of x
// and of the decoded weights at a time lie in shared memory as f16; its rows are padded by 8
// halves, against meeting in a bank. At the end the accumulators go through the same memory, so
// that scale, bias and residual can be applied.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "lib/types.glsl"
#include "lib/math.glsl"
#include "quants.glsl"

layout(constant_id = K_PRODUCT_TYPE) const uint TYPE = 0u;
layout(constant_id = K_PRODUCT_N) const uint N = 1u;
layout(constant_id = K_PRODUCT_K) const uint K = 8u;
layout(constant_id = K_PRODUCT_LD) const uint LD = 1u;
layout(constant_id = K_PRODUCT_SUBGROUP) const uint SUBGROUP = 32u;
layout(constant_id = K_PRODUCT_MAT_M) const uint MAT_M = 16u;
layout(constant_id = K_PRODUCT_MAT_N) const uint MAT_N = 16u;
layout(constant_id = K_PRODUCT_MAT_K) const uint MAT_K = 16u;
layout(constant_id = K_PRODUCT_SIDE) const uint SIDE = 64u;
layout(constant_id = K_PRODUCT_ROWS) const uint SUB_ROWS = 16u;
layout(constant_id = K_PRODUCT_COLS) const uint COLS = 16u;
layout(push_constant, scalar) uniform Push { k_product_push p; };

#include "lib/pieces.glsl"

const uint STEP = 4u;          // pieces at a time
const uint ROW = STEP + 1u;    // in uvec4: 8 halves, or 4 floats
const uint MATS_M = SUB_ROWS / MAT_M, MATS_N = COLS / MAT_N;
const uint MAT_WORDS = MAT_M * MAT_N / 4u;

// x, then w; at the end a matrix of f32 a subgroup.
const uint IN_WORDS = 2u * SIDE * ROW, OUT_WORDS = K_GROUP / SUBGROUP * MAT_WORDS;
shared uvec4 tile[IN_WORDS > OUT_WORDS ? IN_WORDS : OUT_WORDS];

void stage(uint m0, uint rows, uint n0, uint first)
{
    for (uint i = TID; i < SIDE * STEP; i += K_GROUP) {
        uint row = i / STEP, piece = first + i % STEP;
        uvec4 h = uvec4(0u);
        if (m0 + row < rows && piece < PIECES)
            h = U32x4s(p.x + uint64_t(m0 + row) * (K * 2u)).v[piece_column(piece) / 8u];
        tile[row * ROW + i % STEP] = h;

        // Parts of a chunk decode differently: neighbours take the same part of different rows.
        row = i % SIDE;
        piece = first + i / SIDE;
        h = uvec4(0u);
        if (n0 + row < N && piece < PIECES) {
            if (TYPE == TYPE_f16) {
                h = U32x4s(p.w + uint64_t(n0 + row) * (K * 2u)).v[piece];
            } else {
                float v[8];
                piece_load(p.w, n0 + row, piece, v);
                h = piece_half(v);
            }
        }
        tile[(SIDE + row) * ROW + i / SIDE] = h;
    }
}

void main()
{
    uint m0 = gl_WorkGroupID.y * SIDE, n0 = gl_WorkGroupID.x * SIDE;
    uint n_rows = Steps(p.step != 0u ? p.step : p.x).v.n_rows;
    uint rows = p.step != 0u ? min(n_rows, p.m) : p.m;
    uint tm = gl_SubgroupID / (SIDE / COLS) * SUB_ROWS, tn = gl_SubgroupID % (SIDE / COLS) * COLS;

    coopmat<float, gl_ScopeSubgroup, MAT_M, MAT_N, gl_MatrixUseAccumulator> acc[MATS_M][MATS_N];
    [[unroll]] for (uint i = 0u; i < MATS_M; i++)
        [[unroll]] for (uint j = 0u; j < MATS_N; j++)
            acc[i][j] =
                coopmat<float, gl_ScopeSubgroup, MAT_M, MAT_N, gl_MatrixUseAccumulator>(0.0);

    // A tile beyond the rows has no pieces to go through.
    uint pieces = m0 < rows ? PIECES : 0u;
    for (uint first = 0u; first < pieces; first += STEP) {
        stage(m0, rows, n0, first);
        barrier();
        [[unroll]] for (uint k = 0u; k < STEP; k += MAT_K / 8u) {
            coopmat<float16_t, gl_ScopeSubgroup, MAT_M, MAT_K, gl_MatrixUseA> a[MATS_M];
            [[unroll]] for (uint i = 0u; i < MATS_M; i++)
                coopMatLoad(a[i], tile, (tm + i * MAT_M) * ROW + k, ROW,
                            gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (uint j = 0u; j < MATS_N; j++) {
                coopmat<float16_t, gl_ScopeSubgroup, MAT_K, MAT_N, gl_MatrixUseB> b;
                coopMatLoad(b, tile, (SIDE + tn + j * MAT_N) * ROW + k, ROW,
                            gl_CooperativeMatrixLayoutColumnMajor);
                [[unroll]] for (uint i = 0u; i < MATS_M; i++)
                    acc[i][j] = coopMatMulAdd(a[i], b, acc[i][j]);
            }
        }
        barrier();
    }

    uint mine = gl_SubgroupID * MAT_WORDS;
    [[unroll]] for (uint i = 0u; i < MATS_M; i++) {
        [[unroll]] for (uint j = 0u; j < MATS_N; j++) {
            coopMatStore(acc[i][j], tile, mine, MAT_N / 4u, gl_CooperativeMatrixLayoutRowMajor);
            barrier();
            for (uint e = gl_SubgroupInvocationID; e < MAT_M * MAT_N; e += gl_SubgroupSize) {
                uint m = m0 + tm + i * MAT_M + e / MAT_N, n = n0 + tn + j * MAT_N + e % MAT_N;
                if (m < rows && n < N) {
                    uint64_t at = (uint64_t(m) * LD + n) * 4u;
                    float y = uintBitsToFloat(tile[mine + e / 4u][e % 4u]) * F32s(p.scale).v[m];
                    float bias = F32s(p.bias != 0u ? p.bias : p.w).v[n];
                    if (p.bias != 0u)
                        y += bias;
                    if (p.residual != 0u)
                        y += F32s(p.residual + at).v[0];
                    F32s(p.dst + at).v[0] = y;
                }
            }
            barrier();
        }
    }
}
