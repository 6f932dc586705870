// logprob.comp - how likely the chosen tokens were: see k_logprob_push. One invocation a row.
#include "lib/types.glsl"
#include "lib/speech.glsl"

layout(push_constant, scalar) uniform Push { k_logprob_push p; };

void main()
{
    uint j = TID;
    if (j >= p.rows)
        return;
    k_note note = Notes(p.notes + uint64_t(j) * 16u).v;
    if (note.slot == K_NO_SLOT)
        return;
    uint id = min(ROWS(p.next).v[note.next].token, p.vocab - 1u);
    uint ring = Seqs(p.seqs).v[note.slot].ring_size;
    precise float l = logit(F32s(p.logits + uint64_t(j) * p.vocab * 4u).v[id]);
    l = l - note.log_sum;
    if (ring != 0u)
        F32s(Speeches(p.speech).v[note.slot].logprobs).v[note.made % ring] = l;
}
