// embed.comp - rows of the embedding table, dequantised: see k_embed_push. One workgroup a row.
#include "lib/types.glsl"
#include "lib/math.glsl"
#include "quants.glsl"

layout(push_constant, scalar) uniform Push { k_embed_push p; };

layout(constant_id = K_EMBED_TYPE) const uint TYPE = 0u;
layout(constant_id = K_EMBED_K) const uint K = 256u;
layout(constant_id = K_EMBED_VOCAB) const uint VOCAB = 1u;
// A constant: lavapipe reads an address that all invocations share even where the branch is not
// taken.
layout(constant_id = K_EMBED_PLACES) const uint PLACES = 0u;

void main()
{
    const uint b = gl_WorkGroupID.x;
    if (b >= Steps(p.step).v.n_rows)
        return;
    k_row row = ROWS(p.step).v[b];
    if (row.slot == K_NO_SLOT)
        return;
    uint token = min(row.token, VOCAB - 1u);
    if (TID == 0u && p.seqs != 0u) {
        k_seq seq = Seqs(p.seqs).v[row.slot];
        if (row.pos < seq.n_ctx)
            U32s(seq.history).v[row.pos] = row.token;
    }
    uint64_t dst = p.dst + uint64_t(b) * (K * 4u);
    uint64_t place = p.places + uint64_t(min(row.pos, p.n_places - 1u)) * (K * 4u);
    const uint len = Q_CHUNK(TYPE) / Q_RUNS(TYPE);
    for (uint chunk = TID; chunk < K / Q_CHUNK(TYPE); chunk += 256u) {
        float q[32];
        vec2 scale, minus;
        q_decode(TYPE, q_load(TYPE, p.table, VOCAB, K, token, chunk), chunk, q, scale, minus);
        [[unroll]] for (uint run = 0u; run < Q_RUNS(TYPE); run++) {
            uint col = q_column(TYPE, chunk, run);
            [[unroll]] for (uint i = 0u; i < len; i++) {
                precise float v = q[run * len + i];
                if (Q_SCALED(TYPE) != 0)
                    v = v * scale[run];
                if (Q_MIN(TYPE) != 0)
                    v = v - minus[run];
                if (PLACES != 0u)
                    v = v + F32s(place).v[col + i];
                F32s(dst).v[col + i] = v;
            }
        }
    }
}
