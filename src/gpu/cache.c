/* The file: this header, then what the driver gave. A driver may trust its own data blindly, so
 * nothing is handed to it whose length or checksum is off, or that another driver wrote. */
#include "gpu/vk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct header {
    char magic[8];
    uint32_t vendor, device, driver_version, reserved;
    uint8_t uuid[VK_UUID_SIZE];
    uint64_t bytes, sum;
};

static const size_t MAX_CACHE = 512 << 20;

static uint64_t checksum(const void *data, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const unsigned char *p = data; n; n--)
        h = (h ^ *p++) * UINT64_C(0x100000001b3);
    return h;
}

static struct header make_header(const struct gpu *g, const void *data, size_t n)
{
    struct header h = {.magic = "tawnypc1",
                       .vendor = g->caps.info.vendor,
                       .device = g->caps.info.device,
                       .driver_version = g->caps.info.driver_version,
                       .bytes = n,
                       .sum = checksum(data, n)};
    memcpy(h.uuid, g->caps.pipeline_uuid, VK_UUID_SIZE);
    return h;
}

const char *vk_cache_dir(const char *dir, char *home, size_t size)
{
    if (dir)
        return *dir ? dir : NULL;
    const char *base = getenv("XDG_CACHE_HOME");
    int n = 0;
    if (base && *base == '/')
        n = snprintf(home, size, "%s/tawny", base);
    else if ((base = getenv("HOME")) && *base == '/')
        n = snprintf(home, size, "%s/.cache/tawny", base);
    return n > 0 && (size_t)n < size ? home : NULL;
}

static char *make_path(const struct gpu *g, const char *dir)
{
    char uuid[2 * VK_UUID_SIZE + 1];
    for (size_t i = 0; i < VK_UUID_SIZE; i++)
        snprintf(uuid + 2 * i, 3, "%02x", g->caps.pipeline_uuid[i]);
    size_t size = strlen(dir) + 128;
    char *path = mem_alloc(size);
    if (path)
        snprintf(path, size, "%s/%04x-%04x-%08x-%s.pipelines", dir, g->caps.info.vendor,
                 g->caps.info.device, g->caps.info.driver_version, uuid);
    return path;
}

/* The driver's data, or NULL; anything wrong means no cache. */
static void *read_file(const struct gpu *g, size_t *bytes)
{
    FILE *f = fopen(g->cache_file, "rb");
    struct header h;
    struct stat st;
    void *data = NULL;
    if (!f)
        return NULL;
    if (fstat(fileno(f), &st) || !S_ISREG(st.st_mode) || fread(&h, sizeof h, 1, f) != 1 ||
        h.bytes > MAX_CACHE || h.bytes != (uint64_t)st.st_size - sizeof h)
        goto bad;
    data = mem_alloc(h.bytes);
    if (!data || fread(data, 1, h.bytes, f) != h.bytes)
        goto bad;
    struct header want = make_header(g, data, h.bytes);
    if (memcmp(&h, &want, sizeof h))
        goto bad;
    fclose(f);
    *bytes = h.bytes;
    return data;
bad:
    log_info("pipeline cache %s is damaged or of another driver: it will be replaced",
             g->cache_file);
    mem_free(data);
    fclose(f);
    return NULL;
}

enum status vk_cache_open(struct gpu *g, const char *dir)
{
    char home[4096];
    const char *where = vk_cache_dir(dir, home, sizeof home);
    size_t n = 0;
    void *data = NULL;
    if (where) {
        g->cache_file = make_path(g, where);
        if (!g->cache_file)
            return ERR_MEMORY;
        data = read_file(g, &n);
    }
    VkPipelineCacheCreateInfo ci = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                                    .initialDataSize = n,
                                    .pInitialData = data};
    VkResult r = VK_RAW(vkCreatePipelineCache, (g->dev, &ci, NULL, &g->cache));
    mem_free(data);
    if (r != VK_SUCCESS && n) {
        /* The driver refused its own data: start with an empty one. */
        ci.initialDataSize = 0;
        ci.pInitialData = NULL;
        r = VK_RAW(vkCreatePipelineCache, (g->dev, &ci, NULL, &g->cache));
    }
    if (r != VK_SUCCESS)
        g->cache = VK_NULL_HANDLE;
    TRY(vk_status(g, r, "vkCreatePipelineCache", "%zu bytes", n));
    vk_object(1);
    return OK;
}

static bool make_dirs(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        int r = mkdir(path, 0777);
        *p = '/';
        if (r && errno != EEXIST)
            return false;
    }
    return true;
}

/* By a temporary file beside it, renamed. */
bool vk_file_write(const char *path, const void *a, size_t n_a, const void *b, size_t n_b)
{
    size_t size = strlen(path) + 32;
    char *temp = mem_alloc(size);
    if (!temp)
        return false;
    snprintf(temp, size, "%s.%ld.tmp", path, (long)getpid());
    bool ok = false;
    FILE *f = make_dirs(temp) ? fopen(temp, "wb") : NULL;
    if (f) {
        ok = fwrite(a, 1, n_a, f) == n_a && fwrite(b, 1, n_b, f) == n_b;
        ok = !fclose(f) && ok;
        ok = ok && !rename(temp, path);
        if (!ok) {
            int e = errno;
            unlink(temp);
            errno = e;
        }
    }
    mem_free(temp);
    return ok;
}

static bool write_file(const struct gpu *g, const void *data, size_t n)
{
    struct header h = make_header(g, data, n);
    return vk_file_write(g->cache_file, &h, sizeof h, data, n);
}

void vk_cache_save(struct gpu *g)
{
    pthread_mutex_lock(&g->pipes.lock);
    bool dirty = g->pipes.dirty;
    g->pipes.dirty = false;
    g->pipes.unsaved = 0;
    pthread_mutex_unlock(&g->pipes.lock);
    if (!dirty || !g->cache_file || !g->cache)
        return;
    size_t n = 0;
    VkResult r = VK_RAW(vkGetPipelineCacheData, (g->dev, g->cache, &n, NULL));
    void *data = r == VK_SUCCESS && n && n <= MAX_CACHE ? mem_alloc(n) : NULL;
    if (!data)
        return;
    r = VK_RAW(vkGetPipelineCacheData, (g->dev, g->cache, &n, data));
    if (r != VK_SUCCESS) {
        log_info("pipeline cache not saved: vkGetPipelineCacheData gave %s", vk_result_name(r));
    } else if (!write_file(g, data, n)) {
        log_info("pipeline cache %s not saved: %s", g->cache_file, strerror(errno));
        mem_free(g->cache_file);
        g->cache_file = NULL; /* said once */
    }
    mem_free(data);
}
