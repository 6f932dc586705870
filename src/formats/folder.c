/* Folders: which kind one is, and Hugging Face's of a Whisper model. */
#include "formats/folder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define ONE_FILE "model.safetensors"
#define INDEX    "model.safetensors.index.json"

/* ---- config.json -------------------------------------------------------------------------- */

enum { MOST = 1 << 20 }; /* of any size; models/ has limits of its own */

static const struct {
    const char *from, *key;
} numbers[] = {
    {"vocab_size", "whisper.vocab_size"},
    {"max_source_positions", "whisper.encoder.context_length"},
    {"d_model", "whisper.encoder.embedding_length"},
    {"encoder_attention_heads", "whisper.encoder.attention.head_count"},
    {"encoder_layers", "whisper.encoder.block_count"},
    {"max_target_positions", "whisper.decoder.context_length"},
    {"d_model", "whisper.decoder.embedding_length"},
    {"decoder_attention_heads", "whisper.decoder.attention.head_count"},
    {"decoder_layers", "whisper.decoder.block_count"},
};

static enum status check_text(const char *path, const json_t *value, const char *what,
                              const char *expected, const char *why)
{
    char shown[STR_SHOW];
    if (!json_is_string(value))
        return status_fail(ERR_MODEL, "%s: %s is %s, expected '%s'%s", path, what,
                           config_type(value), expected, why);
    const char *s = json_string_value(value);
    if (strcmp(s, expected) != 0)
        return status_fail(ERR_MODEL, "%s: %s is '%s', expected '%s'%s", path, what,
                           str_show(shown, s, strlen(s)), expected, why);
    return OK;
}

/* What would have to be computed otherwise is refused. */
static enum status check_kind(const char *path, const json_t *config)
{
    bool scaled, tied;
    const json_t *kind = json_object_get(config, "architectures");
    if (!json_is_object(config))
        return status_fail(ERR_MODEL, "%s: is %s, expected an object", path, config_type(config));
    TRY(check_text(path, json_object_get(config, "model_type"), "model_type", "whisper",
                   ": of folders only those of Whisper models are read; models of text are read "
                   "as GGUF files"));
    if (kind)
        TRY(check_text(path, json_array_get(kind, 0), "architectures",
                       "WhisperForConditionalGeneration", ""));
    if (json_object_get(config, "activation_function"))
        TRY(check_text(path, json_object_get(config, "activation_function"), "activation_function",
                       "gelu", ""));
    TRY(config_bool(path, config, "scale_embedding", false, &scaled));
    TRY(config_bool(path, config, "tie_word_embeddings", true, &tied));
    if (scaled || !tied)
        return status_fail(ERR_MODEL, "%s: %s, which is not supported", path,
                           scaled ? "scale_embedding is true" : "tie_word_embeddings is false");
    return OK;
}

static enum status add_ids(struct weights *w, const char *path, const json_t *from)
{
    TRY(folder_add_ids(w, path, from, "suppress_tokens", false, MOST, "whisper.suppress_ids"));
    TRY(folder_add_ids(w, path, from, "begin_suppress_tokens", false, MOST,
                       "whisper.suppress_ids_begin"));
    return folder_add_ids(w, path, from, "alignment_heads", true, MOST, "whisper.alignment_heads");
}

static enum status read_generation(struct weights *w, const char *config_path, const json_t *config)
{
    json_t *generation;
    const char *path = folder_path(w, "generation_config.json");
    if (!folder_has(w, "generation_config.json"))
        return add_ids(w, config_path, config);
    TRY(config_read(path, &generation));
    enum status s = json_is_object(generation)
                        ? add_ids(w, path, generation)
                        : status_fail(ERR_MODEL, "%s: is %s, expected an object", path,
                                      config_type(generation));
    json_decref(generation);
    return s;
}

static enum status read_config(struct weights *w, uint32_t *n_vocab)
{
    enum status s;
    json_t *config;
    uint32_t value, mels;
    const char *path = folder_path(w, "config.json");
    if (!path)
        return ERR_MEMORY;
    TRY(config_read(path, &config));
    TRY_GOTO(check_kind(path, config));
    TRY_GOTO(folder_add_text(w, "general.architecture", "whisper"));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        TRY_GOTO(config_u32(path, config, numbers[i].from, 1, MOST, &value));
        TRY_GOTO(folder_add_u32(w, numbers[i].key, value));
    }
    TRY_GOTO(config_u32(path, config, "vocab_size", 1, MOST, n_vocab));
    TRY_GOTO(config_u32(path, config, "num_mel_bins", 1, FOLDER_MAX_MELS, &mels));
    TRY_GOTO(folder_add_u32(w, "whisper.mels", mels));
    TRY_GOTO(folder_add_filters(w, mels));
    TRY_GOTO(read_generation(w, path, config));
fail:
    json_decref(config);
    return s;
}

/* ---- vocabulary --------------------------------------------------------------------------- */

/* Tokens are taken from 0 to the first id that none has: special ones may lie apart, and are known
 * without their names. */
static enum status take_vocabulary(struct weights *w, const char *path, const json_t *all,
                                   uint32_t n_vocab)
{
    char shown[STR_SHOW];
    const char *text;
    json_t *id;
    uint64_t n = json_object_size(all), used = 0;
    if (!json_is_object(all))
        return status_fail(ERR_MODEL, "%s: vocabulary is %s, expected an object", path,
                           config_type(all));
    struct weights_str *tokens = arena_calloc(&w->arena, n, sizeof *tokens);
    if (!tokens)
        return ERR_MEMORY;
    json_object_foreach((json_t *)(uintptr_t)all, text, id)
    {
        json_int_t i = json_is_integer(id) ? json_integer_value(id) : -1;
        size_t length = strlen(text);
        str_show(shown, text, length);
        if (i < 0 || i >= (json_int_t)n_vocab)
            return status_fail(ERR_MODEL,
                               "%s: id of token '%s' is %" JSON_INTEGER_FORMAT
                               ", expected 0 to %" PRIu32,
                               path, shown, i, n_vocab - 1);
        if ((uint64_t)i >= n)
            continue;
        if (tokens[i].s)
            return status_fail(ERR_MODEL,
                               "%s: id of token '%s' is %" JSON_INTEGER_FORMAT
                               ", which another token has",
                               path, shown, i);
        TRY(folder_token(w, text, length, &tokens[i]));
    }
    while (used < n && tokens[used].s)
        used++;
    return folder_add_tokens(w, tokens, used);
}

static enum status read_vocabulary(struct weights *w, uint32_t n_vocab)
{
    json_t *all;
    bool plain = folder_has(w, "vocab.json");
    const char *path = folder_path(w, plain ? "vocab.json" : "tokenizer.json");
    if (!path)
        return ERR_MEMORY;
    TRY(config_read(path, &all));
    const json_t *vocab = plain ? all : json_object_get(json_object_get(all, "model"), "vocab");
    enum status s = take_vocabulary(w, path, vocab, n_vocab);
    json_decref(all);
    return s;
}

/* ---- tensors ------------------------------------------------------------------------------ */

static bool swap_start(const char **s, char *out, size_t *n, const char *from, const char *to)
{
    size_t length = strlen(from);
    if (strncmp(*s, from, length) != 0)
        return false;
    *s += length;
    *n += (size_t)snprintf(out + *n, WEIGHTS_MAX_NAME + 1, "%s", to);
    return true;
}

/* whisper.cpp's name for a tensor; what it has none for keeps its own. */
static void rename_tensor(const char *s, char out[2 * WEIGHTS_MAX_NAME + 2])
{
    static const char *const parts[][2] = {
        {"self_attn.q_proj.", "attn.query."},
        {"self_attn.k_proj.", "attn.key."},
        {"self_attn.v_proj.", "attn.value."},
        {"self_attn.out_proj.", "attn.out."},
        {"self_attn_layer_norm.", "attn_ln."},
        {"encoder_attn.q_proj.", "cross_attn.query."},
        {"encoder_attn.k_proj.", "cross_attn.key."},
        {"encoder_attn.v_proj.", "cross_attn.value."},
        {"encoder_attn.out_proj.", "cross_attn.out."},
        {"encoder_attn_layer_norm.", "cross_attn_ln."},
        {"final_layer_norm.", "mlp_ln."},
        {"fc1.", "mlp.0."},
        {"fc2.", "mlp.2."},
    };
    size_t n = 0;
    const char *whole = s;
    bool encoder = !strncmp(s, "model.encoder.", 14);
    bool known = encoder || swap_start(&s, out, &n, "model.decoder.", "decoder.");
    if (encoder)
        swap_start(&s, out, &n, "model.encoder.", "encoder.");
    if (known && swap_start(&s, out, &n, "layers.", "blocks.")) {
        while (*s >= '0' && *s <= '9')
            out[n++] = *s++;
        known = swap_start(&s, out, &n, ".", ".");
        bool found = false;
        for (size_t i = 0; i < sizeof parts / sizeof *parts && !found; i++)
            found = swap_start(&s, out, &n, parts[i][0], parts[i][1]);
        known = known && found;
    } else if (known) {
        (void)(swap_start(&s, out, &n, "embed_positions.weight", "positional_embedding") ||
               swap_start(&s, out, &n, "embed_tokens.", "token_embedding.") ||
               swap_start(&s, out, &n, "layer_norm.", encoder ? "ln_post." : "ln."));
    }
    if (known)
        snprintf(out + n, WEIGHTS_MAX_NAME + 1, "%s", s);
    else
        snprintf(out, WEIGHTS_MAX_NAME + 1, "%s", whole);
}

enum status folder_as_f32(struct weights *w, struct weights_tensor *t)
{
    if (t->type != QUANT_F16 && t->type != QUANT_BF16)
        return OK;
    struct weights_from *from = arena_alloc(&w->arena, sizeof *from);
    if (!from)
        return ERR_MEMORY;
    from->kind = t->type == QUANT_F16 ? FROM_F16 : FROM_BF16;
    t->from = from;
    t->type = QUANT_F32;
    t->bytes *= 2; /* no wrap: they lie inside a file */
    return OK;
}

static enum status take_tensors(struct weights *w, uint32_t first)
{
    char name[2 * WEIGHTS_MAX_NAME + 2];
    uint32_t kept = first;
    for (uint32_t i = first; i < w->n_tensors; i++) {
        struct weights_tensor t = w->tensors[i];
        if (!strcmp(t.name, "proj_out.weight")) /* a copy of the embeddings, since they are tied */
            continue;
        rename_tensor(t.name, name);
        t.name = arena_strndup(&w->arena, name, strlen(name));
        if (!t.name)
            return ERR_MEMORY;
        if (t.n_dims == 1 || strstr(name, ".positional_embedding"))
            TRY(folder_as_f32(w, &t));
        w->tensors[kept++] = t;
    }
    w->n_tensors = kept;
    return OK;
}

/* ---- shards ------------------------------------------------------------------------------- */

/* Which file of w has this name; it is opened where none has. Names lead nowhere else. */
static enum status open_shard(struct weights *w, const char *index, const json_t *value,
                              uint32_t *file)
{
    char shown[STR_SHOW];
    if (!json_is_string(value))
        return status_fail(ERR_MODEL, "%s: a file's name in weight_map is %s, expected a string",
                           index, config_type(value));
    const char *name = json_string_value(value);
    size_t length = strlen(name);
    if (strchr(name, '/') || length < 12 || strcmp(name + length - 12, ".safetensors") != 0)
        return status_fail(ERR_MODEL,
                           "%s: weight_map names the file '%s', expected a name that ends in "
                           ".safetensors, without a '/'",
                           index, str_show(shown, name, length));
    const char *path = folder_path(w, name);
    if (!path)
        return ERR_MEMORY;
    for (*file = 0; *file < w->n_files; ++*file) {
        if (!strcmp(w->files[*file].path, path))
            return OK;
    }
    if (w->n_files == WEIGHTS_MAX_FILES)
        return status_fail(ERR_MODEL, "%s: weight_map names more than %d files", index,
                           WEIGHTS_MAX_FILES);
    TRY(weights_add_file(w, path, file));
    return safetensors_read(w, *file);
}

/* Every tensor is in the file that the index gives for it, and no other is there. */
static enum status read_shards(struct weights *w, const char *index, const json_t *map)
{
    char shown[STR_SHOW];
    const char *name;
    json_t *value;
    uint32_t file;
    if (!json_is_object(map) || !json_object_size(map))
        return status_fail(ERR_MODEL, "%s: weight_map is %s, expected an object with entries",
                           index, json_is_object(map) ? "empty" : config_type(map));
    uint32_t first = w->n_tensors;
    json_object_foreach((json_t *)(uintptr_t)map, name, value)
        TRY(open_shard(w, index, value, &file));
    for (uint32_t i = first; i < w->n_tensors; i++) {
        const struct weights_tensor *t = &w->tensors[i];
        value = json_object_get(map, t->name);
        const char *path = w->files[t->file].path, *is = json_string_value(value);
        if (!is || strcmp(strrchr(path, '/') + 1, is) != 0)
            return status_fail(ERR_MODEL, "%s: tensor '%s' is here, but %s gives %s for it", path,
                               t->name, index, is ? str_show(shown, is, strlen(is)) : "no file");
    }
    /* None twice, so as many as the index has is all of them. */
    if (w->n_tensors - first != json_object_size(map))
        return status_fail(ERR_MODEL, "%s: weight_map has %zu tensors, but its files have %" PRIu32,
                           index, json_object_size(map), w->n_tensors - first);
    return OK;
}

static enum status read_tensors(struct weights *w)
{
    json_t *index;
    uint32_t file;
    if (folder_has(w, ONE_FILE)) {
        TRY(folder_open_file(w, ONE_FILE, &file));
        return safetensors_read(w, file);
    }
    const char *path = folder_path(w, INDEX);
    if (!path)
        return ERR_MEMORY;
    TRY(config_read(path, &index));
    enum status s = read_shards(w, path, json_object_get(index, "weight_map"));
    json_decref(index);
    return s;
}

static enum status open_hugging_face(struct weights *w)
{
    uint32_t n_vocab;
    snprintf(w->format, sizeof w->format, "safetensors");
    TRY(read_config(w, &n_vocab));
    TRY(read_vocabulary(w, n_vocab));
    uint32_t first = w->n_tensors;
    TRY(read_tensors(w));
    return take_tensors(w, first);
}

enum status folder_open(struct weights *w)
{
    if (folder_has(w, ONE_FILE) || folder_has(w, INDEX))
        return open_hugging_face(w);
    if (folder_has(w, "model.bin"))
        return ctranslate2_open(w);
    if (folder_has(w, "pytorch_model.bin"))
        return status_fail(ERR_MODEL,
                           "%s: has a pytorch_model.bin, which is not read; expected the weights "
                           "as " ONE_FILE,
                           w->path);
    return status_fail(ERR_MODEL,
                       "%s: is a folder without a model: expected " ONE_FILE
                       " (Hugging Face) or model.bin (CTranslate2) beside config.json",
                       w->path);
}
