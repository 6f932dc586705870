/* Runs a shader that has a race in shared memory, or with the argument `right` the same with its
 * barriers: for the test of `tools/vk --validate`, which has to tell them apart. With `copies` or
 * `copies-right`: a copy of what another copy writes, without and with a barrier between, for that
 * of `--validate-api`. Prints nothing and exits 0 when it ran. */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "gpu/gpu.h"

static const uint32_t wrong_code[] =
#include "race.inc"
    ;
static const uint32_t right_code[] =
#include "race_right.inc"
    ;

static enum status run(const struct gpu_shader *shader)
{
    struct gpu *g = NULL;
    struct gpu_cmd *c = NULL;
    const struct gpu_pipe *pipe;
    const struct gpu_buf *b = NULL;
    uint64_t ticket;
    enum status s;
    TRY_GOTO(gpu_open(&(struct gpu_params){.cache_dir = ""}, &g));
    TRY_GOTO(gpu_buf_create(
        g, &(struct gpu_buf_params){.bytes = 4096, .purpose = GPU_SCRATCH, .tag = "race"}, &b));
    TRY_GOTO(gpu_pipe_get(g, &(struct gpu_pipe_params){.shader = shader, .push_bytes = 8}, &pipe));
    TRY_GOTO(gpu_cmd_create(g, &(struct gpu_cmd_params){.name = "race"}, &c));
    TRY_GOTO(gpu_cmd_dispatch(c, pipe, &b->addr, 1, 1, 1, "race", 0));
    TRY_GOTO(gpu_cmd_end(c));
    TRY_GOTO(gpu_submit(g, c, 1, &ticket));
    TRY_GOTO(gpu_wait(g, ticket));
fail:
    if (s != OK)
        fprintf(stderr, "%s\n", status_message());
    gpu_cmd_destroy(g, &c);
    gpu_buf_destroy(g, &b);
    gpu_close(&g);
    return s;
}

static enum status copy_twice(bool barrier)
{
    enum { PIECE = 4096 };
    struct gpu *g = NULL;
    struct gpu_cmd *c = NULL;
    const struct gpu_buf *b = NULL;
    uint64_t ticket;
    enum status s;
    TRY_GOTO(gpu_open(&(struct gpu_params){.cache_dir = ""}, &g));
    TRY_GOTO(gpu_buf_create(
        g, &(struct gpu_buf_params){.bytes = 3 * PIECE, .purpose = GPU_SCRATCH, .tag = "copies"},
        &b));
    TRY_GOTO(gpu_cmd_create(g, &(struct gpu_cmd_params){.name = "copies"}, &c));
    TRY_GOTO(gpu_cmd_copy(c, b->addr + PIECE, b->addr, PIECE));
    if (barrier)
        TRY_GOTO(gpu_cmd_barrier(c));
    TRY_GOTO(gpu_cmd_copy(c, b->addr + 2 * PIECE, b->addr + PIECE, PIECE));
    TRY_GOTO(gpu_cmd_end(c));
    TRY_GOTO(gpu_submit(g, c, 1, &ticket));
    TRY_GOTO(gpu_wait(g, ticket));
fail:
    if (s != OK)
        fprintf(stderr, "%s\n", status_message());
    gpu_cmd_destroy(g, &c);
    gpu_buf_destroy(g, &b);
    gpu_close(&g);
    return s;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strncmp(argv[1], "copies", 6) == 0)
        return (int)copy_twice(strcmp(argv[1], "copies") != 0);
    if (argc == 2 && strcmp(argv[1], "right") == 0)
        return (int)run(&(struct gpu_shader){"race_right", right_code, sizeof right_code});
    return (int)run(&(struct gpu_shader){"race", wrong_code, sizeof wrong_code});
}
