#include "probe.h"

#include "exact.h"

bool m_fused = true;

static const uint32_t code[] =
#include "probe.inc"
    ;
static const struct gpu_shader shader = {"probe", code, sizeof code};

static enum status run(struct gpu *g, uint64_t at)
{
    enum status s = OK;
    const struct gpu_pipe *pipe;
    struct gpu_cmd *c = NULL;
    uint64_t ticket;
    TRY(gpu_pipe_get(g, &(struct gpu_pipe_params){.shader = &shader, .push_bytes = sizeof at},
                     &pipe));
    TRY_GOTO(gpu_cmd_create(g, &(struct gpu_cmd_params){.name = "probe"}, &c));
    TRY_GOTO(gpu_cmd_dispatch(c, pipe, &at, 1, 1, 1, "probe", -1));
    TRY_GOTO(gpu_cmd_end(c));
    TRY_GOTO(gpu_submit(g, c, 1, &ticket));
    TRY_GOTO(gpu_wait(g, ticket));
fail:
    gpu_cmd_destroy(g, &c);
    return s;
}

enum status check_probe(struct gpu *g)
{
    /* a * b = 1 + 2^-11 + 2^-24: the last does not survive a rounding. */
    const float a = 1.0f + 0x1p-12f, once = 0x1p-24f, twice = 0.0f;
    float f[4] = {a, a, -(1.0f + 0x1p-11f), NAN};
    enum status s = OK;
    const struct gpu_buf *buf = NULL;
    TRY(gpu_buf_create(
        g,
        &(struct gpu_buf_params){
            .bytes = sizeof f, .memory = GPU_DEVICE, .purpose = GPU_SCRATCH, .tag = "probe"},
        &buf));
    TRY_GOTO(gpu_upload(g, buf->addr, f, sizeof f));
    TRY_GOTO(run(g, buf->addr));
    TRY_GOTO(gpu_download(g, f, buf->addr, sizeof f));
    if (f[3] != once && f[3] != twice)
        s = status_fail(ERR_VERIFY, "%s: fma(1 + 2^-12, 1 + 2^-12, -1 - 2^-11) is %.9g",
                        gpu_get_info(g)->name, (double)f[3]);
    m_fused = f[3] != twice;
fail:
    gpu_buf_destroy(g, &buf);
    return s;
}
