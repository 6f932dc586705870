#include "gpu/vk.h"

#include <stdio.h>

enum { SLICE_NS = 250000000 };

/* Driver watchdogs begin at 2 s; a submit of this length leaves room for a wrong guess. */
static const double SUBMIT_SECONDS = 0.4;

/* ---- command buffers of the room itself --------------------------------------------------- */

enum status vk_submit_open(struct gpu *g)
{
    VkSemaphoreTypeCreateInfo ti = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                    .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    VkSemaphoreCreateInfo si = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &ti};
    TRY(VK(g, vkCreateSemaphore, (g->dev, &si, NULL, &g->timeline), "the order of submits"));
    vk_object(1);
    VkCommandPoolCreateInfo pi = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                  .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                  .queueFamilyIndex = g->caps.family};
    TRY(VK(g, vkCreateCommandPool, (g->dev, &pi, NULL, &g->pool), "copies"));
    vk_object(1);
    VkCommandBufferAllocateInfo ai = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                      .commandPool = g->pool,
                                      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                      .commandBufferCount = 1};
    TRY(VK(g, vkAllocateCommandBuffers, (g->dev, &ai, &g->host_cb), "the barrier to the host"));
    VkCommandBufferBeginInfo bi = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                   .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT};
    TRY(VK(g, vkBeginCommandBuffer, (g->host_cb, &bi), "the barrier to the host"));
    VkMemoryBarrier2 m = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER_2,
                          .srcStageMask = VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT |
                                          VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                          .srcAccessMask =
                              VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT | VK_ACCESS_2_TRANSFER_WRITE_BIT,
                          .dstStageMask = VK_PIPELINE_STAGE_2_HOST_BIT,
                          .dstAccessMask = VK_ACCESS_2_HOST_READ_BIT};
    VkDependencyInfo d = {
        .sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO, .memoryBarrierCount = 1, .pMemoryBarriers = &m};
    vkCmdPipelineBarrier2(g->host_cb, &d);
    return VK(g, vkEndCommandBuffer, (g->host_cb), "the barrier to the host");
}

enum status vk_once_begin(struct gpu *g, VkCommandBuffer cb, const char *what)
{
    VkCommandBufferBeginInfo bi = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                   .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    TRY(VK(g, vkBeginCommandBuffer, (cb, &bi), "%s", what));
    vk_barrier_full(cb);
    return OK;
}

enum status vk_once_end(struct gpu *g, VkCommandBuffer cb, const char *what)
{
    vk_barrier_full(cb);
    return VK(g, vkEndCommandBuffer, (cb), "%s", what);
}

void vk_submit_close(struct gpu *g)
{
    if (g->hung) {
        /* It may have come back since. */
        uint64_t value = 0;
        VkResult r = vkGetSemaphoreCounterValue(g->dev, g->timeline, &value);
        g->hung = r == VK_SUCCESS && value < g->submitted;
    }
    vk_idle(g);
    while (g->cmds) {
        struct gpu_cmd *c = g->cmds;
        gpu_cmd_destroy(g, &c);
    }
    if (g->hung)
        return;
    if (g->pool) {
        vkDestroyCommandPool(g->dev, g->pool, NULL);
        vk_object(-1);
    }
    if (g->timeline) {
        vkDestroySemaphore(g->dev, g->timeline, NULL);
        vk_object(-1);
    }
}

/* ---- what has ended ----------------------------------------------------------------------- */

/* What is measured is the time between two ends as the host sees them. A host that looks late gives
 * one segment too much and the next too little; the sum is right, so none counts as less than the
 * mean. */
static void learn(struct gpu_cmd *c, uint32_t first, uint32_t n, double each)
{
    for (uint32_t i = 0; i < n && i < c->n_segs; i++)
        c->segs[(first + i) % c->n_segs].seconds = each > 1e-9 ? each : 1e-9;
    c->spent += each * n;
    c->ran += n;
    if (c->ran < c->n_segs)
        return;
    double mean = c->spent / c->ran;
    for (uint32_t i = 0; i < c->n_segs; i++)
        if (c->segs[i].seconds > 0 && c->segs[i].seconds < mean)
            c->segs[i].seconds = mean;
    c->spent = 0;
    c->ran = 0;
}

/* Everything up to `value` has ended. */
static void note(struct gpu *g, uint64_t value)
{
    double now = time_now();
    uint32_t ended = 0, runs = 0;
    for (; ended < g->depth; ended++) {
        const struct vk_pending *p = &g->pending[(g->head + ended) % VK_PENDING];
        if (p->value > value)
            break;
        runs += p->n;
    }
    if (!ended)
        return;
    double from = g->pending[g->head].since;
    if (from < g->finished_at)
        from = g->finished_at;
    for (uint32_t i = 0; i < ended; i++) {
        const struct vk_pending *p = &g->pending[(g->head + i) % VK_PENDING];
        if (p->cmd && p->cut == p->cmd->cut)
            learn(p->cmd, p->first, p->n, (now - from) / runs);
    }
    g->head = (g->head + ended) % VK_PENDING;
    g->depth -= ended;
    g->finished = value;
    g->finished_at = now;
}

enum status vk_progress(struct gpu *g, uint64_t *value)
{
    VK_ALIVE(g);
    TRY(VK(g, vkGetSemaphoreCounterValue, (g->dev, g->timeline, value), "submit %" PRIu64,
           g->submitted));
    /* Some drivers let all counters jump when the device is lost. */
    if (*value > g->submitted)
        return vk_lose(g, "the driver ended submits that were never made");
    note(g, *value);
    return OK;
}

/* ---- waiting ------------------------------------------------------------------------------ */

static double budget(const struct gpu *g, const struct vk_pending *p)
{
    if (g->wait_budget > 0)
        return g->wait_budget;
    return (60 + 4 * p->predicted) * (g->caps.software ? 10 : 1);
}

static enum status hang(struct gpu *g, double seconds)
{
    char why[400], used[200], free[24];
    snprintf(why, sizeof why, "no answer for %.1f s; %u submits queued, memory in use %s, free %s",
             seconds, g->depth, vk_usage_text(g, used, sizeof used),
             vk_bytes_text(gpu_memory_free(g), free));
    g->hung = true;
    return vk_lose(g, why);
}

/* The oldest submit. */
static enum status wait_oldest(struct gpu *g)
{
    const struct vk_pending *p = &g->pending[g->head];
    uint64_t value = p->value;
    double start = time_now(), most = budget(g, p);
    VkSemaphoreWaitInfo wi = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                              .semaphoreCount = 1,
                              .pSemaphores = &g->timeline,
                              .pValues = &value};
    for (;;) {
        double left = most - (time_now() - start);
        uint64_t ns = left * 1e9 >= SLICE_NS ? SLICE_NS : left > 0 ? (uint64_t)(left * 1e9) + 1 : 1;
        VkResult r = VK_RAW(vkWaitSemaphores, (g->dev, &wi, ns));
        if (r == VK_SUCCESS)
            break;
        if (r != VK_TIMEOUT)
            return vk_status(g, r, "vkWaitSemaphores", "submit %" PRIu64 " of %" PRIu64, value,
                             g->submitted);
        double spent = time_now() - start;
        if (spent >= most)
            return hang(g, spent);
    }
    note(g, value);
    return OK;
}

enum status gpu_wait(struct gpu *g, uint64_t ticket)
{
    VK_ALIVE(g);
    if (ticket > g->submitted)
        return status_fail(ERR_USAGE, "wait for submit %" PRIu64 ", but only %" PRIu64 " were made",
                           ticket, g->submitted);
    while (g->finished < ticket)
        TRY(wait_oldest(g));
    return OK;
}

bool gpu_done(struct gpu *g, uint64_t ticket)
{
    uint64_t value;
    if (g->lost || g->finished >= ticket)
        return true;
    return vk_progress(g, &value) != OK || g->finished >= ticket;
}

void vk_idle(struct gpu *g)
{
    if (g->hung || g->finished >= g->submitted)
        return;
    if (!g->lost && gpu_wait(g, g->submitted) == OK)
        return;
    if (g->hung)
        return;
    /* Of a lost device this returns soon, with an error that says nothing new. */
    vkDeviceWaitIdle(g->dev);
    note(g, g->submitted);
}

/* ---- submitting --------------------------------------------------------------------------- */

enum status vk_submit(struct gpu *g, const VkCommandBuffer *cbs, uint32_t n,
                      const struct vk_pending *what, uint64_t *ticket)
{
    VK_ALIVE(g);
    if (g->depth == VK_PENDING)
        TRY(wait_oldest(g));
    for (uint32_t i = 0; i <= n; i++)
        g->cbs[i] =
            (VkCommandBufferSubmitInfo){.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
                                        .commandBuffer = i < n ? cbs[i] : g->host_cb};
    VkSemaphoreSubmitInfo signal = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
                                    .semaphore = g->timeline,
                                    .value = g->submitted + 1,
                                    .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT};
    VkSubmitInfo2 si = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
                        .commandBufferInfoCount = n + 1,
                        .pCommandBufferInfos = g->cbs,
                        .signalSemaphoreInfoCount = 1,
                        .pSignalSemaphoreInfos = &signal};
    TRY(VK(g, vkQueueSubmit2, (g->queue, 1, &si, VK_NULL_HANDLE),
           "submit %" PRIu64 " of %u command buffers ('%s')", g->submitted + 1, n,
           what->cmd ? what->cmd->name : "copies"));
    struct vk_pending *p = &g->pending[(g->head + g->depth++) % VK_PENDING];
    *p = *what;
    p->value = ++g->submitted;
    p->since = time_now();
    g->counters.submits++;
    *ticket = p->value;
    return OK;
}

enum status gpu_submit(struct gpu *g, struct gpu_cmd *c, uint32_t repeat, uint64_t *ticket)
{
    VK_ALIVE(g);
    *ticket = g->submitted;
    if (!c->ended)
        return status_fail(ERR_USAGE, "'%s' has not been recorded to its end", c->name);
    TRY(vk_cmd_merge(c));
    uint64_t total = (uint64_t)repeat * c->n_segs;
    for (uint64_t at = 0; at < total;) {
        struct vk_pending what = {.cmd = c, .first = (uint32_t)(at % c->n_segs), .cut = c->cut};
        while (at < total && what.n < VK_SUBMIT_CMDS - 1) {
            const struct vk_segment *s = &c->segs[at % c->n_segs];
            /* What was never measured goes alone. */
            if (what.n && (s->seconds <= 0 || what.predicted + s->seconds > SUBMIT_SECONDS))
                break;
            g->list[what.n++] = s->cb;
            what.predicted += s->seconds;
            at++;
            if (s->seconds <= 0)
                break;
        }
        TRY(vk_submit(g, g->list, what.n, &what, ticket));
        c->last = *ticket;
    }
    g->counters.dispatches += (uint64_t)repeat * c->dispatches;
    g->counters.barriers += (uint64_t)repeat * c->barriers;
    return OK;
}
