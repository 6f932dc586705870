// align_mean.comp - the heads' weights without outliers, together: see k_align_mean_push. One
// invocation a frame, a row of workgroups a token.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(push_constant, scalar) uniform Push { k_align_mean_push p; };

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Aligns { k_align v; };

const uint WIDTH = 7u, HALF_WIDTH = 3u;

float median_at(F32s x, uint t, uint n)
{
    float v[WIDTH];
    [[unroll]] for (uint i = 0u; i < WIDTH; i++) {
        uint at = t + i; // less HALF_WIDTH
        at = at < HALF_WIDTH ? HALF_WIDTH - at : at - HALF_WIDTH;
        at = at < n ? at : 2u * n - 2u - at;
        v[i] = x.v[at];
    }
    // The four smallest come to the front, one a round.
    [[unroll]] for (uint i = 0u; i <= HALF_WIDTH; i++) {
        [[unroll]] for (uint j = WIDTH - 1u; j > i; j--) {
            float low = min(v[j - 1u], v[j]);
            v[j] = max(v[j - 1u], v[j]);
            v[j - 1u] = low;
        }
    }
    return v[HALF_WIDTH];
}

void main()
{
    k_align a = Aligns(p.align).v;
    uint t = gl_WorkGroupID.x * K_GROUP + TID, token = gl_WorkGroupID.y;
    uint n = min(a.frames, p.seen);
    if (token >= min(a.tokens, p.places) || t >= n)
        return;
    precise float sum = 0.0;
    for (uint h = 0u; h < p.heads; h++) {
        F32s x = F32s(p.x + (uint64_t(h) * p.places + token) * p.seen * 4u);
        sum = sum + (n > HALF_WIDTH ? median_at(x, t, n) : x.v[t]);
    }
    F32s(p.dst + uint64_t(token) * p.seen * 4u).v[t] = m_div(sum, float(p.heads));
}
