// probs.comp - probabilities of some tokens: see k_probs_push. One workgroup a row.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_PROBS_SUBGROUP) const uint SUBGROUP = 1u;
layout(push_constant, scalar) uniform Push { k_probs_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"
#include "lib/speech.glsl"

void main()
{
    uint64_t logits = p.logits + uint64_t(gl_WorkGroupID.x) * p.vocab * 4u;
    uint64_t dst = p.dst + uint64_t(gl_WorkGroupID.x) * p.count * 4u;
    // A load that all lanes share may be done whatever the branch: it needs memory that is there.
    uint64_t ids = p.ids != 0ul ? p.ids : p.logits;
    uint named = U32s(ids).v[gl_WorkGroupID.x];
    uint first = p.ids != 0ul ? named : p.first;
    float top = -1e30;
    for (uint id = p.from + TID; id < p.to; id += K_GROUP)
        top = max(top, logit(F32s(logits).v[id]));
    top = reduce_max(top, 256u);
    precise float sum = 0.0;
    for (uint id = p.from + TID; id < p.to; id += K_GROUP)
        sum = sum + m_exp(logit(F32s(logits).v[id]) - top);
    sum = reduce_add(sum, 256u);
    for (uint i = TID; i < p.count; i += K_GROUP) {
        uint id = first + i;
        bool inside = id >= p.from && id < p.to;
        F32s(dst).v[i] = inside ? m_div(m_exp(logit(F32s(logits).v[id]) - top), sum) : 0.0;
    }
}
