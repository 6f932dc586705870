/* Opening devices, models and sessions, and what is said about them: see cli.h. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"

bool on_load(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    progress("loading", done, total);
    return !interrupted();
}

void on_compile(void *ctx, uint32_t done, uint32_t total)
{
    (void)ctx;
    progress("compiling", done, total);
}

enum status look_at_model(const char *path, bool *speech)
{
    struct tawny_file *file;
    struct tawny_memory_plan plan;
    TRY(from_api(tawny_file_open(path, &file)));
    enum status s = from_api(tawny_file_plan(file, NULL, NULL, &plan));
    *speech = tawny_file_is_speech(file);
    tawny_file_close(&file);
    return s;
}

enum status check_speech_file(const char *path)
{
    bool speech;
    TRY(look_at_model(path, &speech));
    return speech ? OK : status_fail(ERR_MODEL, "%s: no speech model; tawny run runs it", path);
}

enum status open_device(struct opened *o, bool profile)
{
    struct tawny_device_params params = {
        .device = global.device,
        .profile = profile,
        .any_variant = global.any_variant,
        .no_int_dot = global.no_int_dot,
        .on_compile = on_compile,
    };
    TRY(from_api(tawny_device_open(&params, &o->device)));
    tawny_device_get_info(o->device, &o->device_info);
    return OK;
}

enum status open_speech(struct opened *o, const char *path)
{
    enum status s = from_api(tawny_speech_open(
        o->device, &(struct tawny_model_params){.path = path, .on_progress = on_load}, &o->speech));
    progress_clear();
    return s;
}

enum status open_model(struct opened *o, const char *path, bool profile)
{
    enum status s;
    bool speech;
    *o = (struct opened){0};
    TRY(look_at_model(path, &speech));
    if (speech)
        return status_fail(ERR_MODEL, "%s: a speech model; tawny transcribe runs it", path);
    TRY(open_device(o, profile));
    s = from_api(tawny_model_open(
        o->device, &(struct tawny_model_params){.path = path, .on_progress = on_load}, &o->model));
    progress_clear();
    if (s != OK)
        return s;
    tawny_model_get_info(o->model, &o->model_info);
    return interrupted() ? status_fail(ERR, "interrupted") : OK;
}

enum status open_session(struct opened *o, const struct tawny_session_params *params)
{
    enum { DEFAULT_CTX = 4096 };
    uint32_t trained = o->model_info.n_ctx_train;
    TRY(from_api(tawny_session_open(o->model, params, &o->session)));
    o->n_ctx = params->n_ctx ? params->n_ctx : trained < DEFAULT_CTX ? trained : DEFAULT_CTX;
    interrupt_session(o->session);
    return OK;
}

void close_all(struct opened *o)
{
    interrupt_session(NULL);
    interrupt_speech(NULL);
    tawny_speech_close(&o->speech);
    tawny_session_close(&o->session);
    tawny_model_close(&o->model);
    tawny_device_close(&o->device);
}

/* ---- figures ------------------------------------------------------------------------------ */

json_t *device_json(const struct tawny_device_info *info)
{
    char api[32];
    snprintf(api, sizeof api, "%u.%u.%u", info->api_version >> 22 & 0x7f,
             info->api_version >> 12 & 0x3ff, info->api_version & 0xfff);
    json_t *verified = json_null();
    if (info->verified_at)
        verified = json_pack("{s:I, s:i, s:i, s:b, s:s}", "at", (json_int_t)info->verified_at,
                             "cases", (int)info->verified_cases, "wrong", (int)info->verified_wrong,
                             "all", (int)info->verified_all, "avoided", info->avoided);
    return json_pack("{s:i, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:s, s:o}",
                     "index", (int)info->index, "name", json_text(info->name, strlen(info->name)),
                     "driver", json_text(info->driver, strlen(info->driver)), "kind", info->kind,
                     "uuid", info->uuid, "pci", info->pci, "features", info->features, "vulkan",
                     api, "units", (int)info->units, "memory_total", (json_int_t)info->memory_total,
                     "memory_free", (json_int_t)info->memory_free, "max_allocation",
                     (json_int_t)info->max_allocation, "unusable", info->unusable, "verified",
                     verified);
}

static double per(uint64_t sum, uint64_t n)
{
    return n ? (double)sum / (double)n : 0;
}

json_t *stats_json(const struct opened *o)
{
    struct tawny_stats t;
    const struct tawny_memory *m = &t.memory;
    tawny_session_get_stats(o->session, &t);
    return json_pack("{s:f, s:f, s:f, s:f, s:I, s:I, s:b, s:{s:I, s:I, s:I, s:I, s:I, s:I}}",
                     "dispatches_per_token", per(t.made_dispatches, t.made_tokens),
                     "submits_per_token", per(t.made_submits, t.made_tokens), "bytes_up_per_token",
                     per(t.made_bytes_up, t.made_tokens), "bytes_down_per_token",
                     per(t.made_bytes_down, t.made_tokens), "host_allocations",
                     (json_int_t)t.host_allocs_made, "weight_bytes_per_token",
                     (json_int_t)t.weight_bytes_token, "int_dot", t.int_dot, "memory", "weights",
                     (json_int_t)m->weights, "kv", (json_int_t)m->kv, "scratch",
                     (json_int_t)m->scratch, "state", (json_int_t)m->state, "staging",
                     (json_int_t)m->staging, "allocated", (json_int_t)m->allocated);
}

void memory_print(const struct tawny_memory *m)
{
    char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT], d[SIZE_TEXT], e[SIZE_TEXT], f[SIZE_TEXT];
    say("memory: weights %s, KV %s, scratch %s, state %s, staging %s; %s allocated",
        size_text(a, m->weights), size_text(b, m->kv), size_text(c, m->scratch),
        size_text(d, m->state), size_text(e, m->staging), size_text(f, m->allocated));
}

void stats_print(const struct opened *o)
{
    struct tawny_stats t;
    tawny_session_get_stats(o->session, &t);
    say("a token: %.1f dispatches, %.2f submits, %.1f bytes up, %.1f bytes down; %" PRIu64
        " host allocations",
        per(t.made_dispatches, t.made_tokens), per(t.made_submits, t.made_tokens),
        per(t.made_bytes_up, t.made_tokens), per(t.made_bytes_down, t.made_tokens),
        t.host_allocs_made);
    if (t.int_dot)
        say("products: integer dot products, activations rounded to 8 bits (--no-int-dot: in f32)");
    memory_print(&t.memory);
    say("device: %s (%s); model: %s, context %" PRIu32, o->device_info.name, o->device_info.driver,
        o->model_info.path, o->n_ctx);
}
