// bmm.comp - c[i3][i2][m][n] = scale * sum_k a[i3 / r3][i2 / r2][m][k] b[i3][i2][n][k], f32.
//
// A workgroup makes 64 x 64 outputs of one matrix, an invocation 4 x 4; 16 k's of both operands
// at a time lie in shared memory, k first, so that an invocation reads four neighbours. Every
// output adds its products in order of k, by fma.
#include "lib/types.glsl"

layout(constant_id = K_BMM_BT) const uint BT = 1;
layout(push_constant, scalar) uniform Push { k_bmm_push p; };

const uint TILE = 64, STEP = 16, ROW = TILE + 4; // padded: see transpose.comp
shared float sa[STEP * ROW], sb[STEP * ROW];

float load(uint64_t base, uint64_t i)
{
    return F32s(base + 4 * i).v[0];
}

// 16 k's of 64 rows; neighbouring invocations read neighbouring k's.
void stage_a(uint64_t a, uint m0, uint k0)
{
    uint k = k0 + TID % STEP;
    for (uint r = TID / STEP; r < TILE; r += K_GROUP / STEP) {
        bool inside = m0 + r < p.m && k < p.k;
        sa[TID % STEP * ROW + r] = inside ? load(a, uint64_t(m0 + r) * p.a_row + k) : 0.0;
    }
}

void stage_b(uint64_t b, uint n0, uint k0)
{
    if (BT == 1) {
        uint k = k0 + TID % STEP;
        for (uint r = TID / STEP; r < TILE; r += K_GROUP / STEP) {
            bool inside = n0 + r < p.n && k < p.k;
            sb[TID % STEP * ROW + r] = inside ? load(b, uint64_t(n0 + r) * p.b_row + k) : 0.0;
        }
    } else {
        uint n = n0 + TID % TILE;
        for (uint i = TID / TILE; i < STEP; i += K_GROUP / TILE) {
            bool inside = n < p.n && k0 + i < p.k;
            sb[i * ROW + TID % TILE] = inside ? load(b, uint64_t(k0 + i) * p.b_row + n) : 0.0;
        }
    }
}

void main()
{
    uint m0 = gl_WorkGroupID.y * TILE, n0 = gl_WorkGroupID.x * TILE;
    uint tm = TID / 16 * 4, tn = TID % 16 * 4;

    for (uint z = gl_WorkGroupID.z; z < p.ne2 * p.ne3; z += gl_NumWorkGroups.z) {
        uint64_t i2 = z % p.ne2, i3 = z / p.ne2;
        uint64_t a = p.a + 4 * (i2 / p.r2 * p.a_2 + i3 / p.r3 * p.a_3);
        uint64_t b = p.b + 4 * (i2 * p.b_2 + i3 * p.b_3);
        uint64_t c = p.c + 4 * (i2 * p.c_2 + i3 * p.c_3);
        precise vec4 acc[4] = vec4[4](vec4(0), vec4(0), vec4(0), vec4(0));

        for (uint k0 = 0; k0 < p.k; k0 += STEP) {
            stage_a(a, m0, k0);
            stage_b(b, n0, k0);
            barrier();
            for (uint k = 0; k < STEP; k++) {
                uint at = k * ROW + tn;
                vec4 y = vec4(sb[at], sb[at + 1], sb[at + 2], sb[at + 3]);
                [[unroll]] for (uint i = 0; i < 4; i++)
                    acc[i] = fma(vec4(sa[k * ROW + tm + i]), y, acc[i]);
            }
            barrier();
        }
        [[unroll]] for (uint i = 0; i < 4; i++)
            [[unroll]] for (uint j = 0; j < 4; j++)
                if (m0 + tm + i < p.m && n0 + tn + j < p.n)
                    F32s(c + 4 * (uint64_t(m0 + tm + i) * p.c_row + n0 + tn + j)).v[0] =
                        acc[i][j] * p.scale;
    }
}
