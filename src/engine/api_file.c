/* Model files and tokens, without a GPU: see tawny.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "engine/api.h"
#include "engine/vocab.h"
#include "engine/vocab_speech.h"

/* ---- files -------------------------------------------------------------------------------- */

static char *text_of(struct tawny_file *f, const char *key)
{
    struct weights_str s = {0};
    if (weights_string(f->w, key, &s) != OK || !s.s)
        return arena_strndup(&f->arena, "", 0);
    return arena_strndup(&f->arena, s.s, s.len);
}

enum tawny_status tawny_file_open(const char *path, struct tawny_file **out)
{
    *out = NULL;
    struct tawny_file *f = mem_alloc(sizeof *f);
    if (!f)
        return TAWNY_ERROR_MEMORY;
    enum status s;
    TRY_GOTO(weights_open(path, &f->w));
    f->architecture = text_of(f, "general.architecture");
    f->name = text_of(f, "general.name");
    s = ERR_MEMORY;
    if (!f->architecture || !f->name)
        goto fail;
    for (uint32_t i = 0; i < weights_tensor_count(f->w); i++) {
        const struct weights_tensor *t = weights_tensor_at(f->w, i);
        f->n_params += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
        f->tensor_bytes += t->bytes;
    }
    *out = f;
    return TAWNY_OK;
fail:
    tawny_file_close(&f);
    return api_status(s);
}

void tawny_file_close(struct tawny_file **file)
{
    struct tawny_file *f = *file;
    *file = NULL;
    if (!f)
        return;
    weights_close(&f->w);
    arena_free(&f->arena);
    mem_free(f);
}

void tawny_file_get_info(const struct tawny_file *file, struct tawny_file_info *out)
{
    *out = (struct tawny_file_info){
        .format = weights_format(file->w),
        .architecture = file->architecture,
        .name = file->name,
        .n_meta = weights_meta_count(file->w),
        .n_tensors = weights_tensor_count(file->w),
        .n_params = file->n_params,
        .tensor_bytes = file->tensor_bytes,
    };
}

/* Text being put together in the caller's buffer, counted beyond its end. */
struct text {
    char *s;
    size_t room, len;
};

static void put(struct text *t, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++, t->len++) {
        if (t->len + 1 < t->room)
            t->s[t->len] = s[i];
    }
}

static void put_string(struct text *t, struct weights_str s)
{
    put(t, s.s, s.len);
}

static void put_item(struct text *t, enum meta_type type, const void *items, uint64_t i)
{
    char buf[48];
    const unsigned char *p = items;
    int len = 0;
#define AT(ctype) (*(const ctype *)(const void *)(p + i * sizeof(ctype)))
    switch (type) {
    case META_U8:
        len = snprintf(buf, sizeof buf, "%" PRIu8, AT(uint8_t));
        break;
    case META_I8:
        len = snprintf(buf, sizeof buf, "%" PRId8, AT(int8_t));
        break;
    case META_U16:
        len = snprintf(buf, sizeof buf, "%" PRIu16, AT(uint16_t));
        break;
    case META_I16:
        len = snprintf(buf, sizeof buf, "%" PRId16, AT(int16_t));
        break;
    case META_U32:
        len = snprintf(buf, sizeof buf, "%" PRIu32, AT(uint32_t));
        break;
    case META_I32:
        len = snprintf(buf, sizeof buf, "%" PRId32, AT(int32_t));
        break;
    case META_F32:
        len = snprintf(buf, sizeof buf, "%g", (double)AT(float));
        break;
    case META_BOOL:
        len = snprintf(buf, sizeof buf, "%s", AT(uint8_t) ? "true" : "false");
        break;
    case META_U64:
        len = snprintf(buf, sizeof buf, "%" PRIu64, AT(uint64_t));
        break;
    case META_I64:
        len = snprintf(buf, sizeof buf, "%" PRId64, AT(int64_t));
        break;
    case META_F64:
        len = snprintf(buf, sizeof buf, "%g", AT(double));
        break;
    case META_STRING:
    case META_ARRAY:
        break;
    }
#undef AT
    put(t, buf, (size_t)len);
}

static void put_array(struct text *t, const struct weights_meta *m)
{
    enum { SHOWN = 8 };
    char more[48];
    put(t, "[", 1);
    for (uint64_t i = 0; i < m->count && i < SHOWN; i++) {
        if (i)
            put(t, ", ", 2);
        if (m->item == META_STRING) {
            put(t, "\"", 1);
            put_string(t, m->strs[i]);
            put(t, "\"", 1);
        } else {
            put_item(t, m->item, m->items, i);
        }
    }
    if (m->count > SHOWN) {
        int len = snprintf(more, sizeof more, ", ... %" PRIu64 " in all", m->count);
        put(t, more, (size_t)len);
    }
    put(t, "]", 1);
}

static void put_scalar(struct text *t, const struct weights_meta *m)
{
    char buf[48];
    int len;
    switch (m->type) {
    case META_F32:
    case META_F64:
        len = snprintf(buf, sizeof buf, "%g", m->f);
        break;
    case META_I8:
    case META_I16:
    case META_I32:
    case META_I64:
        len = snprintf(buf, sizeof buf, "%" PRId64, m->i);
        break;
    case META_BOOL:
        len = snprintf(buf, sizeof buf, "%s", m->u ? "true" : "false");
        break;
    default:
        len = snprintf(buf, sizeof buf, "%" PRIu64, m->u);
    }
    put(t, buf, (size_t)len);
}

size_t tawny_file_meta(const struct tawny_file *file, uint32_t i, const char **key,
                       const char **type, char *value, size_t room)
{
    static const char *const names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                        "bool", "string", "array", "u64", "i64", "f64"};
    static const char *const array_names[] = {
        "array of u8",  "array of i8",  "array of u16",  "array of i16",    "array of u32",
        "array of i32", "array of f32", "array of bool", "array of string", "array",
        "array of u64", "array of i64", "array of f64"};
    const struct weights_meta *m = weights_meta_at(file->w, i);
    struct text t = {value, room, 0};
    *key = m->key;
    *type = m->type == META_ARRAY ? array_names[m->item] : names[m->type];
    if (m->type == META_ARRAY)
        put_array(&t, m);
    else if (m->type == META_STRING)
        put_string(&t, m->str);
    else
        put_scalar(&t, m);
    if (room)
        value[t.len < room ? t.len : room - 1] = 0;
    return t.len;
}

void tawny_file_tensor(const struct tawny_file *file, uint32_t i, struct tawny_tensor_info *out)
{
    const struct weights_tensor *t = weights_tensor_at(file->w, i);
    *out = (struct tawny_tensor_info){
        .name = t->name,
        .type = quant_info(t->type)->name,
        .n_dims = t->n_dims,
        .ne = {t->ne[0], t->ne[1], t->ne[2], t->ne[3]},
        .offset = t->offset,
        .bytes = t->bytes,
    };
}

/* Addresses as if the weights lay one behind the other: plans that are only measured need some. */
static uint64_t pretend_loaded(struct model_tensor *tensors, uint32_t n)
{
    uint64_t at = 256;
    for (uint32_t i = 0; i < n; i++) {
        if (tensors[i].weight)
            tensors[i].weight->addr = at;
        else
            *tensors[i].vector = at;
        at += align_up(tensors[i].file->bytes, 256);
    }
    return at - 256;
}

static enum status plan_text(const struct weights *w, struct gpu *g,
                             const struct tawny_session_params *params, uint64_t *weights,
                             struct engine_memory *mem)
{
    struct model m;
    struct engine_params p = api_engine_params(params);
    TRY(model_load(w, &m));
    *weights = pretend_loaded(m.tensors, m.n_tensors);
    if (m.tied)
        m.head = m.embd;
    enum status s = engine_plan_memory(g, &m, &p, mem);
    model_unload(&m);
    return s;
}

static enum status plan_speech(const struct weights *w, struct gpu *g, struct speech_params *needs,
                               uint64_t *weights, struct engine_memory *mem)
{
    struct speech_model m = {.gpu = g};
    uint64_t room = g ? gpu_memory_free(g) : UINT64_MAX;
    TRY(whisper_load(w, &m.w));
    *weights = pretend_loaded(m.w.tensors, m.w.n_tensors);
    enum status s = speech_plan_room(&m, needs, room > *weights ? room - *weights : 0, mem);
    whisper_unload(&m.w);
    return s;
}

static enum tawny_status planned(enum status s, struct gpu *g, const struct engine_memory *mem,
                                 struct tawny_memory_plan *out)
{
    if (s != OK)
        return api_status(s);
    out->kv = mem->kv;
    out->scratch = mem->scratch;
    out->state = mem->state;
    out->staging = mem->staging + GPU_COPY_BYTES;
    out->n_ctx = mem->n_ctx;
    out->total = out->weights + out->kv + out->scratch + out->state + out->staging;
    out->device_free = g ? gpu_memory_free(g) : 0;
    out->fits = !g || out->total <= out->device_free;
    return api_status(s);
}

enum tawny_status tawny_file_plan(const struct tawny_file *file, struct tawny_device *device,
                                  const struct tawny_session_params *params,
                                  struct tawny_memory_plan *out)
{
    if (whisper_is(file->w))
        return tawny_file_plan_speech(file, device, NULL, out);
    memset(out, 0, sizeof *out);
    struct gpu *g = device ? device->gpu : NULL;
    struct engine_memory mem = {0};
    enum status s = plan_text(file->w, g, params, &out->weights, &mem);
    return planned(s, g, &mem, out);
}

enum tawny_status tawny_file_plan_speech(const struct tawny_file *file, struct tawny_device *device,
                                         const struct tawny_transcribe_params *params,
                                         struct tawny_memory_plan *out)
{
    memset(out, 0, sizeof *out);
    struct gpu *g = device ? device->gpu : NULL;
    struct engine_memory mem = {0};
    struct speech_params needs;
    enum status s = api_speech_needs(params, &needs);
    if (s == OK)
        s = plan_speech(file->w, g, &needs, &out->weights, &mem);
    out->n_windows = needs.windows ? needs.windows : 1;
    out->n_texts = needs.rows;
    return planned(s, g, &mem, out);
}

/* ---- tokens ------------------------------------------------------------------------------- */

static enum status load_speech(const struct weights *w, struct tok **out)
{
    struct whisper m;
    TRY(whisper_load(w, &m));
    enum status s = vocab_speech_load(w, &m.ids, m.n_vocab, out);
    whisper_unload(&m);
    return s;
}

enum tawny_status tawny_vocab_open(const struct tawny_file *file, struct tawny_vocab **out)
{
    *out = NULL;
    struct tawny_vocab *v = mem_alloc(sizeof *v);
    if (!v)
        return TAWNY_ERROR_MEMORY;
    enum status s =
        whisper_is(file->w) ? load_speech(file->w, &v->tok) : vocab_load(file->w, 0, &v->tok);
    if (s == OK)
        *out = v;
    else
        mem_free(v);
    return api_status(s);
}

void tawny_vocab_close(struct tawny_vocab **vocab)
{
    struct tawny_vocab *v = *vocab;
    *vocab = NULL;
    if (!v)
        return;
    tok_destroy(&v->tok);
    mem_free(v);
}

uint32_t tawny_vocab_size(const struct tawny_vocab *vocab)
{
    return tok_count(vocab->tok);
}

enum tawny_status tawny_tokenize(const struct tawny_vocab *vocab, const char *text, size_t len,
                                 bool special, bool add_bos, int32_t **ids, size_t *n)
{
    *ids = NULL;
    *n = 0;
    struct tok_encode_params params = {.special = special, .no_bos = !add_bos};
    enum status s = tok_encode(vocab->tok, text, len, &params, ids, n);
    if (s != OK) {
        mem_free(*ids);
        *ids = NULL;
    }
    return api_status(s);
}

enum tawny_status tawny_detokenize(const struct tawny_vocab *vocab, const int32_t *ids, size_t n,
                                   bool special, char **text, size_t *len)
{
    *text = NULL;
    *len = 0;
    size_t room = 16;
    for (size_t i = 0; i < n; i++) {
        if ((uint32_t)ids[i] >= tok_count(vocab->tok))
            return api_status(status_fail(ERR_USAGE,
                                          "token %zu is %" PRId32 "; the vocabulary has %" PRIu32,
                                          i, ids[i], tok_count(vocab->tok)));
        room += tok_piece(vocab->tok, ids[i], special).len;
    }
    char *out = mem_alloc(room + 1);
    if (!out)
        return TAWNY_ERROR_MEMORY;
    bool first = tok_adds_space(vocab->tok);
    for (size_t i = 0; i < n; i++) {
        struct tok_str piece = tok_piece(vocab->tok, ids[i], special);
        if (first && !tok_is_control(vocab->tok, ids[i])) {
            first = false;
            if (piece.len && piece.s[0] == ' ') {
                piece.s++;
                piece.len--;
            }
        }
        memcpy(out + *len, piece.s, piece.len);
        *len += piece.len;
    }
    *text = out;
    return TAWNY_OK;
}
