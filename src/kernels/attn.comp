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

// 16-byte pieces of a head, and the invocations that share a position: the next power of two.
const uint PIECES = HEAD_DIM / 8u;
const uint LT = PIECES <= 1u ? 1u : PIECES <= 2u ? 2u : PIECES <= 4u ? 4u
              : PIECES <= 8u ? 8u : PIECES <= 16u ? 16u : 32u;
const uint TEAMS = 256u / LT;

// After the shuffles of the value sums, this many sets of partial sums are left.
const uint SET = LT > SUBGROUP ? LT : SUBGROUP;
const uint SETS = 256u / SET;

shared float score[GROUP * 256u];
shared float sums[SETS * HEAD_DIM];
shared uint last;

layout(buffer_reference, scalar, buffer_reference_align = 4) coherent buffer Parts { float v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) coherent buffer Count { uint v; };

const uint PART = HEAD_DIM + 2u; // max, sum, values

// Of this invocation: sums of values by head and element of its piece; maxima and sums of weights.
float acc[GROUP * 8u], top[GROUP], sum[GROUP];

float half_of(uvec4 u, uint i)
{
    vec2 h = m_half2(u[i / 2u]);
    return i % 2u == 0u ? h.x : h.y;
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
    for (uint turn = 0u; turn < LT; turn++) {
        uint t = turn * TEAMS + team;
        uvec4 k = uvec4(0u);
        if (t < n && lane < PIECES)
            k = U32x4s(keys).v[t * PIECES + lane];
        float s[GROUP];
        [[unroll]] for (uint g = 0u; g < GROUP; g++) {
            precise float d = 0.0;
            [[unroll]] for (uint i = 0u; i < 8u; i++)
                d = fma(qr[g * 8u + i], half_of(k, i), d);
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
    barrier();
}

// Turns scores into weights e^(s - max); gives max and sum of each head to all invocations.
void weights(uint n)
{
    [[unroll]] for (uint g = 0u; g < GROUP; g++)
        top[g] = reduce_max(score[g * 256u + TID], 256u);
    [[unroll]] for (uint g = 0u; g < GROUP; g++) {
        sum[g] = TID < n ? m_exp(score[g * 256u + TID] - top[g]) : 0.0;
        score[g * 256u + TID] = sum[g];
    }
    reduce_group(sum, 256u);
    barrier();
}

// Adds up the values of head g, with the weights in shared memory; element d of the head goes to
// the invocation d < HEAD_DIM.
float values(uint g)
{
    const uint lane = TID % LT;
    [[unroll]] for (uint i = 0u; i < 8u; i++) {
        precise float v = acc[g * 8u + i];
        [[unroll]] for (uint k = LT; k < SUBGROUP; k <<= 1) {
            precise float other = subgroupShuffleXor(v, k);
            v = v + other;
        }
        if (TID % SET < LT && lane < PIECES)
            sums[TID / SET * HEAD_DIM + lane * 8u + i] = v;
    }
    barrier();
    precise float t[SETS];
    if (TID < HEAD_DIM) {
        [[unroll]] for (uint i = 0u; i < SETS; i++)
            t[i] = sums[i * HEAD_DIM + TID];
        [[unroll]] for (uint s = 1u; s < SETS; s <<= 1)
            [[unroll]] for (uint i = 0u; i < SETS; i += 2u * s)
                t[i] = t[i] + t[i + s];
    }
    const uint first = 0u;
    barrier();
    return t[first];
}

// Adds the chunks' partial results of head `head` in order and writes the head's output.
void combine(uint64_t parts, uint chunks, uint64_t dst)
{
    if (TID >= HEAD_DIM)
        return;
    precise float largest = Parts(parts).v[0];
    for (uint s = 1u; s < chunks; s++)
        largest = max(largest, Parts(parts).v[s * PART]);
    precise float all = 0.0;
    precise float v = 0.0;
    for (uint s = 0u; s < chunks; s++) {
        float w = m_exp(Parts(parts).v[s * PART] - largest);
        all = fma(Parts(parts).v[s * PART + 1u], w, all);
        v = fma(Parts(parts).v[s * PART + 2u + TID], w, v);
    }
    F32s(dst).v[TID] = m_div(v, all);
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

    scores(keys, q, n);
    weights(n);

    const uint team = TID / LT, lane = TID % LT;
    [[unroll]] for (uint i = 0u; i < GROUP * 8u; i++)
        acc[i] = 0.0;
    for (uint t = team; t < n; t += TEAMS) {
        uvec4 v = lane < PIECES ? U32x4s(vals).v[t * PIECES + lane] : uvec4(0u);
        [[unroll]] for (uint g = 0u; g < GROUP; g++) {
            float w = score[g * 256u + t];
            [[unroll]] for (uint i = 0u; i < 8u; i++) {
                precise float a = fma(w, half_of(v, i), acc[g * 8u + i]);
                acc[g * 8u + i] = a;
            }
        }
    }

    uint64_t parts = p.part + uint64_t(b * HEADS + head) * p.splits * (PART * 4u);
    [[unroll]] for (uint g = 0u; g < GROUP; g++) {
        float v = values(g);
        uint64_t part = parts + (g * p.splits + chunk) * (PART * 4u);
        if (chunks == 1u) {
            if (TID < HEAD_DIM)
                F32s(dst).v[g * HEAD_DIM + TID] = m_div(v, sum[g]);
        } else {
            if (TID < HEAD_DIM)
                Parts(part).v[2u + TID] = v;
            if (TID == 0u) {
                Parts(part).v[0] = top[g];
                Parts(part).v[1] = sum[g];
            }
        }
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
    [[unroll]] for (uint g = 0u; g < GROUP; g++)
        combine(parts + g * p.splits * (PART * 4u), chunks, dst + g * (HEAD_DIM * 4u));
}

void main()
{
    const uint chunk = gl_WorkGroupID.x, b = gl_WorkGroupID.z;
    k_row row = ROWS(p.step).v[b];
    uint chunks = row.pos / K_PAGE_TOKENS + 1u;
    if (b < Steps(p.step).v.n_rows && row.slot != K_NO_SLOT && chunk < chunks)
        attend(chunk, chunks, gl_WorkGroupID.y, b, row);
}
