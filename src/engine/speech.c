#include "engine/speech_inside.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "engine/load.h"
#include "engine/vocab_speech.h"

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

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
    TRY_GOTO(vocab_speech_never(w, m->tok, &m->w.ids, m->w.n_vocab, m->never));
    TRY_GOTO(vocab_speech_not_first(w, m->tok, &m->w.ids, m->w.n_vocab, m->not_first, &m->n_first));
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

uint64_t speech_each_bytes(const struct speech *s)
{
    return align_up(rows_bytes(s->m->w.audio.n_ctx), 256);
}

static void lay_out(struct speech *s)
{
    const struct whisper *w = &s->m->w;
    struct speech_layout *at = &s->at;
    uint64_t *size = &at->size;
    at->basis = place(size, 4ull * 2 * WHISPER_BINS * WHISPER_FFT);
    at->audio_table = place(size, 8ull * s->audio_pages * s->hears);
    at->cross_table = place(size, 8ull * s->audio_pages * s->windows);
    at->text_table = place(size, 8ull * s->text_pages * s->rows);
    at->sound_rows = place(size, rows_bytes(w->audio.n_ctx * s->hears));
    at->each_rows = place(size, speech_each_bytes(s) * s->hears);
    at->heard_rows = place(size, rows_bytes(w->audio.n_ctx * s->hears));
    at->used = place(size, 4ull * s->hears);
    at->loudest = place(size, 4);
    at->step = place(size, rows_bytes(K_MAX_OUT));
    at->prompt = place(size, rows_bytes(SPEECH_PROMPT));
    at->cross_step = place(size, rows_bytes(K_MAX_OUT));
    at->cross_prompt = place(size, rows_bytes(SPEECH_PROMPT));
    at->orders = place(size, sizeof(struct speech_orders));
    at->seqs = place(size, K_SEQ_BYTES * s->rows);
    at->history = place(size, 4ull * w->text.n_ctx * s->rows);
    at->speech = place(size, K_SPEECH_BYTES * s->rows);
    at->never = place(size, div_up(w->n_vocab, 32) * 4);
    at->notes = place(size, sizeof(struct k_note) * K_MAX_OUT);
    at->attn_counter = place(size, 4ull * w->text.n_heads * SPEECH_PROMPT);
    at->sample_counter = place(size, 4ull * K_SAMPLE_COUNTERS * K_MAX_OUT);
    at->bias = place(size, 8);
    at->heads = place(size, 4ull * w->n_heads);
    at->align = place(size, K_ALIGN_BYTES);
    at->named = place(size, 4 * SPEECH_PROMPT);
    size = &at->results_size;
    at->ring = place(size, 4ull * SPEECH_MOST * s->rows);
    at->logprobs = place(size, 4ull * SPEECH_MOST * s->rows);
    at->probs = place(size, 4 * WHISPER_MAX_LANGUAGES);
    at->candidates = place(size, sizeof(struct k_candidate) * K_MAX_OUT * K_TOP_MOST);
    at->new_orders = place(size, sizeof(struct speech_orders));
}

static enum status take(struct speech *s, uint64_t bytes, enum gpu_memory memory,
                        enum gpu_purpose purpose, const char *tag, const struct gpu_buf **out)
{
    return gpu_buf_create(
        s->gpu,
        &(struct gpu_buf_params){.bytes = bytes, .memory = memory, .purpose = purpose, .tag = tag},
        out);
}

/* n pages, and the table of their addresses at `at` in the state. */
static enum status take_pool(struct speech *of, uint64_t at, uint64_t n, uint64_t page,
                             struct speech_pool *pool)
{
    uint64_t most = gpu_get_info(of->gpu)->max_allocation, per_buf = page < most ? most / page : 1;
    enum status s = OK;
    uint64_t *table = mem_calloc(n, sizeof *table);
    pool->bufs = mem_calloc(div_up(n, per_buf), sizeof *pool->bufs);
    if (!table || !pool->bufs) {
        s = ERR_MEMORY;
        goto fail;
    }
    for (uint64_t i = 0; i < n; i += per_buf) {
        uint64_t here = n - i < per_buf ? n - i : per_buf;
        const struct gpu_buf **buf = &pool->bufs[pool->n_bufs];
        TRY_GOTO(take(of, here * page, GPU_DEVICE, GPU_KV, "keys and values", buf));
        pool->n_bufs++;
        /* Masked positions are multiplied by zero: what lies there must be finite. */
        TRY_GOTO(gpu_fill(of->gpu, (*buf)->addr, 0, here * page));
        for (uint64_t j = 0; j < here; j++)
            table[i + j] = (*buf)->addr + j * page;
    }
    s = gpu_upload(of->gpu, of->state->addr + at, table, n * sizeof *table);
fail:
    mem_free(table);
    return s;
}

static uint64_t text_page(const struct speech *s)
{
    return whisper_page_bytes(&s->m->w.text) * s->m->w.text.n_layers;
}

static uint64_t pages_bytes(const struct speech *s)
{
    return s->audio_pages *
               (s->hears * whisper_page_bytes(&s->m->w.audio) + s->windows * text_page(s)) +
           (uint64_t)s->rows * s->text_pages * text_page(s);
}

static enum status take_pages(struct speech *s)
{
    uint64_t audio = whisper_page_bytes(&s->m->w.audio), text = text_page(s);
    TRY(take_pool(s, s->at.audio_table, s->hears * s->audio_pages, audio, &s->audio_pool));
    TRY(take_pool(s, s->at.cross_table, s->windows * s->audio_pages, text, &s->cross_pool));
    return take_pool(s, s->at.text_table, s->rows * s->text_pages, text, &s->text_pool);
}

/* Rows at positions 0, 1 ... of each of so many slots: all frames of their sound. */
static enum status put_rows(struct speech *s, uint64_t at, uint32_t slot, uint32_t slots)
{
    uint32_t frames = s->m->w.audio.n_ctx, n = frames * slots;
    enum status st;
    char *host = mem_alloc(rows_bytes(n));
    if (!host)
        return ERR_MEMORY;
    ((struct k_step *)(void *)host)->n_rows = n;
    struct k_row *rows = (struct k_row *)(void *)(host + K_STEP_BYTES);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (struct k_row){.pos = i % frames, .slot = slot + i / frames};
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
    TRY(put_rows(s, s->at.sound_rows, 0, s->hears));
    for (uint32_t i = 0; i < s->hears; i++)
        TRY(put_rows(s, s->at.each_rows + i * speech_each_bytes(s), i, 1));
    uint32_t *heads = mem_calloc(w->n_heads, sizeof *heads);
    if (!heads)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < w->n_heads; i++)
        heads[i] = w->heads[i].head;
    st = gpu_upload(s->gpu, s->state->addr + s->at.heads, heads, w->n_heads * sizeof *heads);
    mem_free(heads);
    TRY(st);
    s->n_heard = 0;
    TRY(speech_new_sound(s));
    return gpu_upload(s->gpu, s->state->addr + s->at.never, s->m->never,
                      div_up(w->n_vocab, 32) * 4);
}

/* What lies outside of the plans, in bytes. */
struct sizes {
    uint64_t samples, mel, sound, h, logits, looks;
};

static struct sizes sizes_of(const struct speech *s)
{
    const struct whisper *w = &s->m->w;
    return (struct sizes){
        .samples = 4ull * whisper_samples(w) * s->hears,
        .mel = 4ull * whisper_frames(w) * w->n_mels * s->hears,
        .sound = 4ull * w->audio.n_embd * w->audio.n_ctx * s->hears,
        .h = 4ull * w->text.n_embd * SPEECH_PROMPT,
        .logits = 4ull * w->n_vocab * (s->aligns ? SPEECH_PROMPT : s->rows),
        .looks = s->aligns ? 4ull * (w->n_heads + 1ull) * w->text.n_ctx * w->audio.n_ctx : 0,
    };
}

static enum status take_memory(struct speech *s)
{
    struct sizes size = sizes_of(s);
    uint64_t scratch;
    TRY(speech_scratch_bytes(s, &scratch));
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
    TRY(gpu_fill(s->gpu, s->logits->addr, 0, size.logits));
    if (s->aligns)
        TRY(take(s, size.looks, GPU_DEVICE, GPU_SCRATCH, "looks", &s->looks));
    s->tries = mem_calloc(s->rows, sizeof *s->tries);
    if (!s->tries)
        return ERR_MEMORY;
    TRY(take_pages(s));
    return fill_state(s);
}

static void begin_speech(struct speech *s, struct speech_model *m,
                         const struct speech_params *params)
{
    s->m = m;
    s->gpu = m->gpu;
    s->rows = params && params->rows ? params->rows : 1;
    s->windows = params && params->windows ? params->windows : 1;
    s->aligns = params && params->aligns;
    s->hears = least(s->windows, SPEECH_HEARS);
    if (params && params->hears)
        s->hears = least(s->hears, params->hears);
    s->at = (struct speech_layout){0};
    s->audio_pages = (uint32_t)div_up(m->w.audio.n_ctx, K_PAGE_TOKENS);
    s->text_pages = (uint32_t)div_up(m->w.text.n_ctx, K_PAGE_TOKENS);
    lay_out(s);
}

enum status speech_plan_memory(struct speech_model *m, const struct speech_params *params,
                               struct engine_memory *out)
{
    struct speech s = {0};
    uint64_t scratch = 0;
    begin_speech(&s, m, params);
    if (m->gpu)
        TRY(speech_scratch_bytes(&s, &scratch));
    struct sizes size = sizes_of(&s);
    *out = (struct engine_memory){
        .kv = pages_bytes(&s),
        .scratch =
            scratch + size.samples + size.mel + size.sound + size.h + size.logits + size.looks,
        .state = s.at.size,
        .staging = s.at.results_size,
        .n_ctx = m->w.text.n_ctx,
    };
    return OK;
}

enum status speech_plan_room(struct speech_model *m, struct speech_params *params, uint64_t room,
                             struct engine_memory *out)
{
    if (!params->hears)
        params->hears = SPEECH_HEARS;
    for (;; params->hears /= 2) {
        TRY(speech_plan_memory(m, params, out));
        if (out->kv + out->scratch + out->state <= room || params->hears == 1)
            return OK;
    }
}

/* Refuses before anything is taken what cannot fit; params->hears becomes what does. */
static enum status check_memory(struct speech_model *m, struct speech_params *params)
{
    struct engine_memory mem;
    uint64_t room = gpu_memory_free(m->gpu);
    if (params->rows > K_MAX_OUT || params->windows > K_MAX_OUT)
        return status_fail(ERR_USAGE,
                           "%" PRIu32 " texts about %" PRIu32 " windows at once: at most %u",
                           params->rows, params->windows, K_MAX_OUT);
    TRY(speech_plan_room(m, params, room, &mem));
    uint64_t need = mem.kv + mem.scratch + mem.state;
    if (need <= room)
        return OK;
    return status_fail(ERR_MEMORY,
                       "%" PRIu32 " windows of sound and %" PRIu32 " texts at once need %" PRIu64
                       " MiB besides the weights; %s has %" PRIu64 " MiB free",
                       params->windows ? params->windows : 1, params->rows ? params->rows : 1,
                       need >> 20, gpu_get_info(m->gpu)->name, room >> 20);
}

static void give_pool(struct speech *s, struct speech_pool *pool)
{
    for (uint32_t i = 0; i < pool->n_bufs; i++)
        gpu_buf_destroy(s->gpu, &pool->bufs[i]);
    mem_free(pool->bufs);
    *pool = (struct speech_pool){0};
}

static void give_memory(struct speech *s)
{
    for (int i = 0; i < SPEECH_PLANS; i++) {
        for (uint32_t rows = 0; rows <= K_MAX_OUT; rows++)
            plan_destroy(&s->plans[i][rows]);
    }
    const struct gpu_buf **bufs[] = {&s->state, &s->results, &s->samples, &s->mel,  &s->sound,
                                     &s->h,     &s->logits,  &s->scratch, &s->looks};
    for (unsigned i = 0; i < sizeof bufs / sizeof *bufs; i++)
        gpu_buf_destroy(s->gpu, bufs[i]);
    give_pool(s, &s->audio_pool);
    give_pool(s, &s->cross_pool);
    give_pool(s, &s->text_pool);
    mem_free(s->tries);
    s->tries = NULL;
}

enum status speech_open(struct speech_model *m, const struct speech_params *params,
                        struct speech **out)
{
    *out = NULL;
    struct speech_params want = params ? *params : (struct speech_params){0};
    TRY(check_memory(m, &want));
    struct speech *s = mem_alloc(sizeof *s);
    if (!s)
        return ERR_MEMORY;
    begin_speech(s, m, &want);
    enum status st = take_memory(s);
    if (st == OK)
        *out = s;
    else
        speech_close(&s);
    return st;
}

enum status speech_reserve(struct speech *s, const struct speech_params *params)
{
    struct speech_params want = *params;
    if (want.rows <= s->rows && want.windows <= s->windows && want.aligns <= s->aligns)
        return OK;
    want.aligns |= s->aligns;
    want.rows = want.rows > s->rows ? want.rows : s->rows;
    want.windows = want.windows > s->windows ? want.windows : s->windows;
    struct speech_params had = {s->rows, s->windows, s->hears, s->aligns};
    give_memory(s);
    enum status st = check_memory(s->m, &want);
    begin_speech(s, s->m, st == OK ? &want : &had);
    enum status taken = take_memory(s);
    return st == OK ? taken : st;
}

void speech_close(struct speech **ps)
{
    struct speech *s = *ps;
    *ps = NULL;
    if (!s)
        return;
    give_memory(s);
    mem_free(s);
}

/* ---- listening ---------------------------------------------------------------------------- */

enum status speech_new_sound(struct speech *s)
{
    const float none = -INFINITY;
    return gpu_upload(s->gpu, s->state->addr + s->at.loudest, &none, sizeof none);
}

/* As many windows as one plan takes. */
static enum status listen(struct speech *s, uint32_t first, uint32_t n, const float *samples,
                          const uint32_t *used)
{
    if (first != s->heard || n != s->n_heard) {
        s->n_heard = 0;
        TRY(put_rows(s, s->at.heard_rows, first, n));
        s->heard = first;
        s->n_heard = n;
    }
    TRY(gpu_upload(s->gpu, s->samples->addr, samples, 4ull * whisper_samples(&s->m->w) * n));
    TRY(gpu_upload(s->gpu, s->state->addr + s->at.used, used, n * sizeof *used));
    return speech_run(s, SPEECH_LISTEN, n, 1);
}

uint32_t speech_hears(const struct speech *s, uint32_t n)
{
    uint32_t some = 1;
    while (2 * some <= s->hears && 2 * some <= n)
        some *= 2;
    return some;
}

enum status speech_listen(struct speech *s, uint32_t first, uint32_t n, const float *samples,
                          const uint32_t *used)
{
    double start = time_now();
    uint64_t each = whisper_samples(&s->m->w);
    for (uint32_t i = 0, some; i < n; i += some) {
        some = speech_hears(s, n - i);
        TRY(listen(s, first + i, some, samples + i * each, used + i));
    }
    s->listen_seconds += time_now() - start;
    return OK;
}
