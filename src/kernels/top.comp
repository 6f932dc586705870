// top.comp - the likeliest tokens: see k_top_push. Each round finds the largest logit below the
// last one found, of equal ones the lowest id.
#include "lib/types.glsl"

layout(constant_id = K_TOP_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_TOP_MERGE) const uint MERGE = 0u;
layout(push_constant, scalar) uniform Push { k_top_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"
#include "lib/speech.glsl"

layout(buffer_reference, scalar, buffer_reference_align = 8) buffer Candidates
{
    k_candidate v[];
};

#define MINUS_INF uintBitsToFloat(0xff800000u)

void main()
{
    const uint slice = gl_WorkGroupID.x, j = gl_WorkGroupID.y;
    k_note note = Notes(p.notes + uint64_t(j) * 16u).v;
    if (note.slot == K_NO_SLOT) // for the whole workgroup
        return;
    uint64_t parts = p.part + uint64_t(j) * p.slices * p.count * 8u;
    Candidates part = Candidates(parts + uint64_t(slice) * p.count * 8u);
    if (MERGE != 0u)
        part = Candidates(p.dst + uint64_t(j) * p.count * 8u);
    F32s logits = F32s(p.logits + uint64_t(j) * p.vocab * 4u);
    uint first = slice * K_TOP_SLICE, n = min(K_TOP_SLICE, p.vocab - first);
    if (MERGE != 0u)
        n = p.slices * p.count;

    float last = uintBitsToFloat(0x7f800000u), last_id = -1.0;
    for (uint r = 0u; r < p.count; r++) {
        float top = MINUS_INF, top_id = 0.0;
        for (uint i = TID; i < n; i += K_GROUP) {
            k_candidate c;
            if (MERGE != 0u)
                c = Candidates(parts).v[i];
            else
                c = k_candidate(first + i, logit(logits.v[first + i]));
            float id = float(c.id);
            bool after = c.logprob < last || (c.logprob == last && id > last_id);
            if (after && (c.logprob > top || (c.logprob == top && id < top_id))) {
                top = c.logprob;
                top_id = id;
            }
        }
        last = reduce_max(top, 256u);
        last_id = -reduce_max(top == last ? -top_id : MINUS_INF, 256u);
        bool none = last == MINUS_INF;
        precise float l = last;
        if (MERGE != 0u)
            l = l - note.log_sum;
        if (TID == 0u)
            part.v[r] = none ? k_candidate(K_NO_TOKEN, MINUS_INF) : k_candidate(uint(last_id), l);
    }
}
