#version 460
// sample_prepare - biases and penalties, in place; the largest logit; the choice of greedy rows.
#include "sample.glsl"

shared uint counts[K_SAMPLE_SLICE];

// How often each id of the slice is among the last penalty_n tokens.
void count_history(k_seq q, uint pos, uint first)
{
    for (uint i = TID; i < K_SAMPLE_SLICE; i += 256u)
        counts[i] = 0u;
    barrier();
    uint n = min(q.penalty_n, pos + 1u);
    for (uint i = TID; i < n; i += 256u) {
        uint id = U32s(q.history).v[pos - i] - first;
        if (id < K_SAMPLE_SLICE)
            atomicAdd(counts[id], 1u);
    }
}

// Ids of one sequence are distinct, so each logit has at most one writer.
void add_biases(uint j, k_seq q, uint first, uint end)
{
    for (uint i = TID; i < q.n_bias; i += 256u) {
        uvec2 entry = U32x2s(q.bias).v[i];
        if (entry.x >= first && entry.x < end) {
            Shared logits = logits_of(j);
            precise float l = uintBitsToFloat(clean(logits.v[entry.x]));
            l = l + uintBitsToFloat(entry.y);
            logits.v[entry.x] = clean(floatBitsToUint(l));
        }
    }
}

uint penalised(k_seq q, uint bits, uint count)
{
    float l = uintBitsToFloat(bits);
    precise float scaled = l * q.repeat;
    if (l > 0.0)
        scaled = m_div(l, q.repeat);
    bits = clean(floatBitsToUint(scaled));
    precise float off = float(count) * q.frequency;
    off = off + q.presence;
    precise float y = uintBitsToFloat(bits) - off;
    return clean(floatBitsToUint(y));
}

void prepare(uint j, k_row row)
{
    uint first = slice() * K_SAMPLE_SLICE, end = min(first + K_SAMPLE_SLICE, p.vocab);
    Parts part = part_of(j);
    k_seq q = seq_of(row).v[0];
    bool greedy = GREEDY != 0u || !(q.temp > 0.0);
    bool penalties = q.penalty_n > 0u
        && (q.repeat != 1.0 || q.presence != 0.0 || q.frequency != 0.0);
    if (q.n_bias > 0u)
        add_biases(j, q, first, end);
    if (penalties)
        count_history(q, row.pos, first);
    if (slice() == 0u && !greedy) // ready for the next dispatch
        for (uint i = TID; i < 1024u; i += 256u)
            part.v.hist[i] = 0u;
    memoryBarrierBuffer();
    barrier();

    uint64_t best = 0ul;
    for (uint id = first + TID; id < end; id += 256u) {
        uint bits = clean(logits_of(j).v[id]);
        if (penalties && counts[id - first] > 0u) {
            bits = penalised(q, bits, counts[id - first]);
            logits_of(j).v[id] = bits;
        }
        best = max(best, rank_of(bits, id));
    }
    best = group_max(best);
    if (TID == 0u)
        part.v.best[slice()] = best;

    if (arrive_last(j, COUNT_PREPARE)) {
        best = group_max(TID < p.slices ? part.v.best[TID] : 0ul);
        if (TID == 0u) {
            part.v.kind = greedy ? K_SAMPLE_NONE
                : top_k_on(q)    ? K_SAMPLE_TOP_K
                : top_p_on(q)    ? K_SAMPLE_TOP_P
                                 : K_SAMPLE_DRAW;
            part.v.max_bits = bits_of(uint(best >> ID_BITS));
            part.v.low = 0xffffffffu;
            if (greedy)
                commit(j, row, id_of(best));
        }
    }
}

void main()
{
    uint j = row_index();
    k_row row = k_row(0u, 0u, K_NO_SLOT, 0u);
    if (j < Steps(p.step).v.n_out)
        row = ROWS(p.step).v[Steps(p.step).v.out_row[j]];
    bool live = row.slot != K_NO_SLOT;
    if (live)
        live = seq_of(row).v[0].done == K_RUNNING;
    if (live) // for the whole workgroup
        prepare(j, row);
    else if (slice() == 0u && TID == 0u)
        part_of(j).v.kind = K_SAMPLE_NONE;
}
