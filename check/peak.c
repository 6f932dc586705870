#include "peak.h"

#include <math.h>
#include <string.h>

static const uint32_t code[] =
#include "peak.inc"
    ;
static const struct gpu_shader shader = {"peak", code, sizeof code};
static const uint32_t khr_code[] =
#include "peak_khr.inc"
    ;
static const struct gpu_shader khr_shader = {"peak_khr", khr_code, sizeof khr_code};
static const uint32_t nv_code[] =
#include "peak_nv.inc"
    ;
static const struct gpu_shader nv_shader = {"peak_nv", nv_code, sizeof nv_code};

enum { RUNS = 8, GROUP = 256, LANES = 16 };

/* Two f16, 0.1 and -0.1: zeros would take less power, and so be faster than anything else. */
#define HALVES 0xae662e66u

struct push {
    uint64_t src;
    uint32_t vectors;
    float seed;
};

/* Seconds of the fastest of several runs. */
static enum status best_of(struct gpu *g, struct gpu_pipe_params params, const struct push *push,
                           uint32_t groups, double *seconds)
{
    enum status s = OK;
    const struct gpu_pipe *pipe;
    struct gpu_cmd *c = NULL;
    params.push_bytes = sizeof *push;
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

static enum status read_peak(struct gpu *g, const struct push *push, uint32_t groups, double bytes,
                             struct check_peak *out)
{
    double seconds;
    struct gpu_pipe_params params = {.shader = &shader, .n_spec = 2, .spec = {1, 0}};
    TRY(best_of(g, params, push, groups, &seconds));
    out->read_bytes = bytes / seconds;
    return OK;
}

static enum status sum_peak(struct gpu *g, const struct push *push, uint32_t groups,
                            uint32_t rounds, struct check_peak *out)
{
    double seconds;
    struct gpu_pipe_params params = {.shader = &shader, .n_spec = 2, .spec = {0, rounds}};
    TRY(best_of(g, params, push, groups, &seconds));
    out->flops = 2.0 * LANES * GROUP * groups * rounds / seconds;
    return OK;
}

/* At the scope of subgroups: each multiplies its own matrices. */
static enum status khr_peak(struct gpu *g, const struct push *push, uint32_t groups,
                            uint32_t rounds, struct check_peak *out)
{
    enum { CHAINS = 4 };
    const struct gpu_info *info = gpu_get_info(g);
    uint32_t m = info->coop_m, n = info->coop_n, k = info->coop_k;
    double seconds, parts = GROUP / info->subgroup_default;
    struct gpu_pipe_params params = {.shader = &khr_shader, .n_spec = 4, .spec = {m, n, k, rounds}};
    if (!(info->caps & GPU_CAP_COOPMAT))
        return OK;
    TRY(best_of(g, params, push, groups, &seconds));
    out->matrix_flops =
        fmax(out->matrix_flops, 2.0 * m * n * k * CHAINS * rounds * parts * groups / seconds);
    return OK;
}

/* At the scope of workgroups. */
static enum status nv_peak(struct gpu *g, const struct push *push, uint32_t groups, uint32_t rounds,
                           struct check_peak *out)
{
    enum { M = 128, N = 256, K = 64 };
    double seconds;
    struct gpu_pipe_params params = {.shader = &nv_shader, .n_spec = 4, .spec = {M, N, K, rounds}};
    if (!(gpu_get_info(g)->caps & GPU_CAP_COOPMAT2))
        return OK;
    TRY(best_of(g, params, push, groups, &seconds));
    out->matrix_flops = fmax(out->matrix_flops, 2.0 * M * N * K * rounds * groups / seconds);
    return OK;
}

enum status check_peak(struct gpu *g, struct check_peak *out)
{
    const struct gpu_info *info = gpu_get_info(g);
    bool software = !strcmp(info->kind, "software");
    uint64_t bytes = software ? 16u << 20 : 512u << 20;
    uint32_t groups = software ? 64 : 8 * (info->units ? info->units : 64);
    uint32_t rounds = software ? 256 : 4096;
    const struct gpu_buf *buf = NULL;
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
    TRY_GOTO(gpu_fill(g, buf->addr, HALVES, bytes));
    TRY_GOTO(read_peak(g, &push, groups, (double)bytes, out));
    TRY_GOTO(sum_peak(g, &push, groups, rounds, out));
    TRY_GOTO(khr_peak(g, &push, groups, rounds / 4, out));
    TRY_GOTO(nv_peak(g, &push, groups, rounds / 16, out));
fail:
    gpu_buf_destroy(g, &buf);
    return s;
}
