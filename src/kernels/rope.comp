// rope.comp - q rotated in place, k rotated and v as they are to the KV pages as f16.
//
// One workgroup a row. An invocation takes pairs of dimensions: the heads of q, then those of k,
// then those of v. Dimensions at or beyond ROT are paired with their neighbours and not turned.
#include "lib/types.glsl"
#include "lib/math.glsl"
#include "lib/rope.glsl"

layout(constant_id = K_ROPE_HEADS) const uint HEADS = 1;
layout(constant_id = K_ROPE_KV_HEADS) const uint KV_HEADS = 1;
layout(constant_id = K_ROPE_HEAD_DIM) const uint HEAD_DIM = 8;
layout(constant_id = K_ROPE_ROT) const uint ROT = 0;
layout(constant_id = K_ROPE_NEOX) const uint NEOX = 0;
layout(push_constant, scalar) uniform Push { k_rope_push p; };

const uint PAIRS = HEAD_DIM / 2;

// The dimensions of pair i of a head.
uvec2 dims(uint i)
{
    if (NEOX == 1 && i < ROT / 2)
        return uvec2(i, i + ROT / 2);
    return uvec2(2 * i, 2 * i + 1);
}

vec2 turn(vec2 x, uint i, uint pos)
{
    if (i >= ROT / 2)
        return x;
    vec2 t = F32x2s(p.rope + 8 * (uint64_t(pos) * (ROT / 2) + i)).v[0];
    return rope_turn(x.x, x.y, t);
}

vec2 load(uint64_t x, uint64_t head, uvec2 d)
{
    uint64_t at = x + 4 * (head * HEAD_DIM);
    return vec2(F32s(at + 4 * d.x).v[0], F32s(at + 4 * d.y).v[0]);
}

void append(uint64_t at, uvec2 d, vec2 x)
{
    U16s(at + 2 * d.x).v[0] = uint16_t(m_half_bits(x.x));
    U16s(at + 2 * d.y).v[0] = uint16_t(m_half_bits(x.y));
}

void main()
{
    uint row = gl_WorkGroupID.x;
    k_row r = ROWS(p.step).v[row];
    if (row >= Steps(p.step).v.n_rows || r.slot == K_NO_SLOT)
        return;

    for (uint i = TID; i < HEADS * PAIRS; i += K_GROUP) {
        uint64_t head = uint64_t(row) * HEADS + i / PAIRS;
        uvec2 d = dims(i % PAIRS);
        if (i % PAIRS < ROT / 2) {
            vec2 x = turn(load(p.q, head, d), i % PAIRS, r.pos);
            F32s(p.q + 4 * (head * HEAD_DIM + d.x)).v[0] = x.x;
            F32s(p.q + 4 * (head * HEAD_DIM + d.y)).v[0] = x.y;
        }
    }

    uint64_t k_page = kv_page(p.pages, p.max_pages, p.kv_offset, r.slot, r.pos);
    uint64_t v_page = k_page + 2ul * KV_HEADS * K_PAGE_TOKENS * HEAD_DIM;
    for (uint i = TID; i < KV_HEADS * PAIRS; i += K_GROUP) {
        uint head = i / PAIRS;
        uint64_t from = uint64_t(row) * KV_HEADS + head;
        uint64_t to = 2 * HEAD_DIM * (head * K_PAGE_TOKENS + r.pos % K_PAGE_TOKENS);
        uvec2 d = dims(i % PAIRS);
        append(k_page + to, d, turn(load(p.k, from, d), i % PAIRS, r.pos));
        append(v_page + to, d, load(p.v, from, d));
    }
}
