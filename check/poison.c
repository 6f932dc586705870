#include "poison.h"

static const uint32_t code[] =
#include "poison.inc"
    ;
static const struct gpu_shader shader = {"poison", code, sizeof code};

enum status check_poison(struct gpu *g, struct gpu_cmd *c)
{
    const struct gpu_info *info = gpu_get_info(g);
    const struct gpu_pipe *pipe;
    uint64_t nowhere = 0;
    /* More workgroups than run at a time, so that every unit has its turn. */
    uint32_t groups = info->units < 16 ? 64 : 4 * info->units;
    TRY(gpu_pipe_get(g,
                     &(struct gpu_pipe_params){.shader = &shader,
                                               .spec = {info->shared_bytes / 4},
                                               .n_spec = 1,
                                               .push_bytes = sizeof nowhere},
                     &pipe));
    TRY(gpu_cmd_dispatch(c, pipe, &nowhere, groups, 1, 1, "poison", -1));
    return gpu_cmd_barrier(c);
}
