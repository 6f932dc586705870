/* The plans of Whisper:
 *
 *   mel = log-mel(samples)
 *   h = gelu(conv1(mel));  h = gelu(conv2(h)) + places
 *   each layer:  h += Wo attention(Wq n, Wk n, Wv n),  n = LayerNorm(h)
 *                h += W2 gelu(W1 n),                   n = LayerNorm(h)
 *   sound = LayerNorm(h);  of each layer of the decoder: keys Wk sound, values Wv sound
 *
 *   h = embed(tokens) + places
 *   each layer:  as above, causal, then the same over the keys and values of the sound
 *   logits = embedding . LayerNorm(h) */
#include <math.h>

#include "base/checked.h"
#include "models/whisper.h"

static const float eps = 1e-5f;

static float scale_of(const struct whisper_side *s)
{
    return (float)(1 / sqrt((double)s->head_dim));
}

/* A layer's part of the pages. */
static struct k_kv layer_kv(struct k_kv kv, const struct whisper_side *s, uint32_t layer)
{
    kv.offset = (uint32_t)(layer * whisper_page_bytes(s));
    return kv;
}

/* ---- sound -------------------------------------------------------------------------------- */

/* Rows of k values between two operations: f32, or f16 where matrix units take them next. */
static enum status rows_of(struct plan *p, bool half, uint32_t rows, uint32_t k, const char *tag,
                           uint64_t *out)
{
    uint64_t values = half ? align_up(rows, K_HALF_ROWS) * k : (uint64_t)rows * k;
    return plan_scratch(p, (half ? 2 : 4) * values, tag, out);
}

static enum status normed(struct plan *p, const struct whisper_norm *n, uint64_t x, uint32_t rows,
                          uint32_t k, bool half, uint64_t *out)
{
    TRY(rows_of(p, half, rows, k, "normed", out));
    return k_layernorm(p, &(struct k_layernorm_args){.rows = rows,
                                                     .x = x,
                                                     .w = n->w,
                                                     .b = n->b,
                                                     .out = *out,
                                                     .half = half,
                                                     .k = k,
                                                     .eps = eps});
}

static enum status product(struct plan *p, const char *name, const struct whisper_linear *l,
                           uint32_t rows, uint64_t x, uint64_t residual, uint64_t out)
{
    return k_matmul(p, &(struct k_matmul_args){.name = name,
                                               .m = rows,
                                               .x = x,
                                               .w = l->w,
                                               .bias = l->b,
                                               .residual = residual,
                                               .out = out});
}

/* What a product of rows of f16 makes besides f32. */
enum { PLAIN = 0, HALF = 1, GELU = 2 };

static enum status half_product(struct plan *p, const char *name, const struct whisper_linear *l,
                                uint32_t rows, uint64_t x, int make, uint64_t residual,
                                uint64_t out)
{
    return k_matmul(p, &(struct k_matmul_args){.name = name,
                                               .m = rows,
                                               .x_half = x,
                                               .w = l->w,
                                               .bias = l->b,
                                               .residual = residual,
                                               .out = out,
                                               .half = make & HALF,
                                               .gelu = make & GELU});
}

/* All products of a layer take f16. */
static bool layer_is_half(const struct plan *p, const struct whisper_layer *l, uint32_t rows)
{
    return k_takes_half(p, rows, &l->self.q.w) && k_takes_half(p, rows, &l->self.k.w) &&
           k_takes_half(p, rows, &l->self.v.w) && k_takes_half(p, rows, &l->self.o.w) &&
           k_takes_half(p, rows, &l->up.w) && k_takes_half(p, rows, &l->down.w);
}

static enum status mel(struct plan *p, const struct whisper *m, const struct whisper_sound *s)
{
    uint32_t frames = whisper_frames(m), all = s->windows * frames;
    struct whisper_linear basis = {.w = {.addr = s->basis,
                                         .type = QUANT_F32,
                                         .n = 2 * WHISPER_BINS,
                                         .k = WHISPER_FFT,
                                         .name = "Fourier basis"}};
    uint64_t cut, dft; /* (all, WHISPER_FFT), (all, 2, WHISPER_BINS) */
    uint64_t spectra_bytes = 4ull * frames * 2 * WHISPER_BINS;
    TRY(plan_scratch(p, 4ull * all * WHISPER_FFT, "frames", &cut));
    TRY(plan_scratch(p, spectra_bytes * s->windows, "spectra", &dft));
    TRY(k_unfold(p, &(struct k_unfold_args){.in = s->samples,
                                            .out = cut,
                                            .rows = whisper_samples(m),
                                            .channels = 1,
                                            .out_rows = frames,
                                            .taps = WHISPER_FFT,
                                            .stride = WHISPER_HOP,
                                            .batch = s->windows}));
    TRY(product(p, "dft", &basis, all, cut, 0, dft));
    for (uint32_t i = 0; i < s->windows; i++)
        TRY(k_mel(p, &(struct k_mel_args){.frames = frames,
                                          .bins = WHISPER_BINS,
                                          .bands = m->n_mels,
                                          .dft = dft + i * spectra_bytes,
                                          .filters = m->filters,
                                          .used = s->used + 4ull * i,
                                          .loudest = s->loudest,
                                          .out = s->mel + 4ull * i * frames * m->n_mels}));
    return OK;
}

/* Three taps, one row of padding; gelu, plus `add` where it is not 0; each of n inputs of so many
 * rows for itself. */
static enum status convolve(struct plan *p, const char *name, const struct whisper_linear *l,
                            uint32_t n, uint64_t x, uint32_t rows, uint32_t stride, uint64_t add,
                            uint64_t out)
{
    enum { TAPS = 3 };
    uint32_t channels = l->w.k / TAPS, out_rows = rows / stride;
    uint64_t wide; /* (n, out_rows, channels * TAPS) */
    TRY(plan_scratch(p, 4ull * n * out_rows * l->w.k, "unfolded", &wide));
    TRY(k_unfold(p, &(struct k_unfold_args){.in = x,
                                            .out = wide,
                                            .rows = rows,
                                            .channels = channels,
                                            .out_rows = out_rows,
                                            .taps = TAPS,
                                            .stride = stride,
                                            .pad = 1,
                                            .batch = n}));
    TRY(product(p, name, l, n * out_rows, wide, 0, out));
    uint64_t values = (uint64_t)out_rows * l->w.n;
    if (!add)
        return k_gelu(p, out, 0, out, n * values);
    for (uint32_t i = 0; i < n; i++, out += 4 * values)
        TRY(k_gelu(p, out, add, out, values));
    return OK;
}

/* Keys and values of all rows to pages. */
static enum status remember(struct plan *p, const struct whisper_attn *a, uint32_t rows, uint64_t x,
                            bool half, const struct k_kv *kv, const struct k_steps *steps)
{
    uint64_t k, v; /* (rows, n_embd) each */
    TRY(plan_scratch(p, 4ull * rows * a->k.w.n, "k", &k));
    TRY(plan_scratch(p, 4ull * rows * a->v.w.n, "v", &v));
    if (half) {
        TRY(half_product(p, "k", &a->k, rows, x, PLAIN, 0, k));
        TRY(half_product(p, "v", &a->v, rows, x, PLAIN, 0, v));
    } else {
        TRY(product(p, "k", &a->k, rows, x, 0, k));
        TRY(product(p, "v", &a->v, rows, x, 0, v));
    }
    return k_rope_append(
        p, &(struct k_rope_args){.m = rows, .k = k, .v = v, .kv = *kv, .steps = *steps});
}

/* With rows of f16 between the operations; what is added up, s->h, stays f32. */
static enum status half_layer(struct plan *p, const struct whisper *m,
                              const struct whisper_sound *s, const struct whisper_layer *l)
{
    const struct whisper_side *side = &m->audio;
    uint32_t rows = s->windows * side->n_ctx, n = side->n_embd;
    uint64_t window = 2ull * side->n_ctx * n; /* bytes */
    uint64_t x, q, a, f;                      /* (rows, n) thrice, (rows, n_ff) */
    TRY(normed(p, &l->self.norm, s->h, rows, n, true, &x));
    TRY(rows_of(p, true, rows, n, "q", &q));
    TRY(rows_of(p, true, rows, n, "attention", &a));
    TRY(half_product(p, "q", &l->self.q, rows, x, HALF, 0, q));
    TRY(remember(p, &l->self, rows, x, true, &s->kv, &s->rows));
    for (uint32_t i = 0; i < s->windows; i++)
        TRY(k_flash(p, &(struct k_flash_args){.m = side->n_ctx,
                                              .q = q + i * window,
                                              .out = a + i * window,
                                              .half = true,
                                              .kv = s->kv,
                                              .steps = s->each[i],
                                              .scale = scale_of(side),
                                              .seen = side->n_ctx}));
    TRY(half_product(p, "o", &l->self.o, rows, a, PLAIN, s->h, s->h));
    TRY(normed(p, &l->mlp_norm, s->h, rows, n, true, &x));
    TRY(rows_of(p, true, rows, side->n_ff, "mlp", &f));
    TRY(half_product(p, "up", &l->up, rows, x, HALF | GELU, 0, f));
    return half_product(p, "down", &l->down, rows, f, PLAIN, s->h, s->h);
}

static enum status audio_layer(struct plan *p, const struct whisper *m,
                               const struct whisper_sound *s, const struct whisper_layer *l)
{
    const struct whisper_side *side = &m->audio;
    uint32_t rows = s->windows * side->n_ctx, n = side->n_embd;
    uint64_t window = 4ull * side->n_ctx * n; /* bytes */
    uint64_t x, q, a, f;                      /* (rows, n) thrice, (rows, n_ff) */
    if (layer_is_half(p, l, rows) && k_flash_takes_half(p, side->n_ctx, side->head_dim))
        return half_layer(p, m, s, l);
    TRY(normed(p, &l->self.norm, s->h, rows, n, false, &x));
    TRY(plan_scratch(p, 4ull * rows * n, "q", &q));
    TRY(plan_scratch(p, 4ull * rows * n, "attention", &a));
    TRY(product(p, "q", &l->self.q, rows, x, 0, q));
    TRY(remember(p, &l->self, rows, x, false, &s->kv, &s->rows));
    for (uint32_t i = 0; i < s->windows; i++)
        TRY(k_flash(p, &(struct k_flash_args){.m = side->n_ctx,
                                              .q = q + i * window,
                                              .out = a + i * window,
                                              .kv = s->kv,
                                              .steps = s->each[i],
                                              .scale = scale_of(side),
                                              .seen = side->n_ctx}));
    TRY(product(p, "o", &l->self.o, rows, a, s->h, s->h));
    TRY(normed(p, &l->mlp_norm, s->h, rows, n, false, &x));
    TRY(plan_scratch(p, 4ull * rows * side->n_ff, "mlp", &f));
    TRY(product(p, "up", &l->up, rows, x, 0, f));
    TRY(k_gelu(p, f, 0, f, (uint64_t)rows * side->n_ff));
    return product(p, "down", &l->down, rows, f, s->h, s->h);
}

enum status whisper_listen(struct plan *p, const struct whisper *m, const struct whisper_sound *s)
{
    const struct whisper_side *side = &m->audio;
    uint32_t frames = whisper_frames(m), n = s->windows, rows = n * side->n_ctx;
    uint64_t first, sound; /* (n, frames, n_embd), (n, n_ctx, n_embd) */
    plan_set_layer(p, -1);
    TRY(mel(p, m, s));
    TRY(plan_scratch(p, 4ull * n * frames * side->n_embd, "first convolution", &first));
    TRY(convolve(p, "conv1", &m->conv1, n, s->mel, frames, 1, 0, first));
    TRY(convolve(p, "conv2", &m->conv2, n, first, frames, 2, m->audio_places, s->h));
    for (uint32_t i = 0; i < side->n_layers; i++) {
        plan_set_layer(p, (int)i);
        TRY(audio_layer(p, m, s, &m->audio_layers[i]));
    }
    plan_set_layer(p, -1);
    bool half = true;
    for (uint32_t i = 0; i < m->text.n_layers; i++)
        half = half && k_takes_half(p, rows, &m->text_layers[i].cross.k.w) &&
               k_takes_half(p, rows, &m->text_layers[i].cross.v.w);
    TRY(normed(p, &m->audio_norm, s->h, rows, side->n_embd, half, &sound));
    for (uint32_t i = 0; i < m->text.n_layers; i++) {
        struct k_kv kv = layer_kv(s->cross, &m->text, i);
        plan_set_layer(p, (int)i);
        TRY(remember(p, &m->text_layers[i].cross, rows, sound, half, &kv, &s->cross_rows));
    }
    plan_set_layer(p, -1);
    return OK;
}

/* ---- text --------------------------------------------------------------------------------- */

static struct k_matvec_args step_args(const char *name, const struct whisper_linear *l,
                                      const struct whisper_step *s, uint64_t x, uint64_t out)
{
    return (struct k_matvec_args){.name = name,
                                  .b = s->rows,
                                  .x = x,
                                  .x_rows = s->rows,
                                  .eps = eps,
                                  .w = l->w,
                                  .bias = l->b,
                                  .out = out};
}

/* h += l x */
static enum status step_add(struct plan *p, const char *name, const struct whisper_linear *l,
                            const struct whisper_step *s, uint64_t x)
{
    struct k_matvec_args a = step_args(name, l, s, x, s->h);
    a.residual = s->h;
    return k_matvec(p, &a);
}

/* The residual stream as a product with `w` is to take it: *n becomes the norm that goes into the
 * product, or nothing where x has gone through it. */
static enum status step_normed(struct plan *p, const struct whisper_norm *norm,
                               const struct k_weight *w, const struct whisper_step *s,
                               struct whisper_norm *n, uint64_t *x)
{
    if (k_fuses_layernorm(s->rows, w->type, w->k)) {
        *n = *norm;
        *x = s->h;
        return OK;
    }
    *n = (struct whisper_norm){0};
    return normed(p, norm, s->h, s->rows, w->k, false, x);
}

/* out = l LayerNorm(h), gelu of it with `gelu`. */
static enum status step_product(struct plan *p, const char *name, const struct whisper_linear *l,
                                const struct whisper_norm *norm, const struct whisper_step *s,
                                bool gelu, uint64_t out)
{
    struct whisper_norm n;
    uint64_t x;
    TRY(step_normed(p, norm, &l->w, s, &n, &x));
    struct k_matvec_args a = step_args(name, l, s, x, out);
    a.norm_w = n.w;
    a.norm_b = n.b;
    a.gelu = gelu;
    return k_matvec(p, &a);
}

/* Queries, and keys and values to their pages. */
static enum status step_qkv(struct plan *p, const struct whisper *m, const struct whisper_step *s,
                            uint32_t layer, uint64_t q)
{
    const struct whisper_attn *l = &m->text_layers[layer].self;
    struct whisper_norm n;
    uint64_t x;
    /* The three may be of different types. */
    const struct k_weight *w = &l->q.w;
    if (!k_fuses_layernorm(s->rows, l->k.w.type, w->k))
        w = &l->k.w;
    else if (!k_fuses_layernorm(s->rows, l->v.w.type, w->k))
        w = &l->v.w;
    TRY(step_normed(p, &l->norm, w, s, &n, &x));
    return k_qkv(p, &(struct k_qkv_args){.b = s->rows,
                                         .x = x,
                                         .norm_w = n.w,
                                         .norm_b = n.b,
                                         .eps = eps,
                                         .q = l->q.w,
                                         .k = l->k.w,
                                         .v = l->v.w,
                                         .bq = l->q.b,
                                         .bv = l->v.b,
                                         .kv = layer_kv(s->kv, &m->text, layer),
                                         .steps = s->steps,
                                         .out = q});
}

static enum status attend(struct plan *p, const struct whisper *m, const struct whisper_step *s,
                          uint32_t layer, bool cross, uint64_t q, uint64_t out)
{
    struct k_attn_args a = {.b = s->rows,
                            .q = q,
                            .out = out,
                            .counter = s->counter,
                            .kv = layer_kv(cross ? s->cross : s->kv, &m->text, layer),
                            .steps = cross ? s->cross_steps : s->steps,
                            .splits = cross ? s->cross.max_pages : s->splits,
                            .scale = scale_of(&m->text)};
    return k_attn(p, &a);
}

/* What those heads of a layer look at that tell the times. */
static enum status align(struct plan *p, const struct whisper *m, const struct whisper_step *s,
                         uint32_t layer, uint64_t q)
{
    struct k_align_weights_args a = {.rows = s->rows,
                                     .q = q,
                                     .heads = s->align.heads,
                                     .align = s->align.align,
                                     .x = s->align.out,
                                     .places = m->text.n_ctx,
                                     .seen = m->audio.n_ctx,
                                     .kv = layer_kv(s->cross, &m->text, layer),
                                     .steps = s->cross_steps,
                                     .scale = scale_of(&m->text)};
    while (a.first < m->n_heads && m->heads[a.first].layer < layer)
        a.first++;
    while (a.first + a.n < m->n_heads && m->heads[a.first + a.n].layer == layer)
        a.n++;
    return a.n ? k_align_weights(p, &a) : OK;
}

static enum status text_layer(struct plan *p, const struct whisper *m, const struct whisper_step *s,
                              uint32_t layer)
{
    const struct whisper_side *side = &m->text;
    const struct whisper_layer *l = &m->text_layers[layer];
    uint32_t rows = s->rows, n = side->n_embd;
    uint64_t q, a, f; /* (rows, n) twice, (rows, n_ff) */
    TRY(plan_scratch(p, 4ull * rows * n, "q", &q));
    TRY(plan_scratch(p, 4ull * rows * n, "attention", &a));
    TRY(plan_scratch(p, 4ull * rows * side->n_ff, "mlp", &f));
    TRY(step_qkv(p, m, s, layer, q));
    TRY(attend(p, m, s, layer, false, q, a));
    TRY(step_add(p, "o", &l->self.o, s, a));
    TRY(step_product(p, "cross q", &l->cross.q, &l->cross.norm, s, false, q));
    if (s->align.out)
        TRY(align(p, m, s, layer, q));
    TRY(attend(p, m, s, layer, true, q, a));
    TRY(step_add(p, "cross o", &l->cross.o, s, a));
    TRY(step_product(p, "up", &l->up, &l->mlp_norm, s, true, f));
    return step_add(p, "down", &l->down, s, f);
}

enum status whisper_say(struct plan *p, const struct whisper *m, const struct whisper_step *s)
{
    plan_set_layer(p, -1);
    TRY(k_embed(p, &(struct k_embed_args){.table = m->embd,
                                          .places = m->text_places,
                                          .n_places = m->text.n_ctx,
                                          .steps = s->steps,
                                          .seqs = s->sample.seqs,
                                          .slots = s->sample.slots,
                                          .history = s->sample.history,
                                          .history_bytes = s->sample.history_bytes,
                                          .out = s->h}));
    for (uint32_t i = 0; i < m->text.n_layers; i++) {
        plan_set_layer(p, (int)i);
        TRY(text_layer(p, m, s, i));
    }
    plan_set_layer(p, -1);
    return s->outs ? whisper_choose(p, m, s) : OK;
}

enum status whisper_choose(struct plan *p, const struct whisper *m, const struct whisper_step *s)
{
    struct k_steps out = s->steps;
    struct k_matvec_args head = {
        .name = "head",
        .b = s->outs,
        .x = s->h,
        .x_rows = s->rows,
        .norm_w = m->text_norm.w,
        .norm_b = m->text_norm.b,
        .eps = eps,
        .w = m->embd,
        .out = s->logits,
    };
    out.out_rows = true;
    head.steps = out;
    plan_set_layer(p, -1);
    if (!k_fuses_layernorm(s->outs, m->embd.type, m->embd.k)) {
        TRY(plan_scratch(p, 4ull * s->outs * m->text.n_embd, "normed", &head.x));
        TRY(k_layernorm(p, &(struct k_layernorm_args){.rows = s->outs,
                                                      .x = s->h,
                                                      .w = m->text_norm.w,
                                                      .b = m->text_norm.b,
                                                      .out = head.x,
                                                      .k = m->text.n_embd,
                                                      .x_rows = s->rows,
                                                      .eps = eps,
                                                      .steps = out}));
        head.x_rows = s->outs;
        head.norm_w = head.norm_b = 0;
        head.steps = (struct k_steps){0};
    }
    TRY(k_matvec(p, &head));
    if (!s->speech)
        return OK;
    struct k_sample_args sample = s->sample;
    struct k_speech_args speech = *s->speech;
    sample.logits = s->logits;
    sample.vocab = m->n_vocab;
    sample.steps = s->steps;
    sample.next = s->next;
    sample.b = s->outs;
    speech.sample = &sample;
    if (!s->top)
        return k_speech_sample(p, &speech);
    TRY(k_rules(p, &speech));
    return k_top(p, &(struct k_top_args){.b = s->outs,
                                         .vocab = m->n_vocab,
                                         .count = s->n_top,
                                         .logits = s->logits,
                                         .notes = speech.notes,
                                         .out = s->top});
}
