// fork.comp - keys, values and history of one slot to another: see k_fork_push.
#include "lib/types.glsl"

layout(constant_id = K_FORK_KV_HEADS) const uint KV_HEADS = 1u;
layout(constant_id = K_FORK_HEAD_DIM) const uint HEAD_DIM = 8u;
layout(push_constant, scalar) uniform Push { k_fork_push p; };

layout(buffer_reference, scalar, buffer_reference_align = 16) buffer Forks { k_fork v[]; };

const uint ROW = HEAD_DIM / 8u;         // pieces of 16 bytes of a position in one head
const uint HEAD = K_PAGE_TOKENS * ROW;  // ... of a page

uint64_t strip_of(uint slot, uint page, uint strip)
{
    return U64s(p.pages).v[slot * p.max_pages + page] +
        uint64_t(strip) * (KV_HEADS * HEAD * 16u);
}

void main()
{
    const uint page = gl_WorkGroupID.x, strip = gl_WorkGroupID.y, i = gl_WorkGroupID.z;
    if (i >= U32s(p.forks).v[0])
        return;
    k_fork f = Forks(p.forks + K_FORKS_HEAD).v[i];
    uint first = max(f.first, page * K_PAGE_TOKENS);
    uint end = min(f.end, (page + 1u) * K_PAGE_TOKENS);
    if (first >= end)
        return;
    uint64_t from = strip_of(f.from, page, strip), to = strip_of(f.to, page, strip);
    uint at = first % K_PAGE_TOKENS * ROW, count = (end - first) * ROW;
    for (uint k = TID; k < KV_HEADS * count; k += K_GROUP) {
        uint piece = k / count * HEAD + at + k % count;
        U32x4s(to).v[piece] = U32x4s(from).v[piece];
    }
    if (strip != 0u)
        return;
    U32s old = U32s(Seqs(p.seqs).v[f.from].history), new = U32s(Seqs(p.seqs).v[f.to].history);
    for (uint pos = first + TID; pos < end; pos += K_GROUP)
        new.v[pos] = old.v[pos];
}
