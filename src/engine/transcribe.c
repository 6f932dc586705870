#include "engine/transcribe_inside.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

/* The frame of n at which there is least to hear for 0.2 s, in the later half of them. */
static uint32_t quietest(const struct run *r, uint64_t seek, uint32_t n)
{
    enum { STRETCH = 20 };
    double least = INFINITY, sum = 0, energy[STRETCH] = {0};
    uint32_t best = n;
    for (uint32_t i = n / 2; i < n; i++) {
        double e = 0;
        for (uint32_t k = 0; k < WHISPER_HOP; k++) {
            double v = (double)sample_at(r, (int64_t)((seek + i) * WHISPER_HOP + k));
            e += v * v;
        }
        sum += e - energy[i % STRETCH];
        energy[i % STRETCH] = e;
        if (i >= n / 2 + STRETCH - 1 && sum < least) {
            least = sum;
            best = i + 1 - STRETCH / 2;
        }
    }
    return best;
}

/* The window at frame `seek` to r->windows[at]; *used: how many of its frames hold sound, 0 at the
 * end; with `whole` it ends where there is least to hear, unless the sound ends before. */
static enum status take_window(struct run *r, uint64_t seek, uint32_t at, bool whole,
                               uint32_t *used)
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
    if (whole && *used == frames)
        *used = quietest(r, seek, *used);
    uint32_t heard = whole ? BEFORE + *used * WHISPER_HOP : whisper_samples(w);
    float *window = r->windows + (uint64_t)at * whisper_samples(w);
    for (uint32_t i = 0; i < whisper_samples(w); i++)
        window[i] = i < heard ? sample_at(r, (int64_t)first - BEFORE + i) : 0;
    r->r->n_windows++;
    return OK;
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
    if (r->n_said || r->n_hot) {
        uint32_t hot = r->n_hot < most ? r->n_hot : most;
        uint32_t keep = r->n_said < most - hot ? r->n_said : most - hot;
        prompt[n++] = (int32_t)w->ids.start_prev;
        memcpy(prompt + n, r->hot, hot * sizeof *prompt);
        n += hot;
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

static bool is_unlikely(const struct run *r)
{
    return r->p->least_logprob < 0 && mean_logprob(&r->best) < (double)r->p->least_logprob;
}

static bool is_silence(const struct run *r)
{
    return r->p->no_speech > 0 && r->best.no_speech > r->p->no_speech;
}

static bool repeats(const struct run *r)
{
    return r->best.lost || (r->p->most_compression > 0 && r->ratio > r->p->most_compression);
}

/* True if a text repeats itself so much that another temperature has to be tried, whatever follows.
 * Where there may be silence, that depends on how likely it is. */
static bool is_lost(void *ctx, const struct speech_answer *a)
{
    struct run *r = ctx;
    return r->p->most_compression > 0 && !(r->p->no_speech > 0 && a->no_speech > r->p->no_speech) &&
           transcribe_is_loop(r, a);
}

/* What is tried at temperature i; the last answer counts whatever it is, and is heard out. */
static void set_temperature(struct run *r, struct speech_request *req, uint32_t i)
{
    req->temp = r->p->temperatures[i];
    req->is_lost = i + 1 < r->p->n_temperatures ? is_lost : NULL;
    req->ctx = r;
}

/* The likeliest answer at temperature i becomes r->best. */
static enum status answer_at(struct run *r, struct speech_request *req, uint32_t i)
{
    set_temperature(r, req, i);
    TRY(speech_say(r->s, req, 1, &r->best));
    req->seed++;
    r->temperature = req->temp;
    return transcribe_ratio(r, &r->best, &r->ratio);
}

/* True if r->best will do, or no other temperature makes it better. */
static bool is_good(const struct run *r)
{
    return r->best.cancelled || (!r->best.lost && is_silence(r) && is_unlikely(r)) ||
           (!repeats(r) && !is_unlikely(r));
}

static struct speech_request request(const struct run *r, int32_t prompt[SPEECH_MOST])
{
    struct speech_request req = {.n_most = r->s->m->w.text.n_ctx / 2,
                                 .timed = !r->p->no_times,
                                 .tries = r->p->best_of,
                                 .beams = r->p->beams,
                                 .patience = r->p->patience,
                                 .length_penalty = r->p->length_penalty,
                                 .seed = r->p->seed + 1000003ull * r->r->n_windows};
    make_prompt(r, prompt, &req);
    return req;
}

static enum status answer(struct run *r)
{
    int32_t prompt[SPEECH_MOST];
    struct speech_request req = request(r, prompt);
    for (uint32_t i = 0; i < r->p->n_temperatures; i++) {
        TRY(answer_at(r, &req, i));
        if (is_good(r))
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
static enum status give(struct run *r, uint64_t seek, const struct piece *piece)
{
    const int32_t *tokens = r->best.tokens + piece->first;
    size_t len, first;
    TRY(transcribe_write(r, tokens, piece->n, &len));
    transcribe_trim(r->text, &first, &len);
    if (!len || piece->fit.start == piece->fit.end)
        return OK;
    if (r->p->batch < 2)
        TRY(remember(r, tokens, piece->n));
    struct transcript_segment s = {
        .id = r->r->n_segments++,
        .seek = seek,
        .start = piece->fit.start,
        .end = piece->fit.end,
        .text = r->text,
        .tokens = tokens,
        .n_tokens = piece->n,
        .temperature = r->temperature,
        .avg_logprob = (float)mean_logprob(&r->best),
        .compression_ratio = r->ratio,
        .no_speech_prob = r->best.no_speech,
        .words = r->words.all + piece->fit.first,
        .n_words = piece->fit.n,
    };
    if (r->p->on_segment && !r->p->on_segment(r->p->ctx, &s))
        r->r->cancelled = true;
    return OK;
}

static void add_piece(struct run *r, double start, double end, uint32_t first, uint32_t n)
{
    struct piece *p = &r->pieces[r->n_pieces++];
    *p = (struct piece){.fit = {.start = start, .end = end}, .first = first, .n = n};
    for (uint32_t i = 0; i < n; i++)
        p->fit.n_text += transcribe_is_text(r, r->best.tokens[first + i]);
}

/* Cuts r->best into pieces; *step: frames to the next window. True if the text ends with a single
 * time: nothing is said after it. */
static bool cut(struct run *r, uint64_t seek, uint32_t used, uint32_t *step)
{
    enum { FRAMES_A_TIME = 2 };
    const double precision = FRAMES_A_TIME * frame;
    const int32_t *t = r->best.tokens, time_0 = (int32_t)r->s->m->w.ids.time_0;
    double offset = (double)seek * frame;
    uint32_t n = r->best.n, last = 0;
    bool single = n >= 2 && t[n - 2] < time_0 && t[n - 1] >= time_0;
    *step = used;
    r->n_pieces = 0;
    for (uint32_t i = 1; i <= n; i++) {
        bool pair = i < n && t[i - 1] >= time_0 && t[i] >= time_0;
        bool at_end = i == n && single && last; /* after other segments */
        if (!pair && !at_end)
            continue;
        add_piece(r, offset + (t[last] - time_0) * precision,
                  offset + (t[i - 1] - time_0) * precision, last, i - last);
        last = i;
    }
    if (last && last < n && r->p->batch > 1) { /* no window hears it again */
        double start = t[last] >= time_0 ? (t[last] - time_0) * precision : 0;
        add_piece(r, offset + start, offset + fmax(start, used * frame), last, n - last);
    }
    if (last) {
        if (!single)
            *step = (uint32_t)(t[last - 1] - time_0) * FRAMES_A_TIME;
        return single;
    }
    double seconds = used * frame;
    for (uint32_t i = n; i-- > 0;) {
        if (t[i] < time_0)
            continue;
        if (t[i] != time_0)
            seconds = (t[i] - time_0) * precision;
        break;
    }
    add_piece(r, offset, offset + seconds, 0, n);
    return single;
}

/* What the next window is told of: nothing of what was said hot, nor of what went round, in the
 * window or from window to window, as it would go on doing so. */
static void pass_on(struct run *r, bool loop)
{
    r->n_same = !loop && transcribe_is_same(r) ? r->n_same + 1 : 0;
    if (r->p->no_context || r->temperature > 0.5f || loop || r->n_same >= MOST_SAME)
        r->n_said = 0;
}

/* What r->best says of the window at *seek, which moves on. */
static enum status tell(struct run *r, uint64_t *seek, uint32_t used)
{
    uint64_t next = *seek + used;
    uint32_t step;
    if (r->best.cancelled) {
        r->r->cancelled = true;
        return OK;
    }
    if (!is_silence(r) || (r->p->least_logprob < 0 && !is_unlikely(r))) {
        bool single = cut(r, *seek, used, &step);
        bool loop = repeats(r), shorter = loop && transcribe_drop_loops(r);
        next = *seek + step;
        if (r->p->words)
            TRY(transcribe_words(r, *seek, used, single, &next));
        if (shorter) /* what was dropped is not heard again */
            next = *seek + step;
        for (uint32_t i = 0; i < r->n_pieces && !r->r->cancelled; i++)
            TRY(give(r, *seek, &r->pieces[i]));
        if (r->p->batch < 2)
            pass_on(r, loop);
    }
    /* A window that ends where it began would be heard for ever. */
    *seek = next > *seek ? next : *seek + used;
    return OK;
}

/* ---- all of it ---------------------------------------------------------------------------- */

/* Tokens of a text that is given, a space in front; *ids grows. */
static enum status encode(const struct run *r, const char *given, int32_t **ids, size_t *n)
{
    size_t len = strlen(given), first;
    transcribe_trim(given, &first, &len);
    if (!len)
        return OK;
    char *text = mem_alloc(len + 2);
    if (!text)
        return ERR_MEMORY;
    text[0] = ' ';
    memcpy(text + 1, given + first, len);
    enum status s = tok_encode(r->s->m->tok, text, len + 1, &(struct tok_encode_params){0}, ids, n);
    mem_free(text);
    return s;
}

static enum status take_prompts(struct run *r)
{
    int32_t *ids = NULL;
    size_t n = 0;
    enum status s = r->p->prompt ? encode(r, r->p->prompt, &ids, &n) : OK;
    if (s == OK && n)
        s = remember(r, ids, (uint32_t)n);
    mem_free(ids);
    n = 0;
    if (s == OK && r->p->hotwords)
        s = encode(r, r->p->hotwords, &r->hot, &n);
    r->n_hot = (uint32_t)n;
    return s;
}

static void progress(const struct run *r, uint64_t seek)
{
    if (r->p->on_progress)
        r->p->on_progress(r->p->ctx, (double)(seek * WHISPER_HOP) / WHISPER_RATE,
                          r->ended ? r->r->seconds : r->p->sound->seconds(r->p->sound));
}

/* ---- several windows at once -------------------------------------------------------------- */

/* A window of a batch. */
struct take {
    uint64_t seek;
    uint32_t used;
    bool done;
    float ratio, temperature;
    struct speech_answer answer;
};

/* Answers of so many windows that are not done, at one temperature. */
static enum status try_takes(struct run *r, struct take *takes, const uint32_t *which, uint32_t n,
                             struct speech_request req)
{
    struct speech_request reqs[K_MAX_OUT];
    for (uint32_t i = 0; i < n; i++) {
        reqs[i] = req;
        reqs[i].window = which[i];
        reqs[i].seed += 1000003ull * which[i];
    }
    TRY(speech_say(r->s, reqs, n, r->answers));
    for (uint32_t i = 0; i < n; i++) {
        struct take *t = &takes[which[i]];
        r->best = r->answers[i];
        TRY(transcribe_ratio(r, &r->best, &r->ratio));
        t->answer = r->best;
        t->ratio = r->ratio;
        t->temperature = req.temp;
        t->done = is_good(r);
        r->r->cancelled |= r->best.cancelled;
    }
    return OK;
}

static enum status answer_takes(struct run *r, struct take *takes, uint32_t n)
{
    int32_t prompt[SPEECH_MOST];
    struct speech_request req = request(r, prompt);
    for (uint32_t i = 0; i < r->p->n_temperatures && !r->r->cancelled; i++, req.seed++) {
        set_temperature(r, &req, i);
        uint32_t each = req.temp > 0 ? req.tries : req.beams, which[K_MAX_OUT], m = 0;
        uint32_t most = each && each < r->s->rows ? r->s->rows / each : 1;
        for (uint32_t k = 0; k < n && !r->r->cancelled; k++) {
            if (!takes[k].done)
                which[m++] = k;
            if (m && (m == most || k + 1 == n)) {
                TRY(try_takes(r, takes, which, m, req));
                m = 0;
            }
        }
    }
    return OK;
}

/* Listens to those that are taken but not heard yet: numbers first ... end - 1. */
static enum status hear(struct run *r, const struct take *takes, uint32_t first, uint32_t end)
{
    uint32_t used[K_MAX_OUT];
    if (first == end || r->r->cancelled)
        return OK;
    for (uint32_t i = first; i < end; i++)
        used[i - first] = takes[i].used;
    TRY(speech_listen(r->s, first, end - first, r->windows, used));
    return r->n_start ? OK : make_start(r);
}

static enum status batch(struct run *r, struct take *takes, uint64_t *seek, bool *more)
{
    uint32_t n = 0, most = r->s->windows < r->p->batch ? r->s->windows : r->p->batch;
    uint32_t heard = 0; /* of these */
    for (*more = true; n < most && *more;) {
        struct take *t = &takes[n];
        *t = (struct take){.seek = *seek};
        TRY(take_window(r, *seek, n - heard, true, &t->used));
        r->r->seconds = (double)(r->base + r->n) / WHISPER_RATE;
        r->r->cancelled = atomic_load(&r->s->cancelled);
        *more = t->used && !r->r->cancelled;
        if (!*more)
            break;
        *seek += t->used;
        if (++n - heard < r->s->hears)
            continue;
        TRY(hear(r, takes, heard, n));
        heard = n;
    }
    TRY(hear(r, takes, heard, n));
    if (!r->r->cancelled)
        TRY(answer_takes(r, takes, n));
    for (uint32_t i = 0; i < n && !r->r->cancelled; i++) {
        uint64_t at = takes[i].seek;
        r->best = takes[i].answer;
        r->ratio = takes[i].ratio;
        r->temperature = takes[i].temperature;
        r->slot = i;
        TRY(tell(r, &at, takes[i].used));
    }
    r->r->cancelled |= atomic_load(&r->s->cancelled);
    *more &= !r->r->cancelled;
    progress(r, *seek);
    return OK;
}

static enum status batches(struct run *r)
{
    uint64_t seek = 0;
    bool more = true;
    enum status s = OK;
    struct take *takes = mem_calloc(r->p->batch, sizeof *takes);
    r->answers = mem_calloc(r->p->batch, sizeof *r->answers);
    if (!takes || !r->answers)
        s = ERR_MEMORY;
    while (s == OK && more)
        s = batch(r, takes, &seek, &more);
    mem_free(r->answers);
    mem_free(takes);
    return s;
}

/* ---- one after the other ------------------------------------------------------------------ */

static enum status windows(struct run *r)
{
    uint64_t seek = 0;
    TRY(take_prompts(r));
    if (r->p->batch > 1 && !r->p->detect_language)
        return batches(r);
    while (!r->r->cancelled) {
        uint32_t used;
        TRY(take_window(r, seek, 0, false, &used));
        if (used)
            TRY(speech_listen(r->s, 0, 1, r->windows, &used));
        r->r->seconds = (double)(r->base + r->n) / WHISPER_RATE;
        r->r->cancelled = atomic_load(&r->s->cancelled);
        if (!used || r->r->cancelled)
            break;
        if (!r->n_start)
            TRY(make_start(r));
        if (r->p->detect_language)
            break;
        TRY(answer(r));
        TRY(tell(r, &seek, used));
        r->r->cancelled |= atomic_load(&r->s->cancelled);
        progress(r, seek);
    }
    return OK;
}

/* Room for as many texts at once as may be asked for. */
struct speech_params transcribe_needs(const struct transcribe_params *p)
{
    if (p->detect_language)
        return (struct speech_params){.rows = 1};
    struct speech_params want = {.rows = p->beams ? p->beams : 1, .aligns = p->words};
    for (uint32_t i = 0; i < p->n_temperatures; i++) {
        if (p->temperatures[i] > 0 && p->best_of > want.rows)
            want.rows = p->best_of < K_MAX_OUT ? p->best_of : K_MAX_OUT;
    }
    if (p->batch > 1) {
        want.windows = p->batch < K_MAX_OUT ? p->batch : K_MAX_OUT;
        want.rows = want.rows * want.windows < K_MAX_OUT ? want.rows * want.windows : K_MAX_OUT;
    }
    return want;
}

enum status transcribe(struct speech *s, const struct transcribe_params *params,
                       struct transcribe_result *out)
{
    *out = (struct transcribe_result){0};
    enum status st = ERR_MEMORY;
    struct speech_params needs = transcribe_needs(params);
    TRY(speech_reserve(s, &needs));
    TRY(speech_new_sound(s));
    struct run *r = mem_alloc(sizeof *r);
    if (!r)
        return ERR_MEMORY;
    r->s = s;
    r->p = params;
    r->r = out;
    r->room = whisper_frames(&s->m->w) * (uint64_t)WHISPER_HOP + 2 * BEFORE;
    r->sound = mem_calloc(r->room, sizeof *r->sound);
    r->windows = mem_calloc(s->hears, sizeof *r->windows * whisper_samples(&s->m->w));
    r->text_room = 4096;
    r->text = mem_alloc(r->text_room);
    if (params->words)
        r->looks = mem_calloc((uint64_t)s->m->w.text.n_ctx * s->m->w.audio.n_ctx, sizeof *r->looks);
    if (r->sound && r->windows && r->text && (r->looks || !params->words))
        st = windows(r);
    words_release(&r->words);
    mem_free(r->looks);
    mem_free(r->sound);
    mem_free(r->windows);
    mem_free(r->text);
    mem_free(r->said);
    mem_free(r->hot);
    mem_free(r);
    return st;
}
