#include "peak.h"

#include <math.h>
#include <string.h>

static const uint32_t code[] =
#include "peak.inc"
    ;
static const struct gpu_shader shader = {"peak", code, sizeof code};

enum { RUNS = 8, GROUP = 256, LANES = 16 };

struct push {
    uint64_t src;
    uint32_t vectors;
    float seed;
};

/* Seconds of the fastest of several runs. */
static enum status best_of(struct gpu *g, const uint32_t spec[2], const struct push *push,
                           uint32_t groups, double *seconds)
{
    enum status s = OK;
    const struct gpu_pipe *pipe;
    struct gpu_cmd *c = NULL;
    struct gpu_pipe_params params = {.shader = &shader, .n_spec = 2, .push_bytes = sizeof *push};
    memcpy(params.spec, spec, 2 * sizeof *spec);
    TRY(gpu_pipe_get(g, &params, &pipe));
    TRY_GOTO(gpu_cmd_create(g, &(struct gpu_cmd_params){.name = "peak", .timestamps = 2}, &c));
    TRY_GOTO(gpu_cmd_timestamp(c, 0));
    TRY_GOTO(gpu_cmd_dispatch(c, pipe, push, groups, 1, 1, "peak", -1));
    TRY_GOTO(gpu_cmd_timestamp(c, 1));
    TRY_GOTO(gpu_cmd_end(c));
    *seconds = INFINITY;
    for (int i = 0; i < RUNS; i++) {
        uint64_t ticket;
        double one;
        TRY_GOTO(gpu_submit(g, c, 1, &ticket));
        TRY_GOTO(gpu_wait(g, ticket));
        TRY_GOTO(gpu_cmd_elapsed(c, 0, 1, &one));
        if (one > 0 && one < *seconds)
            *seconds = one;
    }
fail:
    gpu_cmd_destroy(g, &c);
    return s;
}

enum status check_peak(struct gpu *g, struct check_peak *out)
{
    const struct gpu_info *info = gpu_get_info(g);
    bool software = !strcmp(info->kind, "software");
    uint64_t bytes = software ? 16u << 20 : 512u << 20;
    uint32_t groups = software ? 64 : 8 * (info->units ? info->units : 64);
    uint32_t rounds = software ? 256 : 4096;
    const struct gpu_buf *buf = NULL;
    double seconds;
    enum status s = OK;
    *out = (struct check_peak){0};
    TRY(gpu_buf_create(g,
                       &(struct gpu_buf_params){.bytes = bytes,
                                                .memory = GPU_DEVICE,
                                                .purpose = GPU_SCRATCH,
                                                .tag = "peak",
                                                .own_block = true},
                       &buf));
    struct push push = {.src = buf->addr, .vectors = (uint32_t)(bytes / 16), .seed = 0.5f};
    TRY_GOTO(best_of(g, (const uint32_t[2]){1, 0}, &push, groups, &seconds));
    out->read_bytes = (double)bytes / seconds;
    TRY_GOTO(best_of(g, (const uint32_t[2]){0, rounds}, &push, groups, &seconds));
    out->flops = 2.0 * LANES * GROUP * groups * rounds / seconds;
fail:
    gpu_buf_destroy(g, &buf);
    return s;
}
