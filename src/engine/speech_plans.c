/* The plans of a speech model: which kernels over which memory. */
#include <stddef.h>

#include "base/checked.h"
#include "engine/speech_inside.h"

/* ---- plans -------------------------------------------------------------------------------- */

static const char *const plan_names[SPEECH_PLANS] = {
    "listen",     "prompt of 4", "prompt of 16", "language", "silence", "next",
    "next drawn", "fork",        "beam",         "look",     "align",
};

/* An address for plans that are only laid out. */
static uint64_t address(const struct gpu_buf *b)
{
    return b ? b->addr : 4096;
}

static struct k_kv pages_of(const struct speech *s, uint64_t table, uint32_t slots, uint32_t pages,
                            const struct speech_pool *pool, const struct whisper_side *side)
{
    return (struct k_kv){.pages = address(s->state) + table,
                         .slots = slots,
                         .max_pages = pages,
                         .pool = pool->n_bufs ? pool->bufs[0]->addr : 4096,
                         .pool_bytes = pool->n_bufs ? pool->bufs[0]->bytes : 4096,
                         .heads = side->n_heads,
                         .kv_heads = side->n_heads,
                         .head_dim = side->head_dim};
}

static struct k_kv cross_pages(const struct speech *s)
{
    const struct whisper *w = &s->m->w;
    return pages_of(s, s->at.cross_table, s->windows, s->audio_pages, &s->cross_pool, &w->text);
}

static struct k_kv text_pages(const struct speech *s)
{
    const struct whisper *w = &s->m->w;
    return pages_of(s, s->at.text_table, s->rows, s->text_pages, &s->text_pool, &w->text);
}

static enum status build_listen(struct speech *s, struct plan *p, uint32_t windows)
{
    const struct whisper *w = &s->m->w;
    uint64_t state = address(s->state);
    uint32_t rows = windows * w->audio.n_ctx;
    struct k_steps each[SPEECH_HEARS];
    for (uint32_t i = 0; i < windows; i++)
        each[i] = (struct k_steps){.addr = state + s->at.each_rows + i * speech_each_bytes(s),
                                   .rows = w->audio.n_ctx};
    return whisper_listen(
        p, w,
        &(struct whisper_sound){.windows = windows,
                                .samples = address(s->samples),
                                .used = state + s->at.used,
                                .loudest = state + s->at.loudest,
                                .basis = state + s->at.basis,
                                .mel = address(s->mel),
                                .h = address(s->sound),
                                .rows = {.addr = state + s->at.sound_rows, .rows = rows},
                                .cross_rows = {.addr = state + s->at.heard_rows, .rows = rows},
                                .each = each,
                                .kv = pages_of(s, s->at.audio_table, s->hears, s->audio_pages,
                                               &s->audio_pool, &w->audio),
                                .cross = cross_pages(s)});
}

static struct k_sample_args sampling(const struct speech *s, uint32_t rows, bool greedy)
{
    uint64_t state = address(s->state), results = address(s->results);
    return (struct k_sample_args){
        .b = rows,
        .seqs = state + s->at.seqs,
        .slots = s->rows,
        .history = state + s->at.history,
        .history_bytes = 4ull * s->m->w.text.n_ctx * s->rows,
        .ring = results + s->at.ring,
        .ring_bytes = 4ull * SPEECH_MOST * s->rows,
        .bias = state + s->at.bias,
        .bias_bytes = 8,
        .counter = state + s->at.sample_counter,
        .greedy = greedy,
    };
}

/* A step of `rows` rows whose header lies at `steps`; `windows`: rows that say whose sound each
 * hears. */
static struct whisper_step step_of(const struct speech *s, uint32_t rows, uint64_t steps,
                                   uint64_t windows)
{
    uint64_t state = address(s->state);
    return (struct whisper_step){
        .rows = rows,
        .steps = {.addr = state + steps, .rows = rows},
        .cross_steps = {.addr = state + windows, .rows = rows},
        .kv = text_pages(s),
        .cross = cross_pages(s),
        .splits = s->text_pages,
        .h = address(s->h),
        .logits = address(s->logits),
        .counter = state + s->at.attn_counter,
        .sample = sampling(s, rows, false),
    };
}

static enum status build_prompt(struct speech *s, struct plan *p, uint32_t rows)
{
    struct whisper_step step = step_of(s, rows, s->at.prompt, s->at.cross_prompt);
    return whisper_say(p, &s->m->w, &step);
}

/* Of one row that a prompt left. */
static enum status build_probs(struct speech *s, struct plan *p, bool language)
{
    const struct whisper *w = &s->m->w;
    struct whisper_step step = step_of(s, SPEECH_PROMPT, s->at.prompt, s->at.cross_prompt);
    struct k_probs_args a = {.rows = 1,
                             .vocab = w->n_vocab,
                             .logits = step.logits,
                             .out = address(s->results) + s->at.probs,
                             .to = w->n_vocab,
                             .first = w->ids.no_speech,
                             .count = 1};
    if (language) {
        a.from = a.first = w->ids.language_0;
        a.count = w->ids.n_languages;
        a.to = a.from + a.count;
    }
    step.outs = 1;
    TRY(whisper_choose(p, w, &step));
    return k_probs(p, &a);
}

static struct k_fork_args forks(const struct speech *s)
{
    struct k_sample_args seqs = sampling(s, 1, true);
    return (struct k_fork_args){.kv = text_pages(s),
                                .layers = s->m->w.text.n_layers,
                                .forks = address(s->state) + s->at.orders,
                                .most = s->rows,
                                .seqs = seqs.seqs,
                                .history = seqs.history,
                                .history_bytes = seqs.history_bytes};
}

/* What the host has written for the next step, to where it is read. */
static enum status fetch_orders(struct speech *s, struct plan *p)
{
    plan_set_layer(p, -1);
    return k_transpose(p, &(struct k_transpose_args){.in = address(s->results) + s->at.new_orders,
                                                     .out = address(s->state) + s->at.orders,
                                                     .elem = 4,
                                                     .batch = 1,
                                                     .rows = 1,
                                                     .cols = sizeof(struct speech_orders) / 4});
}

static enum status build_fork(struct speech *s, struct plan *p)
{
    struct k_fork_args a = forks(s);
    TRY(fetch_orders(s, p));
    return k_fork(p, &a);
}

static enum status build_next(struct speech *s, struct plan *p, enum speech_plan which,
                              uint32_t rows)
{
    const struct whisper *w = &s->m->w;
    uint64_t state = address(s->state), results = address(s->results);
    bool beam = which == SPEECH_BEAM;
    uint64_t orders = s->at.orders + offsetof(struct speech_orders, step);
    struct k_speech_args speech = {.speech = state + s->at.speech,
                                   .notes = state + s->at.notes,
                                   .never = state + s->at.never,
                                   .never_bytes = div_up(w->n_vocab, 32) * 4,
                                   .logprobs = results + s->at.logprobs,
                                   .logprobs_bytes = 4ull * SPEECH_MOST * s->rows};
    struct whisper_step step = step_of(s, rows, beam ? orders : s->at.step, s->at.cross_step);
    step.outs = rows;
    step.speech = &speech;
    step.sample.greedy = which == SPEECH_NEXT;
    if (beam) {
        struct k_fork_args a = forks(s);
        step.top = results + s->at.candidates;
        step.n_top = rows + 1;
        TRY(fetch_orders(s, p));
        TRY(k_fork(p, &a));
    }
    return whisper_say(p, w, &step);
}

static enum status build_look(struct speech *s, struct plan *p)
{
    const struct whisper *w = &s->m->w;
    uint64_t state = address(s->state);
    struct whisper_step step = step_of(s, SPEECH_PROMPT, s->at.prompt, s->at.cross_prompt);
    step.outs = SPEECH_PROMPT;
    step.align = (struct whisper_align){
        .heads = state + s->at.heads, .align = state + s->at.align, .out = address(s->looks)};
    TRY(whisper_say(p, w, &step));
    return k_probs(p, &(struct k_probs_args){.rows = SPEECH_PROMPT,
                                             .vocab = w->n_vocab,
                                             .logits = step.logits,
                                             .out = address(s->results) + s->at.probs,
                                             .to = w->ids.end,
                                             .count = 1,
                                             .ids = state + s->at.named});
}

static enum status build_align(struct speech *s, struct plan *p)
{
    const struct whisper *w = &s->m->w;
    uint64_t looks = address(s->looks);
    plan_set_layer(p, -1);
    return k_align(p, &(struct k_align_args){.heads = w->n_heads,
                                             .places = w->text.n_ctx,
                                             .seen = w->audio.n_ctx,
                                             .align = address(s->state) + s->at.align,
                                             .x = looks,
                                             .out = looks + 4ull * w->n_heads * w->text.n_ctx *
                                                                w->audio.n_ctx});
}

static enum status build(struct speech *s, enum speech_plan which, uint32_t rows, bool timed,
                         struct plan **out)
{
    struct plan_params params = {.name = plan_names[which], .timestamps = timed};
    TRY(plan_create(s->gpu, &params, out));
    enum status st = OK;
    switch (which) {
    case SPEECH_LISTEN:
        st = build_listen(s, *out, rows);
        break;
    case SPEECH_ROWS_4:
    case SPEECH_ROWS_16:
        st = build_prompt(s, *out, which == SPEECH_ROWS_4 ? 4 : SPEECH_PROMPT);
        break;
    case SPEECH_LANGUAGE:
    case SPEECH_SILENCE:
        st = build_probs(s, *out, which == SPEECH_LANGUAGE);
        break;
    case SPEECH_FORK:
        st = build_fork(s, *out);
        break;
    case SPEECH_LOOK:
        st = build_look(s, *out);
        break;
    case SPEECH_ALIGN:
        st = build_align(s, *out);
        break;
    case SPEECH_NEXT:
    case SPEECH_NEXT_DRAWN:
    case SPEECH_BEAM:
    case SPEECH_PLANS:
        st = build_next(s, *out, which, rows);
        break;
    }
    if (st == OK)
        st = plan_place(*out);
    if (st != OK)
        plan_destroy(out);
    return st;
}

/* Plans that are there once for each number of rows. */
static bool has_rows(enum speech_plan which)
{
    return which == SPEECH_LISTEN || which == SPEECH_NEXT || which == SPEECH_NEXT_DRAWN ||
           which == SPEECH_BEAM;
}

enum status speech_scratch_bytes(struct speech *s, uint64_t *bytes)
{
    *bytes = 256;
    for (int i = 0; i < SPEECH_PLANS; i++) {
        struct plan *p;
        if (!s->aligns && (i == SPEECH_LOOK || i == SPEECH_ALIGN))
            continue;
        TRY(build(s, (enum speech_plan)i, i == SPEECH_LISTEN ? s->hears : s->rows, false, &p));
        if (plan_scratch_bytes(p) > *bytes)
            *bytes = plan_scratch_bytes(p);
        plan_destroy(&p);
    }
    return OK;
}

static enum status seal(struct speech *s, enum speech_plan which, uint32_t rows, bool timed,
                        struct plan **out)
{
    TRY(build(s, which, rows, timed, out));
    enum status st = plan_seal(*out, s->scratch);
    if (st != OK)
        plan_destroy(out);
    return st;
}

enum status speech_plan_timed(struct speech *s, enum speech_plan which, uint32_t rows,
                              struct plan **out)
{
    return seal(s, which, rows, true, out);
}

enum status speech_run(struct speech *s, enum speech_plan which, uint32_t rows, uint32_t repeat)
{
    uint64_t ticket;
    struct plan **at = &s->plans[which][has_rows(which) ? rows : 0];
    if (!*at)
        TRY(seal(s, which, rows, false, at));
    if (s->on_run)
        return s->on_run(s->on_run_ctx, *at, repeat);
    TRY(plan_run(*at, repeat, &ticket));
    return gpu_wait(s->gpu, ticket);
}

enum status speech_plan_again(struct speech *s, const struct plan *p, struct plan **out)
{
    *out = NULL;
    for (int i = 0; i < SPEECH_PLANS; i++) {
        for (uint32_t rows = 0; rows <= K_MAX_OUT; rows++) {
            if (s->plans[i][rows] == p)
                return seal(s, (enum speech_plan)i, rows, false, out);
        }
    }
    return status_fail(ERR_USAGE, "'%s' is not a plan of this model", plan_name(p));
}
