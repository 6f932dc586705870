/* Devices, the log, models: see tawny.h. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine/api.h"
#include "kernels/shaders.h"

_Static_assert((int)TAWNY_ERROR == (int)ERR && (int)TAWNY_ERROR_USAGE == (int)ERR_USAGE &&
                   (int)TAWNY_ERROR_MODEL == (int)ERR_MODEL &&
                   (int)TAWNY_ERROR_DEVICE == (int)ERR_DEVICE &&
                   (int)TAWNY_ERROR_MEMORY == (int)ERR_MEMORY &&
                   (int)TAWNY_ERROR_LOST == (int)ERR_LOST &&
                   (int)TAWNY_ERROR_VERIFY == (int)ERR_VERIFY,
               "api_status() is a cast");

const char *tawny_message(void)
{
    return status_message();
}

const char *tawny_version(void)
{
    return TAWNY_VERSION;
}

static struct {
    void (*fn)(void *ctx, enum tawny_log_level level, const char *text);
    void *ctx;
} log_target;

static void log_forward(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    log_target.fn(log_target.ctx, (enum tawny_log_level)level, text);
}

void tawny_log_set(enum tawny_log_level level,
                   void (*fn)(void *ctx, enum tawny_log_level level, const char *text), void *ctx)
{
    log_set(LOG_ERROR, NULL, NULL);
    log_target.fn = fn;
    log_target.ctx = ctx;
    log_set((enum log_level)level, fn ? log_forward : NULL, NULL);
}

void tawny_free(void *p)
{
    mem_free(p);
}

/* ---- devices ------------------------------------------------------------------------------ */

static void add_word(char *text, size_t size, const char *word)
{
    size_t len = strlen(text);
    snprintf(text + len, size - len, "%s%s", len ? " " : "", word);
}

static void describe_features(const struct gpu_info *g, char *text, size_t size)
{
    static const struct {
        uint64_t cap;
        const char *word;
    } words[] = {
        {GPU_CAP_FP16, "fp16"},         {GPU_CAP_INT8, "int8"},
        {GPU_CAP_INT_DOT, "dot"},       {GPU_CAP_BF16, "bf16"},
        {GPU_CAP_COOPMAT, "coopmat"},   {GPU_CAP_COOPMAT_BF16, "coopmat-bf16"},
        {GPU_CAP_COOPMAT2, "coopmat2"},
    };
    text[0] = 0;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (g->caps & words[i].cap)
            add_word(text, size, words[i].word);
    }
    char sizes[48];
    if (g->subgroup_min == g->subgroup_max)
        snprintf(sizes, sizeof sizes, "subgroups of %u", g->subgroup_min);
    else
        snprintf(sizes, sizeof sizes, "subgroups of %u to %u", g->subgroup_min, g->subgroup_max);
    add_word(text, size, sizes);
}

static void translate_verified(const struct gpu_verified *v, struct tawny_device_info *out)
{
    out->verified_at = v->when;
    out->verified_cases = v->cases;
    out->verified_wrong = v->wrong;
    out->verified_all = v->complete;
    for (uint32_t i = 0; i < v->n_failed; i++)
        add_word(out->avoided, sizeof out->avoided, v->failed[i]);
}

static void translate_info(const struct gpu_info *g, struct tawny_device_info *out)
{
    memset(out, 0, sizeof *out);
    out->index = g->index;
    snprintf(out->name, sizeof out->name, "%s", g->name);
    snprintf(out->driver, sizeof out->driver, "%s", g->driver);
    snprintf(out->kind, sizeof out->kind, "%s", g->kind);
    snprintf(out->uuid, sizeof out->uuid, "%s", g->uuid);
    snprintf(out->pci, sizeof out->pci, "%s", g->pci);
    snprintf(out->unusable, sizeof out->unusable, "%s", g->unusable ? g->unusable : "");
    describe_features(g, out->features, sizeof out->features);
    out->api_version = g->api_version;
    out->units = g->units;
    out->memory_total = g->memory_total;
    out->memory_free = g->memory_free;
    out->max_allocation = g->max_allocation;
}

enum tawny_status tawny_devices(struct tawny_device_info *out, uint32_t max, uint32_t *count)
{
    *count = 0;
    struct gpu_info *infos = mem_calloc(max, sizeof *infos);
    if (!infos)
        return TAWNY_ERROR_MEMORY;
    enum status s = gpu_list(infos, max, count);
    for (uint32_t i = 0; s == OK && i < max && i < *count; i++)
        translate_info(&infos[i], &out[i]);
    char build[SHADER_BUILD_TEXT];
    shader_build(build);
    for (uint32_t i = 0; s == OK && i < max && i < *count; i++) {
        struct gpu_verified v;
        gpu_verified_read(&infos[i], NULL, build, &v);
        translate_verified(&v, &out[i]);
    }
    mem_free(infos);
    return api_status(s);
}

enum tawny_status tawny_device_open(const struct tawny_device_params *params,
                                    struct tawny_device **out)
{
    static const struct tawny_device_params defaults;
    *out = NULL;
    if (!params)
        params = &defaults;
    struct tawny_device *d = mem_alloc(sizeof *d);
    if (!d)
        return TAWNY_ERROR_MEMORY;
    d->profile = params->profile;
    char build[SHADER_BUILD_TEXT];
    enum status s =
        gpu_open(&(struct gpu_params){.device = params->device,
                                      .caps_off = params->features_off |
                                                  (params->no_int_dot ? GPU_CAP_INT_DOT : 0),
                                      .cache_dir = params->cache_dir,
                                      .build = shader_build(build),
                                      .any_variant = params->any_variant,
                                      .on_compile = params->on_compile,
                                      .on_compile_ctx = params->ctx,
                                      .timestamps = params->profile},
                 &d->gpu);
    if (s == OK)
        *out = d;
    else
        mem_free(d);
    return api_status(s);
}

void tawny_device_close(struct tawny_device **device)
{
    struct tawny_device *d = *device;
    *device = NULL;
    if (!d)
        return;
    gpu_close(&d->gpu);
    mem_free(d);
}

void tawny_device_get_info(const struct tawny_device *device, struct tawny_device_info *out)
{
    translate_info(gpu_get_info(device->gpu), out);
    out->memory_free = gpu_memory_free(device->gpu);
    translate_verified(gpu_get_verified(device->gpu), out);
}

/* ---- models ------------------------------------------------------------------------------- */

enum tawny_status tawny_model_open(struct tawny_device *device,
                                   const struct tawny_model_params *params,
                                   struct tawny_model **out)
{
    *out = NULL;
    if (!params || !params->path)
        return api_status(status_fail(ERR_USAGE, "no path of a model was given"));
    struct tawny_model *m = mem_alloc(sizeof *m);
    if (!m)
        return TAWNY_ERROR_MEMORY;
    m->device = device;
    enum status s = engine_model_load(
        device->gpu,
        &(struct engine_load_params){
            .path = params->path, .on_progress = params->on_progress, .ctx = params->ctx},
        &m->em);
    if (s == OK) {
        m->vocab.tok = m->em->tok;
        *out = m;
    } else {
        mem_free(m);
    }
    return api_status(s);
}

void tawny_model_close(struct tawny_model **model)
{
    struct tawny_model *m = *model;
    *model = NULL;
    if (!m)
        return;
    engine_model_unload(&m->em);
    mem_free(m);
}

void tawny_model_get_info(const struct tawny_model *model, struct tawny_model_info *out)
{
    const struct engine_model *em = model->em;
    const struct model_hparams *hp = &em->model.hp;
    *out = (struct tawny_model_info){
        .path = em->path,
        .architecture = em->model.arch->name,
        .name = em->name,
        .chat_form = chat_form_name(em->chat),
        .n_layers = hp->n_layers,
        .n_embd = hp->n_embd,
        .n_heads = hp->n_heads,
        .n_kv_heads = hp->n_kv_heads,
        .head_dim = hp->head_dim,
        .n_vocab = hp->n_vocab,
        .n_ctx_train = hp->n_ctx_train,
        .n_params = em->n_params,
        .weight_bytes = em->weight_bytes,
        .load_seconds = em->load_seconds,
    };
}

const struct tawny_vocab *tawny_model_vocab(const struct tawny_model *model)
{
    return &model->vocab;
}

struct tawny_memory api_memory(const struct gpu *g)
{
    struct gpu_usage u;
    gpu_get_usage(g, &u);
    return (struct tawny_memory){
        .weights = u.live[GPU_WEIGHTS],
        .kv = u.live[GPU_KV],
        .scratch = u.live[GPU_SCRATCH],
        .state = u.live[GPU_STATE],
        .staging = u.live[GPU_STAGING],
        .allocated = u.allocated,
    };
}
