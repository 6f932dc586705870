/* Listening: see tawny.h.
 *
 * The stretch that is heard again with every step begins where the last line ended. A line ends
 * where the model ends a segment whose words are certain and that another one or a second of sound
 * follows; at the latest when a window is full, all that it holds becomes lines. */
#include <math.h>
#include <string.h>

#include "engine/api.h"
#include "text/settle.h"

enum {
    RATE = 16000,
    MOST = 29 * RATE, /* samples of a stretch: less than a window */
    PAUSE = 1,        /* seconds behind a segment that end it */
    QUIET = RATE,     /* samples that are kept where nothing is said */
    BEHIND = 10 * RATE,
    PROMPT = 400, /* bytes of what was said before */
};

/* A segment of the text: it ends before word `end`. */
struct part {
    double start, stop;
    uint32_t end;
};

struct tawny_listener {
    struct tawny_speech *speech;
    struct tawny_listen_params p;
    float *samples;
    size_t n, fresh, step; /* fresh: not heard yet */
    uint64_t before;       /* samples before the stretch */
    struct settle settle;
    struct words text; /* of the last pass */
    struct part *parts;
    uint32_t n_parts, room;
    char prompt[PROMPT + 1];
    enum status status; /* of on_segment */
    bool ended;         /* on_line said so */
};

enum tawny_status tawny_listen_open(struct tawny_speech *speech,
                                    const struct tawny_listen_params *params,
                                    struct tawny_listener **out)
{
    *out = NULL;
    double step = params->step != 0 ? params->step : 1;
    if (!(step >= 0.1 && step <= 25))
        return api_status(
            status_fail(ERR_USAGE, "a step of %g s: must be 0.1 to 25", params->step));
    struct tawny_listener *l = mem_alloc(sizeof *l);
    if (!l)
        return TAWNY_ERROR_MEMORY;
    l->speech = speech;
    l->p = *params;
    l->step = (size_t)llround(step * RATE);
    l->samples = mem_alloc(MOST * sizeof *l->samples);
    if (l->samples)
        *out = l;
    else
        tawny_listen_close(&l);
    return *out ? TAWNY_OK : TAWNY_ERROR_MEMORY;
}

void tawny_listen_close(struct tawny_listener **listener)
{
    struct tawny_listener *l = *listener;
    *listener = NULL;
    if (!l)
        return;
    settle_free(&l->settle);
    words_free(&l->text);
    mem_free(l->parts);
    mem_free(l->samples);
    mem_free(l);
}

/* ---- one text ----------------------------------------------------------------------------- */

static bool on_segment(void *ctx, const struct tawny_segment *s)
{
    struct tawny_listener *l = ctx;
    if (l->n_parts == l->room) {
        uint32_t room = 2 * l->room + 8;
        struct part *more = mem_realloc(l->parts, room * sizeof *more);
        l->status = more ? OK : ERR_MEMORY;
        if (!more)
            return false;
        l->parts = more;
        l->room = room;
    }
    l->status = words_add(&l->text, s->text);
    l->parts[l->n_parts++] = (struct part){s->start, s->end, l->text.n};
    return l->status == OK;
}

static enum status hear(struct tawny_listener *l, struct tawny_transcript *t)
{
    struct tawny_transcribe_params how = l->p.how;
    how.path = NULL;
    how.data = NULL;
    how.samples = l->samples;
    how.n_samples = l->n;
    how.on_segment = on_segment;
    how.on_progress = NULL;
    how.ctx = l;
    if (l->prompt[0])
        how.prompt = l->prompt;
    words_clear(&l->text);
    l->n_parts = 0;
    l->status = OK;
    enum tawny_status s = tawny_transcribe(l->speech, &how, t);
    return s != TAWNY_OK ? (enum status)s : l->status;
}

/* ---- lines -------------------------------------------------------------------------------- */

/* What was said becomes what the next text is taken to follow. */
static void remember(struct tawny_listener *l, const char *text)
{
    size_t old = strlen(l->prompt), len = strlen(text);
    if (len > PROMPT) {
        text += len - PROMPT;
        len = PROMPT;
    }
    size_t keep = old < PROMPT - len ? old : PROMPT - len;
    memmove(l->prompt, l->prompt + old - keep, keep);
    memcpy(l->prompt + keep, text, len + 1);
    size_t skip = 0; /* begins with a whole character */
    while (((unsigned char)l->prompt[skip] & 0xc0) == 0x80)
        skip++;
    memmove(l->prompt, l->prompt + skip, keep + len + 1 - skip);
}

/* Certain words up to `end` become a line; they are dropped. */
static void give(struct tawny_listener *l, uint32_t end, double start, double stop)
{
    struct words *w = &l->settle.settled;
    end = end < w->n ? end : w->n;
    if (!end)
        return;
    char *behind = w->text + w->at[end], kept = *behind;
    *behind = 0;
    remember(l, w->text);
    struct tawny_line line = {(double)l->before / RATE + start, (double)l->before / RATE + stop,
                              w->text};
    l->ended |= l->p.on_line && !l->p.on_line(l->p.ctx, &line);
    *behind = kept;
    settle_drop(&l->settle, end);
}

/* The stretch begins `count` samples later. */
static void drop(struct tawny_listener *l, size_t count)
{
    count = count < l->n ? count : l->n;
    memmove(l->samples, l->samples + count, (l->n - count) * sizeof *l->samples);
    l->n -= count;
    l->before += count;
}

/* How many of the segments are over. Of a full stretch at least all but the last one. */
static uint32_t count_over(const struct tawny_listener *l, bool end)
{
    uint32_t over = 0;
    if (end || (l->n == MOST && l->n_parts == 1))
        return l->n_parts;
    if (l->n == MOST && l->n_parts)
        return l->n_parts - 1;
    for (uint32_t i = 0; i < l->n_parts; i++) {
        bool follows = i + 1 < l->n_parts || l->parts[i].stop + PAUSE <= (double)l->n / RATE;
        if (!follows || l->parts[i].end > l->settle.settled.n)
            break;
        over = i + 1;
    }
    return over;
}

static void give_lines(struct tawny_listener *l, bool end)
{
    uint32_t over = count_over(l, end), given = 0;
    bool full = l->n == MOST;
    for (uint32_t i = 0; i < over; i++) {
        give(l, l->parts[i].end - given, l->parts[i].start, l->parts[i].stop);
        given = l->parts[i].end;
    }
    if (over)
        drop(l, (size_t)llround(l->parts[over - 1].stop * RATE));
    /* At the end nothing stays, and a full stretch becomes shorter. */
    if (end || (full && l->n == MOST)) {
        give(l, UINT32_MAX, 0, (double)l->n / RATE);
        settle_drop(&l->settle, UINT32_MAX);
        drop(l, l->n);
    }
}

/* A text of the stretch as it is now. */
static enum status pass(struct tawny_listener *l, bool end)
{
    struct tawny_transcript t;
    bool was_empty = !l->settle.last.n;
    l->fresh = 0;
    TRY(hear(l, &t));
    TRY(settle_pass(&l->settle, &l->text, end || l->n == MOST));
    if (!l->p.how.language && l->settle.settled.n && t.language)
        l->p.how.language = t.language; /* it does not change from word to word */
    give_lines(l, end);
    if (!l->n_parts && was_empty && !l->settle.settled.n && l->n > QUIET)
        drop(l, l->n - QUIET);
    if (l->p.on_tail) {
        const struct words *w = &l->settle.settled;
        l->p.on_tail(l->p.ctx, words_from(w, 0), words_from(&l->settle.last, w->n));
    }
    return OK;
}

/* ---- sound -------------------------------------------------------------------------------- */

enum tawny_status tawny_listen_push(struct tawny_listener *l, const float *samples, size_t n)
{
    bool behind = n >= BEHIND; /* then all is heard at once */
    while (n && !l->ended) {
        size_t take = MOST - l->n, step = behind ? MOST : l->step - l->fresh;
        take = take < step ? take : step;
        take = take < n ? take : n;
        memcpy(l->samples + l->n, samples, take * sizeof *samples);
        l->n += take;
        l->fresh += take;
        samples += take;
        n -= take;
        if (l->fresh >= l->step || l->n == MOST) {
            enum status s = pass(l, false);
            if (s != OK)
                return api_status(s);
        }
    }
    return TAWNY_OK;
}

enum tawny_status tawny_listen_end(struct tawny_listener *l)
{
    bool rest = l->fresh || l->settle.last.n || l->settle.settled.n;
    return l->ended || !rest ? TAWNY_OK : api_status(pass(l, true));
}
