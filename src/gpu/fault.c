#include "gpu/fault.h"
#include "gpu/vk.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct {
    pthread_mutex_t lock;
    atomic_bool armed;
    atomic_uint_fast64_t calls;
    atomic_int_fast64_t objects;
    char call[64];
    uint32_t nth, seen, failed;
    bool sticky;
    VkResult result;
    char failed_call[64];
} hook = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local VkResult injected;

void gpu_test_fail(const char *call, uint32_t nth, int32_t result, bool sticky)
{
    pthread_mutex_lock(&hook.lock);
    snprintf(hook.call, sizeof hook.call, "%s", call ? call : "");
    hook.nth = nth;
    hook.seen = hook.failed = 0;
    hook.sticky = sticky;
    hook.result = (VkResult)result;
    hook.failed_call[0] = 0;
    pthread_mutex_unlock(&hook.lock);
    hook.armed = true;
}

uint32_t gpu_test_fail_off(void)
{
    hook.armed = false;
    pthread_mutex_lock(&hook.lock);
    uint32_t n = hook.failed;
    pthread_mutex_unlock(&hook.lock);
    return n;
}

uint64_t gpu_test_calls(void)
{
    return hook.calls;
}

const char *gpu_test_failed_call(void)
{
    return hook.failed_call;
}

int64_t gpu_test_objects(void)
{
    return hook.objects;
}

static const char *lacking;

void gpu_test_lack(const char *feature)
{
    lacking = feature;
}

bool vk_lacks(const char *feature)
{
    return lacking && !strcmp(lacking, feature);
}

void vk_object(int64_t delta)
{
    hook.objects += delta;
}

bool vk_inject(const char *call)
{
    atomic_fetch_add_explicit(&hook.calls, 1, memory_order_relaxed);
    if (!atomic_load_explicit(&hook.armed, memory_order_relaxed))
        return false;
    bool fail = false;
    pthread_mutex_lock(&hook.lock);
    if (!hook.call[0] || !strcmp(hook.call, call)) {
        hook.seen++;
        fail = hook.seen == hook.nth || (hook.sticky && hook.seen > hook.nth);
    }
    if (fail) {
        hook.failed++;
        injected = hook.result;
        snprintf(hook.failed_call, sizeof hook.failed_call, "%s", call);
    }
    pthread_mutex_unlock(&hook.lock);
    return fail;
}

VkResult vk_injected(void)
{
    return injected;
}

const char *vk_result_name(VkResult r)
{
    switch (r) {
#define X(name)                                                                                    \
    case name:                                                                                     \
        return #name;
        X(VK_SUCCESS)
        X(VK_NOT_READY)
        X(VK_TIMEOUT)
        X(VK_EVENT_SET)
        X(VK_EVENT_RESET)
        X(VK_INCOMPLETE)
        X(VK_ERROR_OUT_OF_HOST_MEMORY)
        X(VK_ERROR_OUT_OF_DEVICE_MEMORY)
        X(VK_ERROR_INITIALIZATION_FAILED)
        X(VK_ERROR_DEVICE_LOST)
        X(VK_ERROR_MEMORY_MAP_FAILED)
        X(VK_ERROR_LAYER_NOT_PRESENT)
        X(VK_ERROR_EXTENSION_NOT_PRESENT)
        X(VK_ERROR_FEATURE_NOT_PRESENT)
        X(VK_ERROR_INCOMPATIBLE_DRIVER)
        X(VK_ERROR_TOO_MANY_OBJECTS)
        X(VK_ERROR_FORMAT_NOT_SUPPORTED)
        X(VK_ERROR_FRAGMENTED_POOL)
        X(VK_ERROR_UNKNOWN)
        X(VK_ERROR_VALIDATION_FAILED_EXT)
        X(VK_ERROR_OUT_OF_POOL_MEMORY)
        X(VK_ERROR_INVALID_EXTERNAL_HANDLE)
        X(VK_ERROR_FRAGMENTATION)
        X(VK_ERROR_INVALID_OPAQUE_CAPTURE_ADDRESS)
        X(VK_PIPELINE_COMPILE_REQUIRED)
        X(VK_ERROR_NOT_PERMITTED)
        X(VK_ERROR_INVALID_SHADER_NV)
#undef X
    default:
        return "unnamed VkResult";
    }
}

enum status vk_status(struct gpu *g, VkResult r, const char *call, const char *fmt, ...)
{
    if (r == VK_SUCCESS)
        return OK;
    char what[400], used[200], text[640];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    snprintf(text, sizeof text, "%s failed with %s (%d) for %s", call, vk_result_name(r), (int)r,
             what);
    if (r == VK_ERROR_DEVICE_LOST)
        return g ? vk_lose(g, text) : status_fail(ERR_LOST, "%s", text);
    bool memory = r == VK_ERROR_OUT_OF_DEVICE_MEMORY || r == VK_ERROR_OUT_OF_HOST_MEMORY ||
                  r == VK_ERROR_TOO_MANY_OBJECTS || r == VK_ERROR_MEMORY_MAP_FAILED;
    if (memory && g && g->dev) {
        char free[24];
        return status_fail(ERR_MEMORY, "out of %s memory: %s; free %s, in use %s",
                           r == VK_ERROR_OUT_OF_HOST_MEMORY ? "host" : "GPU", text,
                           vk_bytes_text(gpu_memory_free(g), free),
                           vk_usage_text(g, used, sizeof used));
    }
    return status_fail(memory ? ERR_MEMORY : ERR_DEVICE, "%s", text);
}

/* ---- what ran last ------------------------------------------------------------------------ */

static int name_op(char *out, size_t size, const struct gpu_cmd *c, uint32_t op)
{
    /* Barriers and timestamps have no name of their own: the last named operation stands. */
    while (op > 0 && !(op < c->n_ops && c->ops[op].label))
        op--;
    const char *label = op < c->n_ops && c->ops[op].label ? c->ops[op].label : "its start";
    if (op < c->n_ops && c->ops[op].layer >= 0)
        return snprintf(out, size, "'%s' of layer %d in '%s'", label, c->ops[op].layer, c->name);
    return snprintf(out, size, "'%s' in '%s'", label, c->name);
}

static bool name_crumb(const struct gpu *g, uint32_t crumb, char *out, size_t size)
{
    for (const struct gpu_cmd *c = g->cmds; crumb && c; c = c->next) {
        if (c->id == crumb >> 16) {
            name_op(out, size, c, crumb & 0xffff);
            return true;
        }
    }
    return false;
}

static bool name_checkpoint(const struct gpu *g, char *out, size_t size)
{
    if (!g->get_checkpoints)
        return false;
    VkCheckpointDataNV data[32];
    for (int i = 0; i < 32; i++)
        data[i] = (VkCheckpointDataNV){.sType = VK_STRUCTURE_TYPE_CHECKPOINT_DATA_NV};
    uint32_t n = 32;
    g->get_checkpoints(g->queue, &n, data);
    bool found = false;
    for (uint32_t i = 0; i < n; i++) {
        char text[160];
        if (!name_crumb(g, (uint32_t)(uintptr_t)data[i].pCheckpointMarker, text, sizeof text))
            continue;
        bool bottom = data[i].stage == VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT;
        /* What has left the pipe is the surest; what has entered it is second. */
        if (!found || bottom)
            snprintf(out, size, "%s", text);
        found = true;
        if (bottom)
            break;
    }
    return found;
}

/* From the surest source to the vaguest. */
static void what_ran(const struct gpu *g, char *out, size_t size)
{
    char text[200];
    if (g->crumbs && name_crumb(g, *(const volatile uint32_t *)g->crumbs->map, text, sizeof text)) {
        snprintf(out, size, "the last to finish was %s", text);
        return;
    }
    if (name_checkpoint(g, text, sizeof text)) {
        snprintf(out, size, "the last mark is %s", text);
        return;
    }
    for (uint32_t i = 0; i < g->depth; i++) {
        const struct vk_pending *p = &g->pending[(g->head + i) % VK_PENDING];
        if (!p->cmd || p->value <= g->finished)
            continue;
        const struct gpu_cmd *c = p->cmd;
        uint32_t first = p->first, last = (p->first + p->n - 1) % c->n_segs;
        if (p->cut != c->cut) {
            first = 0;
            last = c->n_segs - 1;
        }
        char to[200];
        name_op(text, sizeof text, c, c->segs[first].first);
        name_op(to, sizeof to, c, c->segs[last].end - 1);
        snprintf(out, size, "running between %s and %s", text, to);
        return;
    }
    snprintf(out, size, g->depth ? "during a copy between host and device" : "nothing was running");
}

static void fault_text(const struct gpu *g, char *out, size_t size)
{
    out[0] = 0;
    VkDeviceFaultCountsEXT count = {.sType = VK_STRUCTURE_TYPE_DEVICE_FAULT_COUNTS_EXT};
    if (!g->get_fault || g->get_fault(g->dev, &count, NULL) != VK_SUCCESS)
        return;
    VkDeviceFaultAddressInfoEXT addr[8];
    VkDeviceFaultVendorInfoEXT vendor[8];
    count.addressInfoCount = count.addressInfoCount < 8 ? count.addressInfoCount : 8;
    count.vendorInfoCount = count.vendorInfoCount < 8 ? count.vendorInfoCount : 8;
    count.vendorBinarySize = 0;
    VkDeviceFaultInfoEXT info = {.sType = VK_STRUCTURE_TYPE_DEVICE_FAULT_INFO_EXT,
                                 .pAddressInfos = addr,
                                 .pVendorInfos = vendor};
    VkResult r = g->get_fault(g->dev, &count, &info);
    if (r != VK_SUCCESS && r != VK_INCOMPLETE)
        return;
    int n = snprintf(out, size, "; the driver says: %.120s", info.description);
    if (count.addressInfoCount && n > 0 && (size_t)n < size)
        n += snprintf(out + n, size - (size_t)n, ", address 0x%" PRIx64 " (type %d)",
                      (uint64_t)addr[0].reportedAddress, (int)addr[0].addressType);
    if (count.vendorInfoCount && n > 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, ", %.60s", vendor[0].description);
}

enum status vk_lose(struct gpu *g, const char *why)
{
    if (!g->lost) {
        char ran[440], fault[300];
        what_ran(g, ran, sizeof ran);
        fault_text(g, fault, sizeof fault);
        snprintf(g->lost_message, sizeof g->lost_message, "GPU lost (%.100s): %.300s; %.300s%.180s",
                 g->caps.info.name, why, ran, fault);
        g->lost = true;
    }
    return gpu_check(g);
}

enum status gpu_check(const struct gpu *g)
{
    return g->lost ? status_fail(ERR_LOST, "%s", g->lost_message) : OK;
}
