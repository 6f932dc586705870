// matvec.comp - one matrix times up to 16 rows of x, with bias and residual: see k_matvec_push.
#include "lib/types.glsl"
#include "lib/math.glsl"
#include "quants.glsl"
#include "lib/pairs.glsl"

layout(push_constant, scalar) uniform Push { k_matvec_push p; };

layout(constant_id = K_MATVEC_TYPE) const uint TYPE = 0u;
layout(constant_id = K_MATVEC_N) const uint N = 1u;
layout(constant_id = K_MATVEC_OUT_ROWS) const uint OUT_ROWS = 0u;

uint64_t pair_x(uint b)
{
    uint row = b;
    if (OUT_ROWS != 0u)
        row = b < Steps(p.step).v.n_out ? Steps(p.step).v.out_row[b] : 0u;
    return p.x + uint64_t(row) * (K * 4u);
}

uint64_t pair_norm_w()
{
    return p.norm_w;
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

void store(uint b, uint row, float d)
{
    uint64_t at = (uint64_t(b) * N + row) * 4u;
    precise float y = d;
    // lavapipe reads an address that all invocations share even where the branch is not taken.
    float bias = F32s(p.bias != 0u ? p.bias : p.w).v[row];
    float residual = F32s((p.residual != 0u ? p.residual : p.dst) + at).v[0];
    if (p.bias != 0u)
        y = y + bias;
    if (p.residual != 0u)
        y = y + residual;
    F32s(p.dst + at).v[0] = y;
}

void pair_store(uint pair, uint b, float d0, float d1)
{
    if (OUT_ROWS != 0u && b >= Steps(p.step).v.n_out)
        return;
    store(b, 2u * pair, d0);
    if (2u * pair + 1u < N)
        store(b, 2u * pair + 1u, d1);
}

#define PT TYPE
PAIRS_DEFINE(run)

void main()
{
    uint tile = gl_WorkGroupID.x;
    const uint pairs = (N + 1u) / 2u;
    run(tile, 0u, pairs_tiles(pairs), 0u, pairs);
}
