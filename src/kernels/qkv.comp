// qkv.comp - query, key and value projections, bias, RoPE, and the append to the KV pages: see
// k_qkv_push. A pair of rows is a pair that RoPE turns; pairs are numbered q, then k, then v.
#include "lib/types.glsl"
#include "lib/math.glsl"
#ifdef DOT
#include "lib/dots.glsl"
#else
#include "lib/pairs.glsl"
#endif
#include "lib/rope.glsl"

layout(push_constant, scalar) uniform Push { k_qkv_push p; };

layout(constant_id = K_QKV_TYPE_Q) const uint TYPE_Q = 0u;
layout(constant_id = K_QKV_TYPE_K) const uint TYPE_K = 0u;
layout(constant_id = K_QKV_TYPE_V) const uint TYPE_V = 0u;
layout(constant_id = K_QKV_HEADS) const uint HEADS = 1u;
layout(constant_id = K_QKV_KV_HEADS) const uint KV_HEADS = 1u;
layout(constant_id = K_QKV_HEAD_DIM) const uint HEAD_DIM = 8u;
layout(constant_id = K_QKV_ROT) const uint ROT = 8u;
layout(constant_id = K_QKV_NEOX) const uint NEOX = 0u;

const uint ROWS_Q = HEADS * HEAD_DIM, ROWS_KV = KV_HEADS * HEAD_DIM;
const uint END_Q = ROWS_Q / 2u, END_K = END_Q + ROWS_KV / 2u, END_V = END_K + ROWS_KV / 2u;

uint64_t pair_x(uint b)
{
#ifdef DOT
    if (B > 1u)
        return round8_row(p.x, K, b);
#endif
    return p.x + uint64_t(b) * (K * 4u);
}

uint64_t pair_norm_w()
{
    return p.norm_w;
}

uint64_t pair_norm_b()
{
    return p.norm_b;
}

float pair_eps()
{
    return p.eps;
}

// The two rows (inside its matrix) of a pair, and which pair of the head it is.
uvec2 rows_of(uint pair, bool rotated)
{
    uint head = pair / (HEAD_DIM / 2u), i = pair % (HEAD_DIM / 2u);
    uint first = head * HEAD_DIM;
    if (rotated && NEOX != 0u && i < ROT / 2u)
        return first + uvec2(i, i + ROT / 2u);
    return first + uvec2(2u * i, 2u * i + 1u);
}

void pair_at(uint pair, out uint64_t w0, out uint n0, out uint row0, out uint64_t w1, out uint n1,
             out uint row1)
{
    uvec2 rows;
    if (pair < END_Q) {
        rows = rows_of(pair, true);
        w0 = p.wq;
        n0 = ROWS_Q;
    } else if (pair < END_K) {
        rows = rows_of(pair - END_Q, true);
        w0 = p.wk;
        n0 = ROWS_KV;
    } else {
        rows = rows_of(pair - END_K, false);
        w0 = p.wv;
        n0 = ROWS_KV;
    }
    w1 = w0;
    n1 = n0;
    row0 = rows.x;
    row1 = rows.y;
}

// What a store needs besides the sums, asked for before they are known.
k_row row;
bool used;
uint64_t page;
vec2 early_bias, early_turn;

void pair_once(uint b)
{
    row = ROWS(p.step).v[b];
    used = b < Steps(p.step).v.n_rows && row.slot != K_NO_SLOT;
    if (!used)
        row.slot = row.pos = 0u;
    page = kv_page(p.pages, p.max_pages, p.kv_offset, row.slot, row.pos);
}

// Which matrix a pair is of (0 q, 1 k, 2 v), and its number there.
uvec2 part_of(uint pair)
{
    return pair < END_Q ? uvec2(0u, pair)
         : pair < END_K ? uvec2(1u, pair - END_Q) : uvec2(2u, pair - END_K);
}

bool turned(uvec2 part)
{
    return used && part.x != 2u && part.y % (HEAD_DIM / 2u) < ROT / 2u;
}

void pair_early(uint pair, uint b)
{
    uvec2 part = part_of(pair), rows = rows_of(part.y, part.x != 2u);
    uint64_t bias = part.x == 0u ? p.bq : part.x == 1u ? p.bk : p.bv;
    // lavapipe reads an address that all invocations share even where the branch is not taken.
    F32s from = F32s(bias != 0u ? bias : part.x == 0u ? p.wq : part.x == 1u ? p.wk : p.wv);
    early_bias = vec2(from.v[rows.x], from.v[rows.y]);
    if (bias == 0u)
        early_bias = vec2(0.0);
    if (turned(part))
        early_turn = F32x2s(p.rope + uint64_t(row.pos) * (ROT * 4u)).v[part.y % (HEAD_DIM / 2u)];
}

void pair_store(uint pair, uint b, float d0, float d1)
{
    uvec2 part = part_of(pair), rows = rows_of(part.y, part.x != 2u);
    precise vec2 y = vec2(d0, d1) + early_bias;
    if (turned(part))
        y = rope_turn(y.x, y.y, early_turn);
    if (part.x == 0u) {
        F32s dst = F32s(p.dst + uint64_t(b) * (ROWS_Q * 4u));
        dst.v[rows.x] = y.x;
        dst.v[rows.y] = y.y;
    } else if (used) {
        uint head = part.y / (HEAD_DIM / 2u) + (part.x == 2u ? KV_HEADS : 0u);
        uint at = (head * K_PAGE_TOKENS + row.pos % K_PAGE_TOKENS) * HEAD_DIM;
        U16s dst = U16s(page);
        dst.v[at + rows.x % HEAD_DIM] = uint16_t(m_half_bits(y.x));
        dst.v[at + rows.y % HEAD_DIM] = uint16_t(m_half_bits(y.y));
    }
}

// Neighbouring parts of one type run as one; a part that joined the one before is empty.
const uint END_1 = TYPE_K != TYPE_Q ? END_Q : TYPE_V != TYPE_Q ? END_K : END_V;
const uint END_2 = TYPE_V == TYPE_K ? END_V : END_K;

#define PT TYPE_Q
PAIRS_DEFINE(run_1)
#undef PT
#define PT TYPE_K
PAIRS_DEFINE(run_2)
#undef PT
#define PT TYPE_V
PAIRS_DEFINE(run_3)

void main()
{
    uint tile = gl_WorkGroupID.x;
    const uint tiles_1 = pairs_tiles(END_1);
    const uint tiles_2 = tiles_1 + pairs_tiles(max(END_2, END_1) - END_1);
    const uint tiles_3 = tiles_2 + pairs_tiles(END_V - max(END_2, END_1));
    run_1(tile, 0u, tiles_1, 0u, END_1);
    if (tiles_2 > tiles_1)
        run_2(tile, tiles_1, tiles_2, END_1, END_2);
    if (tiles_3 > tiles_2)
        run_3(tile, tiles_2, tiles_3, max(END_2, END_1), END_V);
}
