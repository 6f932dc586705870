#include "engine/voiced.h"

#include <string.h>

#include "base/mem.h"

enum {
    BETWEEN = VOICE_RATE / 10, /* samples of silence between stretches */
    KEPT = 3600 * VOICE_RATE,
};

/* A stretch: where it begins in the inner sound and in this one, and how much of it was given. */
struct place {
    int64_t in, out, n;
};

struct sound_voiced {
    struct sound sound;
    struct sound *inner;
    struct vad *vad;
    struct voice voice;
    /* Samples base .. base + n - 1 of the inner sound. */
    float *samples;
    int64_t base, n, room;
    int64_t length; /* of the inner sound, as far as it was read */
    bool ended;
    /* What was given. */
    int64_t given;
    uint32_t silence; /* samples that are still to be given between two stretches */
    bool inside;      /* the last place is of the first of voice.pieces */
    struct place *places;
    uint32_t n_places, room_places;
};

/* ---- hearing ------------------------------------------------------------------------------ */

static enum status make_room(struct sound_voiced *s, int64_t more)
{
    if (s->n + more <= s->room)
        return OK;
    int64_t room = s->n + more + s->n / 2;
    float *p = mem_realloc(s->samples, (size_t)room * sizeof *p);
    if (!p)
        return ERR_MEMORY;
    s->samples = p;
    s->room = room;
    return OK;
}

/* Samples that can be in no stretch any more, and those that were given, are dropped. */
static void drop(struct sound_voiced *s)
{
    int64_t from = voice_settled(&s->voice);
    if (s->voice.n) {
        int64_t next = s->voice.pieces[0].start;
        if (s->inside)
            next += s->places[s->n_places - 1].n;
        from = next < from ? next : from;
    }
    int64_t n = from - s->base < s->n ? from - s->base : s->n;
    if (n <= 0)
        return;
    memmove(s->samples, s->samples + n, (size_t)(s->n - n) * sizeof *s->samples);
    s->base += n;
    s->n -= n;
}

/* Hears one more block. */
static enum status hear(struct sound_voiced *s)
{
    float probs[VAD_BLOCK];
    size_t got = 0;
    drop(s);
    TRY(make_room(s, VAD_BLOCK_SAMPLES));
    float *to = s->samples + s->n;
    TRY(s->inner->read(s->inner, to, VAD_BLOCK_SAMPLES, &got));
    s->ended = got < VAD_BLOCK_SAMPLES;
    s->length += (int64_t)got;
    uint32_t chunks = (uint32_t)((got + SILERO_CHUNK - 1) / SILERO_CHUNK);
    memset(to + got, 0, (chunks * (size_t)SILERO_CHUNK - got) * sizeof *to);
    s->n += (int64_t)got;
    if (chunks)
        TRY(vad_hear(s->vad, to, chunks, probs));
    for (uint32_t i = 0; i < chunks; i++)
        TRY(voice_push(&s->voice, probs[i]));
    return s->ended ? voice_end(&s->voice) : OK;
}

/* ---- giving ------------------------------------------------------------------------------- */

static enum status begin_piece(struct sound_voiced *s)
{
    uint32_t old = 0;
    while (old < s->n_places && s->places[old].out + s->places[old].n < s->given - KEPT)
        old++;
    if (old > s->n_places / 2) {
        s->n_places -= old;
        memmove(s->places, s->places + old, s->n_places * sizeof *s->places);
    }
    if (s->n_places == s->room_places) {
        uint32_t room = 2 * s->room_places + 16;
        struct place *p = mem_realloc(s->places, room * sizeof *p);
        if (!p)
            return ERR_MEMORY;
        s->places = p;
        s->room_places = room;
    }
    s->places[s->n_places++] = (struct place){s->voice.pieces[0].start, s->given, 0};
    s->inside = true;
    return OK;
}

/* Up to max samples of the first piece that are certain; 0: none are. One that was given is
 * dropped, and silence follows before the next. */
static size_t give_piece(struct sound_voiced *s, float *dst, size_t max)
{
    const struct voice_piece *piece = &s->voice.pieces[0];
    struct place *p = &s->places[s->n_places - 1];
    int64_t end = piece->end < s->length ? piece->end : s->length, left = end - p->in - p->n;
    if (left <= 0 && piece->closed) {
        voice_take(&s->voice);
        s->inside = false;
        s->silence = BETWEEN;
    }
    if (left <= 0)
        return 0;
    size_t n = left < (int64_t)max ? (size_t)left : max;
    memcpy(dst, s->samples + (p->in + p->n - s->base), n * sizeof *dst);
    p->n += (int64_t)n;
    return n;
}

/* Up to max samples; 0: nothing is certain. */
static enum status give(struct sound_voiced *s, float *dst, size_t max, size_t *count)
{
    *count = 0;
    while (!*count && s->voice.n) {
        bool was_inside = s->inside;
        if (s->inside) {
            *count = give_piece(s, dst, max);
        } else if (s->silence) {
            *count = s->silence < max ? s->silence : max;
            memset(dst, 0, *count * sizeof *dst);
            s->silence -= (uint32_t)*count;
        } else {
            TRY(begin_piece(s));
        }
        if (was_inside && s->inside)
            break;
    }
    s->given += (int64_t)*count;
    return OK;
}

static enum status read_voiced(struct sound *sound, float *dst, size_t max, size_t *count)
{
    struct sound_voiced *s = (struct sound_voiced *)(void *)sound;
    *count = 0;
    while (*count < max) {
        size_t n;
        TRY(give(s, dst + *count, max - *count, &n));
        *count += n;
        if (!n && s->ended)
            break;
        if (!n)
            TRY(hear(s));
    }
    return OK;
}

static double seconds_voiced(struct sound *sound)
{
    struct sound_voiced *s = (struct sound_voiced *)(void *)sound;
    return s->ended ? sound_voiced_heard(s) : s->inner->seconds(s->inner);
}

/* ---- the rest ----------------------------------------------------------------------------- */

enum status sound_voiced_open(struct vad *vad, const struct voice_params *params,
                              struct sound *inner, struct sound_voiced **out)
{
    *out = NULL;
    struct sound_voiced *s = mem_alloc(sizeof *s);
    if (!s)
        return ERR_MEMORY;
    struct voice_params p = *params;
    p.chunk = SILERO_CHUNK;
    s->sound = (struct sound){read_voiced, seconds_voiced};
    s->inner = inner;
    s->vad = vad;
    voice_init(&s->voice, &p);
    enum status st = vad_reset(vad);
    if (st == OK)
        *out = s;
    else
        mem_free(s);
    return st;
}

void sound_voiced_close(struct sound_voiced **voiced)
{
    struct sound_voiced *s = *voiced;
    *voiced = NULL;
    if (!s)
        return;
    voice_free(&s->voice);
    mem_free(s->samples);
    mem_free(s->places);
    mem_free(s);
}

struct sound *sound_voiced(struct sound_voiced *s)
{
    return &s->sound;
}

double sound_voiced_time(const struct sound_voiced *s, double t, bool end)
{
    double at = t * VOICE_RATE;
    uint32_t i = s->n_places;
    if (!i)
        return t;
    while (i > 1 && (end ? at <= (double)s->places[i - 1].out : at < (double)s->places[i - 1].out))
        i--;
    const struct place *p = &s->places[i - 1];
    double into = at - (double)p->out;
    if (into > (double)p->n) { /* behind it */
        if (!end && i < s->n_places)
            return (double)s->places[i].in / VOICE_RATE;
        into = (double)p->n;
    }
    return ((double)p->in + (into > 0 ? into : 0)) / VOICE_RATE;
}

double sound_voiced_heard(const struct sound_voiced *s)
{
    return (double)s->length / VOICE_RATE;
}
