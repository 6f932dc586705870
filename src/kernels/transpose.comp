// transpose.comp - dst[b][c][r] = src[b][r][c], tile by tile through shared memory.
//
// A workgroup takes tiles of 32 x 32: it reads rows and writes columns, both as runs of 32
// elements. A row of the tile is 33 words long, so that neither way two lanes meet in a bank.
// Tiles are numbered columns first, then rows, then matrices; a workgroup takes every n-th.
#include "lib/types.glsl"

layout(constant_id = K_TRANSPOSE_BYTES) const uint BYTES = 4;
layout(push_constant, scalar) uniform Push { k_transpose_push p; };

const uint SIDE = 32, STEP = K_GROUP / SIDE;
shared uint tile[SIDE * (SIDE + 1)];

uint load(uint64_t i)
{
    if (BYTES == 2)
        return uint(U16s(p.src + 2 * i).v[0]);
    return U32s(p.src + 4 * i).v[0];
}

void store(uint64_t i, uint value)
{
    if (BYTES == 2)
        U16s(p.dst + 2 * i).v[0] = uint16_t(value);
    else
        U32s(p.dst + 4 * i).v[0] = value;
}

void main()
{
    uint tiles_x = (p.cols + SIDE - 1) / SIDE, tiles_y = (p.rows + SIDE - 1) / SIDE;
    uint tiles = tiles_x * tiles_y * p.batch;
    uint along = TID % SIDE, first = TID / SIDE;

    for (uint t = gl_WorkGroupID.x; t < tiles; t += gl_NumWorkGroups.x) {
        uint c0 = t % tiles_x * SIDE, r0 = t / tiles_x % tiles_y * SIDE;
        uint64_t b = t / (tiles_x * tiles_y);
        uint c = c0 + along;
        for (uint i = first; i < SIDE; i += STEP)
            if (c < p.cols && r0 + i < p.rows)
                tile[i * (SIDE + 1) + along] =
                    load(b * p.src_batch + uint64_t(r0 + i) * p.src_stride + c);
        barrier();
        uint r = r0 + along;
        for (uint i = first; i < SIDE; i += STEP)
            if (r < p.rows && c0 + i < p.cols)
                store(b * p.dst_batch + uint64_t(c0 + i) * p.dst_stride + r,
                      tile[along * (SIDE + 1) + i]);
        barrier();
    }
}
