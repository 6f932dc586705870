#include "gpu/vk.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t hash_bytes(uint64_t h, const void *data, size_t n)
{
    for (const unsigned char *p = data; n; n--)
        h = (h ^ *p++) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t hash_params(const struct gpu_pipe_params *p)
{
    uint64_t h = hash_bytes(UINT64_C(0xcbf29ce484222325), &p->shader, sizeof p->shader);
    h = hash_bytes(h, p->spec, p->n_spec * sizeof *p->spec);
    h = hash_bytes(h, &p->push_bytes, sizeof p->push_bytes);
    h = hash_bytes(h, &p->subgroup, sizeof p->subgroup);
    return h ^ h >> 32;
}

static bool same(const struct gpu_pipe_params *a, const struct gpu_pipe_params *b)
{
    return a->shader == b->shader && a->n_spec == b->n_spec && a->push_bytes == b->push_bytes &&
           a->subgroup == b->subgroup && !memcmp(a->spec, b->spec, a->n_spec * sizeof *a->spec);
}

static void make_name(struct gpu_pipe *p)
{
    int n = snprintf(p->name, sizeof p->name, "%s(", p->params.shader->name);
    for (uint32_t i = 0; i < p->params.n_spec && n > 0 && (size_t)n < sizeof p->name; i++)
        n += snprintf(p->name + n, sizeof p->name - (size_t)n, "%s%u", i ? "," : "",
                      p->params.spec[i]);
    if (n > 0 && (size_t)n < sizeof p->name)
        snprintf(p->name + n, sizeof p->name - (size_t)n, p->params.subgroup ? ")/%u" : ")",
                 p->params.subgroup);
}

/* Runs on a worker: it may not touch anything of the gpu but the device and the cache. */
static VkResult compile(struct gpu *g, struct gpu_pipe *p, bool *hit)
{
    const struct gpu_pipe_params *q = &p->params;
    VkShaderModuleCreateInfo mi = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                   .codeSize = q->shader->bytes,
                                   .pCode = q->shader->code};
    VkShaderModule module;
    p->call = "vkCreateShaderModule";
    VkResult r = VK_RAW(vkCreateShaderModule, (g->dev, &mi, NULL, &module));
    if (r != VK_SUCCESS)
        return r;
    vk_object(1);
    VkSpecializationMapEntry map[GPU_MAX_SPEC];
    for (uint32_t i = 0; i < q->n_spec; i++)
        map[i] = (VkSpecializationMapEntry){i, i * 4, 4};
    VkSpecializationInfo spec = {q->n_spec, map, q->n_spec * 4, q->spec};
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo size = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = q->subgroup};
    VkPipelineCreationFeedback fb = {0}, stage_fb = {0};
    VkPipelineCreationFeedbackCreateInfo fbi = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO,
        .pPipelineCreationFeedback = &fb,
        .pipelineStageCreationFeedbackCount = 1,
        .pPipelineStageCreationFeedbacks = &stage_fb};
    VkComputePipelineCreateInfo ci = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .pNext = &fbi,
        .stage =
            {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .pNext = q->subgroup ? &size : NULL,
                .flags =
                    q->subgroup ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT : 0,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main",
                .pSpecializationInfo = &spec,
            },
        .layout = g->layout,
    };
    if (g->compile_only && (g->caps.info.caps & GPU_CAP_EXEC_PROPERTIES))
        ci.flags = VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR;
    p->call = "vkCreateComputePipelines";
    r = VK_RAW(vkCreateComputePipelines, (g->dev, g->cache, 1, &ci, NULL, &p->pipeline));
    if (r == VK_SUCCESS)
        vk_object(1);
    else
        p->pipeline = VK_NULL_HANDLE;
    *hit = (fb.flags & VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT) &&
           (fb.flags & VK_PIPELINE_CREATION_FEEDBACK_APPLICATION_PIPELINE_CACHE_HIT_BIT);
    vkDestroyShaderModule(g->dev, module, NULL);
    vk_object(-1);
    return r;
}

/* With the lock held; compiles the next of the queue, if there is one. */
static bool compile_next(struct gpu *g)
{
    struct vk_pipes *q = &g->pipes;
    struct gpu_pipe *p = q->head;
    if (!p)
        return false;
    q->head = p->queue;
    if (!q->head)
        q->tail = &q->head;
    p->state = PIPE_BUSY;
    pthread_mutex_unlock(&q->lock);
    bool hit = false;
    double t = time_now();
    VkResult r = compile(g, p, &hit);
    t = time_now() - t;
    pthread_mutex_lock(&q->lock);
    p->result = r;
    p->state = r == VK_SUCCESS ? PIPE_DONE : PIPE_FAILED;
    if (!hit) {
        q->dirty = true;
        q->unsaved += t;
    }
    q->open--;
    pthread_cond_broadcast(&q->done);
    return true;
}

static void *worker(void *arg)
{
    struct gpu *g = arg;
    struct vk_pipes *q = &g->pipes;
    pthread_mutex_lock(&q->lock);
    while (!q->quit)
        if (!compile_next(g))
            pthread_cond_wait(&q->work, &q->lock);
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

enum status vk_pipes_open(struct gpu *g)
{
    struct vk_pipes *q = &g->pipes;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->work, NULL);
    pthread_cond_init(&q->done, NULL);
    q->tail = &q->head;
    q->ready = true;
    return OK;
}

/* One more worker while there is more to compile than workers. Should a thread not start, those
 * who wait compile themselves. */
static void hire(struct gpu *g)
{
    struct vk_pipes *q = &g->pipes;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t most = cores < 1 ? 1 : cores < VK_WORKERS ? (uint32_t)cores : VK_WORKERS;
    if (q->workers < most && q->open > q->workers &&
        !pthread_create(&q->thread[q->workers], NULL, worker, g))
        q->workers++;
}

static enum status check_params(const struct gpu *g, const struct gpu_pipe_params *p)
{
    const char *name = p->shader && p->shader->name ? p->shader->name : "?";
    if (!p->shader || !p->shader->code || !p->shader->bytes || p->shader->bytes % 4)
        return status_fail(ERR_USAGE, "shader %s has no code", name);
    if (p->n_spec > GPU_MAX_SPEC)
        return status_fail(ERR_USAGE, "shader %s: %u constants, at most %d", name, p->n_spec,
                           GPU_MAX_SPEC);
    if (p->push_bytes > GPU_MAX_PUSH || p->push_bytes % 4)
        return status_fail(ERR_USAGE,
                           "shader %s: a push struct of %u bytes, at most %d and a "
                           "multiple of 4",
                           name, p->push_bytes, GPU_MAX_PUSH);
    if (p->subgroup) {
        uint64_t bit = p->subgroup == 8    ? GPU_CAP_SUBGROUP_8
                       : p->subgroup == 16 ? GPU_CAP_SUBGROUP_16
                       : p->subgroup == 32 ? GPU_CAP_SUBGROUP_32
                       : p->subgroup == 64 ? GPU_CAP_SUBGROUP_64
                                           : 0;
        if (!(g->caps.info.caps & bit))
            return status_fail(ERR_DEVICE, "shader %s: %s has no subgroups of %u", name,
                               g->caps.info.name, p->subgroup);
    }
    return OK;
}

enum status gpu_pipe_get(struct gpu *g, const struct gpu_pipe_params *params,
                         const struct gpu_pipe **out)
{
    struct vk_pipes *q = &g->pipes;
    *out = NULL;
    VK_ALIVE(g);
    TRY(check_params(g, params));
    uint64_t hash = hash_params(params);
    struct gpu_pipe **bucket = &q->bucket[hash % VK_PIPE_BUCKETS], *p = *bucket;
    while (p && !(p->hash == hash && same(&p->params, params)))
        p = p->next;
    if (!p) {
        p = mem_alloc(sizeof *p);
        if (!p)
            return ERR_MEMORY;
        p->params = *params;
        memset(p->params.spec + p->params.n_spec, 0,
               (GPU_MAX_SPEC - p->params.n_spec) * sizeof *p->params.spec);
        p->hash = hash;
        p->state = PIPE_FAILED; /* until it is queued */
        p->next = *bucket;
        *bucket = p;
        make_name(p);
    }
    pthread_mutex_lock(&q->lock);
    if (p->state == PIPE_FAILED) {
        p->state = PIPE_QUEUED;
        p->queue = NULL;
        *q->tail = p;
        q->tail = &p->queue;
        q->asked = q->open ? q->asked + 1 : 1;
        q->open++;
        hire(g);
        pthread_cond_signal(&q->work);
    }
    pthread_mutex_unlock(&q->lock);
    *out = p;
    return OK;
}

/* With the lock held, which is released for the call. */
static void tell(struct gpu *g, uint32_t open)
{
    struct vk_pipes *q = &g->pipes;
    uint32_t asked = q->asked;
    if (!g->on_compile)
        return;
    pthread_mutex_unlock(&q->lock);
    g->on_compile(g->on_compile_ctx, asked - open, asked);
    pthread_mutex_lock(&q->lock);
}

void vk_pipes_settle(struct gpu *g)
{
    struct vk_pipes *q = &g->pipes;
    pthread_mutex_lock(&q->lock);
    bool waited = q->open > 0;
    for (uint32_t told = 0; q->open;) {
        if (q->open != told)
            tell(g, told = q->open);
        else if (q->workers || !compile_next(g))
            pthread_cond_wait(&q->done, &q->lock);
    }
    if (waited)
        tell(g, 0);
    bool save = q->unsaved > 0.5;
    pthread_mutex_unlock(&q->lock);
    if (save)
        vk_cache_save(g);
}

void vk_pipe_settle(struct gpu *g, const struct gpu_pipe *p)
{
    struct vk_pipes *q = &g->pipes;
    pthread_mutex_lock(&q->lock);
    while (p->state == PIPE_QUEUED || p->state == PIPE_BUSY)
        if (q->workers || !compile_next(g))
            pthread_cond_wait(&q->done, &q->lock);
    pthread_mutex_unlock(&q->lock);
}

enum status vk_pipe_check(struct gpu *g, const struct gpu_pipe *p)
{
    if (p->state == PIPE_DONE)
        return OK;
    return vk_status(g, p->result, p->call, "compiling shader %s", p->name);
}

enum status gpu_pipes_wait(struct gpu *g)
{
    VK_ALIVE(g);
    vk_pipes_settle(g);
    for (int i = 0; i < VK_PIPE_BUCKETS; i++)
        for (const struct gpu_pipe *p = g->pipes.bucket[i]; p; p = p->next)
            TRY(vk_pipe_check(g, p));
    return OK;
}

void vk_pipes_close(struct gpu *g)
{
    struct vk_pipes *q = &g->pipes;
    if (!q->ready)
        return;
    pthread_mutex_lock(&q->lock);
    q->quit = true;
    pthread_cond_broadcast(&q->work);
    pthread_mutex_unlock(&q->lock);
    for (uint32_t i = 0; i < q->workers; i++)
        pthread_join(q->thread[i], NULL);
    if (!g->lost)
        vk_cache_save(g);
    for (int i = 0; i < VK_PIPE_BUCKETS; i++) {
        for (struct gpu_pipe *p = q->bucket[i], *next; p; p = next) {
            next = p->next;
            if (p->pipeline && !g->hung) {
                vkDestroyPipeline(g->dev, p->pipeline, NULL);
                vk_object(-1);
            }
            mem_free(p);
        }
    }
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->work);
    pthread_cond_destroy(&q->done);
    q->ready = false;
}

const char *gpu_pipe_name(const struct gpu_pipe *p)
{
    return p->name;
}

const struct gpu_pipe_params *gpu_pipe_params_of(const struct gpu_pipe *p)
{
    return &p->params;
}
