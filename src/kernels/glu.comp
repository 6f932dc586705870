// glu.comp - gate and up projections with SiLU between: see k_glu_push. Both matrices have one
// type; row n of both makes a pair.
#include "lib/types.glsl"
#include "lib/math.glsl"
#ifdef DOT
#include "lib/dots.glsl"
#else
#include "lib/pairs.glsl"
#endif

layout(push_constant, scalar) uniform Push { k_glu_push p; };

layout(constant_id = K_GLU_TYPE) const uint TYPE = 0u;
layout(constant_id = K_GLU_N) const uint N = 1u;

uint64_t pair_x(uint b)
{
#ifdef DOT
    if (B > 1u)
        return round8_row(p.x, K, b);
#endif
    return p.x + uint64_t(b) * (K * 4u);
}

uint64_t pair_norm_w()
{
    return p.norm_w;
}

uint64_t pair_norm_b()
{
    return 0ul;
}

float pair_eps()
{
    return p.eps;
}

void pair_at(uint pair, out uint64_t w0, out uint n0, out uint row0, out uint64_t w1, out uint n1,
             out uint row1)
{
    w0 = p.gate;
    w1 = p.up;
    n0 = n1 = N;
    row0 = row1 = pair;
}

void pair_once(uint b)
{
}

void pair_early(uint pair, uint b)
{
}

void pair_store(uint pair, uint b, float d0, float d1)
{
    precise float y = m_silu(d0) * d1;
    F32s(p.dst + uint64_t(b) * (N * 4u)).v[pair] = y;
}

#define PT TYPE
PAIRS_DEFINE(run)

void main()
{
    uint tile = gl_WorkGroupID.x;
    run(tile, 0u, pairs_tiles(N), 0u, N);
}
