// pairs.glsl - dot products of pairs of weight rows with up to 16 rows of x: the core of decode.
//
// A team of LANES invocations takes one pair of rows at a time; the teams of all workgroups
// walk over the pairs. Lane l takes chunks l, l + LANES, ... of both rows; each chunk is reduced to
// scale * sum(q x) - minus * sum(x); the lanes' sums are added in a butterfly. So the order of
// additions depends on K, the type and LANES alone, and a row of x gives the same bits in a batch
// and alone.
//
// To keep the memory busy, the first weights are asked for before x is read, and those of the
// next pair before the sums of this one are reduced. With XREG, x stays in registers.
//
// The including kernel defines what teams.glsl says.

layout(constant_id = K_MV_XREG) const uint XREG = 1u;

#include "quants.glsl"
#include "teams.glsl"
#include "layer.glsl"

// What both rows' chunk adds to the sums of row b of x: X(i) is the chunk's value i of x, SUM(run)
// the sum of a run of them.
#define PAIRS_CHUNK(T, b, X, SUM)                                                                  \
    [[unroll]] for (uint run = 0u; run < Q_RUNS(T); run++)                                         \
    {                                                                                              \
        const uint len = Q_CHUNK(T) / Q_RUNS(T);                                                   \
        precise float d0 = Q_SCALED(T) != 0 ? 0.0 : acc[2u * b];                                   \
        precise float d1 = Q_SCALED(T) != 0 ? 0.0 : acc[2u * b + 1u];                              \
        [[unroll]] for (uint i = 0u; i < len; i++) {                                               \
            float xi = X(run * len + i);                                                           \
            d0 = fma(q0[run * len + i], xi, d0);                                                   \
            d1 = fma(q1[run * len + i], xi, d1);                                                   \
        }                                                                                          \
        if (Q_SCALED(T) != 0) {                                                                    \
            d0 = fma(s0[run], d0, acc[2u * b]);                                                    \
            d1 = fma(s1[run], d1, acc[2u * b + 1u]);                                               \
        }                                                                                          \
        if (Q_MIN(T) != 0) {                                                                       \
            d0 = fma(-m0[run], SUM(run), d0);                                                      \
            d1 = fma(-m1[run], SUM(run), d1);                                                      \
        }                                                                                          \
        acc[2u * b] = d0;                                                                          \
        acc[2u * b + 1u] = d1;                                                                     \
    }

// The sum of a run, for types with minima.
#define PAIRS_SUM(s, X, first, n)                                                                  \
    {                                                                                              \
        precise float v = 0.0;                                                                     \
        [[unroll]] for (uint k = 0u; k < n; k++)                                                   \
            v = v + X(first + k);                                                                  \
        s = v;                                                                                     \
    }

#define PAIRS_XREG(i) xr[c * Q_CHUNK(PT) + (i)]
#define PAIRS_XMEM(i) xm[i]
#define PAIRS_SREG(run) xs[c * Q_RUNS(PT) + (run)]
#define PAIRS_SMEM(run) sm[run]

// Which pair this team has in tile t (or the last one, when there are fewer).
#define PAIRS_PAIR(t) min(pair_first + (t - tile_first) * TEAMS + team, pair_end - 1u)

// Defines NAME(tile, ...): runs tiles [tile, tile_end) that are this workgroup's; a tile is TEAMS
// pairs, tile_first is that of pair_first. All rows have type PT.
#define PAIRS_DEFINE(NAME)                                                                         \
    void NAME(inout uint tile, uint tile_first, uint tile_end, uint pair_first, uint pair_end)     \
    {                                                                                              \
        if (tile >= tile_end)                                                                      \
            return;                                                                                \
        const uint chunks = K / Q_CHUNK(PT);                                                       \
        const uint turns = (chunks + LANES - 1u) / LANES;                                          \
        const uint team = TID / LANES, lane = TID % LANES;                                         \
        raw_block a0[XREG != 0u ? turns : 1u], a1[XREG != 0u ? turns : 1u];                        \
        float xr[XREG != 0u ? turns * Q_CHUNK(PT) : 1u];                                           \
        float xs[XREG != 0u ? turns * Q_RUNS(PT) : 1u];                                            \
        float q0[32], q1[32];                                                                      \
        vec2 s0, s1, m0, m1;                                                                       \
        uint64_t w0, w1;                                                                           \
        uint n0, n1, row0, row1;                                                                   \
        pair_at(PAIRS_PAIR(tile), w0, n0, row0, w1, n1, row1);                                     \
        if (XREG != 0u) {                                                                          \
            [[unroll]] for (uint c = 0u; c < turns; c++) {                                         \
                uint chunk = min(lane + c * LANES, chunks - 1u);                                   \
                a0[c] = q_load(PT, w0, n0, K, row0, chunk);                                        \
                a1[c] = q_load(PT, w1, n1, K, row1, chunk);                                        \
            }                                                                                      \
            uint64_t x = pair_x(0u);                                                               \
            float nr[NORM != 0u ? turns * Q_CHUNK(PT) : 1u];                                       \
            float nb[NORM == K_MV_LAYER ? turns * Q_CHUNK(PT) : 1u];                               \
            [[unroll]] for (uint c = 0u; c < turns; c++) {                                         \
                uint chunk = lane + c * LANES;                                                     \
                [[unroll]] for (uint i = 0u; i < Q_CHUNK(PT); i += 4u) {                           \
                    const uint len = Q_CHUNK(PT) / Q_RUNS(PT);                                     \
                    uint col = q_column(PT, min(chunk, chunks - 1u), i / len) + i % len;           \
                    vec4 v = F32x4s(x).v[col / 4u];                                                \
                    [[unroll]] for (uint j = 0u; j < 4u; j++)                                      \
                        xr[c * Q_CHUNK(PT) + i + j] = chunk < chunks ? v[j] : 0.0;                 \
                    if (NORM != 0u) {                                                              \
                        v = F32x4s(pair_norm_w()).v[col / 4u];                                     \
                        [[unroll]] for (uint j = 0u; j < 4u; j++)                                  \
                            nr[c * Q_CHUNK(PT) + i + j] = v[j];                                    \
                    }                                                                              \
                    if (NORM == K_MV_LAYER) {                                                      \
                        v = F32x4s(pair_norm_b()).v[col / 4u];                                     \
                        [[unroll]] for (uint j = 0u; j < 4u; j++)                                  \
                            nb[c * Q_CHUNK(PT) + i + j] = v[j];                                    \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
            if (NORM == K_MV_LAYER) {                                                              \
                vec4 v[LAYER_EACH];                                                                \
                layer_read(x, v);                                                                  \
                vec2 moments = layer_moments(v, pair_eps());                                       \
                [[unroll]] for (uint i = 0u; i < turns * Q_CHUNK(PT); i++)                         \
                    xr[i] = lane + i / Q_CHUNK(PT) * LANES < chunks                                \
                                ? layer_apply(xr[i], moments, nr[i], nb[i])                        \
                                : 0.0;                                                             \
            } else if (NORM != 0u) {                                                               \
                float factor = rms_factor(x, K, pair_eps());                                       \
                [[unroll]] for (uint i = 0u; i < turns * Q_CHUNK(PT); i++)                         \
                    xr[i] = rms_apply(xr[i], factor, nr[i]);                                       \
            }                                                                                      \
            if (Q_MIN(PT) != 0) {                                                                  \
                const uint len = Q_CHUNK(PT) / Q_RUNS(PT);                                         \
                [[unroll]] for (uint c = 0u; c < turns; c++)                                       \
                    [[unroll]] for (uint run = 0u; run < Q_RUNS(PT); run++)                        \
                        PAIRS_SUM(xs[c * Q_RUNS(PT) + run], PAIRS_XREG, run * len, len)            \
            }                                                                                      \
        }                                                                                          \
        if (lane < B)                                                                              \
            pair_once(lane);                                                                       \
        for (; tile < tile_end; tile += gl_NumWorkGroups.x) {                                      \
            uint pair = PAIRS_PAIR(tile);                                                          \
            bool mine = pair_first + (tile - tile_first) * TEAMS + team < pair_end;                \
            if (lane < B)                                                                          \
                pair_early(pair, lane);                                                            \
            float acc[SUMS];                                                                       \
            [[unroll]] for (uint j = 0u; j < SUMS; j++)                                            \
                acc[j] = 0.0;                                                                      \
            if (XREG != 0u) {                                                                      \
                [[unroll]] for (uint c = 0u; c < turns; c++) {                                     \
                    uint chunk = lane + c * LANES;                                                 \
                    q_decode(PT, a0[c], min(chunk, chunks - 1u), q0, s0, m0);                      \
                    q_decode(PT, a1[c], min(chunk, chunks - 1u), q1, s1, m1);                      \
                    [[unroll]] for (uint b = 0u; b < 1u; b++)                                      \
                        PAIRS_CHUNK(PT, b, PAIRS_XREG, PAIRS_SREG)                                 \
                }                                                                                  \
                uint next = tile + gl_NumWorkGroups.x;                                             \
                if (next < tile_end) {                                                             \
                    pair_at(PAIRS_PAIR(next), w0, n0, row0, w1, n1, row1);                         \
                    [[unroll]] for (uint c = 0u; c < turns; c++) {                                 \
                        uint chunk = min(lane + c * LANES, chunks - 1u);                           \
                        a0[c] = q_load(PT, w0, n0, K, row0, chunk);                                \
                        a1[c] = q_load(PT, w1, n1, K, row1, chunk);                                \
                    }                                                                              \
                }                                                                                  \
            } else {                                                                               \
                pair_at(pair, w0, n0, row0, w1, n1, row1);                                         \
                for (uint chunk = lane; chunk < chunks; chunk += LANES) {                          \
                    raw_block r0 = q_load(PT, w0, n0, K, row0, chunk);                             \
                    raw_block r1 = q_load(PT, w1, n1, K, row1, chunk);                             \
                    q_decode(PT, r0, chunk, q0, s0, m0);                                           \
                    q_decode(PT, r1, chunk, q1, s1, m1);                                           \
                    [[unroll]] for (uint b = 0u; b < B; b++) {                                     \
                        uint64_t x = pair_x(b);                                                    \
                        float xm[32];                                                              \
                        [[unroll]] for (uint i = 0u; i < Q_CHUNK(PT); i += 4u) {                   \
                            const uint len = Q_CHUNK(PT) / Q_RUNS(PT);                             \
                            uint col = q_column(PT, chunk, i / len) + i % len;                     \
                            vec4 v = F32x4s(x).v[col / 4u];                                        \
                            [[unroll]] for (uint j = 0u; j < 4u; j++)                              \
                                xm[i + j] = v[j];                                                  \
                        }                                                                          \
                        float sm[2];                                                               \
                        if (Q_MIN(PT) != 0) {                                                      \
                            const uint len = Q_CHUNK(PT) / Q_RUNS(PT);                             \
                            [[unroll]] for (uint run = 0u; run < Q_RUNS(PT); run++)                \
                                PAIRS_SUM(sm[run], PAIRS_XMEM, run * len, len)                     \
                        }                                                                          \
                        PAIRS_CHUNK(PT, b, PAIRS_XMEM, PAIRS_SMEM)                                 \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
            pairs_finish(acc, pair, lane, mine);                                                   \
        }                                                                                          \
    }
