#include "engine/speech.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "engine/load.h"
#include "engine/vocab_speech.h"

enum { STEPS = 8, BATCH = 16 };

/* ---- models ------------------------------------------------------------------------------- */

enum status speech_model_load(struct gpu *g, const struct engine_load_params *params,
                              struct speech_model **out)
{
    *out = NULL;
    double start = time_now();
    enum status s = ERR_MEMORY;
    struct weights *w = NULL;
    struct speech_model *m = mem_alloc(sizeof *m);
    if (!m)
        return ERR_MEMORY;
    m->gpu = g;
    TRY_GOTO(weights_open(params->path, &w));
    TRY_GOTO(whisper_load(w, &m->w));
    TRY_GOTO(vocab_speech_load(w, &m->w.ids, m->w.n_vocab, &m->tok));
    struct arena *a = &m->w.arena;
    s = ERR_MEMORY;
    m->never = arena_calloc(a, m->w.n_vocab / 32 + 1, sizeof *m->never);
    m->path = arena_strndup(a, params->path, strlen(params->path));
    m->bufs = arena_calloc(a, m->w.n_tensors, sizeof *m->bufs);
    if (!m->never || !m->path || !m->bufs)
        goto fail;
    TRY_GOTO(vocab_speech_never(m->tok, &m->w.ids, m->never));
    uint64_t need = 0;
    for (uint32_t i = 0; i < m->w.n_tensors; i++) {
        const struct weights_tensor *t = m->w.tensors[i].file;
        m->weight_bytes += t->bytes;
        m->n_params += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
        need += align_up(t->bytes, 256);
    }
    TRY_GOTO(engine_check_room(g, m->path, need));
    TRY_GOTO(engine_send(g, w, params, m->w.tensors, m->w.n_tensors, m->bufs));
    weights_close(&w);
    for (uint32_t i = 0; i < m->w.n_tensors; i++)
        m->w.tensors[i].file = NULL;
    m->load_seconds = time_now() - start;
    *out = m;
    return OK;
fail:
    weights_close(&w);
    speech_model_unload(&m);
    return s;
}

void speech_model_unload(struct speech_model **pm)
{
    struct speech_model *m = *pm;
    *pm = NULL;
    if (!m)
        return;
    for (uint32_t i = 0; m->bufs && i < m->w.n_tensors; i++)
        gpu_buf_destroy(m->gpu, &m->bufs[i]);
    tok_destroy(&m->tok);
    whisper_unload(&m->w);
    mem_free(m);
}

/* ---- plans -------------------------------------------------------------------------------- */

static const char *const plan_names[SPEECH_PLANS] = {
    "listen", "prompt of 4", "prompt of 16", "language",   "silence",
    "first",  "first drawn", "next",         "next drawn",
};

/* An address for plans that are only laid out. */
static uint64_t address(const struct gpu_buf *b)
{
    return b ? b->addr : 4096;
}

static struct k_kv pages_of(const struct speech *s, uint64_t table, uint32_t pages, uint64_t pool,
                            uint64_t page_bytes, const struct whisper_side *side)
{
    return (struct k_kv){.pages = address(s->state) + table,
                         .slots = 1,
                         .max_pages = pages,
                         .pool = s->pages ? pool : 4096,
                         .pool_bytes = s->pages ? pages * page_bytes : 4096,
                         .heads = side->n_heads,
                         .kv_heads = side->n_heads,
                         .head_dim = side->head_dim};
}

static struct k_kv cross_pages(const struct speech *s)
{
    const struct whisper *w = &s->m->w;
    return pages_of(s, s->at.cross_table, s->audio_pages, s->cross_pages_addr,
                    whisper_page_bytes(&w->text) * w->text.n_layers, &w->text);
}

static enum status build_listen(struct speech *s, struct plan *p)
{
    const struct whisper *w = &s->m->w;
    uint64_t state = address(s->state);
    struct k_steps rows = {.addr = state + s->at.sound_rows, .rows = w->audio.n_ctx};
    return whisper_listen(
        p, w,
        &(struct whisper_sound){.samples = address(s->samples),
                                .used = state + s->at.used,
                                .basis = state + s->at.basis,
                                .mel = address(s->mel),
                                .h = address(s->sound),
                                .rows = rows,
                                .cross_rows = rows,
                                .kv = pages_of(s, s->at.audio_table, s->audio_pages,
                                               s->audio_pages_addr, whisper_page_bytes(&w->audio),
                                               &w->audio),
                                .cross = cross_pages(s)});
}

static enum status build_probs(struct speech *s, struct plan *p, const struct whisper_step *step,
                               enum speech_plan which)
{
    const struct whisper *w = &s->m->w;
    struct k_probs_args a = {.rows = 1,
                             .vocab = w->n_vocab,
                             .logits = step->logits,
                             .out = address(s->results) + s->at.probs,
                             .to = w->n_vocab,
                             .first = w->ids.no_speech,
                             .count = 1};
    if (which == SPEECH_LANGUAGE) {
        a.from = a.first = w->ids.language_0;
        a.count = w->ids.n_languages;
        a.to = a.from + a.count;
    }
    TRY(whisper_choose(p, w, step));
    return k_probs(p, &a);
}

static enum status build_text(struct speech *s, struct plan *p, enum speech_plan which)
{
    const struct whisper *w = &s->m->w;
    uint64_t state = address(s->state), results = address(s->results);
    bool next = which == SPEECH_NEXT || which == SPEECH_NEXT_DRAWN;
    bool prompt = which == SPEECH_ROWS_4 || which == SPEECH_ROWS_16;
    bool greedy = which == SPEECH_NEXT || which == SPEECH_FIRST;
    bool chooses = !prompt && which != SPEECH_LANGUAGE && which != SPEECH_SILENCE;
    uint32_t rows = next ? 1 : which == SPEECH_ROWS_4 ? 4 : BATCH;
    struct k_speech_args speech = {.speech = state + s->at.speech,
                                   .notes = state + s->at.notes,
                                   .never = state + s->at.never,
                                   .never_bytes = div_up(w->n_vocab, 32) * 4,
                                   .logprobs = results + s->at.logprobs,
                                   .logprobs_bytes = 4 * SPEECH_MOST};
    struct whisper_step step = {
        .rows = rows,
        .outs = prompt ? 0 : 1,
        .steps = {.addr = state + (next ? s->at.step : s->at.prompt), .rows = rows},
        .next = {.addr = next ? 0 : state + s->at.step, .rows = next ? 0 : 1},
        .cross_steps = {.addr = state + s->at.cross_rows, .rows = rows},
        .kv = pages_of(s, s->at.text_table, s->text_pages, s->text_pages_addr,
                       whisper_page_bytes(&w->text) * w->text.n_layers, &w->text),
        .cross = cross_pages(s),
        .splits = s->text_pages,
        .h = address(s->h),
        .logits = address(s->logits),
        .counter = state + s->at.attn_counter,
        .speech = chooses ? &speech : NULL,
        .sample = {.b = 1,
                   .seqs = state + s->at.seqs,
                   .slots = 1,
                   .history = state + s->at.history,
                   .history_bytes = 4ull * w->text.n_ctx,
                   .ring = results + s->at.ring,
                   .ring_bytes = 4 * SPEECH_MOST,
                   .bias = state + s->at.bias,
                   .bias_bytes = 8,
                   .counter = state + s->at.sample_counter,
                   .greedy = greedy},
    };
    if (prompt || next)
        return whisper_say(p, w, &step);
    return chooses ? whisper_choose(p, w, &step) : build_probs(s, p, &step, which);
}

static enum status build(struct speech *s, enum speech_plan which, struct plan **out)
{
    TRY(plan_create(s->gpu, &(struct plan_params){.name = plan_names[which]}, out));
    enum status st = which == SPEECH_LISTEN ? build_listen(s, *out) : build_text(s, *out, which);
    if (st == OK)
        st = plan_place(*out);
    if (st != OK)
        plan_destroy(out);
    return st;
}

static enum status run(struct speech *s, enum speech_plan which, uint32_t repeat)
{
    uint64_t ticket;
    if (!s->plans[which]) {
        struct plan *p;
        TRY(build(s, which, &p));
        enum status st = plan_seal(p, s->scratch);
        if (st != OK) {
            plan_destroy(&p);
            return st;
        }
        s->plans[which] = p;
    }
    if (s->on_run)
        return s->on_run(s->on_run_ctx, s->plans[which], repeat);
    TRY(plan_run(s->plans[which], repeat, &ticket));
    return gpu_wait(s->gpu, ticket);
}

enum status speech_plan_again(struct speech *s, const struct plan *p, struct plan **out)
{
    int i = 0;
    *out = NULL;
    while (i < SPEECH_PLANS && s->plans[i] != p)
        i++;
    if (i == SPEECH_PLANS)
        return status_fail(ERR_USAGE, "'%s' is not a plan of this model", plan_name(p));
    TRY(build(s, (enum speech_plan)i, out));
    enum status st = plan_seal(*out, s->scratch);
    if (st != OK)
        plan_destroy(out);
    return st;
}

/* ---- memory ------------------------------------------------------------------------------- */

static uint64_t place(uint64_t *size, uint64_t bytes)
{
    uint64_t at = *size;
    *size += align_up(bytes, 256);
    return at;
}

static uint64_t rows_bytes(uint32_t rows)
{
    return K_STEP_BYTES + sizeof(struct k_row) * (uint64_t)rows;
}

static void lay_out(struct speech *s)
{
    const struct whisper *w = &s->m->w;
    struct speech_layout *at = &s->at;
    uint64_t *size = &at->size;
    at->basis = place(size, 4ull * 2 * WHISPER_BINS * WHISPER_FFT);
    at->audio_table = place(size, 8ull * s->audio_pages);
    at->cross_table = place(size, 8ull * s->audio_pages);
    at->text_table = place(size, 8ull * s->text_pages);
    at->sound_rows = place(size, rows_bytes(w->audio.n_ctx));
    at->used = place(size, 4);
    at->step = place(size, rows_bytes(1));
    at->prompt = place(size, rows_bytes(BATCH));
    at->cross_rows = place(size, rows_bytes(BATCH));
    at->seqs = place(size, K_SEQ_BYTES);
    at->history = place(size, 4ull * w->text.n_ctx);
    at->speech = place(size, K_SPEECH_BYTES);
    at->never = place(size, div_up(w->n_vocab, 32) * 4);
    at->notes = place(size, sizeof(struct k_note));
    at->attn_counter = place(size, 4ull * w->text.n_heads * BATCH);
    at->sample_counter = place(size, 4ull * K_SAMPLE_COUNTERS);
    at->bias = place(size, 8);
    size = &at->results_size;
    at->ring = place(size, 4 * SPEECH_MOST);
    at->logprobs = place(size, 4 * SPEECH_MOST);
    at->probs = place(size, 4 * WHISPER_MAX_LANGUAGES);
}

static enum status take(struct speech *s, uint64_t bytes, enum gpu_memory memory,
                        enum gpu_purpose purpose, const char *tag, const struct gpu_buf **out)
{
    return gpu_buf_create(
        s->gpu,
        &(struct gpu_buf_params){.bytes = bytes, .memory = memory, .purpose = purpose, .tag = tag},
        out);
}

/* Pages one behind the other at *addr, which moves on. */
static enum status put_table(struct speech *s, uint64_t at, uint32_t n, uint64_t bytes,
                             uint64_t *addr)
{
    uint64_t *table = mem_calloc(n, sizeof *table);
    if (!table)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < n; i++, *addr += bytes)
        table[i] = *addr;
    enum status st = gpu_upload(s->gpu, s->state->addr + at, table, n * sizeof *table);
    mem_free(table);
    return st;
}

static uint64_t text_page(const struct speech *s)
{
    return whisper_page_bytes(&s->m->w.text) * s->m->w.text.n_layers;
}

static uint64_t pages_bytes(const struct speech *s)
{
    return s->audio_pages * (whisper_page_bytes(&s->m->w.audio) + text_page(s)) +
           s->text_pages * text_page(s);
}

static enum status take_pages(struct speech *s)
{
    uint64_t audio = whisper_page_bytes(&s->m->w.audio), text = text_page(s);
    uint64_t bytes = pages_bytes(s);
    TRY(take(s, bytes, GPU_DEVICE, GPU_KV, "keys and values", &s->pages));
    /* Masked positions are multiplied by zero: what lies there must be finite. */
    TRY(gpu_fill(s->gpu, s->pages->addr, 0, bytes));
    uint64_t addr = s->audio_pages_addr = s->pages->addr;
    TRY(put_table(s, s->at.audio_table, s->audio_pages, audio, &addr));
    s->cross_pages_addr = addr;
    TRY(put_table(s, s->at.cross_table, s->audio_pages, text, &addr));
    s->text_pages_addr = addr;
    return put_table(s, s->at.text_table, s->text_pages, text, &addr);
}

/* Rows at positions 0, 1 ..., or all at the last one of the sound. */
static enum status put_rows(struct speech *s, uint64_t at, uint32_t n, uint32_t pos, uint32_t step)
{
    enum status st;
    char *host = mem_alloc(rows_bytes(n));
    if (!host)
        return ERR_MEMORY;
    ((struct k_step *)(void *)host)->n_rows = n;
    struct k_row *rows = (struct k_row *)(void *)(host + K_STEP_BYTES);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (struct k_row){.pos = pos + step * i};
    st = gpu_upload(s->gpu, s->state->addr + at, host, rows_bytes(n));
    mem_free(host);
    return st;
}

static enum status fill_state(struct speech *s)
{
    const struct whisper *w = &s->m->w;
    uint64_t bytes = 4ull * 2 * WHISPER_BINS * WHISPER_FFT;
    float *basis = mem_alloc(bytes);
    if (!basis)
        return ERR_MEMORY;
    whisper_basis(basis);
    enum status st = gpu_upload(s->gpu, s->state->addr + s->at.basis, basis, bytes);
    mem_free(basis);
    TRY(st);
    TRY(put_rows(s, s->at.sound_rows, w->audio.n_ctx, 0, 1));
    TRY(put_rows(s, s->at.cross_rows, BATCH, w->audio.n_ctx - 1, 0));
    return gpu_upload(s->gpu, s->state->addr + s->at.never, s->m->never,
                      div_up(w->n_vocab, 32) * 4);
}

/* Of the largest plan, without recording any. */
static enum status scratch_bytes(struct speech *s, uint64_t *bytes)
{
    *bytes = 256;
    for (int i = 0; i < SPEECH_PLANS; i++) {
        struct plan *p;
        TRY(build(s, (enum speech_plan)i, &p));
        if (plan_scratch_bytes(p) > *bytes)
            *bytes = plan_scratch_bytes(p);
        plan_destroy(&p);
    }
    return OK;
}

/* What lies outside of the plans, in bytes. */
struct sizes {
    uint64_t samples, mel, sound, h, logits;
};

static struct sizes sizes_of(const struct whisper *w)
{
    return (struct sizes){
        .samples = 4ull * whisper_samples(w),
        .mel = 4ull * whisper_frames(w) * w->n_mels,
        .sound = 4ull * w->audio.n_embd * w->audio.n_ctx,
        .h = 4ull * w->text.n_embd * BATCH,
        .logits = 4ull * w->n_vocab,
    };
}

static enum status take_memory(struct speech *s)
{
    struct sizes size = sizes_of(&s->m->w);
    uint64_t scratch;
    TRY(scratch_bytes(s, &scratch));
    TRY(take(s, scratch, GPU_DEVICE, GPU_SCRATCH, "scratch", &s->scratch));
    TRY(take(s, s->at.size, GPU_DEVICE, GPU_STATE, "state", &s->state));
    TRY(gpu_fill(s->gpu, s->state->addr, 0, s->at.size));
    TRY(take(s, s->at.results_size, GPU_HOST, GPU_STAGING, "results", &s->results));
    TRY(take(s, size.samples, GPU_DEVICE, GPU_SCRATCH, "samples", &s->samples));
    TRY(take(s, size.mel, GPU_DEVICE, GPU_SCRATCH, "mel", &s->mel));
    TRY(take(s, size.sound, GPU_DEVICE, GPU_SCRATCH, "sound", &s->sound));
    TRY(take(s, size.h, GPU_DEVICE, GPU_SCRATCH, "residual stream", &s->h));
    TRY(gpu_fill(s->gpu, s->h->addr, 0, size.h));
    TRY(take(s, size.logits, GPU_DEVICE, GPU_SCRATCH, "logits", &s->logits));
    TRY(take_pages(s));
    return fill_state(s);
}

static void begin_speech(struct speech *s, struct speech_model *m)
{
    s->m = m;
    s->gpu = m->gpu;
    s->audio_pages = (uint32_t)div_up(m->w.audio.n_ctx, K_PAGE_TOKENS);
    s->text_pages = (uint32_t)div_up(m->w.text.n_ctx, K_PAGE_TOKENS);
    lay_out(s);
}

enum status speech_plan_memory(struct speech_model *m, struct engine_memory *out)
{
    struct speech s = {0};
    uint64_t scratch = 0;
    begin_speech(&s, m);
    if (m->gpu)
        TRY(scratch_bytes(&s, &scratch));
    struct sizes size = sizes_of(&m->w);
    *out = (struct engine_memory){
        .kv = pages_bytes(&s),
        .scratch = scratch + size.samples + size.mel + size.sound + size.h + size.logits,
        .state = s.at.size,
        .staging = s.at.results_size,
        .n_ctx = m->w.text.n_ctx,
    };
    return OK;
}

/* Refuses before anything is taken what cannot fit. */
static enum status check_memory(struct speech_model *m)
{
    struct engine_memory mem;
    TRY(speech_plan_memory(m, &mem));
    uint64_t need = mem.kv + mem.scratch + mem.state, room = gpu_memory_free(m->gpu);
    if (need <= room)
        return OK;
    return status_fail(ERR_MEMORY,
                       "a window of sound needs %" PRIu64 " MiB besides the weights; %s has "
                       "%" PRIu64 " MiB free",
                       need >> 20, gpu_get_info(m->gpu)->name, room >> 20);
}

enum status speech_open(struct speech_model *m, struct speech **out)
{
    *out = NULL;
    TRY(check_memory(m));
    struct speech *s = mem_alloc(sizeof *s);
    if (!s)
        return ERR_MEMORY;
    begin_speech(s, m);
    enum status st = take_memory(s);
    if (st == OK)
        *out = s;
    else
        speech_close(&s);
    return st;
}

void speech_close(struct speech **ps)
{
    struct speech *s = *ps;
    *ps = NULL;
    if (!s)
        return;
    for (int i = 0; i < SPEECH_PLANS; i++)
        plan_destroy(&s->plans[i]);
    const struct gpu_buf **bufs[] = {&s->state, &s->results, &s->samples, &s->mel,  &s->sound,
                                     &s->h,     &s->logits,  &s->scratch, &s->pages};
    for (unsigned i = 0; i < sizeof bufs / sizeof *bufs; i++)
        gpu_buf_destroy(s->gpu, bufs[i]);
    mem_free(s);
}

/* ---- running ------------------------------------------------------------------------------ */

enum status speech_listen(struct speech *s, const float *samples, uint32_t used)
{
    double start = time_now();
    TRY(gpu_upload(s->gpu, s->samples->addr, samples, 4ull * whisper_samples(&s->m->w)));
    TRY(gpu_upload(s->gpu, s->state->addr + s->at.used, &used, sizeof used));
    TRY(run(s, SPEECH_LISTEN, 1));
    s->listen_seconds += time_now() - start;
    return OK;
}

/* A prompt step's header and rows. */
struct rows {
    struct k_step step;
    struct k_row row[BATCH];
};

_Static_assert(sizeof(struct k_step) == K_STEP_BYTES, "params.h");

/* Runs prompt tokens from .. to - 1 and leaves the header with `out` (a token's number) to go
 * through the head. */
static enum status run_rows(struct speech *s, const struct speech_request *r, uint32_t from,
                            uint32_t to)
{
    struct rows rows = {.step = {.n_rows = to - from, .n_out = 1}};
    for (uint32_t i = 0; i < to - from; i++)
        rows.row[i] = (struct k_row){.token = (uint32_t)r->prompt[from + i], .pos = from + i};
    TRY(gpu_upload(s->gpu, s->state->addr + s->at.prompt, &rows, sizeof rows));
    return run(s, to - from <= 4 ? SPEECH_ROWS_4 : SPEECH_ROWS_16, 1);
}

/* Which of the rows that ran last goes through the head next. */
static enum status choose_out(struct speech *s, uint32_t n_rows, uint32_t row)
{
    struct k_step step = {.n_rows = n_rows, .n_out = 1, .out_row = {row}};
    return gpu_upload(s->gpu, s->state->addr + s->at.prompt, &step, sizeof step);
}

static const float *probs_of(const struct speech *s)
{
    return (const float *)(const void *)((const char *)s->results->map + s->at.probs);
}

/* Settings for a request whose first token is yet to be made. */
static enum status put_request(struct speech *s, const struct speech_request *r)
{
    const struct whisper *w = &s->m->w;
    uint64_t state = s->state->addr, results = s->results->addr;
    struct k_seq q = {
        .ring = results + s->at.ring,
        .history = state + s->at.history,
        .seed_lo = (uint32_t)r->seed,
        .seed_hi = (uint32_t)(r->seed >> 32),
        .n_left = r->n_most,
        .n_ctx = w->text.n_ctx,
        .ring_size = SPEECH_MOST,
        .temp = r->temp,
        .top_p = 1,
        .repeat = 1,
        .n_eog = 1,
        .eog = {w->ids.end},
    };
    struct k_speech speech = {
        .never = state + s->at.never,
        .logprobs = results + s->at.logprobs,
        .begin = r->n_prompt,
        .timed = r->timed,
        .time_0 = w->ids.time_0,
        .end = w->ids.end,
        .no_times = w->ids.no_times,
        .latest = 50, /* the first time is at most 1 s */
        .n_first = 1,
        .not_first = {w->ids.end},
    };
    int32_t blank = tok_find(s->m->tok, "\xc4\xa0", 2); /* a space */
    if (blank != TOK_NONE)
        speech.not_first[speech.n_first++] = (uint32_t)blank;
    TRY(gpu_upload(s->gpu, state + s->at.seqs, &q, sizeof q));
    return gpu_upload(s->gpu, state + s->at.speech, &speech, sizeof speech);
}

enum status speech_language(struct speech *s, uint32_t *best, float *probs)
{
    const struct whisper_ids *ids = &s->m->w.ids;
    int32_t start = (int32_t)ids->start;
    struct speech_request r = {.prompt = &start, .n_prompt = 1, .n_most = 1};
    TRY(put_request(s, &r));
    TRY(run_rows(s, &r, 0, 1));
    TRY(run(s, SPEECH_LANGUAGE, 1));
    *best = 0;
    for (uint32_t i = 0; i < ids->n_languages; i++) {
        probs[i] = probs_of(s)[i];
        if (probs[i] > probs[*best])
            *best = i;
    }
    return OK;
}

static enum status check_request(const struct speech *s, const struct speech_request *r)
{
    if (!r->n_prompt || r->n_prompt >= s->m->w.text.n_ctx || r->start_at >= r->n_prompt)
        return status_fail(ERR_USAGE,
                           "a prompt of %" PRIu32 " tokens; the model takes 1 to %" PRIu32,
                           r->n_prompt, s->m->w.text.n_ctx - 1);
    for (uint32_t i = 0; i < r->n_prompt; i++) {
        if ((uint32_t)r->prompt[i] >= s->m->w.n_vocab)
            return status_fail(ERR_USAGE,
                               "token %" PRIu32 " of the prompt is %" PRId32
                               "; the vocabulary has %" PRIu32,
                               i, r->prompt[i], s->m->w.n_vocab);
    }
    return OK;
}

/* The prompt, and the first token. The last rows run together, so that those that go through the
 * head are among them. */
static enum status begin(struct speech *s, const struct speech_request *r, struct speech_answer *a)
{
    uint32_t n = r->n_prompt, last = n < BATCH ? n : BATCH, at = 0;
    struct rows none = {.step = {.n_rows = 1, .n_out = 1}, .row[0] = {.slot = K_NO_SLOT}};
    TRY(gpu_upload(s->gpu, s->state->addr + s->at.step, &none, rows_bytes(1)));
    while (at < n - last) {
        uint32_t count = n - last - at < BATCH ? n - last - at : BATCH;
        TRY(run_rows(s, r, at, at + count));
        at += count;
    }
    TRY(run_rows(s, r, at, n));
    if (r->start_at >= at) {
        TRY(choose_out(s, last, r->start_at - at));
        TRY(run(s, SPEECH_SILENCE, 1));
        a->no_speech = probs_of(s)[0];
    }
    TRY(choose_out(s, last, last - 1));
    return run(s, r->temp > 0 ? SPEECH_FIRST_DRAWN : SPEECH_FIRST, 1);
}

/* Takes what the sampler made; true if there is more to come. */
static bool collect(struct speech *s, const struct speech_request *r, struct speech_answer *a)
{
    const volatile uint32_t *ring =
        (const volatile uint32_t *)(const void *)((char *)s->results->map + s->at.ring);
    const volatile float *logprobs =
        (const volatile float *)(const void *)((char *)s->results->map + s->at.logprobs);
    /* The last position gives one more token, which itself needs none. */
    const uint32_t room = s->m->w.text.n_ctx - r->n_prompt + 1;
    uint32_t most = r->n_most < room ? r->n_most : room;
    while (a->n < most && ring[a->n] != UINT32_MAX) {
        a->logprobs[a->n] = logprobs[a->n];
        a->sum_logprob += (double)a->logprobs[a->n];
        s->tokens++;
        if (ring[a->n] == s->m->w.ids.end) {
            a->ended = true;
            return false;
        }
        a->tokens[a->n] = (int32_t)ring[a->n];
        a->n++;
    }
    return a->n < most;
}

enum status speech_say(struct speech *s, const struct speech_request *r, struct speech_answer *a)
{
    double start = time_now();
    TRY(check_request(s, r));
    a->n = 0;
    a->ended = a->cancelled = false;
    a->no_speech = 0;
    a->sum_logprob = 0;
    struct speech_request most = *r;
    if (most.n_most >= SPEECH_MOST)
        most.n_most = SPEECH_MOST - 1;
    memset((char *)s->results->map + s->at.ring, 0xff, 4 * SPEECH_MOST);
    TRY(put_request(s, &most));
    TRY(begin(s, &most, a));
    while (collect(s, &most, a)) {
        if (atomic_load(&s->cancelled)) {
            a->cancelled = true;
            break;
        }
        uint32_t left = most.n_most - a->n;
        TRY(run(s, r->temp > 0 ? SPEECH_NEXT_DRAWN : SPEECH_NEXT, left < STEPS ? left : STEPS));
    }
    s->say_seconds += time_now() - start;
    return OK;
}
