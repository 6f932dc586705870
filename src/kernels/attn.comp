// attn.comp - attention of single tokens over paged keys and values (flash decoding): see
// k_attn_push.
//
// One workgroup a (chunk of 256 positions, group of query heads that share a KV head, row of the
// step). A position's key is read by a team of LT invocations, 16 bytes each; the scores of all
// heads of the group go to shared memory; then the same teams add up the values. The order of
// additions depends on the head size and the position alone. The workgroup that arrives last
// for its (row, group) adds the chunks in order of position.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(push_constant, scalar) uniform Push { k_attn_push p; };

layout(constant_id = K_ATTN_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_ATTN_HEADS) const uint HEADS = 1u;
layout(constant_id = K_ATTN_KV_HEADS) const uint KV_HEADS = 1u;
layout(constant_id = K_ATTN_HEAD_DIM) const uint HEAD_DIM = 8u;
layout(constant_id = K_ATTN_GROUP) const uint GROUP = 1u;

#define REDUCE_SUBGROUP SUBGROUP
const uint REDUCE_MAX = GROUP;
#include "lib/reduce.glsl"
#include "lib/rope.glsl"

REDUCE_ADD_DEFINE(reduce_group, GROUP)
REDUCE_MAX_DEFINE(largest_of_group, GROUP)

// 16-byte pieces of a head, and the invocations that share a position: the next power of two.
const uint PIECES = HEAD_DIM / 8u;
const uint LT = PIECES <= 1u ? 1u : PIECES <= 2u ? 2u : PIECES <= 4u ? 4u
              : PIECES <= 8u ? 8u : PIECES <= 16u ? 16u : 32u;
const uint TEAMS = 256u / LT;
const uint AHEAD = LT < 8u ? LT : 8u; // pieces that an invocation asks for before it takes one

// After the shuffles of the value sums, this many sets of partial sums are left; shared memory
// holds those of SOME heads at a time, of which each invocation adds up one element.
const uint SET = LT > SUBGROUP ? LT : SUBGROUP;
const uint SETS = 256u / SET;
const uint FIT = SETS > 8u ? 2048u / (SETS * HEAD_DIM) : 256u / HEAD_DIM;
const uint SOME = FIT < 1u ? 1u : FIT > GROUP ? GROUP : FIT;

shared float score[GROUP * 256u];
shared float sums[SOME * SETS * HEAD_DIM];
shared float tops[GROUP], totals[GROUP]; // largest scores, sums of weights
shared uint last;

layout(buffer_reference, scalar, buffer_reference_align = 4) coherent buffer Parts { float v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) coherent buffer Count { uint v; };

const uint PART = HEAD_DIM + 2u; // max, sum, values

// Of this invocation: sums of values by head and element of its piece.
float acc[GROUP * 8u];

float half_of(uvec4 u, uint i)
{
    vec2 h = m_half2(u[i / 2u]);
    return i % 2u == 0u ? h.x : h.y;
}

// Pieces `turn`, turn + 1 ... of a head's n positions that are this invocation's.
void pieces(uint64_t from, uint n, uint turn, out uvec4 v[AHEAD])
{
    const uint team = TID / LT, lane = TID % LT;
    [[unroll]] for (uint i = 0u; i < AHEAD; i++) {
        uint t = (turn + i) * TEAMS + team;
        v[i] = uvec4(0u);
        if (t < n && lane < PIECES)
            v[i] = U32x4s(from).v[t * PIECES + lane];
    }
}

// Scores of this chunk's positions, for each head of the group, to shared memory.
void scores(uint64_t keys, uint64_t q, uint n)
{
    const uint team = TID / LT, lane = TID % LT;
    float qr[GROUP * 8u];
    [[unroll]] for (uint g = 0u; g < GROUP; g++) {
        [[unroll]] for (uint j = 0u; j < 2u; j++) {
            vec4 v = lane < PIECES ? F32x4s(q + g * (HEAD_DIM * 4u)).v[lane * 2u + j] : vec4(0.0);
            [[unroll]] for (uint i = 0u; i < 4u; i++)
                qr[g * 8u + j * 4u + i] = v[i];
        }
    }
    for (uint turn = 0u; turn < LT; turn += AHEAD) {
        uvec4 k[AHEAD];
        pieces(keys, n, turn, k);
        [[unroll]] for (uint a = 0u; a < AHEAD; a++) {
            uint t = (turn + a) * TEAMS + team;
            float s[GROUP];
            [[unroll]] for (uint g = 0u; g < GROUP; g++) {
                precise float d = 0.0;
                [[unroll]] for (uint i = 0u; i < 8u; i++)
                    d = fma(qr[g * 8u + i], half_of(k[a], i), d);
                s[g] = d;
            }
            reduce_group(s, LT);
            if (lane == 0u) {
                [[unroll]] for (uint g = 0u; g < GROUP; g++) {
                    precise float v = s[g] * p.scale;
                    score[g * 256u + t] = t < n ? v : uintBitsToFloat(0xff800000u);
                }
            }
        }
    }
    barrier();
}

// Turns scores into weights e^(s - max), and keeps max and sum of each head.
void weights(uint n)
{
    float top[GROUP], sum[GROUP];
    [[unroll]] for (uint g = 0u; g < GROUP; g++)
        top[g] = score[g * 256u + TID];
    largest_of_group(top, 256u);
    [[unroll]] for (uint g = 0u; g < GROUP; g++) {
        sum[g] = TID < n ? m_exp(score[g * 256u + TID] - top[g]) : 0.0;
        score[g * 256u + TID] = sum[g];
    }
    reduce_group(sum, 256u);
    if (TID == 0u) {
        [[unroll]] for (uint g = 0u; g < GROUP; g++) {
            tops[g] = top[g];
            totals[g] = sum[g];
        }
    }
    barrier();
}

// Adds v, pieces `turn` ... of values, with the weights in shared memory.
void add_values(uvec4 v[AHEAD], uint turn, uint n)
{
    [[unroll]] for (uint a = 0u; a < AHEAD; a++) {
        uint t = (turn + a) * TEAMS + TID / LT;
        if (t < n) {
            [[unroll]] for (uint g = 0u; g < GROUP; g++) {
                float w = score[g * 256u + t];
                [[unroll]] for (uint i = 0u; i < 8u; i++) {
                    precise float y = fma(w, half_of(v[a], i), acc[g * 8u + i]);
                    acc[g * 8u + i] = y;
                }
            }
        }
    }
}

// Head g's part of the invocation's sums, added inside the subgroup, to its place among SOME.
void share_sums(uint g)
{
    const uint lane = TID % LT;
    [[unroll]] for (uint i = 0u; i < 8u; i++) {
        precise float v = acc[g * 8u + i];
        [[unroll]] for (uint k = LT; k < SUBGROUP; k <<= 1) {
            precise float other = subgroupShuffleXor(v, k);
            v = v + other;
        }
        if (TID % SET < LT && lane < PIECES)
            sums[(g % SOME * SETS + TID / SET) * HEAD_DIM + lane * 8u + i] = v;
    }
}

// Element d of head g: what the sets add up to.
float add_sets(uint g, uint d)
{
    precise float t[SETS];
    [[unroll]] for (uint i = 0u; i < SETS; i++)
        t[i] = sums[(g % SOME * SETS + i) * HEAD_DIM + d];
    // Pairs, then pairs of pairs; loops whose ends do not depend on each other are unrolled.
    [[unroll]] for (uint s = 1u; s < SETS; s <<= 1) {
        [[unroll]] for (uint i = 0u; i < SETS / 2u; i++) {
            if (2u * s * i + s < SETS)
                t[2u * s * i] = t[2u * s * i] + t[2u * s * i + s];
        }
    }
    return t[0];
}

// Element d of head g of the group, of this chunk: to the output if it is the only one.
void finish(uint g, uint d, uint chunk, uint chunks, uint64_t parts, uint64_t dst)
{
    float y = add_sets(g, d);
    if (chunks == 1u) {
        F32s(dst).v[g * HEAD_DIM + d] = m_div(y, totals[g]);
        return;
    }
    uint64_t part = parts + (g * p.splits + chunk) * (PART * 4u);
    Parts(part).v[2u + d] = y;
    if (d == 0u) {
        Parts(part).v[0] = tops[g];
        Parts(part).v[1] = totals[g];
    }
}

// Adds the chunks' partial results of a head in order: element d of its output.
float combine(uint64_t parts, uint chunks, uint d)
{
    precise float largest = Parts(parts).v[0];
    for (uint s = 1u; s < chunks; s++)
        largest = max(largest, Parts(parts).v[s * PART]);
    precise float all = 0.0;
    precise float v = 0.0;
    for (uint s = 0u; s < chunks; s++) {
        float w = m_exp(Parts(parts).v[s * PART] - largest);
        all = fma(Parts(parts).v[s * PART + 1u], w, all);
        v = fma(Parts(parts).v[s * PART + 2u + d], w, v);
    }
    return m_div(v, all);
}

void attend(uint chunk, uint chunks, uint group, uint b, k_row row)
{
    const uint groups = HEADS / GROUP;
    uint n = min(row.pos + 1u - chunk * K_PAGE_TOKENS, K_PAGE_TOKENS);
    uint head = group * GROUP, kv_head = head / (HEADS / KV_HEADS);
    uint64_t q = p.q + uint64_t(b * HEADS + head) * (HEAD_DIM * 4u);
    uint64_t dst = p.dst + uint64_t(b * HEADS + head) * (HEAD_DIM * 4u);
    uint64_t page = kv_page(p.pages, p.max_pages, p.kv_offset, row.slot, chunk * K_PAGE_TOKENS);
    const uint head_bytes = K_PAGE_TOKENS * HEAD_DIM * 2u;
    uint64_t keys = page + kv_head * head_bytes;
    uint64_t vals = page + (KV_HEADS + kv_head) * head_bytes;

    uvec4 v[AHEAD];
    scores(keys, q, n);
    pieces(vals, n, 0u, v); // on their way during the softmax
    weights(n);
    [[unroll]] for (uint i = 0u; i < GROUP * 8u; i++)
        acc[i] = 0.0;
    add_values(v, 0u, n);
    for (uint turn = AHEAD; turn < LT; turn += AHEAD) {
        pieces(vals, n, turn, v);
        add_values(v, turn, n);
    }

    uint64_t parts = p.part + uint64_t(b * HEADS + head) * p.splits * (PART * 4u);
    [[unroll]] for (uint first = 0u; first < GROUP; first += SOME) {
        [[unroll]] for (uint j = 0u; j < SOME; j++) {
            if (first + j < GROUP)
                share_sums(first + j);
        }
        barrier();
        if (TID < SOME * HEAD_DIM && first + TID / HEAD_DIM < GROUP)
            finish(first + TID / HEAD_DIM, TID % HEAD_DIM, chunk, chunks, parts, dst);
        if (first + SOME < GROUP)
            barrier();
    }
    if (chunks == 1u)
        return;
    memoryBarrierBuffer();
    barrier();
    Count count = Count(p.counter + (b * groups + group) * 4u);
    if (TID == 0u) {
        last = atomicAdd(count.v, 1u) == chunks - 1u ? 1u : 0u;
        if (last != 0u)
            count.v = 0u;
    }
    barrier();
    if (last == 0u)
        return;
    memoryBarrierBuffer();
    for (uint i = TID; i < GROUP * HEAD_DIM; i += 256u) {
        uint64_t of_head = parts + i / HEAD_DIM * p.splits * (PART * 4u);
        F32s(dst).v[i] = combine(of_head, chunks, i % HEAD_DIM);
    }
}

void main()
{
    const uint chunk = gl_WorkGroupID.x, b = gl_WorkGroupID.z;
    k_row row = ROWS(p.step).v[b];
    uint chunks = row.pos / K_PAGE_TOKENS + 1u;
    if (b < Steps(p.step).v.n_rows && row.slot != K_NO_SLOT && chunk < chunks)
        attend(chunk, chunks, gl_WorkGroupID.y, b, row);
}
