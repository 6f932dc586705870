#include <inttypes.h>

#include "kernels/op.h"
#include "kernels/shaders.h"

enum status k_repack_pipe(struct gpu_pipe_params *out)
{
    *out = (struct gpu_pipe_params){.shader = shader_find("repack"),
                                    .push_bytes = sizeof(struct k_repack_push)};
    return out->shader ? OK : status_fail(ERR, "repack: no shader module in this build");
}

enum status k_repack(struct gpu *g, struct gpu_stream *s, enum quant_type type, uint64_t src,
                     uint64_t dst, uint64_t total, uint64_t first, uint32_t blocks)
{
    enum { UNITS_AN_INVOCATION = 16 };
    const struct quant *q = quant_info(type);
    struct k_repack_push push = {
        .src = src,
        .dst = dst,
        .blocks = blocks,
        .first = (uint32_t)first,
        .block_bytes = q->bytes,
        .planes = q->planes,
    };
    uint64_t units = (uint64_t)blocks * q->bytes / 2;
    if (units > INT32_MAX)
        return status_fail(ERR_MODEL, "repack: %" PRIu32 " %s blocks at a time: over 4 GiB", blocks,
                           q->name);
    if (first + blocks > total || total > UINT32_MAX)
        return status_fail(ERR_MODEL,
                           "repack: blocks %" PRIu64 " to %" PRIu64 " of %" PRIu64
                           " %s blocks (at most %u)",
                           first, first + blocks, total, q->name, UINT32_MAX);
    for (uint32_t i = 0; i < q->planes; i++) {
        uint64_t plane = quant_plane_offset(type, i, total);
        push.offset[i] = q->plane[i].offset;
        push.len[i] = q->plane[i].length;
        push.plane_lo[i] = (uint32_t)plane;
        push.plane_hi[i] = (uint32_t)(plane >> 32);
    }
    struct gpu_pipe_params params;
    const struct gpu_pipe *pipe;
    TRY(k_repack_pipe(&params));
    TRY(gpu_pipe_get(g, &params, &pipe));
    uint64_t groups = div_up(units, K_GROUP * UNITS_AN_INVOCATION);
    uint32_t most = gpu_get_info(g)->max_groups[0];
    return gpu_stream_dispatch(s, pipe, &push, groups < most ? (uint32_t)groups : most, 1, 1);
}
