// align_weights.comp - what chosen heads look at: see k_align_weights_push.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_ALIGN_WEIGHTS_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_ALIGN_WEIGHTS_HEADS) const uint HEADS = 1u;
layout(constant_id = K_ALIGN_WEIGHTS_HEAD_DIM) const uint HEAD_DIM = 8u;
layout(constant_id = K_ALIGN_WEIGHTS_SEEN) const uint SEEN = 1u;
layout(push_constant, scalar) uniform Push { k_align_weights_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"
#include "lib/rope.glsl"

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Aligns { k_align v; };

float score(uint64_t q, uint64_t key)
{
    precise float d = 0.0;
    for (uint i = 0u; i < HEAD_DIM / 8u; i++) {
        uvec4 k = U32x4s(key).v[i];
        [[unroll]] for (uint j = 0u; j < 4u; j++) {
            vec2 h = m_half2(k[j]);
            d = fma(F32s(q).v[i * 8u + j * 2u], h.x, d);
            d = fma(F32s(q).v[i * 8u + j * 2u + 1u], h.y, d);
        }
    }
    precise float s = d * p.scale;
    return s;
}

void main()
{
    const uint b = gl_WorkGroupID.y, at = p.first + gl_WorkGroupID.x;
    k_row row = ROWS(p.step).v[b];
    k_align a = Aligns(p.align).v;
    uint frames = min(a.frames, SEEN), place = a.at + b;
    if (b >= Steps(p.step).v.n_rows || row.slot == K_NO_SLOT || place >= p.places) // for all
        return;
    uint head = U32s(p.heads).v[at];
    uint64_t q = p.q + (uint64_t(b) * HEADS + head) * (HEAD_DIM * 4u);
    F32s x = F32s(p.dst + (uint64_t(at) * p.places + place) * (SEEN * 4u));

    // What this invocation writes it reads again; nobody else does.
    float top = uintBitsToFloat(0xff800000u);
    for (uint t = TID; t < frames; t += K_GROUP) {
        uint64_t page = kv_page(p.pages, p.max_pages, p.kv_offset, row.slot, t);
        uint key = head * K_PAGE_TOKENS + t % K_PAGE_TOKENS;
        x.v[t] = score(q, page + uint64_t(key) * (HEAD_DIM * 2u));
        top = max(top, x.v[t]);
    }
    top = reduce_max(top, 256u);
    precise float sum = 0.0;
    for (uint t = TID; t < frames; t += K_GROUP) {
        precise float d = x.v[t] - top;
        x.v[t] = m_exp(d);
        sum = sum + x.v[t];
    }
    sum = reduce_add(sum, 256u);
    for (uint t = TID; t < frames; t += K_GROUP) {
        float w = m_div(x.v[t], sum);
        x.v[t] = w < uintBitsToFloat(K_ALIGN_LEAST) ? 0.0 : w;
    }
}
