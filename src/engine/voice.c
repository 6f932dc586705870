#include "engine/voice.h"

#include <string.h>

#include "base/mem.h"

enum { CUT_SILENCE = VOICE_RATE * 98 / 1000 };

void voice_init(struct voice *v, const struct voice_params *params)
{
    *v = (struct voice){.p = *params};
}

void voice_free(struct voice *v)
{
    mem_free(v->pieces);
    *v = (struct voice){0};
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- pieces ------------------------------------------------------------------------------- */

void voice_take(struct voice *v)
{
    v->n--;
    memmove(v->pieces, v->pieces + 1, v->n * sizeof *v->pieces);
}

static enum status hand_out(struct voice *v, int64_t start, int64_t end)
{
    if (v->n == v->room) {
        uint32_t room = 2 * v->room + 8;
        struct voice_piece *more = mem_realloc(v->pieces, room * sizeof *more);
        if (!more)
            return ERR_MEMORY;
        v->pieces = more;
        v->room = room;
    }
    v->pieces[v->n++] = (struct voice_piece){start, end, false};
    return OK;
}

/* The piece that waits ends `gap` before the next one, which takes half of a small gap. */
static void close_waiting(struct voice *v, int64_t gap)
{
    int64_t pad = gap < 2 * v->p.pad ? gap / 2 : v->p.pad;
    struct voice_piece *last = &v->pieces[v->n - 1];
    last->end = v->wait_end + pad + least(v->p.overlap, gap - 2 * pad);
    last->closed = true;
    v->waiting = false;
}

/* The stretch that is being joined is long enough: it becomes a piece. */
static enum status open_piece(struct voice *v)
{
    int64_t gap = v->any ? v->join_start - v->wait_end : INT64_MAX;
    int64_t pad = gap < 2 * v->p.pad ? gap / 2 : v->p.pad;
    if (v->waiting)
        close_waiting(v, gap);
    TRY(hand_out(v, most(v->join_start - pad, 0), v->join_end));
    v->open = v->any = true;
    return OK;
}

static enum status grow(struct voice *v, int64_t end)
{
    v->join_end = most(v->join_end, end);
    if (v->open)
        v->pieces[v->n - 1].end = v->join_end;
    else if (v->join_end - v->join_start >= v->p.min_speech)
        return open_piece(v);
    return OK;
}

/* Nothing joins it any more. */
static void finish(struct voice *v)
{
    if (v->open) {
        v->waiting = true;
        v->wait_end = v->join_end;
    }
    v->joining = v->open = false;
}

/* A stretch of speech, or the beginning of one that is certain to be one. */
static enum status join(struct voice *v, int64_t start, int64_t end)
{
    if (v->joining && start - v->join_end < VOICE_MERGE)
        return grow(v, end);
    finish(v);
    v->joining = true;
    v->join_start = v->join_end = start;
    return grow(v, end);
}

/* ---- probabilities ------------------------------------------------------------------------ */

static void forget_ends(struct voice *v)
{
    v->prev_end = v->next_start = v->temp_end = 0;
}

/* A stretch that is too long ends at its last silence, if it had any; *done: the probability has
 * been dealt with. */
static enum status cut(struct voice *v, bool *done)
{
    int64_t end = v->prev_end ? v->prev_end : v->at;
    TRY(join(v, v->start, end));
    *done = !v->prev_end;
    v->speaking = v->prev_end && v->next_start >= v->prev_end;
    if (v->speaking)
        v->start = v->next_start;
    forget_ends(v);
    return OK;
}

static enum status silence(struct voice *v)
{
    if (!v->temp_end)
        v->temp_end = v->at;
    if (v->at - v->temp_end > CUT_SILENCE)
        v->prev_end = v->temp_end;
    if (v->at - v->temp_end < v->p.min_silence)
        return OK;
    enum status s = OK;
    if (v->temp_end - v->start > v->p.min_speech)
        s = join(v, v->start, v->temp_end);
    v->speaking = false;
    forget_ends(v);
    return s;
}

static enum status take(struct voice *v, float prob)
{
    float low = v->p.threshold - 0.15f < 0.01f ? 0.01f : v->p.threshold - 0.15f;
    bool loud = prob >= v->p.threshold, done = false;
    if (loud && v->temp_end) {
        v->temp_end = 0;
        if (v->next_start < v->prev_end)
            v->next_start = v->at;
    }
    if (loud && !v->speaking) {
        v->speaking = true;
        v->start = v->at;
        return OK;
    }
    if (v->speaking && v->p.max_speech && v->at - v->start > v->p.max_speech)
        TRY(cut(v, &done));
    return !done && prob < low && v->speaking ? silence(v) : OK;
}

/* Where the stretch that it is in goes to at least. */
static int64_t certain_end(const struct voice *v)
{
    int64_t end = v->temp_end ? v->temp_end : v->at;
    return v->p.max_speech && v->prev_end ? least(end, v->prev_end) : end;
}

/* What follows from there being no speech before `next`. */
static void settle(struct voice *v, int64_t next)
{
    if (v->joining && next - v->join_end >= VOICE_MERGE)
        finish(v);
    int64_t from = v->joining ? v->join_start : next;
    if (v->waiting && from - v->wait_end >= most(VOICE_MERGE, 2 * v->p.pad + v->p.overlap))
        close_waiting(v, from - v->wait_end);
}

/* The stretch that it is in is long enough to be one. */
static bool is_certain(const struct voice *v)
{
    return v->speaking && certain_end(v) - v->start > v->p.min_speech;
}

enum status voice_push(struct voice *v, float prob)
{
    TRY(take(v, prob));
    v->at += v->p.chunk;
    if (is_certain(v))
        TRY(join(v, v->start, certain_end(v)));
    settle(v, v->speaking ? v->start : v->at);
    return OK;
}

enum status voice_end(struct voice *v)
{
    if (v->speaking && v->at - v->start > v->p.min_speech)
        TRY(join(v, v->start, v->at));
    v->speaking = false;
    finish(v);
    if (v->waiting) {
        v->pieces[v->n - 1].end = least(v->wait_end + v->p.pad + v->p.overlap, v->at);
        v->pieces[v->n - 1].closed = true;
        v->waiting = false;
    }
    return OK;
}

int64_t voice_settled(const struct voice *v)
{
    int64_t from = is_certain(v) ? certain_end(v) : v->speaking ? v->start : v->at;
    if (v->joining && !v->open)
        from = least(from, v->join_start);
    from -= v->p.pad;
    if (v->waiting || v->open)
        from = least(from, v->pieces[v->n - 1].end);
    return most(from, 0);
}
