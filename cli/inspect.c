/* tawny inspect: what a file holds and what it would take. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "cli.h"

static struct {
    int64_t ctx, batch, best_of, beams;
    const char *word_times;
    bool tensors, words;
} opt = {.best_of = TAWNY_BEAMS, .beams = TAWNY_BEAMS, .word_times = "False"};

static const struct option options[] = {
    {"-c --ctx-size", OPT_INT, &opt.ctx, "N", "plan for this context; 0: the model's, at most 4096",
     0, 1 << 24},
    {"-b --batch-size --batch_size --batch", OPT_INT, &opt.batch, "N",
     "tokens a step (0: 512 to 2048), or windows at once (0: 1)", 0, 1 << 16},
    {"-bs --beam-size --beam_size", OPT_INT, &opt.beams, "N",
     "of a speech model: as for transcribe, texts at once", 1, TAWNY_MAX_BEAMS},
    {"-bo --best-of --best_of", OPT_INT, &opt.best_of, "N", "... answers a temperature", 1, 100},
    {"--word-timestamps --word_timestamps", OPT_TEXT, &opt.word_times, "B",
     "True: ... with times of words"},
    {"--tensors", OPT_FLAG, &opt.tensors, NULL, "list the tensors"},
    OPTION_DEVICE,
    OPTION_ANY_VARIANT,
    OPTION_NO_INT_DOT,
    OPTION_JSON,
};

/* ---- the plan ----------------------------------------------------------------------------- */

struct plan {
    struct tawny_memory_plan p;
    bool speech;
    struct tawny_device_info device;
    bool has_device;
};

/* device NULL: on any. */
static enum status plan_on(const struct tawny_file *file, struct tawny_device *device,
                           struct tawny_memory_plan *out)
{
    struct tawny_session_params text = {.n_ctx = (uint32_t)opt.ctx, .n_batch = (uint32_t)opt.batch};
    struct tawny_transcribe_params speech = {.batch = (uint32_t)opt.batch,
                                             .beam_size = (uint32_t)opt.beams,
                                             .best_of = (uint32_t)opt.best_of,
                                             .word_timestamps = opt.words};
    return from_api(tawny_file_is_speech(file) ? tawny_file_plan_speech(file, device, &speech, out)
                                               : tawny_file_plan(file, device, &text, out));
}

static enum status make_plan(const struct tawny_file *file, struct plan *out)
{
    struct tawny_device *device = NULL;
    *out = (struct plan){.speech = tawny_file_is_speech(file)};
    /* A file that is no model is refused without waiting for drivers. */
    TRY(plan_on(file, NULL, &out->p));
    enum status s = from_api(tawny_device_open(
        &(struct tawny_device_params){.device = global.device,
                                      .any_variant = global.any_variant,
                                      .no_int_dot = global.no_int_dot},
        &device));
    if (s != OK)
        return s == ERR_DEVICE && !global.device ? OK : s;
    tawny_device_get_info(device, &out->device);
    out->has_device = true;
    s = plan_on(file, device, &out->p);
    tawny_device_close(&device);
    return s;
}

/* ---- for people --------------------------------------------------------------------------- */

/* A value on one line: control characters would move the terminal. */
static void make_printable(char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = *s == '\n' ? '|' : '?';
    }
}

static enum status print_meta(const struct tawny_file *file, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char value[160], printable[256];
        const char *key, *type;
        size_t len = tawny_file_meta(file, i, &key, &type, value, sizeof value);
        make_printable(value);
        snprintf(printable, sizeof printable, "%s", key);
        make_printable(printable);
        TRY(out_printf("  %-42s %-16s %s%s\n", printable, type, value,
                       len >= sizeof value ? "..." : ""));
    }
    return OK;
}

static void print_dims(char *text, size_t size, const struct tawny_tensor_info *t)
{
    size_t len = 0;
    for (uint32_t d = 0; d < t->n_dims; d++)
        len += (size_t)snprintf(text + len, size - len, "%s%" PRIu64, d ? " x " : "", t->ne[d]);
}

static enum status print_tensors(const struct tawny_file *file, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct tawny_tensor_info t;
        char dims[96], bytes[SIZE_TEXT], name[80];
        tawny_file_tensor(file, i, &t);
        print_dims(dims, sizeof dims, &t);
        snprintf(name, sizeof name, "%s", t.name);
        make_printable(name);
        TRY(out_printf("  %-42s %-6s %-24s %s\n", name, t.type, dims, size_text(bytes, t.bytes)));
    }
    return OK;
}

static enum status print_plan(const struct plan *plan)
{
    const struct tawny_memory_plan *p = &plan->p;
    const struct {
        const char *what;
        uint64_t bytes;
    } rows[] = {{"weights", p->weights}, {"KV", p->kv},           {"scratch", p->scratch},
                {"state", p->state},     {"staging", p->staging}, {"total", p->total}};
    char text[SIZE_TEXT];
    TRY(out_printf("memory on %s for ", plan->has_device ? plan->device.name : "a device"));
    if (plan->speech)
        TRY(out_printf("%" PRIu32 " window%s of sound and %" PRIu32 " texts at once:\n",
                       p->n_windows, p->n_windows == 1 ? "" : "s", p->n_texts));
    else
        TRY(out_printf("a context of %" PRIu32 ":\n", p->n_ctx));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        TRY(out_printf("  %-8s %12s\n", rows[i].what, size_text(text, rows[i].bytes)));
    if (plan->has_device)
        TRY(out_printf("  %-8s %12s: it %s\n", "free", size_text(text, p->device_free),
                       p->fits ? "fits" : "does not fit"));
    return OK;
}

static enum status print_file(const struct tawny_file *file, const struct tawny_file_info *info)
{
    char bytes[SIZE_TEXT];
    TRY(out_printf("%s, %s%s%s\n", info->format,
                   *info->architecture ? info->architecture : "no architecture named",
                   *info->name ? ", " : "", info->name));
    TRY(out_printf("%" PRIu64 " weights in %" PRIu32 " tensors, %s\n", info->n_params,
                   info->n_tensors, size_text(bytes, info->tensor_bytes)));
    TRY(out_printf("metadata:\n"));
    TRY(print_meta(file, info->n_meta));
    if (opt.tensors) {
        TRY(out_printf("tensors:\n"));
        TRY(print_tensors(file, info->n_tensors));
    }
    return OK;
}

/* ---- as JSON ------------------------------------------------------------------------------ */

static json_t *meta_json(const struct tawny_file *file, uint32_t n)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < n; i++) {
        const char *key, *type;
        size_t len = tawny_file_meta(file, i, &key, &type, NULL, 0);
        char *value = mem_alloc(len + 1);
        if (!value)
            break;
        tawny_file_meta(file, i, &key, &type, value, len + 1);
        json_array_append_new(all, json_pack("{s:o, s:s, s:o}", "key", json_text(key, strlen(key)),
                                             "type", type, "value", json_text(value, len)));
        mem_free(value);
    }
    return all;
}

static json_t *tensors_json(const struct tawny_file *file, uint32_t n)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < n; i++) {
        struct tawny_tensor_info t;
        tawny_file_tensor(file, i, &t);
        json_t *dims = json_array();
        for (uint32_t d = 0; d < t.n_dims; d++)
            json_array_append_new(dims, json_integer((json_int_t)t.ne[d]));
        json_array_append_new(all, json_pack("{s:o, s:s, s:o, s:I, s:I}", "name",
                                             json_text(t.name, strlen(t.name)), "type", t.type,
                                             "dims", dims, "offset", (json_int_t)t.offset, "bytes",
                                             (json_int_t)t.bytes));
    }
    return all;
}

static json_t *plan_json(const struct plan *plan)
{
    const struct tawny_memory_plan *p = &plan->p;
    json_t *out =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "weights", (json_int_t)p->weights, "kv",
                  (json_int_t)p->kv, "scratch", (json_int_t)p->scratch, "state",
                  (json_int_t)p->state, "staging", (json_int_t)p->staging, "total",
                  (json_int_t)p->total, "context", (json_int_t)p->n_ctx);
    if (plan->speech) {
        json_object_set_new(out, "windows", json_integer(p->n_windows));
        json_object_set_new(out, "texts", json_integer(p->n_texts));
    }
    if (plan->has_device) {
        json_object_set_new(out, "device_free", json_integer((json_int_t)p->device_free));
        json_object_set_new(out, "fits", json_boolean(p->fits));
        json_object_set_new(out, "device", device_json(&plan->device));
    }
    return out;
}

static json_t *file_json(const struct tawny_file *file, const struct tawny_file_info *info)
{
    json_t *out =
        json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:o}", "format", info->format, "architecture",
                  json_text(info->architecture, strlen(info->architecture)), "name",
                  json_text(info->name, strlen(info->name)), "weights", (json_int_t)info->n_params,
                  "tensor_count", (json_int_t)info->n_tensors, "tensor_bytes",
                  (json_int_t)info->tensor_bytes, "metadata", meta_json(file, info->n_meta));
    if (out && opt.tensors)
        json_object_set_new(out, "tensors", tensors_json(file, info->n_tensors));
    return out;
}

/* ---- the verb ----------------------------------------------------------------------------- */

/* A file that is read but cannot be a model here is shown, then refused. */
static enum status inspect(const struct tawny_file *file)
{
    struct tawny_file_info info;
    struct plan plan;
    tawny_file_get_info(file, &info);
    enum status planned = make_plan(file, &plan);
    if (global.json) {
        json_t *out = file_json(file, &info);
        if (out && planned == OK)
            json_object_set_new(out, "memory", plan_json(&plan));
        TRY(out_json(out, true));
    } else {
        TRY(print_file(file, &info));
        if (planned == OK)
            TRY(print_plan(&plan));
        TRY(out_flush());
    }
    return planned;
}

static enum status run(char **operands, size_t n)
{
    (void)n;
    struct tawny_file *file;
    TRY(args_bool("--word-timestamps", opt.word_times, &opt.words));
    TRY(from_api(tawny_file_open(operands[0], &file)));
    enum status s = inspect(file);
    tawny_file_close(&file);
    return s;
}

const struct verb verb_inspect = {
    .name = "inspect",
    .operands = "FILE",
    .summary = "What a model file holds, and the memory it would take",
    OPTIONS(options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
