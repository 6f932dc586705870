/* What a Whisper model's variables are here: tensors with whisper.cpp's names, and numbers. */
#include "formats/ctranslate2.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

enum { MAX_LAYERS = 256 }; /* what models/ takes as well */

/* ---- taking variables --------------------------------------------------------------------- */

static enum status need(struct ct2 *c, const char *name, struct ct2_variable **out)
{
    *out = ct2_find(c, name);
    if (!*out)
        return status_fail(ERR_MODEL, "%s: variable '%s' is missing", c->r.file->path, name);
    (*out)->used = true;
    return OK;
}

static enum status need_shape(struct ct2 *c, const char *name, uint32_t rank,
                              struct ct2_variable **out)
{
    TRY(need(c, name, out));
    if ((*out)->rank != rank)
        return status_fail(ERR_MODEL,
                           "%s: variable '%s' has %" PRIu32 " dimensions, expected %" PRIu32,
                           c->r.file->path, name, (*out)->rank, rank);
    return OK;
}

/* The scales of a variable of int8, checked: what they make of a byte must fit F16. */
static enum status read_scales(struct ct2 *c, const struct ct2_variable *v, const float **out)
{
    const float least = 128 / 65504.0F;
    char name[MAX_NAME + 8];
    struct ct2_variable *s;
    uint64_t rows = v->shape[0];
    snprintf(name, sizeof name, "%s_scale", v->name);
    TRY(need_shape(c, name, 1, &s));
    if (s->type != F32 || s->shape[0] != rows)
        return status_fail(ERR_MODEL,
                           "%s: variable '%s': %" PRIu64 " values of %s, expected %" PRIu64
                           " of float32",
                           c->r.file->path, name, s->shape[0], ct2_types[s->type].name, rows);
    float *scales = arena_alloc(&c->w->arena, s->bytes);
    if (!scales)
        return ERR_MEMORY;
    TRY(file_read(c->r.file, s->offset, s->bytes, scales));
    for (uint64_t i = 0; i < rows; i++) {
        if (!(scales[i] >= least && isfinite(scales[i])))
            return status_fail(ERR_MODEL,
                               "%s: variable '%s': value %" PRIu64
                               " is %g, expected a finite number, at least %g",
                               c->r.file->path, name, i, (double)scales[i], (double)least);
    }
    *out = scales;
    return OK;
}

/* Rows [first, first + rows) of a variable as a tensor; `exact` ones are F32. */
static enum status put_rows(struct ct2 *c, const char *name, const struct ct2_variable *v,
                            const float *scales, uint64_t first, uint64_t rows, bool exact)
{
    struct weights_tensor *t;
    TRY(weights_add_tensor(c->w, &t));
    uint64_t values = v->bytes / ct2_types[v->type].bytes / v->shape[0]; /* in a row */
    t->name = arena_strndup(&c->w->arena, name, strlen(name));
    if (!t->name)
        return ERR_MEMORY;
    t->n_dims = v->rank;
    for (uint32_t i = 0; i < WEIGHTS_MAX_DIMS; i++)
        t->ne[i] = i < v->rank ? v->shape[v->rank - 1 - i] : 1;
    t->ne[v->rank - 1] = rows;
    t->offset = v->offset + first * values * ct2_types[v->type].bytes;
    t->type = ct2_types[v->type].quant;
    t->bytes = rows * values * quant_info(t->type)->bytes;
    if (v->type != I8)
        return exact ? folder_as_f32(c->w, t) : OK;
    struct weights_from *from = arena_alloc(&c->w->arena, sizeof *from);
    if (!from)
        return ERR_MEMORY;
    *from = (struct weights_from){.kind = FROM_I8, .scales = scales + first, .row = values};
    t->from = from;
    c->dequantised = true;
    return OK;
}

static enum status wrong_type(struct ct2 *c, const struct ct2_variable *v, const char *expected)
{
    return status_fail(ERR_MODEL, "%s: variable '%s' is %s, expected %s", c->r.file->path, v->name,
                       ct2_types[v->type].name, expected);
}

static bool is_float(const struct ct2_variable *v)
{
    return v->type == F32 || v->type == F16 || v->type == BF16;
}

/* A matrix of several that lie row behind row: each gets the same share. */
static enum status take_matrix(struct ct2 *c, const char *from, uint32_t rank, uint32_t n,
                               const char *const *names)
{
    struct ct2_variable *v;
    const float *scales = NULL;
    TRY(need_shape(c, from, rank, &v));
    if (!is_float(v) && v->type != I8)
        return wrong_type(c, v, "float32, float16, bfloat16 or int8");
    if (v->shape[0] % n)
        return status_fail(
            ERR_MODEL, "%s: variable '%s' has %" PRIu64 " rows, expected a multiple of %" PRIu32,
            c->r.file->path, from, v->shape[0], n);
    if (v->type == I8)
        TRY(read_scales(c, v, &scales));
    uint64_t rows = v->shape[0] / n;
    for (uint32_t i = 0; i < n; i++)
        TRY(put_rows(c, names[i], v, scales, i * rows, rows, false));
    return OK;
}

/* Keys have no bias in Whisper; where it lies among others it is zero. */
static enum status check_zero(struct ct2 *c, const struct ct2_variable *v, uint64_t first,
                              uint64_t n)
{
    unsigned char raw[4096];
    uint32_t size = ct2_types[v->type].bytes;
    uint64_t at = v->offset + first * size, end = at + n * size;
    while (at < end) {
        uint64_t part = end - at < sizeof raw ? end - at : sizeof raw;
        TRY(file_read(c->r.file, at, part, raw));
        for (uint64_t i = 0; i < part; i++) {
            /* Of the last byte of a value the sign does not count. */
            if (raw[i] & (i % size == size - 1 ? 0x7f : 0xff))
                return status_fail(ERR_MODEL,
                                   "%s: variable '%s' at offset %" PRIu64
                                   ": keys have a bias, which Whisper's have not",
                                   c->r.file->path, v->name, at + i);
        }
        at += part;
    }
    return OK;
}

/* A vector of several; one whose name is NULL must be zero and is left out. */
static enum status take_vector(struct ct2 *c, const char *from, uint32_t n,
                               const char *const *names)
{
    struct ct2_variable *v;
    TRY(need_shape(c, from, 1, &v));
    if (!is_float(v))
        return wrong_type(c, v, "float32, float16 or bfloat16");
    if (v->shape[0] % n)
        return status_fail(ERR_MODEL,
                           "%s: variable '%s' has %" PRIu64 " values, expected a multiple of "
                           "%" PRIu32,
                           c->r.file->path, from, v->shape[0], n);
    uint64_t each = v->shape[0] / n;
    for (uint32_t i = 0; i < n; i++) {
        if (names[i])
            TRY(put_rows(c, names[i], v, NULL, i * each, each, true));
        else
            TRY(check_zero(c, v, i * each, each));
    }
    return OK;
}

enum { NAME = WEIGHTS_MAX_NAME + 1 };

/* FROM/weight and FROM/bias, of up to three projections TO.parts[i]; the one called "key" has no
 * bias. */
static enum status take_linear(struct ct2 *c, const char *from, const char *to, uint32_t rank,
                               uint32_t n, const char *const *parts)
{
    char path[MAX_NAME], weight[3][NAME], bias[3][NAME];
    const char *weights[3], *biases[3];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(weight[i], NAME, "%s%s.weight", to, parts[i]);
        snprintf(bias[i], NAME, "%s%s.bias", to, parts[i]);
        weights[i] = weight[i];
        biases[i] = strcmp(parts[i], ".key") ? bias[i] : NULL;
    }
    snprintf(path, sizeof path, "%s/weight", from);
    TRY(take_matrix(c, path, rank, n, weights));
    snprintf(path, sizeof path, "%s/bias", from);
    return take_vector(c, path, n, biases);
}

static enum status take_norm(struct ct2 *c, const char *from, const char *to)
{
    char path[MAX_NAME], name[NAME];
    const char *names[] = {name};
    snprintf(path, sizeof path, "%s/gamma", from);
    snprintf(name, sizeof name, "%s.weight", to);
    TRY(take_vector(c, path, 1, names));
    snprintf(path, sizeof path, "%s/beta", from);
    snprintf(name, sizeof name, "%s.bias", to);
    return take_vector(c, path, 1, names);
}

/* A part of a layer: its norm, then products. */
struct part {
    const char *from, *norm, *to;
    uint32_t n[3]; /* projections in linear_0, linear_1, linear_2; 0: there is none */
    const char *parts[4];
};

static const struct part layer_parts[] = {
    {"self_attention", "attn_ln", "attn", {3, 1, 0}, {".query", ".key", ".value", ".out"}},
    {"ffn", "mlp_ln", "mlp", {1, 1, 0}, {".0", ".2"}},
    {"attention", "cross_attn_ln", "cross_attn", {1, 2, 1}, {".query", ".key", ".value", ".out"}},
};

static enum status take_part(struct ct2 *c, const char *side, uint32_t layer, const struct part *p)
{
    char from[MAX_NAME], to[NAME];
    const char *const *parts = p->parts;
    snprintf(from, sizeof from, "%s/layer_%" PRIu32 "/%s/layer_norm", side, layer, p->from);
    snprintf(to, sizeof to, "%s.blocks.%" PRIu32 ".%s", side, layer, p->norm);
    TRY(take_norm(c, from, to));
    snprintf(to, sizeof to, "%s.blocks.%" PRIu32 ".%s", side, layer, p->to);
    for (uint32_t i = 0; i < 3 && p->n[i]; i++) {
        snprintf(from, sizeof from, "%s/layer_%" PRIu32 "/%s/linear_%" PRIu32, side, layer, p->from,
                 i);
        TRY(take_linear(c, from, to, 2, p->n[i], parts));
        parts += p->n[i];
    }
    return OK;
}

/* Positions of a side: F32, whatever the file has. */
static enum status take_places(struct ct2 *c, const char *side, uint32_t *n_ctx)
{
    char name[NAME];
    struct ct2_variable *v;
    snprintf(name, sizeof name, "%s/position_encodings/encodings", side);
    TRY(need_shape(c, name, 2, &v));
    if (!is_float(v))
        return wrong_type(c, v, "float32, float16 or bfloat16");
    *n_ctx = (uint32_t)v->shape[0];
    snprintf(name, sizeof name, "%s.positional_embedding", side);
    return put_rows(c, name, v, NULL, 0, v->shape[0], true);
}

static bool has_layer(const struct ct2 *c, const char *side, uint32_t layer)
{
    static const char *const marks[] = {"layer_norm/gamma", "linear_0/weight"};
    char name[MAX_NAME];
    bool found = false;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        snprintf(name, sizeof name, "%s/layer_%" PRIu32 "/self_attention/%s", side, layer,
                 marks[i]);
        found = found || ct2_find(c, name);
    }
    return found;
}

static enum status take_side(struct ct2 *c, const char *side, bool decoder, uint32_t *n_layers,
                             uint32_t *n_ctx)
{
    char name[MAX_NAME], to[NAME];
    TRY(take_places(c, side, n_ctx));
    for (*n_layers = 0; *n_layers <= MAX_LAYERS; ++*n_layers) {
        if (!has_layer(c, side, *n_layers))
            break;
        for (uint32_t i = 0; i < (decoder ? 3 : 2); i++)
            TRY(take_part(c, side, *n_layers, &layer_parts[i]));
    }
    snprintf(name, sizeof name, "%s/layer_norm", side);
    snprintf(to, sizeof to, "%s.%s", side, decoder ? "ln" : "ln_post");
    return take_norm(c, name, to);
}

/* ---- numbers and switches ----------------------------------------------------------------- */

static enum status read_number(struct ct2 *c, const struct ct2_variable *v, int32_t *out)
{
    unsigned char raw[4] = {0};
    TRY(file_read(c->r.file, v->offset, v->bytes, raw));
    if (v->type == I8)
        *out = (int8_t)raw[0];
    else if (v->type == I16)
        *out = (int16_t)(raw[0] | raw[1] << 8);
    else
        memcpy(out, raw, sizeof *out);
    return OK;
}

static bool is_number(const struct ct2_variable *v)
{
    return !v->rank && !is_float(v);
}

static enum status take_heads(struct ct2 *c, const char *side, const char *key)
{
    char name[NAME];
    struct ct2_variable *v;
    int32_t heads;
    snprintf(name, sizeof name, "%s/num_heads", side);
    TRY(need_shape(c, name, 0, &v));
    if (!is_number(v))
        return wrong_type(c, v, "an integer");
    TRY(read_number(c, v, &heads));
    if (heads < 1)
        return status_fail(ERR_MODEL, "%s: variable '%s' is %" PRId32 ", expected at least 1",
                           c->r.file->path, name, heads);
    return folder_add_u32(c->w, key, (uint32_t)heads);
}

/* What is left over must be a switch in the place that Whisper has it in, or one that is off. */
static enum status check_rest(struct ct2 *c)
{
    static const struct {
        const char *name;
        int32_t must; /* -1: any */
    } known[] = {
        {"decoder/activation", 3}, /* GELU */
        {"decoder/pre_norm", 1},
        {"decoder/alignment_layer", -1},
        {"decoder/alignment_heads", -1},
        {"decoder/alibi_use_positive_positions", -1}, /* alibi is off */
        {"decoder/scale_alibi", -1},
    };
    for (uint32_t i = 0; i < c->n; i++) {
        const struct ct2_variable *v = &c->all[i];
        char shown[STR_SHOW];
        int32_t value, must = 0;
        str_show(shown, v->name, strlen(v->name));
        if (v->used)
            continue;
        if (!is_number(v))
            return status_fail(ERR_MODEL,
                               "%s: variable '%s' has no place in Whisper: the model would be "
                               "computed wrongly without it",
                               c->r.file->path, shown);
        TRY(read_number(c, v, &value));
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
            if (!strcmp(v->name, known[k].name))
                must = known[k].must;
        }
        if (must >= 0 && value != must)
            return status_fail(ERR_MODEL,
                               "%s: variable '%s' is %" PRId32 ", expected %" PRId32
                               ": others are not supported",
                               c->r.file->path, shown, value, must);
    }
    return OK;
}

/* The last product takes the embeddings: one variable, or a copy. */
static enum status check_tied(struct ct2 *c)
{
    static const char *const names[][2] = {
        {"decoder/projection/weight", "decoder/embeddings/weight"},
        {"decoder/projection/weight_scale", "decoder/embeddings/weight_scale"}};
    char left[4096], right[4096];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ct2_variable *a = ct2_find(c, names[i][0]), *b = ct2_find(c, names[i][1]);
        if (!a)
            continue;
        bool same = b && a->type == b->type && a->bytes == b->bytes;
        a->used = true;
        for (uint64_t at = 0; same && a->offset != b->offset && at < a->bytes;) {
            uint64_t n = a->bytes - at < sizeof left ? a->bytes - at : sizeof left;
            TRY(file_read(c->r.file, a->offset + at, n, left));
            TRY(file_read(c->r.file, b->offset + at, n, right));
            same = !memcmp(left, right, n);
            at += n;
        }
        if (!same)
            return status_fail(ERR_MODEL, "%s: variable '%s' differs from '%s'", c->r.file->path,
                               names[i][0], names[i][1]);
    }
    return OK;
}

static enum status take_model(struct ct2 *c)
{
    static const char *const embd[] = {"decoder.token_embedding.weight"};
    static const char *const single[] = {""};
    struct ct2_variable *conv, *words;
    uint32_t layers[2], n_ctx[2];
    TRY(need_shape(c, "encoder/conv1/weight", 3, &conv));
    TRY(need_shape(c, "decoder/embeddings/weight", 2, &words));
    uint64_t mels = conv->shape[1];
    if (mels > FOLDER_MAX_MELS)
        return status_fail(ERR_MODEL, "%s: variable '%s' takes %" PRIu64 " bands, at most %d",
                           c->r.file->path, conv->name, mels, FOLDER_MAX_MELS);
    c->n_vocab = (uint32_t)words->shape[0];
    c->width = (uint32_t)conv->shape[0];
    TRY(folder_add_filters(c->w, (uint32_t)mels));
    TRY(take_linear(c, "encoder/conv1", "encoder.conv1", 3, 1, single));
    TRY(take_linear(c, "encoder/conv2", "encoder.conv2", 3, 1, single));
    TRY(take_matrix(c, "decoder/embeddings/weight", 2, 1, embd));
    TRY(take_side(c, "encoder", false, &layers[0], &n_ctx[0]));
    TRY(take_side(c, "decoder", true, &layers[1], &n_ctx[1]));
    TRY(check_tied(c));
    TRY(folder_add_text(c->w, "general.architecture", "whisper"));
    TRY(folder_add_u32(c->w, "whisper.vocab_size", c->n_vocab));
    TRY(folder_add_u32(c->w, "whisper.encoder.context_length", n_ctx[0]));
    TRY(folder_add_u32(c->w, "whisper.encoder.embedding_length", c->width));
    TRY(take_heads(c, "encoder", "whisper.encoder.attention.head_count"));
    TRY(folder_add_u32(c->w, "whisper.encoder.block_count", layers[0]));
    TRY(folder_add_u32(c->w, "whisper.decoder.context_length", n_ctx[1]));
    TRY(folder_add_u32(c->w, "whisper.decoder.embedding_length", (uint32_t)words->shape[1]));
    TRY(take_heads(c, "decoder", "whisper.decoder.attention.head_count"));
    TRY(folder_add_u32(c->w, "whisper.decoder.block_count", layers[1]));
    TRY(folder_add_u32(c->w, "whisper.mels", (uint32_t)mels));
    return check_rest(c);
}

/* ---- the other files ---------------------------------------------------------------------- */

static enum status take_tokens(struct ct2 *c, const char *path, const json_t *all)
{
    size_t n = json_array_size(all);
    if (!json_is_array(all))
        return status_fail(ERR_MODEL, "%s: is %s, expected an array", path, config_type(all));
    if (n != c->n_vocab)
        return status_fail(ERR_MODEL, "%s: has %zu tokens, but the model has %" PRIu32, path, n,
                           c->n_vocab);
    struct weights_str *tokens = arena_calloc(&c->w->arena, n, sizeof *tokens);
    if (!tokens)
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const json_t *token = json_array_get(all, i);
        if (!json_is_string(token))
            return status_fail(ERR_MODEL, "%s: token %zu is %s, expected a string", path, i,
                               config_type(token));
        TRY(folder_token(c->w, json_string_value(token), json_string_length(token), &tokens[i]));
    }
    return folder_add_tokens(c->w, tokens, n);
}

/* A token a line. */
static enum status read_lines(struct ct2 *c, const struct file *f)
{
    enum status s;
    uint32_t n = 0;
    char *text = NULL;
    struct weights_str *tokens = arena_calloc(&c->w->arena, c->n_vocab, sizeof *tokens);
    if (f->size > CONFIG_MAX_BYTES)
        return status_fail(ERR_MODEL, "%s: has %" PRIu64 " bytes, but the limit is %d", f->path,
                           f->size, CONFIG_MAX_BYTES);
    text = mem_alloc(f->size);
    if (!text || !tokens) {
        s = ERR_MEMORY;
        goto fail;
    }
    TRY_GOTO(file_read(f, 0, f->size, text));
    TRY_GOTO(file_unchanged(f));
    for (uint64_t at = 0; at < f->size; n++) {
        const char *line = text + at, *end = memchr(line, '\n', f->size - at);
        size_t length = end ? (size_t)(end - line) : f->size - at;
        if (n < c->n_vocab && (memchr(line, 0, length) || !str_utf8_valid(line, length)))
            TRY_GOTO(status_fail(ERR_MODEL,
                                 "%s: line %" PRIu32 " at offset %" PRIu64 " is not text", f->path,
                                 n + 1, at));
        if (n < c->n_vocab)
            TRY_GOTO(folder_token(c->w, line, length, &tokens[n]));
        at += length + 1;
    }
    s = n == c->n_vocab
            ? folder_add_tokens(c->w, tokens, n)
            : status_fail(ERR_MODEL, "%s: has %" PRIu32 " tokens, but the model has %" PRIu32,
                          f->path, n, c->n_vocab);
fail:
    mem_free(text);
    return s;
}

static enum status read_vocabulary(struct ct2 *c)
{
    struct file f;
    json_t *all;
    enum status s;
    bool lines = !folder_has(c->w, "vocabulary.json") && folder_has(c->w, "vocabulary.txt");
    const char *path = folder_path(c->w, lines ? "vocabulary.txt" : "vocabulary.json");
    if (!path)
        return ERR_MEMORY;
    if (lines) {
        TRY(file_open(&f, path));
        s = read_lines(c, &f);
        file_close(&f);
        return s;
    }
    TRY(config_read(path, &all));
    s = take_tokens(c, path, all);
    json_decref(all);
    return s;
}

static enum status read_config(struct ct2 *c)
{
    enum status s;
    json_t *config;
    const char *path = folder_path(c->w, "config.json");
    if (!path)
        return ERR_MEMORY;
    TRY(config_read(path, &config));
    if (!json_is_object(config))
        TRY_GOTO(
            status_fail(ERR_MODEL, "%s: is %s, expected an object", path, config_type(config)));
    TRY_GOTO(folder_add_ids(c->w, path, config, "suppress_ids", false, c->n_vocab - 1,
                            "whisper.suppress_ids"));
    TRY_GOTO(folder_add_ids(c->w, path, config, "suppress_ids_begin", false, c->n_vocab - 1,
                            "whisper.suppress_ids_begin"));
    TRY_GOTO(folder_add_ids(c->w, path, config, "alignment_heads", true, UINT16_MAX,
                            "whisper.alignment_heads"));
fail:
    json_decref(config);
    return s;
}

static enum status read_model(struct ct2 *c)
{
    TRY(ct2_read(c));
    snprintf(c->w->format, sizeof c->w->format, "CTranslate2 v%" PRIu32, c->version);
    TRY(take_model(c));
    TRY(read_vocabulary(c));
    TRY(read_config(c));
    if (c->dequantised) {
        TRY(folder_add_text(c->w, "ctranslate2.int8_read_as", "F16"));
        log_info("%s: weights of int8, each divided by its row's scale, are read as F16",
                 c->r.file->path);
    }
    return file_unchanged(c->r.file);
}

enum status ctranslate2_open(struct weights *w)
{
    uint32_t file;
    TRY(folder_open_file(w, "model.bin", &file));
    struct ct2 *c = mem_alloc(sizeof *c); /* the reader's buffer is large for a stack */
    if (!c)
        return ERR_MEMORY;
    c->w = w;
    reader_init(&c->r, &w->files[file], 0);
    enum status s = read_model(c);
    mem_free(c->all);
    mem_free(c);
    return s;
}
