#include "engine/transcribe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* A transcription in progress. */
struct run {
    struct speech *s;
    const struct transcribe_params *p;
    struct transcribe_result *r;

    /* Sound: samples base .. base + n - 1 of the input. */
    float *sound, *window;
    uint64_t base, n, room;
    bool ended;

    int32_t start[3]; /* <|startoftranscript|>, language, task */
    uint32_t n_start;
    int32_t *said; /* tokens of text so far, from the last that windows may see on */
    uint32_t n_said, said_room;
    struct speech_answer best;
    float ratio; /* of `best` */
    float temperature;
    char *text; /* of one segment or answer */
    size_t text_room;
};

/* ---- sound -------------------------------------------------------------------------------- */

enum { BEFORE = WHISPER_FFT / 2 }; /* samples that the first frame reaches back */

/* Reads until sample `upto` is there or the sound ends; what lies before `from` is dropped. */
static enum status fill(struct run *r, uint64_t from, uint64_t upto)
{
    if (from > r->base) {
        uint64_t drop = from - r->base < r->n ? from - r->base : r->n;
        memmove(r->sound, r->sound + drop, (r->n - drop) * sizeof *r->sound);
        r->base += drop;
        r->n -= drop;
    }
    while (!r->ended && r->base + r->n < upto) {
        size_t want = upto - r->base - r->n, got = 0;
        TRY(r->p->sound->read(r->p->sound, r->sound + r->n, want, &got));
        r->ended = got < want;
        r->n += got;
    }
    return OK;
}

static float sample_at(const struct run *r, int64_t i)
{
    if (i < 0)
        i = -i; /* the beginning is mirrored */
    uint64_t at = (uint64_t)i;
    return at >= r->base && at < r->base + r->n ? r->sound[at - r->base] : 0;
}

/* Listens to the window at frame `seek`; *used: how many of its frames hold sound, 0 at the end. */
static enum status listen(struct run *r, uint64_t seek, uint32_t *used)
{
    const struct whisper *w = &r->s->m->w;
    uint64_t first = seek * WHISPER_HOP, frames = whisper_frames(w);
    uint64_t from = first < BEFORE ? 0 : first - BEFORE;
    TRY(fill(r, from, first + frames * WHISPER_HOP + BEFORE));
    uint64_t total = (r->base + r->n) / WHISPER_HOP;
    *used = 0;
    if (r->ended && total <= seek)
        return OK;
    *used = (uint32_t)(r->ended && total - seek < frames ? total - seek : frames);
    for (uint32_t i = 0; i < whisper_samples(w); i++)
        r->window[i] = sample_at(r, (int64_t)first - BEFORE + i);
    r->r->n_windows++;
    return speech_listen(r->s, 0, r->window, *used);
}

/* ---- language and task -------------------------------------------------------------------- */

static enum status find_language(struct run *r)
{
    const struct whisper_ids *ids = &r->s->m->w.ids;
    const char *name = r->p->language;
    for (uint32_t i = 0; i < ids->n_languages; i++) {
        if (strcasecmp(name, whisper_language(i)) && strcasecmp(name, whisper_language_name(i)))
            continue;
        r->r->language = i;
        r->r->language_prob = 1;
        return OK;
    }
    return status_fail(ERR_USAGE, "language '%s' is none of the %u that the model knows", name,
                       ids->n_languages);
}

static enum status detect_language(struct run *r)
{
    TRY(speech_language(r->s, &r->r->language, r->r->probs));
    r->r->language_prob = r->r->probs[r->r->language];
    r->r->n_probs = r->s->m->w.ids.n_languages;
    return OK;
}

/* With the first window in place. */
static enum status make_start(struct run *r)
{
    const struct whisper *w = &r->s->m->w;
    r->start[r->n_start++] = (int32_t)w->ids.start;
    if (!w->multilingual) {
        r->r->language_prob = 1;
        if (!r->p->translate && (!r->p->language || !strcasecmp(r->p->language, "en") ||
                                 !strcasecmp(r->p->language, "english")))
            return OK;
        return status_fail(ERR_USAGE,
                           "%s: an English model; it neither translates nor takes "
                           "another language",
                           r->s->m->path);
    }
    TRY(r->p->language ? find_language(r) : detect_language(r));
    r->start[r->n_start++] = (int32_t)(w->ids.language_0 + r->r->language);
    r->start[r->n_start++] = (int32_t)(r->p->translate ? w->ids.translate : w->ids.transcribe);
    return OK;
}

/* ---- text --------------------------------------------------------------------------------- */

static bool is_text(const struct run *r, int32_t id)
{
    return (uint32_t)id < r->s->m->w.ids.end;
}

/* The text of tokens, without those of times, in r->text. */
static enum status write_text(struct run *r, const int32_t *tokens, uint32_t n, size_t *len)
{
    struct tok_stream stream;
    tok_stream_init(&stream, r->s->m->tok, false);
    *len = 0;
    for (uint32_t i = 0; i <= n; i++) {
        size_t need = 64;
        if (i < n && !is_text(r, tokens[i]))
            continue;
        if (i < n)
            need += TOK_STREAM_ROOM(tok_piece(r->s->m->tok, tokens[i], false).len);
        if (*len + need > r->text_room) {
            char *more = mem_realloc(r->text, 2 * r->text_room + need);
            if (!more)
                return ERR_MEMORY;
            r->text = more;
            r->text_room = 2 * r->text_room + need;
        }
        if (i < n)
            *len += tok_stream_push(&stream, tokens[i], r->text + *len, r->text_room - *len);
        else
            *len += tok_stream_finish(&stream, r->text + *len, r->text_room - *len);
    }
    r->text[*len] = 0;
    return OK;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* How much smaller zlib makes the answer's text. */
static enum status compression(struct run *r, const struct speech_answer *a, float *out)
{
    size_t len, first = 0;
    TRY(write_text(r, a->tokens, a->n, &len));
    while (len && is_blank(r->text[len - 1]))
        len--;
    while (first < len && is_blank(r->text[first]))
        first++;
    uLongf packed = compressBound((uLong)(len - first));
    void *to = mem_alloc(packed);
    if (!to)
        return ERR_MEMORY;
    int bad = compress(to, &packed, (const Bytef *)r->text + first, (uLong)(len - first));
    mem_free(to);
    if (bad)
        return status_fail(ERR, "zlib: error %d", bad);
    *out = (float)((double)(len - first) / (double)packed);
    return OK;
}

static double mean_logprob(const struct speech_answer *a)
{
    return a->sum_logprob / (a->n + 1);
}

/* ---- one window --------------------------------------------------------------------------- */

/* The text before, then what says what to do. */
static void make_prompt(const struct run *r, int32_t *prompt, struct speech_request *req)
{
    const struct whisper *w = &r->s->m->w;
    uint32_t n = 0, most = w->text.n_ctx / 2 - 1;
    if (most > SPEECH_MOST / 2)
        most = SPEECH_MOST / 2;
    if (r->n_said) {
        uint32_t keep = r->n_said < most ? r->n_said : most;
        prompt[n++] = (int32_t)w->ids.start_prev;
        memcpy(prompt + n, r->said + r->n_said - keep, keep * sizeof *prompt);
        n += keep;
    }
    req->start_at = n;
    memcpy(prompt + n, r->start, r->n_start * sizeof *prompt);
    n += r->n_start;
    if (r->p->no_times)
        prompt[n++] = (int32_t)w->ids.no_times;
    req->prompt = prompt;
    req->n_prompt = n;
}

/* The likeliest answer at one temperature becomes r->best. */
static enum status answer_at(struct run *r, struct speech_request *req, float temperature)
{
    req->temp = temperature;
    TRY(speech_say(r->s, req, 1, &r->best));
    req->seed++;
    r->temperature = temperature;
    return compression(r, &r->best, &r->ratio);
}

static bool is_unlikely(const struct run *r)
{
    return r->p->least_logprob < 0 && mean_logprob(&r->best) < (double)r->p->least_logprob;
}

static bool is_silence(const struct run *r)
{
    return r->p->no_speech > 0 && r->best.no_speech > r->p->no_speech;
}

static enum status answer(struct run *r)
{
    int32_t prompt[SPEECH_MOST];
    struct speech_request req = {.n_most = r->s->m->w.text.n_ctx / 2,
                                 .timed = !r->p->no_times,
                                 .tries = r->p->best_of,
                                 .beams = r->p->beams,
                                 .patience = r->p->patience,
                                 .length_penalty = r->p->length_penalty,
                                 .seed = r->p->seed + 1000003ull * r->r->n_windows};
    make_prompt(r, prompt, &req);
    for (uint32_t i = 0; i < r->p->n_temperatures; i++) {
        TRY(answer_at(r, &req, r->p->temperatures[i]));
        bool repeats = r->p->most_compression > 0 && r->ratio > r->p->most_compression;
        if (r->best.cancelled || (is_silence(r) && is_unlikely(r)) || (!repeats && !is_unlikely(r)))
            break;
    }
    return OK;
}

/* ---- segments ----------------------------------------------------------------------------- */

static enum status remember(struct run *r, const int32_t *tokens, uint32_t n)
{
    if (r->n_said + n > r->said_room) {
        uint32_t room = 2 * (r->n_said + n);
        int32_t *more = mem_realloc(r->said, room * sizeof *more);
        if (!more)
            return ERR_MEMORY;
        r->said = more;
        r->said_room = room;
    }
    memcpy(r->said + r->n_said, tokens, n * sizeof *tokens);
    r->n_said += n;
    return OK;
}

/* One with text that takes time is handed out. */
static enum status give(struct run *r, uint64_t seek, double start, double end,
                        const int32_t *tokens, uint32_t n)
{
    size_t len, first = 0;
    TRY(write_text(r, tokens, n, &len));
    while (first < len && is_blank(r->text[first]))
        first++;
    if (first == len || start == end)
        return OK;
    TRY(remember(r, tokens, n));
    struct transcript_segment s = {
        .id = r->r->n_segments++,
        .seek = seek,
        .start = start,
        .end = end,
        .text = r->text,
        .tokens = tokens,
        .n_tokens = n,
        .temperature = r->temperature,
        .avg_logprob = (float)mean_logprob(&r->best),
        .compression_ratio = r->ratio,
        .no_speech_prob = r->best.no_speech,
    };
    if (r->p->on_segment && !r->p->on_segment(r->p->ctx, &s))
        r->r->cancelled = true;
    return OK;
}

/* Cuts r->best into segments; *step: frames to the next window. */
static enum status cut(struct run *r, uint64_t seek, uint32_t used, uint32_t *step)
{
    enum { FRAMES_A_TIME = 2 };
    const double precision = FRAMES_A_TIME * (double)WHISPER_HOP / WHISPER_RATE;
    const int32_t *t = r->best.tokens, time_0 = (int32_t)r->s->m->w.ids.time_0;
    double offset = (double)(seek * WHISPER_HOP) / WHISPER_RATE;
    uint32_t n = r->best.n, last = 0;
    bool single = n >= 2 && t[n - 2] < time_0 && t[n - 1] >= time_0;
    *step = used;
    for (uint32_t i = 1; i <= n; i++) {
        bool pair = i < n && t[i - 1] >= time_0 && t[i] >= time_0;
        bool at_end = i == n && single && last; /* after other segments */
        if (!pair && !at_end)
            continue;
        TRY(give(r, seek, offset + (t[last] - time_0) * precision,
                 offset + (t[i - 1] - time_0) * precision, t + last, i - last));
        last = i;
    }
    if (last) {
        if (!single)
            *step = (uint32_t)(t[last - 1] - time_0) * FRAMES_A_TIME;
        return OK;
    }
    double seconds = (double)(used * WHISPER_HOP) / WHISPER_RATE;
    for (uint32_t i = n; i-- > 0;) {
        if (t[i] < time_0)
            continue;
        if (t[i] != time_0)
            seconds = (t[i] - time_0) * precision;
        break;
    }
    return give(r, seek, offset, offset + seconds, t, n);
}

static enum status one_window(struct run *r, uint64_t *seek, uint32_t used)
{
    uint32_t step = used;
    TRY(answer(r));
    if (r->best.cancelled) {
        r->r->cancelled = true;
        return OK;
    }
    if (!is_silence(r) || (r->p->least_logprob < 0 && !is_unlikely(r))) {
        TRY(cut(r, *seek, used, &step));
        if (r->p->no_context || r->temperature > 0.5f)
            r->n_said = 0;
    }
    *seek += step ? step : used; /* a window that ends where it began would be heard for ever */
    return OK;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static enum status take_prompt(struct run *r)
{
    int32_t *ids = NULL;
    size_t n = 0, len = strlen(r->p->prompt), first = 0;
    while (len && is_blank(r->p->prompt[len - 1]))
        len--;
    while (first < len && is_blank(r->p->prompt[first]))
        first++;
    if (first == len)
        return OK;
    char *text = mem_alloc(len - first + 2);
    if (!text)
        return ERR_MEMORY;
    text[0] = ' ';
    memcpy(text + 1, r->p->prompt + first, len - first);
    enum status s =
        tok_encode(r->s->m->tok, text, len - first + 1, &(struct tok_encode_params){0}, &ids, &n);
    if (s == OK)
        s = remember(r, ids, (uint32_t)n);
    mem_free(ids);
    mem_free(text);
    return s;
}

static enum status windows(struct run *r)
{
    uint64_t seek = 0;
    if (r->p->prompt)
        TRY(take_prompt(r));
    while (!r->r->cancelled) {
        uint32_t used;
        TRY(listen(r, seek, &used));
        r->r->seconds = (double)(r->base + r->n) / WHISPER_RATE;
        r->r->cancelled = atomic_load(&r->s->cancelled);
        if (!used || r->r->cancelled)
            break;
        if (!r->n_start)
            TRY(make_start(r));
        if (r->p->detect_language)
            break;
        TRY(one_window(r, &seek, used));
        r->r->cancelled |= atomic_load(&r->s->cancelled);
        if (r->p->on_progress)
            r->p->on_progress(r->p->ctx, (double)(seek * WHISPER_HOP) / WHISPER_RATE,
                              r->ended ? r->r->seconds : r->p->sound->seconds(r->p->sound));
    }
    return OK;
}

/* Room for as many texts at once as may be asked for. */
static enum status reserve(struct speech *s, const struct transcribe_params *p)
{
    struct speech_params want = {.rows = p->beams};
    for (uint32_t i = 0; i < p->n_temperatures; i++) {
        if (p->temperatures[i] > 0 && p->best_of > want.rows)
            want.rows = p->best_of < K_MAX_OUT ? p->best_of : K_MAX_OUT;
    }
    return speech_reserve(s, &want);
}

enum status transcribe(struct speech *s, const struct transcribe_params *params,
                       struct transcribe_result *out)
{
    *out = (struct transcribe_result){0};
    enum status st = ERR_MEMORY;
    TRY(reserve(s, params));
    struct run *r = mem_alloc(sizeof *r);
    if (!r)
        return ERR_MEMORY;
    r->s = s;
    r->p = params;
    r->r = out;
    r->room = whisper_frames(&s->m->w) * (uint64_t)WHISPER_HOP + 2 * BEFORE;
    r->sound = mem_calloc(r->room, sizeof *r->sound);
    r->window = mem_calloc(whisper_samples(&s->m->w), sizeof *r->window);
    r->text_room = 4096;
    r->text = mem_alloc(r->text_room);
    if (r->sound && r->window && r->text)
        st = windows(r);
    mem_free(r->sound);
    mem_free(r->window);
    mem_free(r->text);
    mem_free(r->said);
    mem_free(r);
    return st;
}
