/* Small transfers through a staging buffer of two halves: one is filled or emptied by the host
 * while the device copies the other. */
#include "gpu/vk.h"

#include <string.h>

_Static_assert(GPU_COPY_BYTES == VK_STAGE_SLICES * VK_STAGE_BYTES, "all slices");

static enum status stage_ready(struct gpu *g)
{
    struct vk_stage *t = &g->stage;
    VK_ALIVE(g);
    TRY(vk_can_run(g, "a copy"));
    if (!t->cb[0]) {
        VkCommandBufferAllocateInfo ai = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                          .commandPool = g->pool,
                                          .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                          .commandBufferCount = VK_STAGE_SLICES};
        VkCommandBuffer cb[VK_STAGE_SLICES];
        TRY(VK(g, vkAllocateCommandBuffers, (g->dev, &ai, cb), "%d for copies", VK_STAGE_SLICES));
        memcpy(t->cb, cb, sizeof cb);
    }
    if (t->buf)
        return OK;
    struct gpu_buf_params p = {.bytes = GPU_COPY_BYTES,
                               .memory = GPU_HOST,
                               .purpose = GPU_STAGING,
                               .tag = "staging for copies",
                               .own_block = true};
    return gpu_buf_create(g, &p, &t->buf);
}

/* Copies between the half and device memory; the half's last copy has been waited for. */
static enum status stage_copy(struct gpu *g, uint32_t half, VkBuffer device, VkDeviceSize at,
                              VkDeviceSize bytes, bool up)
{
    struct vk_stage *t = &g->stage;
    VkBuffer host;
    VkDeviceSize from;
    TRY(vk_find(g, t->buf->addr + (uint64_t)half * VK_STAGE_BYTES, bytes, "staging", &host, &from));
    const char *what = up ? "an upload" : "a download";
    TRY(vk_once_begin(g, t->cb[half], what));
    VkBufferCopy r = {up ? from : at, up ? at : from, bytes};
    vkCmdCopyBuffer(t->cb[half], up ? host : device, up ? device : host, 1, &r);
    TRY(vk_once_end(g, t->cb[half], what));
    struct vk_pending note = {.n = 1};
    return vk_submit(g, &t->cb[half], 1, &note, &t->ticket[half]);
}

static uint64_t chunk(uint64_t bytes, uint64_t at)
{
    return bytes - at < VK_STAGE_BYTES ? bytes - at : VK_STAGE_BYTES;
}

enum status gpu_upload(struct gpu *g, uint64_t dst, const void *src, uint64_t bytes)
{
    VkBuffer device;
    VkDeviceSize to;
    if (!bytes)
        return gpu_check(g);
    TRY(stage_ready(g));
    TRY(vk_find(g, dst, bytes, "upload", &device, &to));
    struct vk_stage *t = &g->stage;
    uint32_t half = 0;
    for (uint64_t at = 0; at < bytes; at += VK_STAGE_BYTES, half ^= 1) {
        uint64_t n = chunk(bytes, at);
        TRY(gpu_wait(g, t->ticket[half]));
        memcpy((char *)t->buf->map + (size_t)half * VK_STAGE_BYTES, (const char *)src + at, n);
        TRY(stage_copy(g, half, device, to + at, n, true));
    }
    g->counters.bytes_up += bytes;
    return gpu_wait(g, t->ticket[half ^ 1]);
}

enum status gpu_download(struct gpu *g, void *dst, uint64_t src, uint64_t bytes)
{
    VkBuffer device;
    VkDeviceSize from;
    if (!bytes)
        return gpu_check(g);
    TRY(stage_ready(g));
    TRY(vk_find(g, src, bytes, "download", &device, &from));
    struct vk_stage *t = &g->stage;
    TRY(gpu_wait(g, t->ticket[0] > t->ticket[1] ? t->ticket[0] : t->ticket[1]));
    /* One chunk ahead: while the device copies it, the host empties the one before. */
    uint64_t chunks = (bytes - 1) / VK_STAGE_BYTES + 1;
    for (uint64_t i = 0; i <= chunks; i++) {
        if (i < chunks) {
            uint64_t at = i * VK_STAGE_BYTES;
            TRY(stage_copy(g, i & 1, device, from + at, chunk(bytes, at), false));
        }
        if (i > 0) {
            uint64_t at = (i - 1) * VK_STAGE_BYTES;
            uint32_t half = (i - 1) & 1;
            TRY(gpu_wait(g, t->ticket[half]));
            memcpy((char *)dst + at, (char *)t->buf->map + (size_t)half * VK_STAGE_BYTES,
                   chunk(bytes, at));
        }
    }
    g->counters.bytes_down += bytes;
    return OK;
}

enum status gpu_fill(struct gpu *g, uint64_t dst, uint32_t pattern, uint64_t bytes)
{
    VkBuffer device;
    VkDeviceSize to;
    if (!bytes)
        return gpu_check(g);
    if (bytes % 4 || dst % 4)
        return status_fail(ERR_USAGE,
                           "a fill of %" PRIu64 " bytes at 0x%" PRIx64 " is not in words of 4",
                           bytes, dst);
    TRY(stage_ready(g));
    TRY(vk_find(g, dst, bytes, "fill", &device, &to));
    struct vk_stage *t = &g->stage;
    TRY(gpu_wait(g, t->ticket[0]));
    TRY(vk_once_begin(g, t->cb[0], "a fill"));
    vkCmdFillBuffer(t->cb[0], device, to, bytes, pattern);
    TRY(vk_once_end(g, t->cb[0], "a fill"));
    struct vk_pending note = {.n = 1};
    TRY(vk_submit(g, &t->cb[0], 1, &note, &t->ticket[0]));
    return gpu_wait(g, t->ticket[0]);
}
