/* VK_KHR_pipeline_executable_properties. */
#include "gpu/vk.h"

#include <stdio.h>

enum { MAX_EXECUTABLES = 4, MAX_STATS = 64 };

static double value_of(const VkPipelineExecutableStatisticKHR *s)
{
    switch (s->format) {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
        return s->value.b32;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
        return (double)s->value.i64;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
        return (double)s->value.u64;
    default:
        return s->value.f64;
    }
}

/* Appends those of one executable; a compute pipeline has one. */
static enum status append(struct gpu *g, const struct gpu_pipe *p, uint32_t index,
                          struct gpu_pipe_stat *out, uint32_t max, uint32_t *count)
{
    PFN_vkGetPipelineExecutableStatisticsKHR get =
        (PFN_vkGetPipelineExecutableStatisticsKHR)vkGetDeviceProcAddr(
            g->dev, "vkGetPipelineExecutableStatisticsKHR");
    VkPipelineExecutableInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
                                        .pipeline = p->pipeline,
                                        .executableIndex = index};
    VkPipelineExecutableStatisticKHR *stats = NULL;
    uint32_t n = MAX_STATS;
    enum status s = OK;
    if (!get)
        return OK;
    stats = mem_calloc(MAX_STATS, sizeof *stats);
    if (!stats)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < MAX_STATS; i++)
        stats[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    VkResult r = VK_RAW(get, (g->dev, &info, &n, stats));
    if (r != VK_INCOMPLETE)
        TRY_GOTO(vk_status(g, r, "vkGetPipelineExecutableStatisticsKHR", "shader %s", p->name));
    for (uint32_t i = 0; i < n; i++, ++*count) {
        if (*count >= max)
            continue;
        struct gpu_pipe_stat *to = &out[*count];
        snprintf(to->name, sizeof to->name, "%.*s", (int)sizeof to->name - 1, stats[i].name);
        to->value = value_of(&stats[i]);
    }
fail:
    mem_free(stats);
    return s;
}

enum status gpu_pipe_stats(struct gpu *g, const struct gpu_pipe *p, struct gpu_pipe_stat *out,
                           uint32_t max, uint32_t *count)
{
    *count = 0;
    VK_ALIVE(g);
    if (!g->compile_only)
        return status_fail(ERR_USAGE, "statistics of shader %s: %s is not open for compiling only",
                           p->name, g->caps.info.name);
    vk_pipe_settle(g, p);
    TRY(vk_pipe_check(g, p));
    if (!(g->caps.info.caps & GPU_CAP_EXEC_PROPERTIES))
        return OK;
    PFN_vkGetPipelineExecutablePropertiesKHR get =
        (PFN_vkGetPipelineExecutablePropertiesKHR)vkGetDeviceProcAddr(
            g->dev, "vkGetPipelineExecutablePropertiesKHR");
    VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR,
                              .pipeline = p->pipeline};
    uint32_t n = 0;
    if (!get)
        return OK;
    TRY(VK(g, get, (g->dev, &info, &n, NULL), "shader %s", p->name));
    for (uint32_t i = 0; i < n && i < MAX_EXECUTABLES; i++)
        TRY(append(g, p, i, out, max, count));
    return OK;
}
