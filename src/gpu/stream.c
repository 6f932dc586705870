#include "gpu/vk.h"

#include "base/checked.h"

struct slice {
    VkCommandBuffer cb;
    uint64_t ticket;
};

struct gpu_stream {
    struct gpu *g;
    const struct gpu_buf *buf;
    VkCommandPool pool;
    uint64_t slice_bytes;
    uint32_t n, at;
    bool open; /* slice `at` is in the caller's hands */
    struct slice slices[];
};

enum status gpu_stream_create(struct gpu *g, const struct gpu_stream_params *params,
                              struct gpu_stream **out)
{
    *out = NULL;
    VK_ALIVE(g);
    enum status s = OK;
    uint64_t bytes = params && params->slice_bytes ? params->slice_bytes : 32 << 20, total;
    uint32_t n = params && params->slices ? params->slices : 4;
    if (!align_ok(bytes, VK_ALIGN, &bytes) || !mul_ok(bytes, n, &total) || n > 64)
        return status_fail(ERR_USAGE, "a stream of %u slices of %" PRIu64 " bytes", n, bytes);
    struct gpu_stream *t = mem_alloc(sizeof *t + n * sizeof *t->slices);
    if (!t)
        return ERR_MEMORY;
    t->g = g;
    t->slice_bytes = bytes;
    t->n = n;
    struct gpu_buf_params p = {.bytes = total,
                               .memory = GPU_HOST,
                               .purpose = GPU_STAGING,
                               .tag = "staging for weights",
                               .own_block = true};
    TRY_GOTO(gpu_buf_create(g, &p, &t->buf));
    VkCommandPoolCreateInfo pi = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                  .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                  .queueFamilyIndex = g->caps.family};
    TRY_GOTO(VK(g, vkCreateCommandPool, (g->dev, &pi, NULL, &t->pool), "a stream"));
    vk_object(1);
    for (uint32_t i = 0; i < n; i++) {
        VkCommandBufferAllocateInfo ai = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                          .commandPool = t->pool,
                                          .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                          .commandBufferCount = 1};
        TRY_GOTO(VK(g, vkAllocateCommandBuffers, (g->dev, &ai, &t->slices[i].cb),
                    "slice %u of a stream", i));
    }
    *out = t;
    return OK;
fail:
    gpu_stream_destroy(&t);
    return s;
}

void gpu_stream_destroy(struct gpu_stream **tp)
{
    struct gpu_stream *t = *tp;
    *tp = NULL;
    if (!t)
        return;
    struct gpu *g = t->g;
    if (g->lost || gpu_stream_finish(t) != OK)
        vk_idle(g);
    if (t->pool && !g->hung) {
        vkDestroyCommandPool(g->dev, t->pool, NULL);
        vk_object(-1);
    }
    gpu_buf_destroy(g, &t->buf);
    mem_free(t);
}

enum status gpu_stream_next(struct gpu_stream *t, void **host, uint64_t *addr)
{
    if (!t->open) {
        TRY(gpu_wait(t->g, t->slices[t->at].ticket));
        t->open = true;
    }
    uint64_t offset = t->at * t->slice_bytes;
    if (host)
        *host = (char *)t->buf->map + offset;
    if (addr)
        *addr = t->buf->addr + offset;
    return OK;
}

static enum status send(struct gpu_stream *t, uint64_t bytes)
{
    struct gpu *g = t->g;
    struct slice *s = &t->slices[t->at];
    TRY(vk_once_end(g, s->cb, "a stream"));
    struct vk_pending note = {.n = 1};
    TRY(vk_submit(g, &s->cb, 1, &note, &s->ticket));
    g->counters.bytes_up += bytes;
    t->open = false;
    t->at = (t->at + 1) % t->n;
    return OK;
}

enum status gpu_stream_copy(struct gpu_stream *t, uint64_t dst, uint64_t bytes)
{
    struct gpu *g = t->g;
    struct slice *s = &t->slices[t->at];
    VkBuffer from, to;
    VkBufferCopy r = {.size = bytes};
    VK_ALIVE(g);
    if (!t->open || bytes > t->slice_bytes)
        return status_fail(ERR_USAGE, "a stream copy of %" PRIu64 " bytes %s", bytes,
                           t->open ? "is larger than a slice" : "without a slice");
    if (!bytes) {
        t->open = false;
        return OK;
    }
    TRY(vk_find(g, t->buf->addr + t->at * t->slice_bytes, bytes, "stream", &from, &r.srcOffset));
    TRY(vk_find(g, dst, bytes, "stream copy", &to, &r.dstOffset));
    TRY(vk_once_begin(g, s->cb, "a stream"));
    vkCmdCopyBuffer(s->cb, from, to, 1, &r);
    return send(t, bytes);
}

enum status gpu_stream_dispatch(struct gpu_stream *t, const struct gpu_pipe *pipe, const void *push,
                                uint32_t x, uint32_t y, uint32_t z)
{
    struct gpu *g = t->g;
    struct slice *s = &t->slices[t->at];
    const uint32_t *max = g->caps.info.max_groups;
    VK_ALIVE(g);
    if (!t->open)
        return status_fail(ERR_USAGE, "a stream dispatch without a slice");
    if (!x || !y || !z || x > max[0] || y > max[1] || z > max[2])
        return status_fail(ERR_USAGE,
                           "shader %s: %u x %u x %u groups; the limit of %s is "
                           "%u x %u x %u",
                           pipe->name, x, y, z, g->caps.info.name, max[0], max[1], max[2]);
    vk_pipes_settle(g);
    TRY(vk_pipe_check(g, pipe));
    TRY(vk_once_begin(g, s->cb, "a stream"));
    vkCmdBindPipeline(s->cb, VK_PIPELINE_BIND_POINT_COMPUTE, pipe->pipeline);
    if (pipe->params.push_bytes)
        vkCmdPushConstants(s->cb, g->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                           pipe->params.push_bytes, push);
    vkCmdDispatch(s->cb, x, y, z);
    g->counters.dispatches++;
    return send(t, t->slice_bytes);
}

enum status gpu_stream_finish(struct gpu_stream *t)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < t->n; i++)
        if (t->slices[i].ticket > last)
            last = t->slices[i].ticket;
    return gpu_wait(t->g, last);
}
