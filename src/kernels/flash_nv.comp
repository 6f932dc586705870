// flash_nv.comp - flash attention by VK_NV_cooperative_matrix2: see k_flash_push and flash.comp.
//
// A workgroup takes ROWS rows of one query head and walks over the keys, KEYS at a time. Scores and
// results are matrices of the whole workgroup, f32; q, the probabilities, k and v go in as f16.
// Tiles at the diagonal are masked, and read as zeros beyond the last position that counts: what
// lies there in a page may be anything.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_NV_cooperative_matrix2 : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define LOCAL_SIZE 128
#include "lib/types.glsl"
#include "lib/rope.glsl"

layout(constant_id = K_FLASH_HEADS) const uint HEADS = 1u;
layout(constant_id = K_FLASH_KV_HEADS) const uint KV_HEADS = 1u;
layout(constant_id = K_FLASH_HEAD_DIM) const uint HEAD_DIM = 32u;
layout(constant_id = K_FLASH_SEEN) const uint SEEN = 0u;
layout(constant_id = K_FLASH_ROWS) const uint TILE_ROWS = 64u;
layout(constant_id = K_FLASH_KEYS) const uint KEYS = 64u;
layout(constant_id = K_FLASH_HALF) const uint HALF = 0u;
layout(push_constant, scalar) uniform Push { k_flash_push p; };

layout(buffer_reference, scalar, buffer_reference_align = 16) buffer Halfs { float16_t v[]; };

#define SUMS(C) coopmat<float, gl_ScopeWorkgroup, TILE_ROWS, C, gl_MatrixUseAccumulator>
#define CLAMPED tensorLayoutNV<2, gl_CooperativeMatrixClampModeConstantNV>
#define MINUS_INF uintBitsToFloat(0xff800000u)
#define PAGE_OF(T) kv_page(p.pages, p.max_pages, p.kv_offset, first.slot, T)

float greater(const in float a, const in float b)
{
    return max(a, b);
}

float added(const in float a, const in float b)
{
    return a + b;
}

float either(const in float a, const in float b)
{
    return a;
}

float greater_at(const in uint row, const in uint col, const in float a, const in float b)
{
    return max(a, b);
}

float exp2_at(const in uint row, const in uint col, const in float a)
{
    return exp2(a);
}

float weight_at(const in uint row, const in uint col, const in float a, const in float top,
                const in float scale)
{
    return exp2((a - top) * scale);
}

float inverse_at(const in uint row, const in uint col, const in float a)
{
    return 1.0 / a;
}

// Position of row 0, position of key 0.
float masked_at(const in uint row, const in uint col, const in float a, const in uint row0,
                const in uint key0)
{
    return key0 + col <= row0 + row ? a : MINUS_INF;
}

float unseen_at(const in uint row, const in uint col, const in float a, const in uint key0)
{
    return key0 + col < SEEN ? a : MINUS_INF;
}

float16_t small_at(const in uint row, const in uint col, const in float16_t a)
{
    return clamp(a, float16_t(-65504.0), float16_t(65504.0));
}

// One tile of keys: LAYOUT is of a tile of k and of v, from its first key on. Where the next page
// lies is asked for a page ahead.
#define TILE(LAYOUT, MASK)                                                                         \
    {                                                                                              \
        if (t0 % K_PAGE_TOKENS == 0u) {                                                            \
            page = next;                                                                           \
            if (t0 + K_PAGE_TOKENS < n_keys)                                                       \
                next = PAGE_OF(t0 + K_PAGE_TOKENS);                                                \
        }                                                                                          \
        uint64_t k_at = page + 2ul * HEAD_DIM * (kv_head * K_PAGE_TOKENS + t0 % K_PAGE_TOKENS);    \
        uint64_t v_at = k_at + 2ul * HEAD_DIM * KV_HEADS * K_PAGE_TOKENS;                          \
        coopmat<float16_t, gl_ScopeWorkgroup, HEAD_DIM, KEYS, gl_MatrixUseB> k;                    \
        coopMatLoadTensorNV(k, Halfs(k_at).v, 0,                                                   \
                            sliceTensorLayoutNV(LAYOUT, 0, KEYS, 0, HEAD_DIM), turned);            \
        SUMS(KEYS) s = SUMS(KEYS)(0.0);                                                            \
        s = coopMatMulAdd(q, k, s);                                                                \
        if (MASK && SEEN == 0u)                                                                    \
            coopMatPerElementNV(s, s, masked_at, first.pos + r0, t0);                              \
        if (MASK && SEEN != 0u)                                                                    \
            coopMatPerElementNV(s, s, unseen_at, t0);                                              \
        SUMS(KEYS) top, fade, part;                                                                \
        coopMatReduceNV(top, s, gl_CooperativeMatrixReduceRowNV, greater);                         \
        coopMatPerElementNV(top, top, greater_at, old_top);                                        \
        coopMatPerElementNV(s, s, weight_at, top, scale);                                          \
        fade = (old_top - top) * scale;                                                            \
        coopMatPerElementNV(fade, fade, exp2_at);                                                  \
        old_top = top;                                                                             \
        coopMatReduceNV(part, s, gl_CooperativeMatrixReduceRowNV, added);                          \
        sum = fade * sum + part;                                                                   \
        SUMS(HEAD_DIM) fades;                                                                      \
        coopMatReduceNV(fades, fade, gl_CooperativeMatrixReduceRowNV, either);                     \
        acc = fades * acc;                                                                         \
        coopmat<float16_t, gl_ScopeWorkgroup, TILE_ROWS, KEYS, gl_MatrixUseA> weights =            \
            coopmat<float16_t, gl_ScopeWorkgroup, TILE_ROWS, KEYS, gl_MatrixUseA>(s);              \
        coopmat<float16_t, gl_ScopeWorkgroup, KEYS, HEAD_DIM, gl_MatrixUseB> v;                    \
        coopMatLoadTensorNV(v, Halfs(v_at).v, 0,                                                   \
                            sliceTensorLayoutNV(LAYOUT, 0, KEYS, 0, HEAD_DIM));                    \
        acc = coopMatMulAdd(weights, v, acc);                                                      \
    }

void main()
{
    uint head = gl_WorkGroupID.y, kv_head = head / (HEADS / KV_HEADS);
    k_row first = ROWS(p.step).v[0];
    uint rows = first.slot == K_NO_SLOT ? 0u : min(Steps(p.step).v.n_rows, p.m);
    // The longest tiles begin first.
    uint r0 = (gl_NumWorkGroups.x - 1u - gl_WorkGroupID.x) * TILE_ROWS;
    if (r0 >= rows)
        return;
    uint n_keys = SEEN != 0u ? SEEN : first.pos + min(r0 + TILE_ROWS, rows);
    uint n_open = SEEN != 0u ? SEEN : first.pos + r0 + 1u; // keys that all rows see

    tensorViewNV<2, false, 1, 0> turned = createTensorViewNV(2, false, 1, 0);
    CLAMPED by_row = createTensorLayoutNV(2, gl_CooperativeMatrixClampModeConstantNV);
    by_row = setTensorLayoutDimensionNV(by_row, rows, HEAD_DIM);
    by_row = setTensorLayoutStrideNV(by_row, HEADS * HEAD_DIM, 1);
    by_row = sliceTensorLayoutNV(by_row, r0, TILE_ROWS, 0, HEAD_DIM);
    uint64_t from = (HALF != 0u ? 2ul : 4ul) * HEAD_DIM * head;

    coopmat<float16_t, gl_ScopeWorkgroup, TILE_ROWS, HEAD_DIM, gl_MatrixUseA> q;
    if (HALF != 0u) {
        coopMatLoadTensorNV(q, Halfs(p.q + from).v, 0, by_row);
    } else {
        coopmat<float, gl_ScopeWorkgroup, TILE_ROWS, HEAD_DIM, gl_MatrixUseA> q32;
        coopMatLoadTensorNV(q32, F32s(p.q + from).v, 0, by_row);
        q = coopmat<float16_t, gl_ScopeWorkgroup, TILE_ROWS, HEAD_DIM, gl_MatrixUseA>(q32);
        coopMatPerElementNV(q, q, small_at);
    }

    SUMS(KEYS) old_top = SUMS(KEYS)(MINUS_INF), sum = SUMS(KEYS)(0.0);
    SUMS(HEAD_DIM) acc = SUMS(HEAD_DIM)(0.0);

    tensorLayoutNV<2> whole = createTensorLayoutNV(2);
    whole = setTensorLayoutDimensionNV(whole, KEYS, HEAD_DIM);
    float scale = p.scale * 1.44269504; // of powers of 2
    uint64_t page, next = PAGE_OF(0u);
    uint t0 = 0u;
    for (; t0 + KEYS <= n_open; t0 += KEYS)
        TILE(whole, false)
    for (; t0 < n_keys; t0 += KEYS) {
        CLAMPED some = createTensorLayoutNV(2, gl_CooperativeMatrixClampModeConstantNV);
        some = setTensorLayoutDimensionNV(some, min(KEYS, n_keys - t0), HEAD_DIM);
        TILE(some, true)
    }

    coopMatPerElementNV(sum, sum, inverse_at);
    SUMS(HEAD_DIM) inverse;
    coopMatReduceNV(inverse, sum, gl_CooperativeMatrixReduceRowNV, either);
    acc = inverse * acc;
    if (HALF != 0u)
        coopMatStoreTensorNV(coopmat<float16_t, gl_ScopeWorkgroup, TILE_ROWS, HEAD_DIM,
                                     gl_MatrixUseAccumulator>(acc),
                             Halfs(p.dst + from).v, 0, by_row);
    else
        coopMatStoreTensorNV(acc, F32s(p.dst + from).v, 0, by_row);
}
