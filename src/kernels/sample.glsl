// sample.glsl - what the three dispatches of the sampler share; see k_sample_push in params.h.
//
// Everything that is added up is an integer, so sums may be taken in any order, by atomics too.
#include "lib/types.glsl"

layout(push_constant, scalar) uniform Push { k_sample_push p; };
layout(constant_id = K_SAMPLE_GREEDY) const uint GREEDY = 0u;

layout(buffer_reference, scalar, buffer_reference_align = 16) coherent buffer Parts
{
    k_sample_part v;
};
// What more than one invocation of a dispatch reads or writes.
layout(buffer_reference, scalar, buffer_reference_align = 4) coherent buffer Shared
{
    uint v[];
};

#include "lib/math.glsl"

const uint ID_BITS = 19u;
const uint ID_MASK = (1u << ID_BITS) - 1u;

uint row_index() { return gl_WorkGroupID.y; }
uint slice() { return gl_WorkGroupID.x; }
Parts part_of(uint j) { return Parts(p.part + uint64_t(j) * p.part_bytes); }
Shared list_of(uint j) { return Shared(p.part + uint64_t(j) * p.part_bytes + K_SAMPLE_PART_BYTES); }
Shared counters_of(uint j) { return Shared(p.counter + uint64_t(j) * K_SAMPLE_COUNTERS * 4u); }
Shared logits_of(uint j) { return Shared(p.logits + uint64_t(j) * p.vocab * 4u); }
Seqs seq_of(k_row row) { return Seqs(p.seqs + uint64_t(row.slot) * K_SEQ_BYTES); }

const uint HUGE_BITS = 0x7149f2cau; // 1e30

// Only normal numbers within +-1e30 and +0 leave here, whatever the bits say; NaN as -1e30.
uint clean(uint bits)
{
    uint size = bits & 0x7fffffffu;
    if (size < 0x00800000u)
        return 0u;
    if (size > 0x7f800000u)
        return HUGE_BITS | 0x80000000u;
    return (bits & 0x80000000u) | min(size, HUGE_BITS);
}

// Orders clean logits as unsigned numbers; with the id, an order without ties: low ids first.
uint key_of(uint bits) { return (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u; }
uint bits_of(uint key) { return (key & 0x80000000u) != 0u ? key & 0x7fffffffu : ~key; }
uint64_t rank_of(uint bits, uint id)
{
    return (uint64_t(key_of(bits)) << ID_BITS) | uint64_t(ID_MASK - id);
}
uint id_of(uint64_t rank) { return ID_MASK - (uint(rank) & ID_MASK); }

// How far a logit is below the largest.
float below(float largest, uint bits)
{
    precise float d = largest - uintBitsToFloat(bits);
    return d;
}
// The step of the histogram.
uint step_of(float d) { return d < 32.0 ? uint(d * 8.0) : 255u; }

// floor(2^38 x) for 0 <= x <= 1.
uint64_t fixed38(float x)
{
    uint u = min(floatBitsToUint(x), 0x3f800000u);
    int shift = int(u >> 23) - 112;
    uint64_t m = uint64_t((u & 0x7fffffu) | 0x800000u);
    return shift >= 0 ? m << shift : shift > -24 ? m >> -shift : 0ul;
}

// What the cut `kind` adds up for a token: its weight, tempered and held against min_p for the
// draw. inv_temp: 1 / temp.
uint64_t weight_of(uint kind, float d, float min_p, float inv_temp)
{
    float w = m_exp(-d);
    if (kind == K_SAMPLE_DRAW) {
        precise float t = d * inv_temp;
        w = w < min_p ? 0.0 : m_exp(-t);
    }
    return fixed38(w);
}

float inverse_temp(k_seq q) { return m_rcp(clamp(q.temp, 1e-6, 1e6)); }
float min_p_of(k_seq q) { return q.min_p > 0.0 ? min(q.min_p, 1.0) : 0.0; }
bool top_k_on(k_seq q) { return q.top_k > 0u && q.top_k < p.vocab; }
bool top_p_on(k_seq q) { return q.top_p < 1.0; }

uint64_t mul_high(uint64_t a, uint64_t b)
{
    uint64_t a0 = uint64_t(uint(a)), a1 = a >> 32, b0 = uint64_t(uint(b)), b1 = b >> 32;
    uint64_t mid = a1 * b0 + ((a0 * b0) >> 32);
    uint64_t low = a0 * b1 + uint64_t(uint(mid));
    return a1 * b1 + (mid >> 32) + (low >> 32);
}

// Philox4x32-10, first two words.
uint64_t random64(uint key0, uint key1, uint counter)
{
    uvec4 c = uvec4(counter, 0u, 0u, 0u);
    for (uint i = 0u; i < 10u; i++) {
        uint h0, l0, h1, l1;
        umulExtended(0xd2511f53u, c.x, h0, l0);
        umulExtended(0xcd9e8d57u, c.z, h1, l1);
        c = uvec4(h1 ^ c.y ^ key0, l1, h0 ^ c.w ^ key1, l0);
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    return uint64_t(c.x) | (uint64_t(c.y) << 32);
}

// Where the running sum must pass for the cut `kind`, of a sum of `total`: at the first token
// where the sum up to and with it is greater.
uint64_t target_of(uint kind, k_seq q, uint64_t total)
{
    if (kind == K_SAMPLE_TOP_K)
        return uint64_t(q.top_k - 1u);
    if (kind == K_SAMPLE_DRAW)
        return mul_high(random64(q.seed_lo, q.seed_hi, q.n_made), total);
    if (!(q.top_p > 0.0))
        return 0ul;
    // ceil(top_p * total) - 1; top_p is a whole number of 2^-32 or is rounded down to one.
    uint64_t f = uint64_t(uint(q.top_p * 4294967296.0));
    uint64_t low = (total & 0xfffffffful) * f;
    uint64_t need = (total >> 32) * f + (low >> 32) + uint64_t((low & 0xfffffffful) != 0ul);
    return max(need, 1ul) - 1ul;
}

// ---- the workgroup together ---------------------------------------------------------------------

shared uint64_t wide[256];
shared uint hist[1024];
shared uint note[5];
const uint NOTE_LAST = 0u, NOTE_BIN = 1u, NOTE_COUNT = 2u, NOTE_LOW = 3u, NOTE_AT = 4u;

// What the counters of a row count.
const uint COUNT_PREPARE = 0u, COUNT_COUNT = 1u, COUNT_PICK = 2u, COUNT_LISTED = 3u;

// The largest v, to all.
uint64_t group_max(uint64_t v)
{
    wide[TID] = v;
    for (uint k = 128u; k > 0u; k >>= 1) {
        barrier();
        if (TID < k)
            wide[TID] = max(wide[TID], wide[TID + k]);
    }
    barrier();
    v = wide[0];
    barrier();
    return v;
}

void hist_clear()
{
    for (uint i = TID; i < 1024u; i += 256u)
        hist[i] = 0u;
    barrier();
}

// One token of weight w to a bin. Up to 2^19 tokens cannot wrap a part.
void hist_add(uint bin, uint64_t w)
{
    atomicAdd(hist[bin], 1u);
    if (w != 0ul) {
        uint low = uint(w) & 0x1fffu, mid = uint(w >> 13) & 0x1fffu, high = uint(w >> 26);
        if (low != 0u)
            atomicAdd(hist[256u + bin], low);
        if (mid != 0u)
            atomicAdd(hist[512u + bin], mid);
        if (high != 0u)
            atomicAdd(hist[768u + bin], high);
    }
}

uint64_t hist_weight(uint low, uint mid, uint high)
{
    return uint64_t(low) + (uint64_t(mid) << 13) + (uint64_t(high) << 26);
}

// Leaves in wide[i] the sum of v of invocations 0 to i.
void group_scan(uint64_t v)
{
    wide[TID] = v;
    barrier();
    for (uint k = 1u; k < 256u; k <<= 1) {
        uint64_t w = TID >= k ? wide[TID - k] : 0ul;
        barrier();
        wide[TID] += w;
        barrier();
    }
}

// True in the workgroup that arrives last of the row's, once, with all that the others wrote
// before visible; sets the counter back.
bool arrive_last(uint j, uint which)
{
    memoryBarrierBuffer();
    barrier();
    if (TID == 0u) {
        bool last = atomicAdd(counters_of(j).v[which], 1u) == p.slices - 1u;
        if (last)
            counters_of(j).v[which] = 0u;
        note[NOTE_LAST] = last ? 1u : 0u;
    }
    barrier();
    bool last = note[NOTE_LAST] != 0u;
    memoryBarrierBuffer();
    barrier();
    return last;
}

// ---- the choice goes out; one invocation -------------------------------------------------------

void commit(uint j, k_row row, uint id)
{
    Seqs seq = seq_of(row);
    uint made = seq.v[0].n_made, left = seq.v[0].n_left;
    if (seq.v[0].ring != 0ul && seq.v[0].ring_size != 0u)
        U32s(seq.v[0].ring).v[made % seq.v[0].ring_size] = id;
    left = left > 0u ? left - 1u : 0u;
    uint done = K_RUNNING;
    if (row.pos + 1u >= seq.v[0].n_ctx)
        done = K_DONE_CONTEXT;
    if (left == 0u)
        done = K_DONE_LENGTH;
    for (uint i = 0u; i < min(seq.v[0].n_eog, K_MAX_EOG); i++)
        if (seq.v[0].eog[i] == id)
            done = K_DONE_EOG;
    seq.v[0].n_made = made + 1u;
    seq.v[0].n_left = left;
    seq.v[0].done = done;
    if (row.next < p.next_rows) {
        uint slot = done == K_RUNNING ? row.slot : K_NO_SLOT;
        ROWS(p.next).v[row.next] = k_row(id, row.pos + 1u, slot, row.next);
    }
}
