// teams.glsl - what pairs.glsl and dots.glsl share: teams of invocations that take pairs of rows.
//
// A team of LANES invocations takes one pair of rows of weights at a time; the teams of all
// workgroups walk over the pairs. A tile is TEAMS pairs.
//
// The including kernel defines, after:
//   pair_at(pair, w0, n0, row0, w1, n1, row1)   the two rows: matrix address, its rows, row
//   pair_once(b)            asks early for what all stores for row b of x will need
//   pair_early(pair, b)     asks early for what the store of this pair will need
//   pair_store(pair, b, d0, d1)                 what becomes of the two sums for row b of x
//   pair_x(b)                                   address of row b of x
//   pair_norm_w(), pair_norm_b(), pair_eps()    the norm's weights (and biases), for NORM
// and, for rows of type PT, PAIRS_DEFINE(NAME), which it calls for ranges of pairs of that type.

layout(constant_id = K_MV_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_MV_LANES) const uint LANES = 32u;
layout(constant_id = K_MV_B) const uint B = 1u;
layout(constant_id = K_MV_K) const uint K = 256u;
layout(constant_id = K_MV_NORM) const uint NORM = 0u;

const uint TEAMS = 256u / LANES;
const uint SUMS = 2u * B; // of a pair

#define REDUCE_SUBGROUP SUBGROUP
const uint REDUCE_MAX = SUMS;
#include "reduce.glsl"
#include "rms.glsl"
REDUCE_ADD_DEFINE(reduce_pairs, SUMS)

void pair_at(uint pair, out uint64_t w0, out uint n0, out uint row0, out uint64_t w1, out uint n1,
             out uint row1);
void pair_once(uint b);
void pair_early(uint pair, uint b);
void pair_store(uint pair, uint b, float d0, float d1);
uint64_t pair_x(uint b);
uint64_t pair_norm_w();
uint64_t pair_norm_b();
float pair_eps();

// Tiles that `pairs` pairs make.
uint pairs_tiles(uint pairs)
{
    return (pairs + TEAMS - 1u) / TEAMS;
}

// Adds up what the lanes have for a pair, and stores it if there is such a pair.
void pairs_finish(inout float acc[SUMS], uint pair, uint lane, bool there)
{
    reduce_pairs(acc, LANES);
    float d0 = 0.0, d1 = 0.0;
    [[unroll]] for (uint b = 0u; b < B; b++) {
        if (lane == b) {
            d0 = acc[2u * b];
            d1 = acc[2u * b + 1u];
        }
    }
    if (there && lane < B)
        pair_store(pair, lane, d0, d1);
}
