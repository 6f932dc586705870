/* The plans of Whisper for compile.c: shapes without weights. */
#include <stdio.h>

#include "compile_plans.h"
#include "models/silero.h"
#include "models/whisper.h"

struct shape {
    const char *name;
    uint32_t embd, heads, audio_layers, text_layers, mels, vocab;
};
/* Layers of one side have one shape, so one of each will do. The last stands for all. */
static const struct shape shapes[] = {
    {"Whisper tiny", 384, 6, 1, 1, 80, 51865},     {"Whisper base", 512, 8, 1, 1, 80, 51865},
    {"Whisper small", 768, 12, 1, 1, 80, 51865},   {"Whisper medium", 1024, 16, 1, 1, 80, 51865},
    {"Whisper turbo", 1280, 20, 1, 1, 128, 51866},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, AUDIO_CTX = 1500, TEXT_CTX = 448, ROWS = 16 };

/* Block types that such files have. */
static const enum quant_type types[] = {QUANT_F16,  QUANT_F32,  QUANT_Q4_0, QUANT_Q4_1,
                                        QUANT_Q5_0, QUANT_Q5_1, QUANT_Q8_0};
enum { TYPES = sizeof types / sizeof *types };

struct built {
    struct whisper w;
    struct whisper_layer audio_layer, text_layer;
    struct whisper_head head;
    enum quant_type type;
    struct compile_space space;
    uint64_t page_table, pool, state;
};

static struct whisper_linear linear(struct built *b, uint32_t n, uint32_t k)
{
    return (struct whisper_linear){compile_weight(&b->space, b->type, n, k),
                                   compile_place(&b->space, 4ull * n)};
}

static struct whisper_norm norm(struct built *b, uint32_t n)
{
    return (struct whisper_norm){compile_place(&b->space, 4ull * n),
                                 compile_place(&b->space, 4ull * n)};
}

static struct whisper_attn attention(struct built *b, uint32_t n)
{
    struct whisper_attn a = {norm(b, n), linear(b, n, n), linear(b, n, n), linear(b, n, n),
                             linear(b, n, n)};
    a.k.b = 0;
    return a;
}

static struct whisper_layer layer(struct built *b, uint32_t n)
{
    return (struct whisper_layer){attention(b, n), attention(b, n), norm(b, n), linear(b, 4 * n, n),
                                  linear(b, n, 4 * n)};
}

static void build(struct built *b, const struct shape *s, enum quant_type type)
{
    *b = (struct built){.type = type, .space.next = 1 << 20};
    uint32_t n = s->embd;
    enum quant_type whole = type == QUANT_F32 ? QUANT_F32 : QUANT_F16;
    struct whisper_side side = {.n_ctx = AUDIO_CTX,
                                .n_layers = s->audio_layers,
                                .n_embd = n,
                                .n_heads = s->heads,
                                .head_dim = n / s->heads,
                                .n_ff = 4 * n};
    b->audio_layer = layer(b, n);
    b->text_layer = layer(b, n);
    b->w = (struct whisper){.audio = side, .text = side, .n_vocab = s->vocab, .n_mels = s->mels};
    struct whisper *w = &b->w;
    w->text.n_ctx = TEXT_CTX;
    w->text.n_layers = s->text_layers;
    w->filters = compile_place(&b->space, 4ull * s->mels * WHISPER_BINS);
    w->conv1 = (struct whisper_linear){compile_weight(&b->space, whole, n, 3 * s->mels),
                                       compile_place(&b->space, 4ull * n)};
    w->conv2 = (struct whisper_linear){compile_weight(&b->space, whole, n, 3 * n),
                                       compile_place(&b->space, 4ull * n)};
    w->audio_places = compile_place(&b->space, 4ull * AUDIO_CTX * n);
    w->audio_layers = &b->audio_layer;
    w->audio_norm = norm(b, n);
    w->embd = compile_weight(&b->space, type, s->vocab, n);
    w->text_places = compile_place(&b->space, 4ull * TEXT_CTX * n);
    w->text_layers = &b->text_layer;
    w->text_norm = norm(b, n);
    w->heads = &b->head;
    w->n_heads = 1;
    b->page_table = compile_place(&b->space, 1 << 16);
    b->pool = compile_place(&b->space, 1ull << 32);
    b->state = compile_place(&b->space, 1ull << 32);
}

static struct k_kv kv_of(const struct built *b, uint32_t positions)
{
    return (struct k_kv){.pages = b->page_table,
                         .slots = 1,
                         .max_pages = (positions + K_PAGE_TOKENS - 1) / K_PAGE_TOKENS,
                         .pool = b->pool,
                         .pool_bytes = 1ull << 32,
                         .heads = b->w.audio.n_heads,
                         .kv_heads = b->w.audio.n_heads,
                         .head_dim = b->w.audio.head_dim};
}

static enum status listen(struct plan *p, struct built *b)
{
    struct k_steps rows = {.addr = compile_place(&b->space, 1 << 16), .rows = AUDIO_CTX};
    return whisper_listen(p, &b->w,
                          &(struct whisper_sound){.windows = 1,
                                                  .each = &rows,
                                                  .samples = compile_place(&b->space, 1 << 22),
                                                  .used = compile_place(&b->space, 4),
                                                  .loudest = compile_place(&b->space, 4),
                                                  .basis = compile_place(&b->space, 1 << 22),
                                                  .mel = compile_place(&b->space, 1 << 22),
                                                  .h = compile_place(&b->space, 1 << 24),
                                                  .rows = rows,
                                                  .cross_rows = rows,
                                                  .kv = kv_of(b, AUDIO_CTX),
                                                  .cross = kv_of(b, AUDIO_CTX)});
}

/* What a step does with its logits. */
enum then { PROBS, GREEDY, DRAWN, BEAM, LOOK };

/* A step of so many rows. */
static enum status say(struct plan *p, struct built *b, uint32_t rows, enum then then)
{
    uint32_t outs = then == BEAM ? rows : 1;
    struct k_steps steps = {.addr = compile_place(&b->space, 1 << 16), .rows = rows};
    struct k_speech_args speech = {.speech = compile_place(&b->space, 1 << 16),
                                   .notes = compile_place(&b->space, 1 << 16),
                                   .never = compile_place(&b->space, 1 << 16),
                                   .never_bytes = 1 << 16,
                                   .logprobs = compile_place(&b->space, 1 << 16),
                                   .logprobs_bytes = 1 << 16};
    struct whisper_step step = {
        .rows = rows,
        .outs = outs,
        .top = then == BEAM ? compile_place(&b->space, 1 << 16) : 0,
        .n_top = rows + 1,
        .steps = steps,
        .cross_steps = {.addr = compile_place(&b->space, 1 << 16), .rows = rows},
        .kv = kv_of(b, TEXT_CTX),
        .cross = kv_of(b, AUDIO_CTX),
        .splits = kv_of(b, TEXT_CTX).max_pages,
        .h = compile_place(&b->space, 1 << 20),
        .logits = compile_place(&b->space, 1 << 20),
        .counter = compile_place(&b->space, 1 << 16),
        .speech = then != PROBS && then != LOOK ? &speech : NULL,
        .sample = {.b = outs,
                   .seqs = compile_place(&b->space, 1 << 16),
                   .slots = 1,
                   .history = compile_place(&b->space, 1 << 16),
                   .history_bytes = 1 << 16,
                   .ring = compile_place(&b->space, 1 << 16),
                   .ring_bytes = 1 << 16,
                   .bias = compile_place(&b->space, 1 << 16),
                   .bias_bytes = 1 << 16,
                   .counter = compile_place(&b->space, 1 << 16),
                   .greedy = then == GREEDY}};
    if (then == LOOK)
        step.align = (struct whisper_align){.heads = compile_place(&b->space, 1 << 16),
                                            .align = compile_place(&b->space, 1 << 16),
                                            .out = compile_place(&b->space, 1 << 24)};
    TRY(whisper_say(p, &b->w, &step));
    if (then == LOOK)
        return k_align(p, &(struct k_align_args){.heads = 1,
                                                 .places = TEXT_CTX,
                                                 .seen = AUDIO_CTX,
                                                 .align = step.align.align,
                                                 .x = step.align.out,
                                                 .out = compile_place(&b->space, 1 << 24)});
    if (then == BEAM)
        return k_fork(p, &(struct k_fork_args){.kv = step.kv,
                                               .layers = b->w.text.n_layers,
                                               .forks = compile_place(&b->space, 1 << 16),
                                               .most = rows,
                                               .seqs = step.sample.seqs,
                                               .history = step.sample.history,
                                               .history_bytes = step.sample.history_bytes});
    if (then != PROBS)
        return OK;
    return k_probs(p, &(struct k_probs_args){.rows = 1,
                                             .vocab = b->w.n_vocab,
                                             .logits = step.logits,
                                             .out = compile_place(&b->space, 1 << 16),
                                             .to = b->w.n_vocab,
                                             .count = 1});
}

static enum status one(struct gpu *g, struct built *b, const char *what, uint32_t rows,
                       enum then then, const struct compile_visit *visit)
{
    struct plan *p;
    TRY(plan_create(g, &(struct plan_params){.name = "compile"}, &p));
    enum status s = rows ? say(p, b, rows, then) : listen(p, b);
    for (uint32_t i = 0; s == OK && i < plan_count(p); i++)
        s = visit->op(visit->ctx, plan_get(p, i), what, rows == 1);
    plan_destroy(&p);
    return s;
}

/* The plan of a block of voice activity. */
static enum status voice(struct gpu *g, const struct compile_visit *visit)
{
    struct compile_space space = {.next = 1 << 20};
    struct silero m;
    struct plan *p;
    struct silero_step step = {.chunks = 256,
                               .samples = compile_place(&space, 1 << 22),
                               .state = compile_place(&space, 1 << 12),
                               .probs = compile_place(&space, 1 << 12)};
    silero_at(compile_place(&space, 4 * silero_floats()), &m);
    TRY(plan_create(g, &(struct plan_params){.name = "compile"}, &p));
    enum status s = silero_hear(p, &m, &step);
    if (s == OK)
        s = silero_level(p, &step, m.w, m.b);
    for (uint32_t i = 0; s == OK && i < plan_count(p); i++)
        s = visit->op(visit->ctx, plan_get(p, i), "voice activity", false);
    plan_destroy(&p);
    return s;
}

enum status compile_speech(struct gpu *g, bool all, const struct compile_visit *visit)
{
    TRY(voice(g, visit));
    for (int i = all ? 0 : SHAPES - 1; i < SHAPES; i++) {
        for (int t = 0; t < (all ? TYPES : 1); t++) {
            struct built b;
            char what[80];
            build(&b, &shapes[i], types[t]);
            const char *type = quant_info(types[t])->name;
            snprintf(what, sizeof what, "%s %s, listening", shapes[i].name, type);
            TRY(one(g, &b, what, 0, PROBS, visit));
            snprintf(what, sizeof what, "%s %s, text of 1", shapes[i].name, type);
            TRY(one(g, &b, what, 1, GREEDY, visit));
            TRY(one(g, &b, what, 1, DRAWN, visit));
            snprintf(what, sizeof what, "%s %s, text of 5", shapes[i].name, type);
            TRY(one(g, &b, what, 5, BEAM, visit));
            snprintf(what, sizeof what, "%s %s, prompt", shapes[i].name, type);
            TRY(one(g, &b, what, 4, PROBS, visit));
            TRY(one(g, &b, what, ROWS, PROBS, visit));
            TRY(one(g, &b, what, ROWS, LOOK, visit));
        }
    }
    return OK;
}
