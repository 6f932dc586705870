// matmul.comp - many rows of x times a matrix of weights, in f32: see k_matmul_push.
//
// A workgroup makes SIDE x SIDE outputs, an invocation TILE x TILE of them in squares of 4 x 4 that
// lie 64 apart. The weights are read in pieces of 8 (lib/pieces.glsl), decoded once into shared
// memory, and multiplied with the 8 values of x that belong to them; STEP pieces of every row at a
// time. Every output adds its products in order of pieces by fma: the order depends on the type
// and K, not on SIDE, M or the device.
#include "lib/types.glsl"
#include "lib/math.glsl"
#include "quants.glsl"

layout(constant_id = K_MATMUL_TYPE) const uint TYPE = 0u;
layout(constant_id = K_MATMUL_N) const uint N = 1u;
layout(constant_id = K_MATMUL_K) const uint K = 8u;
layout(constant_id = K_MATMUL_TILE) const uint TILE = 4u; // 4 or 8
layout(push_constant, scalar) uniform Push { k_matmul_push p; };

#include "lib/pieces.glsl"

const uint SIDE = 16u * TILE;
const uint STEP = K_GROUP / SIDE; // pieces: one an invocation, of x and of w
const uint SQUARES = TILE / 4u;

// [weight of the step][row]
shared float xs[8u * K_GROUP], ws[8u * K_GROUP];

// The values of x that belong to a piece.
void load_x(uint64_t x, uint piece, out vec4 v0, out vec4 v1)
{
    uint column = piece_column(piece);
    v0 = F32x4s(x).v[column / 4u];
    v1 = K % 8u == 0u || column + 4u < K ? F32x4s(x).v[column / 4u + 1u] : vec4(0.0);
}

void stage(uint m0, uint rows, uint n0, uint first)
{
    uint row = TID % SIDE, piece = first + TID / SIDE, at = TID / SIDE * 8u * SIDE + row;
    float w[8] = float[8](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    vec4 x0 = vec4(0.0), x1 = vec4(0.0);
    if (n0 + row < N && piece < PIECES)
        piece_load(p.w, n0 + row, piece, w);
    if (m0 + row < rows && piece < PIECES)
        load_x(p.x + uint64_t(m0 + row) * (K * 4u), piece, x0, x1);
    [[unroll]] for (uint i = 0u; i < 8u; i++) {
        ws[at + i * SIDE] = w[i];
        xs[at + i * SIDE] = i < 4u ? x0[i] : x1[i - 4u];
    }
}

// An operand that may be absent is replaced by another that is not, and what is read is dropped:
// lavapipe reads uniform addresses in branches not taken, too.
vec4 bias_at(uint n)
{
    F32s from = F32s(p.bias != 0u ? p.bias : p.w);
    vec4 y = vec4(0.0);
    [[unroll]] for (uint j = 0u; j < 4u; j++)
        if (n + j < N)
            y[j] = from.v[n + j];
    return p.bias != 0u ? y : vec4(0.0);
}

void store(uint m, uint n, vec4 sum)
{
    precise vec4 y = sum + bias_at(n);
    uint64_t at = (uint64_t(m) * N + n) * 4u;
    if (N % 4u == 0u) {
        if (p.residual != 0u)
            y = y + F32x4s(p.residual + at).v[0];
        F32x4s(p.dst + at).v[0] = y;
        return;
    }
    [[unroll]] for (uint j = 0u; j < 4u; j++) {
        if (n + j < N) {
            precise float z = y[j];
            if (p.residual != 0u)
                z = z + F32s(p.residual + at).v[j];
            F32s(p.dst + at).v[j] = z;
        }
    }
}

void main()
{
    uint m0 = gl_WorkGroupID.y * SIDE, n0 = gl_WorkGroupID.x * SIDE;
    uint n_rows = Steps(p.step != 0u ? p.step : p.x).v.n_rows;
    uint rows = p.step != 0u ? min(n_rows, p.m) : p.m;
    uint tm = TID / 16u * 4u, tn = TID % 16u * 4u;
    precise vec4 acc[SQUARES][4][SQUARES];
    [[unroll]] for (uint a = 0u; a < SQUARES; a++)
        [[unroll]] for (uint i = 0u; i < 4u; i++)
            [[unroll]] for (uint b = 0u; b < SQUARES; b++)
                acc[a][i][b] = vec4(0.0);

    // A tile beyond the rows has no pieces to go through.
    uint pieces = m0 < rows ? PIECES : 0u;
    for (uint first = 0u; first < pieces; first += STEP) {
        stage(m0, rows, n0, first);
        barrier();
        for (uint k = 0u; k < 8u * STEP; k++) {
            vec4 w[SQUARES];
            [[unroll]] for (uint b = 0u; b < SQUARES; b++) {
                uint at = k * SIDE + 64u * b + tn;
                w[b] = vec4(ws[at], ws[at + 1u], ws[at + 2u], ws[at + 3u]);
            }
            [[unroll]] for (uint a = 0u; a < SQUARES; a++) {
                [[unroll]] for (uint i = 0u; i < 4u; i++) {
                    float x = xs[k * SIDE + 64u * a + tm + i];
                    [[unroll]] for (uint b = 0u; b < SQUARES; b++)
                        acc[a][i][b] = fma(vec4(x), w[b], acc[a][i][b]);
                }
            }
        }
        barrier();
    }

    [[unroll]] for (uint b = 0u; b < SQUARES; b++) {
        uint n = n0 + 64u * b + tn;
        if (n < N) {
            [[unroll]] for (uint a = 0u; a < SQUARES; a++) {
                [[unroll]] for (uint i = 0u; i < 4u; i++) {
                    uint m = m0 + 64u * a + tm + i;
                    if (m < rows)
                        store(m, n, acc[a][i][b]);
                }
            }
        }
    }
}
