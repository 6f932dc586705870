#version 460
// sample_count - how far below the largest logit the candidates of a row's first cut reach.
#include "sample.glsl"

void count(uint j, uint kind)
{
    uint first = slice() * K_SAMPLE_SLICE, end = min(first + K_SAMPLE_SLICE, p.vocab);
    Parts part = part_of(j);
    k_row row = ROWS(p.step).v[Steps(p.step).v.out_row[j]];
    k_seq q = seq_of(row).v[0];
    float largest = uintBitsToFloat(part.v.max_bits);
    float min_p = min_p_of(q), inv_temp = inverse_temp(q);
    hist_clear();
    for (uint id = first + TID; id < end; id += 256u) {
        float d = below(largest, clean(logits_of(j).v[id]));
        uint64_t w = kind == K_SAMPLE_TOP_K ? 0ul : weight_of(kind, d, min_p, inv_temp);
        hist_add(step_of(d), w);
    }
    barrier();
    for (uint i = TID; i < 1024u; i += 256u)
        if (hist[i] != 0u)
            atomicAdd(part.v.hist[i], hist[i]);

    if (arrive_last(j, COUNT_COUNT)) {
        uint64_t v = uint64_t(part.v.hist[TID]);
        if (kind != K_SAMPLE_TOP_K)
            v = hist_weight(part.v.hist[256u + TID], part.v.hist[512u + TID],
                            part.v.hist[768u + TID]);
        group_scan(v);
        uint64_t total = wide[255], target = target_of(kind, q, total);
        // Exactly one invocation: top_k is below the number of tokens, the others below total.
        if (wide[TID] - v <= target && target < wide[TID])
            part.v.cut = TID;
        if (TID == 0u)
            part.v.total = total;
    }
}

void main()
{
    uint kind = part_of(row_index()).v.kind;
    if (kind != K_SAMPLE_NONE) // for the whole workgroup
        count(row_index(), kind);
}
