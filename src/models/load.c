#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "models/parts.h"

/* Limits that no real model comes near; they keep products of hyperparameters inside 64 bits. */
enum {
    MAX_LAYERS = 1024,
    MAX_HEADS = 4096,
    MAX_EMBD = 1 << 18,
    MAX_FF = 1 << 20,
    MAX_VOCAB = 1 << 20,
    MAX_CTX = 1 << 24,
    MAX_HEAD_DIM = 256,
};

/* A load in progress. */
struct loader {
    const struct weights *w;
    struct model *m;
    char prefix[32]; /* "llama." */
    bool *used;      /* which tensors of the file have a place */
};

static const char *key(struct loader *l, const char *name, char out[96])
{
    snprintf(out, 96, "%s%s", l->prefix, name);
    return out;
}

/* ---- hyperparameters ---------------------------------------------------------------------- */

static enum status need(struct loader *l, const char *name, uint32_t lo, uint32_t hi, uint32_t *out)
{
    char k[96];
    return weights_need_u32(l->w, key(l, name, k), lo, hi, out);
}

static enum status maybe(struct loader *l, const char *name, uint32_t lo, uint32_t hi, uint32_t def,
                         uint32_t *out)
{
    char k[96];
    return weights_u32(l->w, key(l, name, k), lo, hi, def, out);
}

static enum status maybe_float(struct loader *l, const char *name, double lo, double hi, double def,
                               float *out)
{
    char k[96];
    return weights_f32(l->w, key(l, name, k), lo, hi, def, out);
}

static enum status load_rope(struct loader *l, bool neox)
{
    struct model_hparams *hp = &l->m->hp;
    struct model_rope *r = &hp->rope;
    char k[96];
    struct weights_str type;
    r->neox = neox;
    TRY(maybe(l, "rope.dimension_count", 2, hp->head_dim, hp->head_dim, &r->rot));
    if (r->rot % 2)
        return status_fail(ERR_MODEL, "%s: %s is %" PRIu32 ", which is odd", weights_path(l->w),
                           key(l, "rope.dimension_count", k), r->rot);
    TRY(maybe_float(l, "rope.freq_base", 1, 1e12, 10000, &r->base));
    TRY(weights_string(l->w, key(l, "rope.scaling.type", k), &type));
    float linear;
    TRY(maybe_float(l, "rope.scale_linear", 1e-3, 1e6, 1, &linear));
    TRY(maybe_float(l, "rope.scaling.factor", 1e-3, 1e6, linear, &r->factor));
    TRY(maybe(l, "rope.scaling.original_context_length", 1, MAX_CTX, hp->n_ctx_train,
              &r->original_ctx));
    TRY(maybe_float(l, "rope.scaling.attn_factor", 1e-3, 1e3, 1, &r->attn_factor));
    TRY(maybe_float(l, "rope.scaling.yarn_beta_fast", 1e-3, 1e6, 32, &r->beta_fast));
    TRY(maybe_float(l, "rope.scaling.yarn_beta_slow", 1e-3, 1e6, 1, &r->beta_slow));
    if (!type.s || (type.len == 4 && !memcmp(type.s, "none", 4)))
        r->scaling = linear == 1 ? ROPE_NONE : ROPE_LINEAR;
    else if (type.len == 6 && !memcmp(type.s, "linear", 6))
        r->scaling = ROPE_LINEAR;
    else if (type.len == 4 && !memcmp(type.s, "yarn", 4))
        r->scaling = ROPE_YARN;
    else
        return status_fail(ERR_MODEL, "%s: %s '%.*s' is not supported (none, linear and yarn are)",
                           weights_path(l->w), key(l, "rope.scaling.type", k),
                           (int)(type.len < 64 ? type.len : 64), type.s);
    if (r->scaling == ROPE_YARN && r->base <= 1)
        return status_fail(ERR_MODEL, "%s: yarn needs %s above 1", weights_path(l->w),
                           key(l, "rope.freq_base", k));
    return OK;
}

static enum status load_hparams(struct loader *l, bool neox)
{
    struct model_hparams *hp = &l->m->hp;
    char k[96];
    uint32_t experts, value_dim, window;
    TRY(need(l, "block_count", 1, MAX_LAYERS, &hp->n_layers));
    TRY(need(l, "embedding_length", 1, MAX_EMBD, &hp->n_embd));
    TRY(need(l, "feed_forward_length", 1, MAX_FF, &hp->n_ff));
    TRY(need(l, "context_length", 1, MAX_CTX, &hp->n_ctx_train));
    TRY(need(l, "attention.head_count", 1, MAX_HEADS, &hp->n_heads));
    TRY(maybe(l, "attention.head_count_kv", 1, hp->n_heads, hp->n_heads, &hp->n_kv_heads));
    TRY(maybe_float(l, "attention.layer_norm_rms_epsilon", 1e-12, 1, 1e-5, &hp->rms_eps));
    TRY(maybe(l, "expert_count", 0, UINT32_MAX, 0, &experts));
    if (experts)
        return status_fail(ERR_MODEL,
                           "%s: %s is %" PRIu32 "; mixtures of experts are not supported",
                           weights_path(l->w), key(l, "expert_count", k), experts);
    if (hp->n_heads % hp->n_kv_heads)
        return status_fail(ERR_MODEL, "%s: %s %" PRIu32 " does not divide the head count %" PRIu32,
                           weights_path(l->w), key(l, "attention.head_count_kv", k), hp->n_kv_heads,
                           hp->n_heads);
    if (!weights_find(l->w, key(l, "attention.key_length", k)) && hp->n_embd % hp->n_heads)
        return status_fail(ERR_MODEL,
                           "%s: embedding length %" PRIu32 " is no multiple of %" PRIu32 " heads",
                           weights_path(l->w), hp->n_embd, hp->n_heads);
    TRY(maybe(l, "attention.key_length", 1, MAX_EMBD, hp->n_embd / hp->n_heads, &hp->head_dim));
    TRY(maybe(l, "attention.value_length", 1, MAX_EMBD, hp->head_dim, &value_dim));
    if (hp->head_dim % 8 || hp->head_dim > MAX_HEAD_DIM || value_dim != hp->head_dim)
        return status_fail(ERR_MODEL,
                           "%s: heads of %" PRIu32 " (keys) and %" PRIu32
                           " (values) dimensions; they must be equal, a multiple of 8, at most %d",
                           weights_path(l->w), hp->head_dim, value_dim, MAX_HEAD_DIM);
    TRY(maybe(l, "attention.sliding_window", 0, MAX_CTX, 0, &window));
    if (window && window < hp->n_ctx_train) {
        log_warn("%s: attention windows of %" PRIu32 " tokens: the context ends there",
                 weights_path(l->w), window);
        hp->n_ctx_train = window;
    }
    if (model_page_bytes(hp) > UINT32_MAX)
        return status_fail(ERR_MODEL,
                           "%s: %" PRIu32 " layers of %" PRIu32 " KV heads of %" PRIu32
                           ": a page of keys and values would take %" PRIu64 " bytes (at most %u)",
                           weights_path(l->w), hp->n_layers, hp->n_kv_heads, hp->head_dim,
                           model_page_bytes(hp), UINT32_MAX);
    return load_rope(l, neox);
}

/* ---- tensors ------------------------------------------------------------------------------ */

static void take(struct loader *l, const struct weights_tensor *t, struct k_weight *w, uint64_t *v)
{
    struct model *m = l->m;
    m->tensors[m->n_tensors++] = (struct model_tensor){t, w, v};
    l->used[t - weights_tensor_at(l->w, 0)] = true;
}

/* A matrix of n rows of k. */
static enum status matrix(struct loader *l, const char *name, uint32_t n, uint32_t k,
                          struct k_weight *out)
{
    const struct weights_tensor *t;
    TRY(weights_need_tensor(l->w, name, (const uint64_t[]){k, n, 0}, &t));
    TRY(model_weight(l->w, t, n, k, &l->m->arena, out));
    take(l, t, out, NULL);
    return OK;
}

static enum status vector(struct loader *l, const char *name, uint32_t n, uint64_t *out)
{
    const struct weights_tensor *t;
    TRY(weights_need_tensor(l->w, name, (const uint64_t[]){n, 0}, &t));
    if (t->type != QUANT_F32)
        return status_fail(ERR_MODEL, "%s: tensor %s is %s; a vector must be F32",
                           weights_path(l->w), name, quant_info(t->type)->name);
    take(l, t, NULL, out);
    return OK;
}

static enum status maybe_vector(struct loader *l, const char *name, bool must, uint32_t n,
                                uint64_t *out)
{
    return must || weights_tensor(l->w, name) ? vector(l, name, n, out) : OK;
}

static enum status load_layer(struct loader *l, const struct parts_decoder *d, uint32_t i)
{
    const struct model_hparams *hp = &l->m->hp;
    struct model_layer *y = &l->m->layers[i];
    uint32_t e = hp->n_embd, q = hp->n_heads * hp->head_dim, kv = hp->n_kv_heads * hp->head_dim;
    char name[64];
#define NAME(suffix) (snprintf(name, sizeof name, "blk.%" PRIu32 "." suffix, i), name)
    TRY(vector(l, NAME("attn_norm.weight"), e, &y->attn_norm));
    TRY(matrix(l, NAME("attn_q.weight"), q, e, &y->q));
    TRY(matrix(l, NAME("attn_k.weight"), kv, e, &y->k));
    TRY(matrix(l, NAME("attn_v.weight"), kv, e, &y->v));
    TRY(matrix(l, NAME("attn_output.weight"), e, q, &y->o));
    TRY(maybe_vector(l, NAME("attn_q.bias"), d->qkv_bias, q, &y->bq));
    TRY(maybe_vector(l, NAME("attn_k.bias"), d->qkv_bias, kv, &y->bk));
    TRY(maybe_vector(l, NAME("attn_v.bias"), d->qkv_bias, kv, &y->bv));
    TRY(maybe_vector(l, NAME("attn_output.bias"), false, e, &y->bo));
    TRY(vector(l, NAME("ffn_norm.weight"), e, &y->ffn_norm));
    TRY(matrix(l, NAME("ffn_gate.weight"), hp->n_ff, e, &y->gate));
    TRY(matrix(l, NAME("ffn_up.weight"), hp->n_ff, e, &y->up));
    TRY(matrix(l, NAME("ffn_down.weight"), e, hp->n_ff, &y->down));
#undef NAME
    if (y->gate.type != y->up.type)
        return status_fail(ERR_MODEL, "%s: %s is %s and %s is %s; the two must have one type",
                           weights_path(l->w), y->gate.name, quant_info(y->gate.type)->name,
                           y->up.name, quant_info(y->up.type)->name);
    return OK;
}

/* Llama 3.1's divisors of the rotation frequencies. */
static enum status load_rope_factors(struct loader *l)
{
    const char *name = "rope_freqs.weight";
    struct model_rope *r = &l->m->hp.rope;
    const struct weights_tensor *t = weights_tensor(l->w, name);
    if (!t)
        return OK;
    TRY(weights_need_tensor(l->w, name, (const uint64_t[]){r->rot / 2, 0}, &t));
    if (t->type != QUANT_F32)
        return status_fail(ERR_MODEL, "%s: tensor %s is %s; it must be F32", weights_path(l->w),
                           name, quant_info(t->type)->name);
    float *factors = arena_alloc(&l->m->arena, t->bytes);
    if (!factors)
        return ERR_MEMORY;
    TRY(weights_read(l->w, t, 0, t->bytes, factors));
    for (uint32_t i = 0; i < r->rot / 2; i++) {
        if (!(factors[i] > 0 && factors[i] < 1e9f))
            return status_fail(ERR_MODEL, "%s: tensor %s: value %" PRIu32 " is %g, not a divisor",
                               weights_path(l->w), name, i, (double)factors[i]);
    }
    r->factors = factors;
    l->used[t - weights_tensor_at(l->w, 0)] = true;
    return OK;
}

static enum status load_tensors(struct loader *l, const struct parts_decoder *d)
{
    struct model *m = l->m;
    struct model_hparams *hp = &m->hp;
    const char *path = weights_path(l->w);
    const struct weights_tensor *t = weights_tensor(l->w, "token_embd.weight");
    if (!t)
        return status_fail(ERR_MODEL, "%s: no tensor token_embd.weight", path);
    if (t->n_dims != 2 || t->ne[1] > MAX_VOCAB)
        return status_fail(ERR_MODEL,
                           "%s: tensor token_embd.weight: %" PRIu32 " dimensions, %" PRIu64
                           " rows; 2 and at most %d are expected",
                           path, t->n_dims, t->ne[1], MAX_VOCAB);
    hp->n_vocab = (uint32_t)t->ne[1];
    TRY(matrix(l, "token_embd.weight", hp->n_vocab, hp->n_embd, &m->embd));
    TRY(load_rope_factors(l));
    for (uint32_t i = 0; i < hp->n_layers; i++)
        TRY(load_layer(l, d, i));
    TRY(vector(l, "output_norm.weight", hp->n_embd, &m->out_norm));
    m->tied = !weights_tensor(l->w, "output.weight");
    if (!m->tied)
        TRY(matrix(l, "output.weight", hp->n_vocab, hp->n_embd, &m->head));
    for (uint32_t i = 0; i < weights_tensor_count(l->w); i++) {
        if (!l->used[i])
            return status_fail(ERR_MODEL,
                               "%s: tensor %s has no place in architecture %s: the model would "
                               "be computed wrongly without it",
                               path, weights_tensor_at(l->w, i)->name, m->arch->name);
    }
    return OK;
}

enum status parts_load_decoder(const struct weights *w, const struct parts_decoder *d,
                               struct model *m)
{
    struct loader l = {.w = w, .m = m};
    snprintf(l.prefix, sizeof l.prefix, "%s.", m->arch->name);
    TRY(load_hparams(&l, d->neox));
    /* The tables below are sized by the file's tensors, not by what it says of its layers. */
    uint32_t n = weights_tensor_count(w);
    if (m->hp.n_layers > n)
        return status_fail(ERR_MODEL,
                           "%s: %sblock_count is %" PRIu32 ", but there are %" PRIu32 " tensors",
                           weights_path(w), l.prefix, m->hp.n_layers, n);
    m->layers = arena_calloc(&m->arena, m->hp.n_layers, sizeof *m->layers);
    m->tensors = arena_calloc(&m->arena, n, sizeof *m->tensors);
    l.used = arena_calloc(&m->arena, n, sizeof *l.used);
    if (!m->layers || !m->tensors || !l.used)
        return ERR_MEMORY;
    return load_tensors(&l, d);
}
