/* What files of Whisper hold; names of tensors and ids as whisper.cpp has them. */
#include "models/whisper.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Limits that no real model comes near. */
enum {
    MAX_LAYERS = 256,
    MAX_EMBD = 1 << 14,
    MAX_HEAD_DIM = 256,
    MAX_CTX = 1 << 14,
    MAX_MELS = 512
};

/* Sizes of the vocabulary: of English models, then one more for each further language. */
enum { ENGLISH_VOCAB = 51864, TEXT_TOKENS = 50256, ENGLISH_LANGUAGES = 99 };

struct loader {
    const struct weights *w;
    struct whisper *m;
    bool *used;
};

bool whisper_is(const struct weights *w)
{
    struct weights_str name;
    return weights_string(w, "general.architecture", &name) == OK && name.s && name.len == 7 &&
           !memcmp(name.s, "whisper", 7);
}

/* ---- hyperparameters ---------------------------------------------------------------------- */

static enum status load_side(struct loader *l, const char *side, struct whisper_side *out)
{
    const char *path = weights_path(l->w);
    char key[64];
#define KEY(name) (snprintf(key, sizeof key, "whisper.%s." name, side), key)
    TRY(weights_need_u32(l->w, KEY("context_length"), 1, MAX_CTX, &out->n_ctx));
    TRY(weights_need_u32(l->w, KEY("embedding_length"), 1, MAX_EMBD, &out->n_embd));
    TRY(weights_need_u32(l->w, KEY("attention.head_count"), 1, MAX_EMBD, &out->n_heads));
    TRY(weights_need_u32(l->w, KEY("block_count"), 1, MAX_LAYERS, &out->n_layers));
#undef KEY
    out->head_dim = out->n_embd / out->n_heads;
    out->n_ff = 4 * out->n_embd;
    if (out->n_embd % out->n_heads || out->head_dim % 8 || out->head_dim > MAX_HEAD_DIM)
        return status_fail(ERR_MODEL,
                           "%s: %s: %" PRIu32 " values in %" PRIu32
                           " heads; a head must have a multiple of 8, at most %d",
                           path, side, out->n_embd, out->n_heads, MAX_HEAD_DIM);
    uint64_t page = whisper_page_bytes(out) * out->n_layers;
    if (page > UINT32_MAX)
        return status_fail(ERR_MODEL,
                           "%s: %s: a page of keys and values would take %" PRIu64
                           " bytes (at most %u)",
                           path, side, page, UINT32_MAX);
    return OK;
}

/* Special ids lie behind the text, in an order that all models share. */
static enum status load_ids(struct loader *l)
{
    struct whisper *m = l->m;
    struct whisper_ids *ids = &m->ids;
    uint32_t n = m->n_vocab, most = ENGLISH_VOCAB + 1 + WHISPER_MAX_LANGUAGES - ENGLISH_LANGUAGES;
    if (n < ENGLISH_VOCAB || n > most)
        return status_fail(ERR_MODEL,
                           "%s: whisper.vocab_size is %" PRIu32 "; Whisper's are %d (English), %d "
                           "(%d languages) and %" PRIu32 " (%d)",
                           weights_path(l->w), n, ENGLISH_VOCAB, ENGLISH_VOCAB + 1,
                           ENGLISH_LANGUAGES, most, WHISPER_MAX_LANGUAGES);
    m->multilingual = n > ENGLISH_VOCAB;
    ids->n_languages = ENGLISH_LANGUAGES + n - ENGLISH_VOCAB - m->multilingual;
    uint32_t next = TEXT_TOKENS + m->multilingual;
    ids->end = next++;
    ids->start = next++;
    ids->language_0 = next;
    next += ids->n_languages;
    ids->translate = next++;
    ids->transcribe = next++;
    ids->start_lm = next++;
    ids->start_prev = next++;
    ids->no_speech = next++;
    ids->no_times = next++;
    ids->time_0 = next;
    return OK;
}

static enum status load_hparams(struct loader *l)
{
    struct whisper *m = l->m;
    TRY(weights_need_u32(l->w, "whisper.vocab_size", 1, INT32_MAX, &m->n_vocab));
    TRY(weights_need_u32(l->w, "whisper.mels", 1, MAX_MELS, &m->n_mels));
    TRY(load_ids(l));
    TRY(load_side(l, "encoder", &m->audio));
    TRY(load_side(l, "decoder", &m->text));
    if (m->audio.n_embd != m->text.n_embd)
        return status_fail(ERR_MODEL,
                           "%s: the encoder's embedding length is %" PRIu32
                           ", the decoder's %" PRIu32 "; they must be equal",
                           weights_path(l->w), m->audio.n_embd, m->text.n_embd);
    return OK;
}

/* ---- tensors ------------------------------------------------------------------------------ */

static enum status take(struct loader *l, const struct weights_tensor *t, struct k_weight *w,
                        uint64_t *v)
{
    struct whisper *m = l->m;
    if (v && t->type != QUANT_F32)
        return status_fail(ERR_MODEL, "%s: tensor %s is %s; it must be F32", weights_path(l->w),
                           t->name, quant_info(t->type)->name);
    m->tensors[m->n_tensors++] = (struct model_tensor){t, w, v};
    l->used[t - weights_tensor_at(l->w, 0)] = true;
    return OK;
}

/* A matrix of n rows of k that may be kept as [.., inner] in the file (a convolution's). */
static enum status matrix(struct loader *l, const char *name, uint32_t n, uint32_t k,
                          uint32_t inner, struct k_weight *out)
{
    const struct weights_tensor *t;
    const uint64_t flat[] = {k, n, 0}, deep[] = {inner, inner ? k / inner : 0, n, 0};
    TRY(weights_need_tensor(l->w, name, inner ? deep : flat, &t));
    TRY(model_weight(l->w, t, n, k, &l->m->arena, out));
    return take(l, t, out, NULL);
}

static enum status vector(struct loader *l, const char *name, uint32_t n, uint64_t *out)
{
    const struct weights_tensor *t;
    TRY(weights_need_tensor(l->w, name, (const uint64_t[]){n, 0}, &t));
    return take(l, t, NULL, out);
}

static enum status table(struct loader *l, const char *name, uint32_t n, uint32_t k, uint64_t *out)
{
    const struct weights_tensor *t;
    TRY(weights_need_tensor(l->w, name, (const uint64_t[]){k, n, 0}, &t));
    return take(l, t, NULL, out);
}

/* "PREFIX.PART.weight" and "PREFIX.PART.bias". */
static const char *join(char out[WEIGHTS_MAX_NAME + 1], const char *prefix, const char *part,
                        const char *what)
{
    snprintf(out, WEIGHTS_MAX_NAME + 1, "%s%s.%s", prefix, part, what);
    return out;
}

static enum status linear(struct loader *l, const char *prefix, const char *part, uint32_t n,
                          uint32_t k, bool bias, struct whisper_linear *out)
{
    char name[WEIGHTS_MAX_NAME + 1];
    TRY(matrix(l, join(name, prefix, part, "weight"), n, k, 0, &out->w));
    return bias ? vector(l, join(name, prefix, part, "bias"), n, &out->b) : OK;
}

static enum status norm(struct loader *l, const char *prefix, const char *part, uint32_t n,
                        struct whisper_norm *out)
{
    char name[WEIGHTS_MAX_NAME + 1];
    TRY(vector(l, join(name, prefix, part, "weight"), n, &out->w));
    return vector(l, join(name, prefix, part, "bias"), n, &out->b);
}

static enum status attention(struct loader *l, const char *prefix, uint32_t n,
                             struct whisper_attn *out)
{
    char part[48];
    snprintf(part, sizeof part, "%s_ln", prefix);
    TRY(norm(l, part, "", n, &out->norm));
    TRY(linear(l, prefix, ".query", n, n, true, &out->q));
    TRY(linear(l, prefix, ".key", n, n, false, &out->k));
    TRY(linear(l, prefix, ".value", n, n, true, &out->v));
    return linear(l, prefix, ".out", n, n, true, &out->o);
}

static enum status layers(struct loader *l, const char *side, const struct whisper_side *s,
                          bool cross, struct whisper_layer **out)
{
    struct whisper_layer *y = arena_calloc(&l->m->arena, s->n_layers, sizeof *y);
    if (!y)
        return ERR_MEMORY;
    *out = y;
    for (uint32_t i = 0; i < s->n_layers; i++, y++) {
        char prefix[48];
#define PREFIX(name)                                                                               \
    (snprintf(prefix, sizeof prefix, "%s.blocks.%" PRIu32 "." name, side, i), prefix)
        TRY(attention(l, PREFIX("attn"), s->n_embd, &y->self));
        if (cross)
            TRY(attention(l, PREFIX("cross_attn"), s->n_embd, &y->cross));
        TRY(norm(l, PREFIX("mlp_ln"), "", s->n_embd, &y->mlp_norm));
        TRY(linear(l, PREFIX("mlp"), ".0", s->n_ff, s->n_embd, true, &y->up));
        TRY(linear(l, PREFIX("mlp"), ".2", s->n_embd, s->n_ff, true, &y->down));
#undef PREFIX
    }
    return OK;
}

/* Biases of convolutions lie in files as columns. */
static enum status convolution(struct loader *l, const char *prefix, uint32_t in,
                               struct whisper_linear *out)
{
    char name[WEIGHTS_MAX_NAME + 1];
    uint32_t n = l->m->audio.n_embd;
    TRY(matrix(l, join(name, prefix, "", "weight"), n, 3 * in, 3, &out->w));
    const struct weights_tensor *t = weights_tensor(l->w, join(name, prefix, "", "bias"));
    if (t && t->n_dims == 1)
        return vector(l, name, n, &out->b);
    return table(l, name, n, 1, &out->b);
}

static enum status load_tensors(struct loader *l)
{
    struct whisper *m = l->m;
    TRY(table(l, "mel_filters", m->n_mels, WHISPER_BINS, &m->filters));
    TRY(convolution(l, "encoder.conv1", m->n_mels, &m->conv1));
    TRY(convolution(l, "encoder.conv2", m->audio.n_embd, &m->conv2));
    TRY(table(l, "encoder.positional_embedding", m->audio.n_ctx, m->audio.n_embd,
              &m->audio_places));
    TRY(layers(l, "encoder", &m->audio, false, &m->audio_layers));
    TRY(norm(l, "encoder", ".ln_post", m->audio.n_embd, &m->audio_norm));
    TRY(matrix(l, "decoder.token_embedding.weight", m->n_vocab, m->text.n_embd, 0, &m->embd));
    TRY(table(l, "decoder.positional_embedding", m->text.n_ctx, m->text.n_embd, &m->text_places));
    TRY(layers(l, "decoder", &m->text, true, &m->text_layers));
    TRY(norm(l, "decoder", ".ln", m->text.n_embd, &m->text_norm));
    for (uint32_t i = 0; i < weights_tensor_count(l->w); i++) {
        if (!l->used[i])
            return status_fail(ERR_MODEL,
                               "%s: tensor %s has no place in Whisper: the model would be "
                               "computed wrongly without it",
                               weights_path(l->w), weights_tensor_at(l->w, i)->name);
    }
    return OK;
}

static enum status load(struct loader *l)
{
    struct whisper *m = l->m;
    TRY(load_hparams(l));
    /* The tables are sized by the file's tensors, not by what it says of its layers. */
    uint32_t n = weights_tensor_count(l->w);
    if (m->audio.n_layers > n || m->text.n_layers > n)
        return status_fail(
            ERR_MODEL, "%s: %" PRIu32 " and %" PRIu32 " layers, but there are %" PRIu32 " tensors",
            weights_path(l->w), m->audio.n_layers, m->text.n_layers, n);
    m->tensors = arena_calloc(&m->arena, n, sizeof *m->tensors);
    l->used = arena_calloc(&m->arena, n, sizeof *l->used);
    if (!m->tensors || !l->used)
        return ERR_MEMORY;
    TRY(load_tensors(l));
    return whisper_load_heads(l->w, m);
}

enum status whisper_load(const struct weights *w, struct whisper *m)
{
    memset(m, 0, sizeof *m);
    struct loader l = {.w = w, .m = m};
    enum status s = load(&l);
    if (s != OK)
        whisper_unload(m);
    return s;
}

void whisper_unload(struct whisper *m)
{
    arena_free(&m->arena);
    memset(m, 0, sizeof *m);
}

/* ---- constants ---------------------------------------------------------------------------- */

uint32_t whisper_frames(const struct whisper *m)
{
    return 2 * m->audio.n_ctx;
}

uint32_t whisper_samples(const struct whisper *m)
{
    return (whisper_frames(m) - 1) * WHISPER_HOP + WHISPER_FFT;
}

void whisper_basis(float *out)
{
    for (uint32_t i = 0; i < WHISPER_BINS; i++) {
        for (uint32_t t = 0; t < WHISPER_FFT; t++) {
            double window = 0.5 - 0.5 * cos(2 * M_PI * t / WHISPER_FFT);
            double angle = 2 * M_PI * (i * t % WHISPER_FFT) / WHISPER_FFT;
            out[i * WHISPER_FFT + t] = (float)(window * cos(angle));
            out[(WHISPER_BINS + i) * WHISPER_FFT + t] = (float)(window * sin(angle));
        }
    }
}

uint64_t whisper_page_bytes(const struct whisper_side *s)
{
    return 2ull * K_PAGE_TOKENS * s->n_embd * sizeof(uint16_t);
}
