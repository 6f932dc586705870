#include "gpu/vk.h"

#include <ctype.h>
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_DEVICES = 64 };

enum status vk_instance_create(VkInstance *out)
{
    *out = NULL;
    VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                             .pApplicationName = "tawny",
                             .pEngineName = "tawny",
                             .apiVersion = VK_API_VERSION_1_3};
    VkInstanceCreateInfo ci = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                               .pApplicationInfo = &app};
    VkResult r = VK_RAW(vkCreateInstance, (&ci, NULL, out));
    /* The loader's way to say that no driver is installed. */
    if (r == VK_ERROR_INCOMPATIBLE_DRIVER) {
        *out = NULL;
        return OK;
    }
    if (r == VK_SUCCESS)
        vk_object(1);
    return vk_status(NULL, r, "vkCreateInstance", "Vulkan 1.3");
}

void vk_instance_destroy(VkInstance *inst)
{
    if (*inst) {
        vkDestroyInstance(*inst, NULL);
        vk_object(-1);
    }
    *inst = NULL;
}

static enum status enumerate(VkInstance inst, VkPhysicalDevice pd[MAX_DEVICES], uint32_t *count)
{
    *count = 0;
    if (!inst)
        return OK;
    uint32_t n = MAX_DEVICES;
    VkResult r = VK_RAW(vkEnumeratePhysicalDevices, (inst, &n, pd));
    /* Some loaders answer so when every driver turned out to have no device. */
    if (r == VK_ERROR_INITIALIZATION_FAILED)
        return OK;
    if (r != VK_INCOMPLETE)
        TRY(vk_status(NULL, r, "vkEnumeratePhysicalDevices", "at most %d devices", MAX_DEVICES));
    *count = n;
    return OK;
}

enum status gpu_list(struct gpu_info *out, uint32_t max, uint32_t *count)
{
    enum status s = OK;
    VkInstance inst = NULL;
    VkPhysicalDevice pd[MAX_DEVICES];
    *count = 0;
    uint32_t n;
    TRY_GOTO(vk_instance_create(&inst));
    TRY_GOTO(enumerate(inst, pd, &n));
    for (uint32_t i = 0; i < n && i < max; i++) {
        struct vk_caps c;
        TRY_GOTO(vk_probe(inst, pd[i], i, &c));
        out[i] = c.info;
    }
    *count = n;
fail:
    vk_instance_destroy(&inst);
    return s;
}

/* ---- choice ------------------------------------------------------------------------------- */

static bool contains(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; *text; text++)
        if (!strncasecmp(text, part, n))
            return true;
    return false;
}

static bool is_number(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && n <= 3 && strspn(s, "0123456789") == n;
}

static bool uuid_begins(const char *uuid, const char *want)
{
    size_t n = strlen(want);
    return n >= 4 && n <= 36 && strspn(want, "0123456789abcdefABCDEF-") == n &&
           !strncasecmp(uuid, want, n);
}

/* "0: NVIDIA H200; 1: llvmpipe (it lacks ...)" */
static const char *describe(const struct vk_caps *c, uint32_t n, char *buf, size_t size)
{
    size_t len = 0;
    buf[0] = 0;
    for (uint32_t i = 0; i < n && len < size; i++) {
        const struct gpu_info *d = &c[i].info;
        int w = snprintf(buf + len, size - len, "%s%u: %s%s%s%s", i ? "; " : "", i, d->name,
                         d->unusable ? " (" : "", d->unusable ? d->unusable : "",
                         d->unusable ? ")" : "");
        len += w > 0 ? (size_t)w : 0;
    }
    return n ? buf : "none";
}

static int rank(const struct gpu_info *d)
{
    static const char *const order[] = {"software", "other", "virtual", "integrated", "discrete"};
    for (int i = 0; i < 5; i++)
        if (!strcmp(d->kind, order[i]))
            return i;
    return 0;
}

/* Why it cannot be opened, or NULL. */
static const char *refuse(const struct gpu *g, const struct gpu_info *d)
{
    return g->compile_only && d->unusable == vk_no_memory ? NULL : d->unusable;
}

static enum status choose(const struct gpu *g, const struct vk_caps *c, uint32_t n,
                          const char *want, uint32_t *out)
{
    char list[600];
    const char *from = want ? "" : " (from TAWNY_DEVICE)";
    if (!want || !*want)
        want = getenv("TAWNY_DEVICE");
    if (!want || !*want) {
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < n; i++) {
            const struct gpu_info *a = &c[i].info;
            const struct gpu_info *b = best == UINT32_MAX ? NULL : &c[best].info;
            if (refuse(g, a))
                continue;
            if (!b || rank(a) > rank(b) ||
                (rank(a) == rank(b) && a->memory_total > b->memory_total))
                best = i;
        }
        if (best == UINT32_MAX)
            return status_fail(ERR_DEVICE, "no usable Vulkan device; found: %s",
                               describe(c, n, list, sizeof list));
        *out = best;
        return OK;
    }
    uint32_t found = UINT32_MAX, hits = 0;
    if (is_number(want) && strtoul(want, NULL, 10) < n) {
        found = (uint32_t)strtoul(want, NULL, 10);
        hits = 1;
    } else if (!is_number(want)) {
        for (uint32_t i = 0; i < n; i++) {
            if (contains(c[i].info.name, want) || uuid_begins(c[i].info.uuid, want)) {
                found = i;
                hits++;
            }
        }
    }
    if (hits == 0)
        return status_fail(ERR_DEVICE, "no Vulkan device '%s'%s; found: %s", want, from,
                           describe(c, n, list, sizeof list));
    if (hits > 1)
        return status_fail(ERR_DEVICE,
                           "%u Vulkan devices match '%s'%s: say an index or a UUID; found: %s",
                           hits, want, from, describe(c, n, list, sizeof list));
    if (refuse(g, &c[found].info))
        return status_fail(ERR_DEVICE, "cannot use %s: %s", c[found].info.name,
                           c[found].info.unusable);
    *out = found;
    return OK;
}

static enum status find_device(struct gpu *g, const char *want)
{
    VkPhysicalDevice pd[MAX_DEVICES];
    uint32_t n, pick = 0;
    enum status s = OK;
    struct vk_caps *c = NULL;
    TRY_GOTO(vk_instance_create(&g->inst));
    TRY_GOTO(enumerate(g->inst, pd, &n));
    c = mem_calloc(n ? n : 1, sizeof *c);
    if (!c) {
        s = ERR_MEMORY;
        goto fail;
    }
    for (uint32_t i = 0; i < n; i++)
        TRY_GOTO(vk_probe(g->inst, pd[i], i, &c[i]));
    TRY_GOTO(choose(g, c, n, want, &pick));
    g->caps = c[pick];
    const char *env = getenv("TAWNY_DEVICE");
    bool asked = (want && *want) || (env && *env);
    if (g->caps.software && !asked)
        log_warn("no GPU found: running on the software device %s (%s), which is slow",
                 g->caps.info.name, g->caps.info.driver);
    else
        log_info("device: %s (%s)", g->caps.info.name, g->caps.info.driver);
fail:
    mem_free(c);
    return s;
}

/* ---- the driver stays loaded -------------------------------------------------------------- */

enum { MOST_LIBRARIES = 32, PATH_BYTES = 512 };

struct libraries {
    char path[MOST_LIBRARIES][PATH_BYTES];
    uint32_t n;
};

static int note_library(struct dl_phdr_info *info, size_t size, void *ctx)
{
    struct libraries *l = ctx;
    (void)size;
    const char *name = strrchr(info->dlpi_name, '/');
    if (name && strstr(name, "nvidia") && l->n < MOST_LIBRARIES)
        snprintf(l->path[l->n++], PATH_BYTES, "%s", info->dlpi_name);
    return 0;
}

/* Keeps NVIDIA's driver in memory until the process ends. It takes static thread storage, which the
 * C library cannot give back: after some rounds of loading and unloading there is none left, and no
 * device is found any more. */
static enum status keep_driver(const struct gpu *g)
{
    enum { NVIDIA = 0x10de };
    if (g->caps.info.vendor != NVIDIA)
        return OK;
    struct libraries *l = mem_alloc(sizeof *l);
    if (!l)
        return ERR_MEMORY;
    dl_iterate_phdr(note_library, l);
    for (uint32_t i = 0; i < l->n; i++)
        dlopen(l->path[i], RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    mem_free(l);
    return OK;
}

/* ---- opening ------------------------------------------------------------------------------ */

static void hide_caps(struct vk_caps *c, uint64_t off)
{
    c->info.caps &= ~off;
    if (!(c->info.caps & GPU_CAP_COOPMAT)) {
        c->info.caps &= ~(uint64_t)(GPU_CAP_COOPMAT_BF16 | GPU_CAP_COOPMAT2);
        c->info.coop_m = c->info.coop_n = c->info.coop_k = 0;
    }
}

static enum status create_device(struct gpu *g)
{
    struct vk_caps *c = &g->caps;
    const char *names[VK_EXT_COUNT];
    uint32_t n = 0;
    for (uint32_t e = 0; e < VK_EXT_COUNT; e++)
        if ((c->ext >> e) & 1)
            names[n++] = vk_ext_names[e];
    float priority = 1;
    VkDeviceQueueCreateInfo q = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                 .queueFamilyIndex = c->family,
                                 .queueCount = 1,
                                 .pQueuePriorities = &priority};
    c->want.f.features.robustBufferAccess = g->robust;
    vk_features_link(&c->want, c->ext);
    VkDeviceCreateInfo ci = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                             .pNext = &c->want.f,
                             .queueCreateInfoCount = 1,
                             .pQueueCreateInfos = &q,
                             .enabledExtensionCount = n,
                             .ppEnabledExtensionNames = names};
    TRY(VK(NULL, vkCreateDevice, (c->pd, &ci, NULL, &g->dev), "%s with %u extensions", c->info.name,
           n));
    vk_object(1);
    vkGetDeviceQueue(g->dev, c->family, 0, &g->queue);
    TRY(keep_driver(g));
#define LOAD(member, ext_bit, name)                                                                \
    if ((c->ext >> (ext_bit)) & 1)                                                                 \
        g->member = (PFN_##name)vkGetDeviceProcAddr(g->dev, #name);
    LOAD(set_checkpoint, VK_EXT_CHECKPOINT, vkCmdSetCheckpointNV)
    LOAD(get_checkpoints, VK_EXT_CHECKPOINT, vkGetQueueCheckpointDataNV)
    LOAD(write_marker, VK_EXT_MARKER, vkCmdWriteBufferMarkerAMD)
#undef LOAD
    if (c->want.fault.deviceFault)
        g->get_fault =
            (PFN_vkGetDeviceFaultInfoEXT)vkGetDeviceProcAddr(g->dev, "vkGetDeviceFaultInfoEXT");
    return OK;
}

/* The type with all of `need` that has most of `like`; for device memory, in the weights' heap. */
static uint32_t pick_type(const struct vk_caps *c, uint32_t bits, VkMemoryPropertyFlags need,
                          VkMemoryPropertyFlags like, VkMemoryPropertyFlags dislike, uint32_t heap)
{
    uint32_t best = UINT32_MAX;
    int best_score = -100;
    for (uint32_t i = 0; i < c->mem.memoryTypeCount; i++) {
        VkMemoryPropertyFlags f = c->mem.memoryTypes[i].propertyFlags;
        if (!((bits >> i) & 1) || (f & need) != need ||
            (heap != UINT32_MAX && c->mem.memoryTypes[i].heapIndex != heap))
            continue;
        /* Device-coherent memory of AMD's drivers bypasses caches. */
        int score = 4 * __builtin_popcount(f & like) - 4 * __builtin_popcount(f & dislike) -
                    __builtin_popcount(f & ~(need | like));
        if (score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

static enum status choose_memory(struct gpu *g)
{
    VkBufferCreateInfo b = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = VK_ALIGN,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
                 VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    VkDeviceBufferMemoryRequirements q = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_BUFFER_MEMORY_REQUIREMENTS, .pCreateInfo = &b};
    VkMemoryRequirements2 r = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
    vkGetDeviceBufferMemoryRequirements(g->dev, &q, &r);
    uint32_t bits = r.memoryRequirements.memoryTypeBits;
    const VkMemoryPropertyFlags mapped =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    g->type[GPU_DEVICE] = pick_type(&g->caps, bits, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0, mapped,
                                    g->caps.device_heap);
    g->type[GPU_HOST] = pick_type(&g->caps, bits, mapped, VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                                  VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, UINT32_MAX);
    if (g->type[GPU_DEVICE] == UINT32_MAX || g->type[GPU_HOST] == UINT32_MAX)
        return status_fail(ERR_DEVICE, "cannot use %s: no %s memory for buffers", g->caps.info.name,
                           g->type[GPU_HOST] == UINT32_MAX ? "mapped, coherent" : "device-local");
    return OK;
}

static enum status create_layout(struct gpu *g)
{
    VkPushConstantRange push = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = GPU_MAX_PUSH};
    VkPipelineLayoutCreateInfo ci = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                     .pushConstantRangeCount = 1,
                                     .pPushConstantRanges = &push};
    TRY(VK(g, vkCreatePipelineLayout, (g->dev, &ci, NULL, &g->layout),
           "the layout of all pipelines"));
    vk_object(1);
    return OK;
}

static enum status create_crumbs(struct gpu *g)
{
    if (!g->breadcrumbs && !g->write_marker)
        return OK;
    struct gpu_buf_params p = {
        .bytes = 256, .memory = GPU_HOST, .purpose = GPU_STATE, .tag = "breadcrumbs"};
    TRY(gpu_buf_create(g, &p, &g->crumbs));
    TRY(vk_find(g, g->crumbs->addr, 4, "breadcrumbs", &g->crumb_buffer, &g->crumb_at));
    *(volatile uint32_t *)g->crumbs->map = 0;
    return OK;
}

enum status gpu_open(const struct gpu_params *params, struct gpu **out)
{
    static const struct gpu_params none;
    const struct gpu_params *p = params ? params : &none;
    enum status s = OK;
    *out = NULL;
    struct gpu *g = mem_alloc(sizeof *g);
    if (!g)
        return ERR_MEMORY;
    g->wait_budget = p->wait_budget;
    g->breadcrumbs = p->breadcrumbs;
    g->robust = p->robust;
    g->compile_only = p->compile_only;
    TRY_GOTO(find_device(g, p->device));
    hide_caps(&g->caps, p->caps_off);
    g->opened = g->caps.info;
    g->timestamps = p->timestamps && (g->caps.info.caps & GPU_CAP_TIMESTAMPS);
    if (p->compile_only && p->units)
        g->caps.info.units = p->units;
    TRY_GOTO(create_device(g));
    TRY_GOTO(create_layout(g));
    if (!p->compile_only) {
        TRY_GOTO(choose_memory(g));
        TRY_GOTO(vk_cache_open(g, p->cache_dir));
    }
    TRY_GOTO(vk_pipes_open(g));
    if (!p->compile_only) {
        TRY_GOTO(vk_submit_open(g));
        TRY_GOTO(create_crumbs(g));
    }
    g->any_variant = p->any_variant;
    g->on_compile = p->on_compile;
    g->on_compile_ctx = p->on_compile_ctx;
    if (p->build)
        gpu_verified_read(&g->caps.info, p->cache_dir, p->build, &g->verified);
    if (g->verified.n_failed && !g->any_variant)
        vk_say_avoided(&g->verified);
    *out = g;
    return OK;
fail:
    gpu_close(&g);
    return s;
}

enum status vk_can_run(const struct gpu *g, const char *what)
{
    if (!g->compile_only)
        return OK;
    return status_fail(ERR_USAGE, "%s: %s is open for compiling only", what, g->caps.info.name);
}

void gpu_close(struct gpu **gp)
{
    struct gpu *g = *gp;
    *gp = NULL;
    if (!g)
        return;
    if (g->dev) {
        vk_submit_close(g);
        vk_pipes_close(g);
        if (g->hung) {
            /* The device still works on something: freeing what it uses, or waiting for it, could
             * bring the whole system to a halt. The process's end cleans up. */
            log_warn("%s did not answer: its memory is left to the end of the process",
                     g->caps.info.name);
            return;
        }
        vk_memory_close(g);
        if (g->cache) {
            vkDestroyPipelineCache(g->dev, g->cache, NULL);
            vk_object(-1);
        }
        if (g->layout) {
            vkDestroyPipelineLayout(g->dev, g->layout, NULL);
            vk_object(-1);
        }
        vkDestroyDevice(g->dev, NULL);
        vk_object(-1);
    }
    vk_instance_destroy(&g->inst);
    mem_free(g->cache_file);
    mem_free(g);
}

const struct gpu_info *gpu_get_info(const struct gpu *g)
{
    return &g->caps.info;
}

void gpu_mask_caps(struct gpu *g, uint64_t off)
{
    g->caps.info = g->opened;
    hide_caps(&g->caps, off);
}

void gpu_get_counters(const struct gpu *g, struct gpu_counters *out)
{
    *out = g->counters;
}

void gpu_count_bus(struct gpu *g, uint64_t up, uint64_t down)
{
    g->counters.bytes_up += up;
    g->counters.bytes_down += down;
}
