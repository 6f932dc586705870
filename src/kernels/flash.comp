// flash.comp - attention of many rows of one sequence over its KV pages, in one pass.
//
// The query heads that share a KV head are packed: query i of a KV head is head i % GROUP of row
// i / GROUP. A workgroup takes 64 such queries and walks over the keys, 64 at a time from position
// 0 on, with a running maximum and sum for each query (online softmax). An invocation (tx, ty)
// holds queries 4 ty .. 4 ty + 3, of the scores those with keys 4 tx .. 4 tx + 3, and of the
// result dimensions 4 tx .. 4 tx + 3 of every 64.
//
// What a query gets depends on what it sees alone: keys beyond that add exact zeros, so neither
// the cut of a prompt into chunks nor the neighbours in a tile change a bit. Values are read up
// to the tile's last position only; what lies beyond in a page may be anything.
#include "lib/types.glsl"
#include "lib/math.glsl"
#include "lib/rope.glsl"

layout(constant_id = K_FLASH_HEADS) const uint HEADS = 1;
layout(constant_id = K_FLASH_KV_HEADS) const uint KV_HEADS = 1;
layout(constant_id = K_FLASH_HEAD_DIM) const uint HEAD_DIM = 8;
layout(constant_id = K_FLASH_SEEN) const uint SEEN = 0;
layout(push_constant, scalar) uniform Push { k_flash_push p; };

const uint GROUP = HEADS / KV_HEADS;
const uint TILE = 64;  // queries, and keys
const uint SLICE = 32; // dimensions of q and k in shared memory at a time
const uint PARTS = (HEAD_DIM + 63) / 64;

// By turns: a slice of q and of k, [dimension][query or key]; maxima, [tx][query]; the
// probabilities, [key][query] with the query's upper bits turned by the key (at()).
shared float s[TILE * TILE];

const uint K_AT = SLICE * TILE;
#define MINUS_INF uintBitsToFloat(0xff800000u)

// Where the probabilities of key `key` for queries 4 ty .. 4 ty + 3 begin. Without the turn all
// writers of a wave would meet in one bank.
uint at(uint key, uint ty)
{
    return key * TILE + ((ty ^ (key >> 2)) & 15) * 4;
}

vec4 take4(uint i)
{
    return vec4(s[i], s[i + 1], s[i + 2], s[i + 3]);
}

// 8 dimensions of one query and of one key, a quarter of the slice.
void stage(uint64_t q, bool query_there, uint64_t k, bool key_there, uint d0)
{
    uint i = TID % TILE, part = TID / TILE, d = d0 + 8 * part;
    vec4 q0 = vec4(0), q1 = vec4(0);
    vec4 k0 = vec4(0), k1 = vec4(0);
    if (query_there && d < HEAD_DIM) {
        q0 = F32x4s(q + 4 * d).v[0];
        q1 = F32x4s(q + 4 * d + 16).v[0];
    }
    if (key_there && d < HEAD_DIM) {
        uvec4 h = U32x4s(k + 2 * d).v[0];
        k0 = vec4(m_half2(h.x), m_half2(h.y));
        k1 = vec4(m_half2(h.z), m_half2(h.w));
    }
    [[unroll]] for (uint j = 0; j < 4; j++) {
        s[(8 * part + j) * TILE + i] = q0[j];
        s[(8 * part + 4 + j) * TILE + i] = q1[j];
        s[K_AT + (8 * part + j) * TILE + i] = k0[j];
        s[K_AT + (8 * part + 4 + j) * TILE + i] = k1[j];
    }
}

void main()
{
    uint tx = TID % 16, ty = TID / 16;
    uint kv_head = gl_WorkGroupID.y;
    k_row first = ROWS(p.step).v[0];
    uint rows = first.slot == K_NO_SLOT ? 0 : min(Steps(p.step).v.n_rows, p.m);
    // The longest tiles begin first.
    uint queries = rows * GROUP, q0 = (gl_NumWorkGroups.x - 1 - gl_WorkGroupID.x) * TILE;

    // Nothing to do for a tile beyond the rows: no keys.
    uint last_row = (min(q0 + TILE, queries) - 1) / GROUP;
    uint n_keys = q0 >= queries ? 0 : SEEN != 0 ? SEEN : first.pos + last_row + 1;

    // The query this invocation stages, and the positions of the four it computes.
    uint sq = q0 + TID % TILE;
    uint64_t q = p.q + 4ul * HEAD_DIM *
        (uint64_t(sq / GROUP) * HEADS + kv_head * GROUP + sq % GROUP);
    uvec4 pos = first.pos + (q0 + 4 * ty + uvec4(0, 1, 2, 3)) / GROUP;
    if (SEEN != 0)
        pos = uvec4(SEEN - 1);

    vec4 top = vec4(MINUS_INF);
    precise vec4 sum = vec4(0);
    precise vec4 acc[PARTS][4]; // [part of the head][query]
    for (uint g = 0; g < PARTS; g++)
        for (uint i = 0; i < 4; i++)
            acc[g][i] = vec4(0);

    for (uint t0 = 0; t0 < n_keys; t0 += TILE) {
        uint64_t page = kv_page(p.pages, p.max_pages, p.kv_offset, first.slot, t0);
        uint in_page = kv_head * K_PAGE_TOKENS + t0 % K_PAGE_TOKENS;
        uint64_t k = page + 2ul * HEAD_DIM * (in_page + TID % TILE);
        uint64_t v = page + 2ul * HEAD_DIM * (KV_HEADS * K_PAGE_TOKENS + in_page);
        uint keys = min(TILE, n_keys - t0);

        precise vec4 score[4]; // [query][key]
        for (uint i = 0; i < 4; i++)
            score[i] = vec4(0);
        for (uint d0 = 0; d0 < HEAD_DIM; d0 += SLICE) {
            stage(q, sq < queries, k, TID % TILE < keys, d0);
            barrier();
            for (uint d = 0; d < min(SLICE, HEAD_DIM - d0); d++) {
                vec4 x = take4(d * TILE + 4 * ty), y = take4(K_AT + d * TILE + 4 * tx);
                [[unroll]] for (uint i = 0; i < 4; i++)
                    score[i] = fma(vec4(x[i]), y, score[i]);
            }
            barrier();
        }

        // The maximum over the tile, through shared memory: maxima have no order.
        bvec4 seen[4];
        [[unroll]] for (uint i = 0; i < 4; i++) {
            seen[i] = lessThanEqual(t0 + 4 * tx + uvec4(0, 1, 2, 3), uvec4(pos[i]));
            score[i] = mix(vec4(MINUS_INF), score[i] * p.scale, seen[i]);
            vec2 two = max(score[i].xy, score[i].zw);
            s[tx * TILE + 4 * ty + i] = max(two.x, two.y);
        }
        barrier();
        vec4 new_top = top;
        for (uint x = 0; x < 16; x++)
            new_top = max(new_top, take4(x * TILE + 4 * ty));
        barrier();

        [[unroll]] for (uint j = 0; j < 4; j++)
            [[unroll]] for (uint i = 0; i < 4; i++)
                s[at(4 * tx + j, ty) + i] = seen[i][j] ? m_exp(score[i][j] - new_top[i]) : 0.0;
        barrier();

        vec4 fade;
        [[unroll]] for (uint i = 0; i < 4; i++)
            fade[i] = top[i] == new_top[i] ? 1.0 : m_exp(top[i] - new_top[i]);
        top = new_top;
        sum *= fade;
        [[unroll]] for (uint g = 0; g < PARTS; g++)
            [[unroll]] for (uint i = 0; i < 4; i++)
                acc[g][i] *= fade[i];
        for (uint key = 0; key < keys; key++) {
            vec4 w = take4(at(key, ty));
            sum += w;
            [[unroll]] for (uint g = 0; g < PARTS; g++) {
                uint d = 64 * g + 4 * tx;
                if (d < HEAD_DIM) {
                    uvec2 h = U32x2s(v + 2 * (key * HEAD_DIM + d)).v[0];
                    vec4 x = vec4(m_half2(h.x), m_half2(h.y));
                    [[unroll]] for (uint i = 0; i < 4; i++)
                        acc[g][i] = fma(vec4(w[i]), x, acc[g][i]);
                }
            }
        }
        barrier();
    }

    for (uint i = 0; i < 4; i++) {
        uint query = q0 + 4 * ty + i;
        if (query >= queries)
            continue;
        float inv = m_rcp(sum[i]);
        uint64_t dst = p.dst + 4ul * HEAD_DIM *
            (uint64_t(query / GROUP) * HEADS + kv_head * GROUP + query % GROUP);
        for (uint g = 0; g < PARTS; g++)
            if (64 * g + 4 * tx < HEAD_DIM)
                F32x4s(dst + 4 * (64 * g + 4 * tx)).v[0] = acc[g][i] * inv;
    }
}
