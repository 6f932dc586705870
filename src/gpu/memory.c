#include "gpu/vk.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"

const char *const gpu_purpose_names[GPU_PURPOSES] = {"weights", "kv", "scratch", "state",
                                                     "staging"};

/* Blocks grow with what lies in them already, so that the part of the last one that is not used
 * stays small beside the rest. */
enum { MIN_BLOCK = 1 << 20, MAX_BLOCK = 128 << 20, BLOCK_SHARE = 64, BLOCK_ROUND = 64 << 10 };

const char *vk_bytes_text(uint64_t bytes, char buf[24])
{
    static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)bytes;
    int u = 0;
    for (; v >= 1024 && u < 4; u++)
        v /= 1024;
    snprintf(buf, 24, u ? "%.1f %s" : "%.0f %s", v, unit[u]);
    return buf;
}

const char *vk_usage_text(const struct gpu *g, char *buf, size_t size)
{
    size_t len = 0;
    buf[0] = 0;
    for (int p = 0; p < GPU_PURPOSES && len < size; p++) {
        char n[24];
        int w = snprintf(buf + len, size - len, "%s%s %s", p ? ", " : "", gpu_purpose_names[p],
                         vk_bytes_text(g->usage.live[p], n));
        len += w > 0 ? (size_t)w : 0;
    }
    return buf;
}

void gpu_get_usage(const struct gpu *g, struct gpu_usage *out)
{
    *out = g->usage;
}

uint64_t gpu_memory_free(const struct gpu *g)
{
    if ((g->caps.ext >> VK_EXT_BUDGET) & 1)
        return vk_heap_free(&g->caps);
    uint64_t total = g->caps.info.memory_total;
    return total > g->usage.allocated ? total - g->usage.allocated : 0;
}

/* ---- blocks ------------------------------------------------------------------------------- */

/* Index of the first block whose address is above `addr`. */
static uint32_t block_above(const struct gpu *g, uint64_t addr)
{
    uint32_t lo = 0, hi = g->n_blocks;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (g->blocks[mid]->addr > addr)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static void block_destroy(struct gpu *g, struct vk_block *b)
{
    if (!b)
        return;
    vk_idle(g); /* the caller has waited, unless the wait failed */
    for (uint32_t i = 0; i < g->n_blocks; i++) {
        if (g->blocks[i] == b) {
            memmove(&g->blocks[i], &g->blocks[i + 1], (--g->n_blocks - i) * sizeof *g->blocks);
            g->usage.allocated -= b->allocated;
            break;
        }
    }
    while (b->free) {
        struct vk_range *next = b->free->next;
        mem_free(b->free);
        b->free = next;
    }
    if (b->buffer) {
        vkDestroyBuffer(g->dev, b->buffer, NULL);
        vk_object(-1);
    }
    if (b->memory) {
        vkFreeMemory(g->dev, b->memory, NULL);
        vk_object(-1);
    }
    mem_free(b);
}

/* Some drivers would quietly put what does not fit into host memory. A software device's memory is
 * the host's, taken as it is touched. */
static enum status block_budget(const struct gpu *g, const struct gpu_buf_params *p, uint64_t bytes)
{
    uint64_t left = gpu_memory_free(g);
    if (p->memory != GPU_DEVICE || g->caps.software || bytes <= left)
        return OK;
    char a[24], b[24], c[24], used[200];
    return status_fail(ERR_MEMORY,
                       "out of GPU memory: '%s' needs %s (%" PRIu64 " bytes) for %s; free %s of %s "
                       "on %s, in use %s",
                       p->tag, vk_bytes_text(p->bytes, a), p->bytes, gpu_purpose_names[p->purpose],
                       vk_bytes_text(left, b), vk_bytes_text(g->caps.info.memory_total, c),
                       g->caps.info.name, vk_usage_text(g, used, sizeof used));
}

static enum status block_buffer(struct gpu *g, struct vk_block *b, const struct gpu_buf_params *p)
{
    VkBufferCreateInfo ci = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = b->bytes,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
                 VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    };
    TRY(VK(g, vkCreateBuffer, (g->dev, &ci, NULL, &b->buffer),
           "'%s', %" PRIu64 " bytes in a block of %" PRIu64, p->tag, p->bytes, b->bytes));
    vk_object(1);
    return OK;
}

static enum status block_memory(struct gpu *g, struct vk_block *b, const struct gpu_buf_params *p)
{
    VkMemoryRequirements need;
    vkGetBufferMemoryRequirements(g->dev, b->buffer, &need);
    if (!((need.memoryTypeBits >> g->type[b->kind]) & 1))
        return status_fail(ERR_DEVICE, "no memory type for '%s', %" PRIu64 " bytes, on %s", p->tag,
                           p->bytes, g->caps.info.name);
    VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                       .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    VkMemoryAllocateInfo ai = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                               .pNext = &flags,
                               .allocationSize = need.size,
                               .memoryTypeIndex = g->type[b->kind]};
    TRY(VK(g, vkAllocateMemory, (g->dev, &ai, NULL, &b->memory),
           "'%s', %" PRIu64 " bytes in a block of %" PRIu64 " of %s memory for %s", p->tag,
           p->bytes, (uint64_t)need.size, b->kind == GPU_HOST ? "host" : "device",
           gpu_purpose_names[b->purpose]));
    vk_object(1);
    b->allocated = need.size;
    TRY(VK(g, vkBindBufferMemory, (g->dev, b->buffer, b->memory, 0), "'%s', %" PRIu64 " bytes",
           p->tag, b->bytes));
    if (b->kind == GPU_HOST)
        TRY(VK(g, vkMapMemory, (g->dev, b->memory, 0, VK_WHOLE_SIZE, 0, &b->map),
               "'%s', %" PRIu64 " bytes", p->tag, b->bytes));
    VkBufferDeviceAddressInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                      .buffer = b->buffer};
    b->addr = vkGetBufferDeviceAddress(g->dev, &info);
    if (!b->addr || b->addr % VK_ALIGN || b->addr >> 63)
        return status_fail(ERR_DEVICE,
                           "%s gave '%s' the address 0x%" PRIx64 ", which is not usable",
                           g->caps.info.name, p->tag, b->addr);
    return OK;
}

static enum status block_create(struct gpu *g, const struct gpu_buf_params *p, uint64_t bytes,
                                struct vk_block **out)
{
    enum status s = ERR_MEMORY;
    struct vk_block *b = mem_alloc(sizeof *b);
    if (!b)
        return s;
    *b = (struct vk_block){
        .bytes = bytes, .kind = p->memory, .purpose = p->purpose, .own = p->own_block};
    if (g->n_blocks == g->cap_blocks) {
        uint32_t cap = g->cap_blocks ? 2 * g->cap_blocks : 64;
        struct vk_block **grown = mem_realloc(g->blocks, cap * sizeof *grown);
        if (!grown)
            goto fail;
        g->blocks = grown;
        g->cap_blocks = cap;
    }
    b->free = mem_alloc(sizeof *b->free);
    if (!b->free)
        goto fail;
    b->free->bytes = bytes;
    TRY_GOTO(block_budget(g, p, bytes));
    TRY_GOTO(block_buffer(g, b, p));
    TRY_GOTO(block_memory(g, b, p));
    uint32_t at = block_above(g, b->addr);
    memmove(&g->blocks[at + 1], &g->blocks[at], (g->n_blocks - at) * sizeof *g->blocks);
    g->blocks[at] = b;
    g->n_blocks++;
    g->usage.allocated += b->allocated;
    *out = b;
    return OK;
fail:
    block_destroy(g, b);
    return s;
}

/* How large a new block for a request is: a large one has it for itself, of small ones several fill
 * it evenly. */
static uint64_t block_size(const struct gpu *g, const struct gpu_buf_params *p, uint64_t bytes)
{
    uint64_t limit = g->caps.info.max_allocation & ~(uint64_t)(VK_ALIGN - 1);
    if (p->own_block)
        return bytes;
    uint64_t want = g->pool_live[p->memory][p->purpose] / BLOCK_SHARE;
    want = want < MIN_BLOCK ? MIN_BLOCK : want > MAX_BLOCK ? MAX_BLOCK : want;
    uint64_t fill = want / 4 > bytes ? want / bytes * bytes : bytes;
    uint64_t size = align_up(fill, BLOCK_ROUND);
    return size < limit ? size : bytes > limit ? bytes : limit;
}

/* ---- slices of blocks --------------------------------------------------------------------- */

static bool take(struct vk_block *b, uint64_t bytes, uint64_t *offset)
{
    for (struct vk_range **r = &b->free; *r; r = &(*r)->next) {
        if ((*r)->bytes < bytes)
            continue;
        *offset = (*r)->offset;
        (*r)->offset += bytes;
        (*r)->bytes -= bytes;
        if (!(*r)->bytes) {
            struct vk_range *empty = *r;
            *r = empty->next;
            mem_free(empty);
        }
        b->live += bytes;
        return true;
    }
    return false;
}

/* Merges with its neighbours. Without memory for a node the range is lost until the block goes. */
static void give(struct vk_block *b, uint64_t offset, uint64_t bytes)
{
    b->live -= bytes;
    struct vk_range **r = &b->free, *before = NULL;
    while (*r && (*r)->offset < offset) {
        before = *r;
        r = &(*r)->next;
    }
    struct vk_range *after = *r;
    bool joins_after = after && offset + bytes == after->offset;
    if (before && before->offset + before->bytes == offset) {
        before->bytes += bytes;
        if (joins_after) {
            before->bytes += after->bytes;
            before->next = after->next;
            mem_free(after);
        }
    } else if (joins_after) {
        after->offset = offset;
        after->bytes += bytes;
    } else {
        struct vk_range *n = mem_alloc(sizeof *n);
        if (!n)
            return;
        *n = (struct vk_range){offset, bytes, after};
        *r = n;
    }
}

enum status gpu_buf_create(struct gpu *g, const struct gpu_buf_params *p,
                           const struct gpu_buf **out)
{
    *out = NULL;
    VK_ALIVE(g);
    const char *tag = p->tag ? p->tag : "buffer";
    TRY(vk_can_run(g, tag));
    struct gpu_buf_params q = *p;
    q.tag = tag;
    uint64_t bytes;
    if (!p->bytes || !align_ok(p->bytes, VK_ALIGN, &bytes))
        return status_fail(ERR_USAGE, "buffer '%s' cannot have %" PRIu64 " bytes", tag, p->bytes);
    if (bytes > g->caps.info.max_allocation) {
        char a[24], b[24];
        return status_fail(ERR_MEMORY,
                           "'%s' needs %s (%" PRIu64 " bytes) in one piece; the largest "
                           "allocation of %s is %s",
                           tag, vk_bytes_text(p->bytes, a), p->bytes, g->caps.info.name,
                           vk_bytes_text(g->caps.info.max_allocation, b));
    }
    struct vk_buf *buf = mem_alloc(sizeof *buf + strlen(tag) + 1);
    if (!buf)
        return ERR_MEMORY;
    uint64_t offset = 0;
    struct vk_block *block = NULL;
    for (uint32_t i = 0; i < g->n_blocks && !block && !p->own_block; i++) {
        struct vk_block *b = g->blocks[i];
        if (b->kind == p->memory && b->purpose == p->purpose && !b->own &&
            b->bytes - b->live >= bytes && take(b, bytes, &offset))
            block = b;
    }
    if (!block) {
        enum status s = block_create(g, &q, block_size(g, &q, bytes), &block);
        if (s != OK) {
            mem_free(buf);
            return s;
        }
        take(block, bytes, &offset);
    }
    memcpy(buf->tag, tag, strlen(tag) + 1);
    buf->block = block;
    buf->pub = (struct gpu_buf){.addr = block->addr + offset,
                                .bytes = p->bytes,
                                .map = block->map ? (char *)block->map + offset : NULL,
                                .purpose = p->purpose};
    buf->next = g->bufs;
    if (g->bufs)
        g->bufs->prev = buf;
    g->bufs = buf;
    g->usage.live[p->purpose] += p->bytes;
    g->pool_live[p->memory][p->purpose] += p->bytes;
    g->usage.buffers++;
    *out = &buf->pub;
    return OK;
}

void gpu_buf_destroy(struct gpu *g, const struct gpu_buf **pub)
{
    struct vk_buf *buf = (struct vk_buf *)*pub;
    *pub = NULL;
    if (!buf)
        return;
    struct vk_block *b = buf->block;
    g->usage.live[buf->pub.purpose] -= buf->pub.bytes;
    g->pool_live[b->kind][b->purpose] -= buf->pub.bytes;
    g->usage.buffers--;
    if (buf->prev)
        buf->prev->next = buf->next;
    else
        g->bufs = buf->next;
    if (buf->next)
        buf->next->prev = buf->prev;
    give(b, buf->pub.addr - b->addr, align_up(buf->pub.bytes, VK_ALIGN));
    /* On a device that hangs the memory may still be in use: it is left. */
    if (!b->live && !g->hung)
        block_destroy(g, b);
    mem_free(buf);
}

void vk_memory_close(struct gpu *g)
{
    while (g->bufs) {
        const struct gpu_buf *b = &g->bufs->pub;
        gpu_buf_destroy(g, &b);
    }
    while (g->n_blocks)
        block_destroy(g, g->blocks[0]);
    mem_free(g->blocks);
    g->blocks = NULL;
}

enum status vk_find(const struct gpu *g, uint64_t addr, uint64_t bytes, const char *what,
                    VkBuffer *buffer, VkDeviceSize *offset)
{
    uint32_t i = block_above(g, addr);
    const struct vk_block *b = i ? g->blocks[i - 1] : NULL;
    if (!b || addr - b->addr >= b->bytes)
        return status_fail(ERR_USAGE, "%s: address 0x%" PRIx64 " lies in no buffer", what, addr);
    if (bytes > b->bytes - (addr - b->addr))
        return status_fail(ERR_USAGE,
                           "%s: %" PRIu64 " bytes at 0x%" PRIx64 " cross the end of a memory "
                           "block of %" PRIu64 " bytes at offset %" PRIu64,
                           what, bytes, addr, b->bytes, addr - b->addr);
    *buffer = b->buffer;
    *offset = addr - b->addr;
    return OK;
}

uint64_t gpu_span_room(const struct gpu *g, uint64_t addr)
{
    uint32_t i = block_above(g, addr);
    const struct vk_block *b = i ? g->blocks[i - 1] : NULL;
    return b && addr - b->addr < b->bytes ? b->bytes - (addr - b->addr) : 0;
}

enum status gpu_check_span(const struct gpu *g, uint64_t addr, uint64_t bytes, const char *what)
{
    VkBuffer buffer;
    VkDeviceSize offset;
    return vk_find(g, addr, bytes, what, &buffer, &offset);
}
