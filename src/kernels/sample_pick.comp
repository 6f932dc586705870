#version 460
// sample_pick - lists a row's candidates, cuts the list by top-k and top-p exactly, draws.
#include "sample.glsl"

// The token, among those of the list that rank `floor_rank` or higher, at which the running sum of
// `kind` passes its target; floor_rank if none does. `total`: of that sum, 0: as the list gives.
//
// Narrows the range of ranks [low, high] that holds the token to one of 256 parts a pass, until the
// part holds one rank or one token. Uniform: all invocations return the same.
uint64_t pass_rank(uint j, uint kind, k_seq q, uint64_t floor_rank, uint64_t high, uint64_t total)
{
    Shared list = list_of(j);
    uint n = counters_of(j).v[COUNT_LISTED];
    float largest = uintBitsToFloat(part_of(j).v.max_bits);
    float min_p = min_p_of(q), inv_temp = inverse_temp(q);
    uint64_t low = floor_rank, target = 0ul;
    for (uint pass = 0u; low < high; pass++) {
        uint64_t range = high - low;
        uint top = uint(range >> 32) != 0u ? 32u + uint(findMSB(uint(range >> 32)))
                                           : uint(findMSB(uint(range)));
        uint shift = top > 7u ? top - 7u : 0u;
        hist_clear();
        for (uint i = TID; i < n; i += 256u) {
            uint bits = clean(logits_of(j).v[list.v[i]]);
            uint64_t rank = rank_of(bits, list.v[i]);
            if (rank >= low && rank <= high) {
                uint64_t w = kind == K_SAMPLE_TOP_K
                    ? 0ul
                    : weight_of(kind, below(largest, bits), min_p, inv_temp);
                hist_add(uint((high - rank) >> shift), w);
            }
        }
        barrier();
        uint64_t v = kind == K_SAMPLE_TOP_K
            ? uint64_t(hist[TID])
            : hist_weight(hist[256u + TID], hist[512u + TID], hist[768u + TID]);
        group_scan(v);
        if (pass == 0u)
            target = target_of(kind, q, total != 0ul ? total : wide[255]);
        if (target >= wide[255])
            return low; // for all
        if (wide[TID] - v <= target && target < wide[TID]) {
            note[NOTE_BIN] = TID;
            note[NOTE_COUNT] = hist[TID];
        }
        barrier();
        uint bin = note[NOTE_BIN], count = note[NOTE_COUNT];
        target -= bin > 0u ? wide[bin - 1u] : 0ul;
        high -= uint64_t(bin) << shift;
        uint64_t size = (1ul << shift) - 1ul;
        low = high - low > size ? high - size : low;
        barrier();
        if (count == 1u && low < high) {
            for (uint i = TID; i < n; i += 256u) {
                uint64_t rank = rank_of(clean(logits_of(j).v[list.v[i]]), list.v[i]);
                if (rank >= low && rank <= high)
                    wide[0] = rank;
            }
            barrier();
            low = high = wide[0];
            barrier();
        }
    }
    return high;
}

void pick(uint j, uint kind)
{
    uint first = slice() * K_SAMPLE_SLICE, end = min(first + K_SAMPLE_SLICE, p.vocab);
    Parts part = part_of(j);
    float largest = uintBitsToFloat(part.v.max_bits);
    uint cut = part.v.cut;
    if (TID == 0u) {
        note[NOTE_COUNT] = 0u;
        note[NOTE_LOW] = 0xffffffffu;
    }
    barrier();
    for (uint id = first + TID; id < end; id += 256u) {
        uint bits = clean(logits_of(j).v[id]);
        if (step_of(below(largest, bits)) <= cut) {
            atomicAdd(note[NOTE_COUNT], 1u);
            atomicMin(note[NOTE_LOW], key_of(bits));
        }
    }
    barrier();
    if (TID == 0u && note[NOTE_COUNT] > 0u) {
        note[NOTE_AT] = atomicAdd(counters_of(j).v[COUNT_LISTED], note[NOTE_COUNT]);
        atomicMin(part.v.low, note[NOTE_LOW]);
    }
    barrier();
    for (uint id = first + TID; id < end; id += 256u)
        if (step_of(below(largest, clean(logits_of(j).v[id]))) <= cut)
            list_of(j).v[atomicAdd(note[NOTE_AT], 1u)] = id;

    if (arrive_last(j, COUNT_PICK)) {
        k_row row = ROWS(p.step).v[Steps(p.step).v.out_row[j]];
        k_seq q = seq_of(row).v[0];
        uint64_t best = group_max(TID < p.slices ? part.v.best[TID] : 0ul);
        uint64_t low = uint64_t(part.v.low) << ID_BITS, total = part.v.total;
        if (top_k_on(q))
            low = pass_rank(j, K_SAMPLE_TOP_K, q, low, best, total);
        if (top_p_on(q))
            low = pass_rank(j, K_SAMPLE_TOP_P, q, low, best, kind == K_SAMPLE_TOP_P ? total : 0ul);
        uint64_t choice = pass_rank(j, K_SAMPLE_DRAW, q, low, best,
                                    kind == K_SAMPLE_DRAW ? total : 0ul);
        if (TID == 0u) {
            counters_of(j).v[COUNT_LISTED] = 0u;
            commit(j, row, id_of(choice));
        }
    }
}

void main()
{
    uint kind = part_of(row_index()).v.kind;
    if (kind != K_SAMPLE_NONE) // for the whole workgroup
        pick(row_index(), kind);
}
