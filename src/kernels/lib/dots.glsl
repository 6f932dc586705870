// dots.glsl - pairs.glsl with x rounded to 8 bits: integer dot products, four weights at a time.
//
// Each block of 32 columns of x becomes a scale d and integers (round8.glsl), and weights of block
// types are integers too. A chunk is 64 weights, two blocks, and a block adds
//   (scale d) * sum(q_w q_x) - minus * (d sum(q_x))
// to the sum of its row, the sums in brackets being exact integers. Where weights have a scale for
// 16, an integer, that is multiplied in before. Lanes take chunks as in pairs.glsl, so a row of x
// gives the same bits in a batch and alone.
//
// The chunks that come next are always on their way, those of the next pair while this one is added
// up. B = 1: the workgroup rounds x once, through shared memory, while its first weights come; then
// each lane keeps its chunks of x. B > 1: rows that round8.comp has made (see k_round8_push).
//
// The including kernel defines what teams.glsl says. Where B > 1, pair_x() is the address of row b
// as round8.comp leaves it.
#extension GL_EXT_integer_dot_product : require
#include "dot_types.glsl"
#include "teams.glsl"
#include "round8.glsl"

const uint CHUNKS = K / 64u;
const uint TURNS = (CHUNKS + LANES - 1u) / LANES;

// Row 0 of x, B = 1: its integers, and d of its blocks.
shared uvec4 dots_q[B == 1u ? K / 16u : 1u];
shared float dots_d[B == 1u ? K / 32u : 1u];

// A chunk of a row of x: two blocks of integers; for each of them d and the sums of its halves.
struct dots_x {
    uint q[16];
    vec2 d;
    ivec4 sums;
};

void dots_round()
{
    const uint rounds = (K / 4u + 255u) / 256u;
    uint64_t x = pair_x(0u);
    float factor = 1.0;
    vec4 v[rounds], w[NORM != 0u ? rounds : 1u];
    [[unroll]] for (uint r = 0u; r < rounds; r++) {
        uint at = min(TID + 256u * r, K / 4u - 1u);
        v[r] = F32x4s(x).v[at];
        if (NORM != 0u)
            w[r] = F32x4s(pair_norm_w()).v[at];
    }
    if (NORM != 0u) {
        float sum = 0.0;
        [[unroll]] for (uint r = 0u; r < rounds; r++) {
            if (TID + 256u * r < K / 4u)
                sum = rms_add(sum, v[r]);
        }
        factor = rms_of_sum(sum, K, pair_eps());
    }
    [[unroll]] for (uint r = 0u; r < rounds; r++) {
        uint at = TID + 256u * r, q;
        float d;
        round8(NORM != 0u ? rms_apply(v[r], factor, w[r]) : v[r], q, d);
        if (at < K / 4u) {
            dots_q[at / 4u][at % 4u] = q;
            if (at % 8u == 0u)
                dots_d[at / 8u] = d;
        }
    }
    barrier();
}

// Blocks b0 and b1 of row b.
dots_x dots_read(uint b, uint b0, uint b1)
{
    dots_x x;
    const uvec2 block = uvec2(b0, b1);
    [[unroll]] for (uint h = 0u; h < 2u; h++) {
        [[unroll]] for (uint j = 0u; j < 2u; j++) {
            uvec4 v = B == 1u ? dots_q[2u * block[h] + j] : U32x4s(pair_x(b)).v[2u * block[h] + j];
            [[unroll]] for (uint i = 0u; i < 4u; i++)
                x.q[8u * h + 4u * j + i] = v[i];
        }
        if (B == 1u) {
            x.d[h] = dots_d[block[h]];
            [[unroll]] for (uint j = 0u; j < 2u; j++) {
                int t = 0;
                [[unroll]] for (uint i = 0u; i < 4u; i++)
                    t += dotPacked4x8EXT(int(x.q[8u * h + 4u * j + i]), 0x01010101);
                x.sums[2u * h + j] = t;
            }
        } else {
            uvec2 at = U32x2s(pair_x(b) + K).v[block[h]];
            x.d[h] = uintBitsToFloat(at.x);
            const ivec2 sums = round8_sums(at.y);
            x.sums[2u * h] = sums.x;
            x.sums[2u * h + 1u] = sums.y;
        }
    }
    return x;
}

// Which pair this team has in tile t.
#define DOTS_PAIR(t) (pair_first + ((t) - tile_first) * TEAMS + team)

// Where its rows lie (or the last ones, when there are fewer), and a turn of them.
#define DOTS_AT(t)                                                                                 \
    pair_at(min(DOTS_PAIR(t), pair_end - 1u), w[0], n[0], row[0], w[1], n[1], row[1]);
#define DOTS_TAKE(raw, c)                                                                          \
    [[unroll]] for (uint j = 0u; j < 2u; j++)                                                      \
        raw[j] = q_take(PT, w[j], n[j], K, row[j], min(lane + (c) * LANES, CHUNKS - 1u));

// Defines NAME(tile, ...) as PAIRS_DEFINE does.
#define PAIRS_DEFINE(NAME)                                                                         \
    void NAME(inout uint tile, uint tile_first, uint tile_end, uint pair_first, uint pair_end)     \
    {                                                                                              \
        if (tile >= tile_end)                                                                      \
            return;                                                                                \
        const uint team = TID / LANES, lane = TID % LANES;                                         \
        uint64_t w[2];                                                                             \
        uint n[2], row[2];                                                                         \
        raw_chunk raw[2], coming[2];                                                               \
        DOTS_AT(tile)                                                                              \
        DOTS_TAKE(raw, 0u)                                                                         \
        if (B == 1u && !dots_ready)                                                                \
            dots_round();                                                                          \
        dots_ready = true;                                                                         \
        if (lane < B)                                                                              \
            pair_once(lane);                                                                       \
        dots_x kept[B == 1u ? TURNS : 1u];                                                         \
        [[unroll]] for (uint c = 0u; c < TURNS; c++) {                                             \
            const uint chunk = min(lane + c * LANES, CHUNKS - 1u);                                 \
            if (B == 1u)                                                                           \
                kept[c] = dots_read(0u, Q_DOT_BLOCK(PT, chunk, 0u), Q_DOT_BLOCK(PT, chunk, 1u));   \
        }                                                                                          \
        while (tile < tile_end) {                                                                  \
            const uint pair = DOTS_PAIR(tile);                                                     \
            if (lane < B)                                                                          \
                pair_early(min(pair, pair_end - 1u), lane);                                        \
            tile += gl_NumWorkGroups.x;                                                            \
            float acc[SUMS];                                                                       \
            [[unroll]] for (uint j = 0u; j < SUMS; j++)                                            \
                acc[j] = 0.0;                                                                      \
            [[unroll]] for (uint c = 0u; c < TURNS; c++) {                                         \
                if (c + 1u < TURNS) {                                                              \
                    DOTS_TAKE(coming, c + 1u)                                                      \
                } else if (tile < tile_end) {                                                      \
                    DOTS_AT(tile)                                                                  \
                    DOTS_TAKE(coming, 0u)                                                          \
                }                                                                                  \
                const uint chunk = min(lane + c * LANES, CHUNKS - 1u);                             \
                uint q[32];                                                                        \
                vec2 scale[2], minus[2];                                                           \
                ivec4 small[2];                                                                    \
                [[unroll]] for (uint j = 0u; j < 2u; j++) {                                        \
                    uint words[16];                                                                \
                    q_dot_words(PT, raw[j], chunk, words, scale[j], minus[j], small[j]);           \
                    [[unroll]] for (uint i = 0u; i < 16u; i++)                                     \
                        q[16u * j + i] = words[i];                                                 \
                }                                                                                  \
                [[unroll]] for (uint b = 0u; b < B; b++) {                                         \
                    dots_x x = kept[B == 1u ? c : 0u];                                             \
                    if (B > 1u)                                                                    \
                        x = dots_read(b, Q_DOT_BLOCK(PT, chunk, 0u), Q_DOT_BLOCK(PT, chunk, 1u));  \
                    if (lane + c * LANES >= CHUNKS)                                                \
                        x.d = vec2(0.0);                                                           \
                    [[unroll]] for (uint h = 0u; h < 2u; h++) {                                    \
                        const int s0 = x.sums[2u * h], s1 = x.sums[2u * h + 1u];                   \
                        precise float d_sum = x.d[h] * float(s0 + s1);                             \
                        [[unroll]] for (uint j = 0u; j < 2u; j++) {                                \
                            int t0 = -Q_OFFSET(PT) * s0, t1 = -Q_OFFSET(PT) * s1;                  \
                            [[unroll]] for (uint i = 8u * h; i < 8u * h + 4u; i++) {               \
                                t0 += dotPacked4x8EXT(int(q[16u * j + i]), int(x.q[i]));           \
                                t1 += dotPacked4x8EXT(int(q[16u * j + i + 4u]), int(x.q[i + 4u])); \
                            }                                                                      \
                            int t = Q_HALVES(PT) != 0 ? t0 * small[j][2u * h] +                    \
                                                            t1 * small[j][2u * h + 1u]             \
                                                      : t0 + t1;                                   \
                            const uint v = 2u * b + j;                                             \
                            precise float s = scale[j][Q_HALVES(PT) != 0 ? 0u : h] * x.d[h];       \
                            precise float y = fma(s, float(t), acc[v]);                            \
                            if (Q_MINUS(PT) != 0)                                                  \
                                y = fma(-minus[j][h], d_sum, y);                                   \
                            acc[v] = y;                                                            \
                        }                                                                          \
                    }                                                                              \
                }                                                                                  \
                [[unroll]] for (uint j = 0u; j < 2u; j++)                                          \
                    raw[j] = coming[j];                                                            \
            }                                                                                      \
            pairs_finish(acc, pair, lane, pair < pair_end);                                        \
        }                                                                                          \
    }

bool dots_ready = false;
