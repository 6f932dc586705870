#include "engine/vocab.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define KEY "tokenizer.ggml."

/* What is put together for tok_create(); all lives in the arena or in the file's metadata. */
struct build {
    const struct weights *w;
    struct arena arena;
    struct tok_vocab v;
    int32_t *kinds;
};

static char *own_string(struct build *b, struct weights_str s)
{
    return arena_strndup(&b->arena, s.s, s.len);
}

static enum status read_family(struct build *b)
{
    struct weights_str model, pre;
    TRY(weights_string(b->w, KEY "model", &model));
    TRY(weights_string(b->w, KEY "pre", &pre));
    if (!model.s)
        return status_fail(ERR_MODEL, "%s: metadata '" KEY "model' is missing", b->v.file);
    char *name = own_string(b, model);
    if (!name)
        return ERR_MEMORY;
    bool whole = strlen(name) == model.len; /* no zero byte in it */
    if (whole && strcmp(name, "llama") == 0)
        b->v.family = TOK_SPM;
    else if (whole && strcmp(name, "gpt2") == 0)
        b->v.family = TOK_BPE;
    else
        return status_fail(ERR_MODEL,
                           "%s: metadata '" KEY "model' is \"%.64s\", expected \"llama\" or "
                           "\"gpt2\"",
                           b->v.file, name);
    if (b->v.family == TOK_BPE && pre.s && pre.len) {
        b->v.pre = own_string(b, pre);
        if (!b->v.pre)
            return ERR_MEMORY;
    }
    if (b->v.family == TOK_BPE && !b->v.pre)
        log_warn("%s: no '" KEY "pre': text is cut into words in the default way, which may not "
                 "be this model's",
                 b->v.file);
    return OK;
}

static enum status read_strings(struct build *b, const char *key, const struct tok_str **out,
                                uint32_t *count)
{
    const struct weights_str *strs;
    uint64_t n;
    TRY(weights_strings(b->w, key, &strs, &n));
    if (!strs)
        return status_fail(ERR_MODEL, "%s: metadata '%s' is missing", b->v.file, key);
    if (n > INT32_MAX)
        return status_fail(ERR_MODEL, "%s: metadata '%s': %" PRIu64 " items, expected at most %d",
                           b->v.file, key, n, INT32_MAX);
    struct tok_str *to = arena_calloc(&b->arena, n, sizeof *to);
    if (!to)
        return ERR_MEMORY;
    for (uint64_t i = 0; i < n; i++)
        to[i] = (struct tok_str){strs[i].s, strs[i].len};
    *out = to;
    *count = (uint32_t)n;
    return OK;
}

static enum status check_length(const struct build *b, const char *key, const void *items,
                                uint64_t count)
{
    if (!items || count == b->v.n_tokens)
        return OK;
    return status_fail(ERR_MODEL, "%s: metadata '%s': %" PRIu64 " items for %u tokens", b->v.file,
                       key, count, b->v.n_tokens);
}

static enum status read_tokens(struct build *b, uint32_t rows)
{
    struct tok_vocab *v = &b->v;
    const int32_t *kinds;
    uint64_t n;
    TRY(read_strings(b, KEY "tokens", &v->text, &v->n_tokens));
    if (v->n_tokens < 2)
        return status_fail(ERR_MODEL, "%s: metadata '" KEY "tokens': %u tokens, expected 2 or more",
                           v->file, v->n_tokens);
    if (rows && rows != v->n_tokens)
        return status_fail(ERR_MODEL,
                           "%s: metadata '" KEY "tokens': %u tokens, but the embedding has %u rows",
                           v->file, v->n_tokens, rows);
    TRY(weights_f32s(b->w, KEY "scores", &v->scores, &n));
    TRY(check_length(b, KEY "scores", v->scores, n));
    TRY(weights_i32s(b->w, KEY "token_type", &kinds, &n));
    TRY(check_length(b, KEY "token_type", kinds, n));
    b->kinds = arena_calloc(&b->arena, v->n_tokens, sizeof *b->kinds);
    if (!b->kinds)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < v->n_tokens; i++)
        b->kinds[i] = kinds ? kinds[i] : TOK_NORMAL;
    v->kinds = b->kinds;
    if (v->family == TOK_BPE)
        TRY(read_strings(b, KEY "merges", &v->merges, &v->n_merges));
    return OK;
}

/* A token id; `def` where the file has none and such a token exists. */
static enum status read_id(struct build *b, const char *key, int32_t def, int32_t *out)
{
    uint32_t id = 0;
    *out = def < (int32_t)b->v.n_tokens ? def : TOK_NONE;
    if (!weights_find(b->w, key))
        return OK;
    TRY(weights_need_u32(b->w, key, 0, b->v.n_tokens - 1, &id));
    *out = (int32_t)id;
    return OK;
}

static void add_eog(struct build *b, int32_t id)
{
    struct tok_vocab *v = &b->v;
    for (uint32_t i = 0; i < v->n_eog; i++)
        if (v->eog[i] == id)
            return;
    if (id != TOK_NONE && v->n_eog < TOK_MAX_EOG)
        v->eog[v->n_eog++] = id;
}

static enum status read_ids(struct build *b)
{
    static const char *const enders[] = {KEY "eot_token_id", KEY "eom_token_id",
                                         KEY "fim_pad_token_id", KEY "fim_rep_token_id",
                                         KEY "fim_sep_token_id"};
    struct tok_vocab *v = &b->v;
    bool spm = v->family == TOK_SPM;
    struct tok_pre_info info;
    TRY(read_id(b, KEY "bos_token_id", spm ? 1 : TOK_NONE, &v->bos));
    TRY(read_id(b, KEY "eos_token_id", spm ? 2 : TOK_NONE, &v->eos));
    TRY(read_id(b, KEY "unknown_token_id", spm ? 0 : TOK_NONE, &v->unk));
    TRY(read_id(b, KEY "padding_token_id", TOK_NONE, &v->pad));
    add_eog(b, v->eos);
    for (size_t i = 0; i < sizeof enders / sizeof *enders; i++) {
        int32_t id;
        TRY(read_id(b, enders[i], TOK_NONE, &id));
        add_eog(b, id);
    }
    tok_pre_info(v->pre, &info);
    TRY(weights_bool(b->w, KEY "add_bos_token", spm || info.add_bos, &v->add_bos));
    TRY(weights_bool(b->w, KEY "add_eos_token", false, &v->add_eos));
    TRY(weights_bool(b->w, KEY "add_space_prefix", spm, &v->add_space_prefix));
    return OK;
}

static bool is_text(const struct tok_str *s, const char *text)
{
    return s->len == strlen(text) && memcmp(s->s, text, s->len) == 0;
}

static bool is_one_of(const struct tok_str *s, const char *const *texts)
{
    for (; *texts; texts++)
        if (is_text(s, *texts))
            return true;
    return false;
}

/* Files seldom say which tokens end an answer, or say it wrongly; their texts do. */
static void find_enders(struct build *b)
{
    static const char *const enders[] = {
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
        "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
        "<|end_of_text|>", "<end_of_utterance>", "<eos>",
        "<\xef\xbd\x9c"
        "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>",
        /* Where a file of code ends and another begins. */
        "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<|fim_repo|>", "<|repo_name|>",
        "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>", NULL};
    static const char *const shown[] = {"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>",
                                        NULL};
    struct tok_vocab *v = &b->v;
    int32_t end = TOK_NONE;
    bool has_return = false, has_call = false, has_flush = false;
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        const struct tok_str *s = &v->text[i];
        if (s->len < 5 || s->len > 40 || !strchr("<[_", s->s[0]))
            continue;
        if (is_one_of(s, enders)) {
            b->kinds[i] = TOK_CONTROL;
            if (is_text(s, "<|end|>"))
                end = (int32_t)i;
            else
                add_eog(b, (int32_t)i);
            has_return |= is_text(s, "<|return|>");
            has_call |= is_text(s, "<|call|>") || is_text(s, "<|calls|>");
            has_flush |= is_text(s, "<|flush|>");
        } else if (is_one_of(s, shown)) {
            b->kinds[i] = TOK_USER;
        }
    }
    /* In the forms that have these, <|end|> ends one message of several. */
    if (end != TOK_NONE && has_call && (has_return || has_flush))
        b->kinds[end] = TOK_USER;
    else
        add_eog(b, end);
}

/* White space behind Phi-3's special tokens is theirs; the file does not say so. */
static enum status find_strip(struct build *b)
{
    static const char *const kept[] = {"<unk>", "<s>", "<|endoftext|>", NULL};
    struct weights_str name;
    TRY(weights_string(b->w, "general.name", &name));
    if (!name.s || !name.len)
        return OK;
    char *lower = own_string(b, name);
    if (!lower)
        return ERR_MEMORY;
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (!strstr(lower, "phi-3") && !strstr(lower, "phi3"))
        return OK;
    uint8_t *strip = arena_calloc(&b->arena, b->v.n_tokens, 1);
    if (!strip)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < b->v.n_tokens; i++) {
        int32_t kind = b->kinds[i];
        if ((kind == TOK_CONTROL || kind == TOK_USER || kind == TOK_UNKNOWN) &&
            !is_one_of(&b->v.text[i], kept))
            strip[i] = TOK_RSTRIP;
    }
    b->v.strip = strip;
    return OK;
}

enum status vocab_load(const struct weights *w, uint32_t rows, struct tok **out)
{
    struct build b = {.w = w, .v.file = weights_path(w)};
    enum status s = OK;
    *out = NULL;
    TRY_GOTO(read_family(&b));
    TRY_GOTO(read_tokens(&b, rows));
    TRY_GOTO(read_ids(&b));
    find_enders(&b);
    TRY_GOTO(find_strip(&b));
    TRY_GOTO(tok_create(&b.v, out));
fail:
    arena_free(&b.arena);
    return s;
}

enum status vocab_chat_form(const struct weights *w, enum chat_form *out)
{
    struct weights_str text;
    *out = CHAT_PLAIN;
    TRY(weights_string(w, "tokenizer.chat_template", &text));
    *out = chat_recognise(text.s, text.len);
    return OK;
}
