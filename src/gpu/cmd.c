#include "gpu/vk.h"

#include <string.h>

/* A recording whose whole run is known to be shorter than this becomes one command buffer. */
static const double MERGE_SECONDS = 0.1;

enum status gpu_cmd_create(struct gpu *g, const struct gpu_cmd_params *params, struct gpu_cmd **out)
{
    *out = NULL;
    VK_ALIVE(g);
    TRY(vk_can_run(g, params && params->name ? params->name : "commands"));
    enum status s = OK;
    struct gpu_cmd *c = mem_alloc(sizeof *c);
    if (!c)
        return ERR_MEMORY;
    c->g = g;
    c->id = g->next_cmd = g->next_cmd % 0xffff + 1;
    c->next = g->cmds;
    if (g->cmds)
        g->cmds->prev = c;
    g->cmds = c;
    const char *name = params && params->name ? params->name : "commands";
    c->name = arena_strndup(&c->arena, name, strlen(name));
    if (!c->name) {
        s = ERR_MEMORY;
        goto fail;
    }
    c->n_stamps = params && g->timestamps ? params->timestamps : 0;
    if (c->n_stamps) {
        VkQueryPoolCreateInfo ci = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                    .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                    .queryCount = c->n_stamps};
        TRY_GOTO(VK(g, vkCreateQueryPool, (g->dev, &ci, NULL, &c->queries), "%u timestamps of '%s'",
                    c->n_stamps, c->name));
        vk_object(1);
    }
    *out = c;
    return OK;
fail:
    gpu_cmd_destroy(g, &c);
    return s;
}

static void destroy_pool(struct gpu *g, VkCommandPool *pool)
{
    if (*pool && !g->hung) {
        vkDestroyCommandPool(g->dev, *pool, NULL);
        vk_object(-1);
    }
    *pool = VK_NULL_HANDLE;
}

void gpu_cmd_destroy(struct gpu *g, struct gpu_cmd **cp)
{
    struct gpu_cmd *c = *cp;
    *cp = NULL;
    if (!c)
        return;
    if (c->last > g->finished && (g->lost || gpu_wait(g, c->last) != OK))
        vk_idle(g);
    for (uint32_t i = 0; i < g->depth; i++) {
        struct vk_pending *p = &g->pending[(g->head + i) % VK_PENDING];
        if (p->cmd == c)
            p->cmd = NULL;
    }
    destroy_pool(g, &c->pool);
    destroy_pool(g, &c->old_pool);
    if (c->queries && !g->hung) {
        vkDestroyQueryPool(g->dev, c->queries, NULL);
        vk_object(-1);
    }
    if (c->prev)
        c->prev->next = c->next;
    else
        g->cmds = c->next;
    if (c->next)
        c->next->prev = c->prev;
    mem_free(c->ops);
    mem_free(c->segs);
    arena_free(&c->arena);
    mem_free(c);
}

/* ---- noting ------------------------------------------------------------------------------- */

static enum status add_op(struct gpu_cmd *c, struct vk_op **out)
{
    VK_ALIVE(c->g);
    if (c->ended)
        return status_fail(ERR_USAGE, "'%s' has been recorded: nothing can be added", c->name);
    if (c->n_ops == c->cap_ops) {
        uint32_t cap = c->cap_ops ? 2 * c->cap_ops : 64;
        struct vk_op *grown = mem_realloc(c->ops, cap * sizeof *grown);
        if (!grown)
            return ERR_MEMORY;
        c->ops = grown;
        c->cap_ops = cap;
    }
    *out = &c->ops[c->n_ops];
    **out = (struct vk_op){.layer = -1};
    return OK;
}

enum status gpu_cmd_dispatch(struct gpu_cmd *c, const struct gpu_pipe *pipe, const void *push,
                             uint32_t x, uint32_t y, uint32_t z, const char *label, int layer)
{
    const uint32_t *max = c->g->caps.info.max_groups;
    if (!label)
        label = pipe->name;
    if (!x || !y || !z || x > max[0] || y > max[1] || z > max[2])
        return status_fail(ERR_USAGE,
                           "'%s' (layer %d, shader %s): %u x %u x %u groups; the limit of %s is "
                           "%u x %u x %u",
                           label, layer, pipe->name, x, y, z, c->g->caps.info.name, max[0], max[1],
                           max[2]);
    struct vk_op *op;
    TRY(add_op(c, &op));
    void *copy = NULL;
    if (pipe->params.push_bytes) {
        copy = arena_alloc(&c->arena, pipe->params.push_bytes);
        if (!copy)
            return ERR_MEMORY;
        memcpy(copy, push, pipe->params.push_bytes);
    }
    op->kind = OP_DISPATCH;
    op->label = label;
    op->layer = layer;
    op->run.pipe = pipe;
    op->run.push = copy;
    op->run.groups[0] = x;
    op->run.groups[1] = y;
    op->run.groups[2] = z;
    c->n_ops++;
    c->dispatches++;
    return OK;
}

enum status gpu_cmd_barrier(struct gpu_cmd *c)
{
    struct vk_op *op;
    TRY(add_op(c, &op));
    op->kind = OP_BARRIER;
    c->n_ops++;
    c->barriers++;
    return OK;
}

enum status gpu_cmd_copy(struct gpu_cmd *c, uint64_t dst, uint64_t src, uint64_t bytes)
{
    struct vk_op *op;
    if (!bytes)
        return OK;
    TRY(add_op(c, &op));
    op->kind = OP_COPY;
    op->label = "copy";
    op->copy.bytes = bytes;
    TRY(vk_find(c->g, src, bytes, "source of a copy", &op->copy.src, &op->copy.from));
    TRY(vk_find(c->g, dst, bytes, "destination of a copy", &op->copy.dst, &op->copy.to));
    c->transfers = true;
    c->n_ops++;
    return OK;
}

enum status gpu_cmd_fill(struct gpu_cmd *c, uint64_t dst, uint32_t pattern, uint64_t bytes)
{
    struct vk_op *op;
    if (!bytes)
        return OK;
    if (bytes % 4 || dst % 4)
        return status_fail(ERR_USAGE,
                           "a fill of %" PRIu64 " bytes at 0x%" PRIx64 " is not in words of 4",
                           bytes, dst);
    TRY(add_op(c, &op));
    op->kind = OP_FILL;
    op->label = "fill";
    op->copy.bytes = bytes;
    op->copy.pattern = pattern;
    TRY(vk_find(c->g, dst, bytes, "fill", &op->copy.dst, &op->copy.to));
    c->transfers = true;
    c->n_ops++;
    return OK;
}

enum status gpu_cmd_timestamp(struct gpu_cmd *c, uint32_t slot)
{
    struct vk_op *op;
    if (slot >= c->n_stamps)
        return status_fail(ERR_USAGE, "'%s': timestamp %u of %u%s", c->name, slot, c->n_stamps,
                           c->g->timestamps ? "" : " (this gpu was opened without them)");
    TRY(add_op(c, &op));
    op->kind = OP_STAMP;
    op->slot = slot;
    c->n_ops++;
    return OK;
}

/* ---- recording ---------------------------------------------------------------------------- */

static void barrier(VkCommandBuffer cb, VkPipelineStageFlags2 stages, VkAccessFlags2 access)
{
    VkMemoryBarrier2 m = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER_2,
                          .srcStageMask = stages,
                          .srcAccessMask = access,
                          .dstStageMask = stages,
                          .dstAccessMask = access};
    VkDependencyInfo d = {
        .sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO, .memoryBarrierCount = 1, .pMemoryBarriers = &m};
    vkCmdPipelineBarrier2(cb, &d);
}

void vk_barrier_compute(VkCommandBuffer cb)
{
    barrier(cb, VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
            VK_ACCESS_2_SHADER_STORAGE_READ_BIT | VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT);
}

void vk_barrier_full(VkCommandBuffer cb)
{
    barrier(cb, VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
            VK_ACCESS_2_SHADER_STORAGE_READ_BIT | VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT |
                VK_ACCESS_2_TRANSFER_READ_BIT | VK_ACCESS_2_TRANSFER_WRITE_BIT);
}

/* Marks are for the message about a lost device. With breadcrumbs there is one after each
 * operation, which then runs alone; else where the layer changes, if the driver has a cheap
 * kind. NVIDIA's checkpoints are not cheap in a short recording (on an H200, one a layer made
 * decoding 9 % slower), so they stand only in those that run in several submits. */
static void mark_start(const struct gpu_cmd *c, VkCommandBuffer cb, uint32_t i)
{
    const struct gpu *g = c->g;
    uint32_t crumb = c->id << 16 | (i < 0xffff ? i : 0xffff);
    if (g->breadcrumbs || (i && c->ops[i].layer == c->ops[i - 1].layer))
        return;
    if (g->set_checkpoint && !c->cut) {
        g->set_checkpoint(cb, (const void *)(uintptr_t)crumb);
    } else if (g->write_marker && g->crumbs) {
        g->write_marker(cb, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, g->crumb_buffer, g->crumb_at, crumb);
    }
}

static void mark_end(const struct gpu_cmd *c, VkCommandBuffer cb, uint32_t i)
{
    const struct gpu *g = c->g;
    if (!g->breadcrumbs)
        return;
    vk_barrier_full(cb);
    vkCmdFillBuffer(cb, g->crumb_buffer, g->crumb_at, 4, c->id << 16 | (i < 0xffff ? i : 0xffff));
    vk_barrier_full(cb);
}

static void record_op(const struct gpu_cmd *c, VkCommandBuffer cb, uint32_t i, VkPipeline *bound)
{
    const struct vk_op *op = &c->ops[i];
    switch (op->kind) {
    case OP_DISPATCH:
        mark_start(c, cb, i);
        if (op->run.pipe->pipeline != *bound) {
            *bound = op->run.pipe->pipeline;
            vkCmdBindPipeline(cb, VK_PIPELINE_BIND_POINT_COMPUTE, *bound);
        }
        if (op->run.push)
            vkCmdPushConstants(cb, c->g->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                               op->run.pipe->params.push_bytes, op->run.push);
        vkCmdDispatch(cb, op->run.groups[0], op->run.groups[1], op->run.groups[2]);
        mark_end(c, cb, i);
        break;
    case OP_BARRIER:
        if (c->transfers)
            vk_barrier_full(cb);
        else
            vk_barrier_compute(cb);
        break;
    case OP_COPY: {
        VkBufferCopy r = {op->copy.from, op->copy.to, op->copy.bytes};
        vkCmdCopyBuffer(cb, op->copy.src, op->copy.dst, 1, &r);
        mark_end(c, cb, i);
        break;
    }
    case OP_FILL:
        vkCmdFillBuffer(cb, op->copy.dst, op->copy.to, op->copy.bytes, op->copy.pattern);
        mark_end(c, cb, i);
        break;
    case OP_STAMP:
        vkCmdWriteTimestamp2(cb, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, c->queries, op->slot);
        break;
    }
}

enum status vk_cmd_record(struct gpu_cmd *c, VkCommandBuffer cb, uint32_t first, uint32_t end)
{
    struct gpu *g = c->g;
    VkCommandBufferBeginInfo bi = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                   .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT};
    TRY(VK(g, vkBeginCommandBuffer, (cb, &bi), "operations %u to %u of '%s'", first, end, c->name));
    if (first == 0) {
        /* Whatever transfers ends with a full barrier of its own, so a recording that only
         * computes need not look back at transfers. */
        if (c->transfers)
            vk_barrier_full(cb);
        else
            vk_barrier_compute(cb);
        if (c->queries)
            vkCmdResetQueryPool(cb, c->queries, 0, c->n_stamps);
    }
    VkPipeline bound = VK_NULL_HANDLE;
    for (uint32_t i = first; i < end; i++)
        record_op(c, cb, i, &bound);
    if (end == c->n_ops && (c->transfers || g->breadcrumbs))
        vk_barrier_full(cb);
    return VK(g, vkEndCommandBuffer, (cb), "operations %u to %u of '%s'", first, end, c->name);
}

/* Records everything in segments of about `ops` operations, into a pool of its own. */
static enum status record_all(struct gpu_cmd *c, uint32_t ops, VkCommandPool *pool_out,
                              struct vk_segment **segs_out, uint32_t *n_out)
{
    struct gpu *g = c->g;
    enum status s = OK;
    VkCommandPool pool = VK_NULL_HANDLE;
    uint32_t n = c->n_ops ? (c->n_ops - 1) / ops + 1 : 1;
    struct vk_segment *segs = mem_calloc(n, sizeof *segs);
    VkCommandBuffer *cbs = mem_calloc(n, sizeof *cbs);
    if (!segs || !cbs) {
        s = ERR_MEMORY;
        goto fail;
    }
    VkCommandPoolCreateInfo pi = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                  .queueFamilyIndex = g->caps.family};
    TRY_GOTO(VK(g, vkCreateCommandPool, (g->dev, &pi, NULL, &pool), "'%s'", c->name));
    vk_object(1);
    VkCommandBufferAllocateInfo ai = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                      .commandPool = pool,
                                      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                      .commandBufferCount = n};
    TRY_GOTO(VK(g, vkAllocateCommandBuffers, (g->dev, &ai, cbs), "%u of '%s'", n, c->name));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t end = i + 1 == n ? c->n_ops : (i + 1) * ops;
        segs[i] = (struct vk_segment){.cb = cbs[i], .first = i * ops, .end = end};
        TRY_GOTO(vk_cmd_record(c, cbs[i], i * ops, end));
    }
    mem_free(cbs);
    *pool_out = pool;
    *segs_out = segs;
    *n_out = n;
    return OK;
fail:
    destroy_pool(g, &pool);
    mem_free(cbs);
    mem_free(segs);
    return s;
}

enum status gpu_cmd_end(struct gpu_cmd *c)
{
    struct gpu *g = c->g;
    VK_ALIVE(g);
    if (c->ended)
        return status_fail(ERR_USAGE, "'%s' has been recorded already", c->name);
    vk_pipes_settle(g);
    for (uint32_t i = 0; i < c->n_ops; i++)
        if (c->ops[i].kind == OP_DISPATCH)
            TRY(vk_pipe_check(g, c->ops[i].run.pipe));
    TRY(record_all(c, VK_SEGMENT_OPS, &c->pool, &c->segs, &c->n_segs));
    c->ended = true;
    return OK;
}

enum status vk_cmd_merge(struct gpu_cmd *c)
{
    double total = 0;
    if (c->old_pool && c->old_last <= c->g->finished)
        destroy_pool(c->g, &c->old_pool);
    if (c->n_segs < 2)
        return OK;
    for (uint32_t i = 0; i < c->n_segs; i++) {
        if (c->segs[i].seconds <= 0)
            return OK;
        total += c->segs[i].seconds;
    }
    if (total > MERGE_SECONDS)
        return OK;
    VkCommandPool pool;
    struct vk_segment *segs;
    uint32_t n;
    c->cut++;
    TRY(record_all(c, c->n_ops, &pool, &segs, &n));
    segs[0].seconds = total;
    c->old_pool = c->pool;
    c->old_last = c->last;
    mem_free(c->segs);
    c->pool = pool;
    c->segs = segs;
    c->n_segs = n;
    c->spent = 0;
    c->ran = 0;
    return OK;
}

enum status gpu_cmd_elapsed(struct gpu_cmd *c, uint32_t from, uint32_t to, double *seconds)
{
    struct gpu *g = c->g;
    uint64_t t[2];
    *seconds = 0;
    VK_ALIVE(g);
    if (from >= c->n_stamps || to >= c->n_stamps || c->last == 0)
        return status_fail(ERR_USAGE, "'%s' has no time between %u and %u", c->name, from, to);
    uint32_t slot[2] = {from, to};
    for (int i = 0; i < 2; i++) {
        VkResult r = VK_RAW(vkGetQueryPoolResults, (g->dev, c->queries, slot[i], 1, sizeof t[i],
                                                    &t[i], sizeof t[i], VK_QUERY_RESULT_64_BIT));
        if (r == VK_NOT_READY)
            return status_fail(ERR, "'%s': timestamp %u is not known yet", c->name, slot[i]);
        TRY(vk_status(g, r, "vkGetQueryPoolResults", "timestamp %u of '%s'", slot[i], c->name));
    }
    *seconds = (double)((t[1] - t[0]) & g->caps.stamp_mask) * g->caps.info.timestamp_ns * 1e-9;
    return OK;
}
