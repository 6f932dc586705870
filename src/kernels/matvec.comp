// matvec.comp - one matrix times up to 16 rows of x, with bias, residual, gelu: see k_matvec_push.
#include "lib/types.glsl"
#include "lib/math.glsl"
#ifdef DOT
#include "lib/dots.glsl"
#else
#include "lib/pairs.glsl"
#endif

layout(push_constant, scalar) uniform Push { k_matvec_push p; };

layout(constant_id = K_MATVEC_TYPE) const uint TYPE = 0u;
layout(constant_id = K_MATVEC_N) const uint N = 1u;
layout(constant_id = K_MATVEC_OUT_ROWS) const uint OUT_ROWS = 0u;
layout(constant_id = K_MATVEC_GELU) const uint GELU = 0u;

uint64_t pair_x(uint b)
{
#ifdef DOT
    if (B > 1u)
        return round8_row(p.x, K, b);
#endif
    uint row = b;
    if (OUT_ROWS != 0u)
        row = b < Steps(p.step).v.n_out ? Steps(p.step).v.out_row[b] : 0u;
    return p.x + uint64_t(row) * (K * 4u);
}

uint64_t pair_norm_w()
{
    return p.norm_w;
}

uint64_t pair_norm_b()
{
    return p.norm_b;
}

float pair_eps()
{
    return p.eps;
}

void pair_at(uint pair, out uint64_t w0, out uint n0, out uint row0, out uint64_t w1, out uint n1,
             out uint row1)
{
    w0 = w1 = p.w;
    n0 = n1 = N;
    row0 = 2u * pair;
    row1 = min(2u * pair + 1u, N - 1u);
}

// What a store adds to the sums, asked for before they are known.
bool wanted;
vec2 early_bias, early_residual;

void pair_once(uint b)
{
    wanted = OUT_ROWS == 0u || b < Steps(p.step).v.n_out;
}

void pair_early(uint pair, uint b)
{
    const uint r0 = 2u * pair, r1 = min(2u * pair + 1u, N - 1u);
    // lavapipe reads an address that all invocations share even where the branch is not taken.
    F32s bias = F32s(p.bias != 0u ? p.bias : p.w);
    F32s residual = F32s((p.residual != 0u ? p.residual : p.dst) + uint64_t(b) * N * 4u);
    early_bias = vec2(bias.v[r0], bias.v[r1]);
    early_residual = vec2(residual.v[r0], residual.v[r1]);
}

void pair_store(uint pair, uint b, float d0, float d1)
{
    F32s row = F32s(p.dst + uint64_t(b) * N * 4u);
    precise vec2 y = vec2(d0, d1);
    if (p.bias != 0u)
        y = y + early_bias;
    if (p.residual != 0u)
        y = y + early_residual;
    if (GELU != 0u)
        y = vec2(m_gelu(y.x), m_gelu(y.y));
    if (!wanted)
        return;
    row.v[2u * pair] = y.x;
    if (2u * pair + 1u < N)
        row.v[2u * pair + 1u] = y.y;
}

#define PT TYPE
PAIRS_DEFINE(run)

void main()
{
    uint tile = gl_WorkGroupID.x;
    const uint pairs = (N + 1u) / 2u;
    run(tile, 0u, pairs_tiles(pairs), 0u, pairs);
}
