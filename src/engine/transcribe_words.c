/* The words of a window: when they are said, and which were hardly said at all. */
#include <math.h>
#include <string.h>

#include "engine/transcribe_inside.h"

/* ---- words -------------------------------------------------------------------------------- */

/* Languages that are written without spaces. */
static bool has_spaces(const struct run *r)
{
    static const char *const without[] = {"zh", "ja", "th", "lo", "my", "yue"};
    const char *code = whisper_language(r->r->language);
    for (size_t i = 0; r->s->m->w.multilingual && i < sizeof without / sizeof *without; i++) {
        if (!strcmp(code, without[i]))
            return false;
    }
    return true;
}

/* When the words of all pieces are said. */
static enum status find_words(struct run *r, uint64_t seek, uint32_t used)
{
    const struct whisper *w = &r->s->m->w;
    int32_t text[SPEECH_MOST];
    float probs[SPEECH_MOST];
    struct words_piece fits[MOST_PIECES];
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n_pieces; i++) {
        const struct piece *p = &r->pieces[i];
        fits[i] = p->fit;
        for (uint32_t k = 0; k < p->n; k++) {
            if (transcribe_is_text(r, r->best.tokens[p->first + k]))
                text[n++] = r->best.tokens[p->first + k];
        }
    }
    words_release(&r->words);
    if (!n || r->n_start + n + 2 > w->text.n_ctx)
        return OK;
    TRY(speech_align(r->s,
                     &(struct speech_aligning){.window = r->slot,
                                               .start = r->start,
                                               .n_start = r->n_start,
                                               .text = text,
                                               .n_text = n,
                                               .frames = used / 2},
                     r->looks, probs));
    TRY(words_find(
        &(struct words_params){.tok = r->s->m->tok,
                               .text = text,
                               .n_text = n,
                               .spaces = has_spaces(r),
                               .looks = r->looks,
                               .stride = w->audio.n_ctx,
                               .frames = used / 2,
                               .probs = probs,
                               .prepended = r->p->prepended ? r->p->prepended : WORDS_PREPENDED,
                               .appended = r->p->appended ? r->p->appended : WORDS_APPENDED,
                               .offset = (double)seek * frame,
                               .last_speech = r->last_speech},
        fits, r->n_pieces, &r->words));
    for (uint32_t i = 0; i < r->n_pieces; i++)
        r->pieces[i].fit = fits[i];
    return OK;
}

/* The end of the last word, or of the last piece if there are no words; < 0: there is none. */
static double last_end(const struct run *r)
{
    for (uint32_t i = r->n_pieces; i-- > 0;) {
        const struct words_piece *p = &r->pieces[i].fit;
        if (p->n)
            return r->words.all[p->first + p->n - 1].end;
    }
    return r->n_pieces ? r->pieces[r->n_pieces - 1].fit.end : -1;
}

static uint64_t frames_of(double seconds)
{
    return (uint64_t)rint(seconds / frame);
}

/* How little a piece's first words are like what is said: very short, very long, improbable. */
static bool is_anomaly(const struct run *r, const struct words_piece *p)
{
    double score = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n && n < 8; i++) {
        const struct word *w = &r->words.all[p->first + i];
        double takes = w->end - w->start;
        if (words_is_part(w->text, strlen(w->text), WORDS_PREPENDED WORDS_APPENDED))
            continue;
        n++;
        score += (w->prob < 0.15f) + (takes < 0.133 ? (0.133 - takes) * 15 : 0) +
                 (takes > 2 ? takes - 2 : 0);
    }
    return p->n && (score >= 3 || score + 0.01 >= n);
}

static const struct words_piece *with_words(const struct run *r, uint32_t from)
{
    for (uint32_t i = from; i < r->n_pieces; i++) {
        if (r->pieces[i].fit.n)
            return &r->pieces[i].fit;
    }
    return NULL;
}

/* Drops pieces that are hardly likely and have silence on both sides, as openai-whisper does;
 * *next: where the next window begins. */
static void drop_hallucinations(struct run *r, uint64_t seek, uint32_t used, bool single,
                                uint64_t *next)
{
    double begin = (double)seek * frame, most = r->p->hallucination, last = r->last_speech;
    double window_end = begin + whisper_frames(&r->s->m->w) * frame, end = last_end(r);
    if (!single && end > begin)
        *next = window_end - end > most ? frames_of(end) : seek + used;
    const struct words_piece *first = with_words(r, 0);
    if (first && is_anomaly(r, first) && first->start - begin > most) {
        *next = seek + frames_of(first->start - begin);
        r->n_pieces = 0;
        return;
    }
    for (uint32_t i = 0; i < r->n_pieces; i++) {
        const struct words_piece *p = &r->pieces[i].fit, *after = with_words(r, i + 1);
        if (!p->n)
            continue;
        double gap_end = after ? r->words.all[after->first].start : begin + used * frame;
        bool before = p->start - last > most || p->start < most || p->start - begin < 2;
        bool behind =
            gap_end - p->end > most || (after && is_anomaly(r, after)) || window_end - p->end < 2;
        if (is_anomaly(r, p) && before && behind) {
            *next = frames_of(fmax(begin + 1, p->start));
            if (r->ended && r->r->seconds - p->end < most)
                *next = (r->base + r->n) / WHISPER_HOP;
            r->n_pieces = i;
            return;
        }
        last = p->end;
    }
}

enum status transcribe_words(struct run *r, uint64_t seek, uint32_t used, bool single,
                             uint64_t *next)
{
    TRY(find_words(r, seek, used));
    double end = last_end(r);
    if (!single && end > (double)seek * frame)
        *next = frames_of(end);
    if (r->p->hallucination > 0)
        drop_hallucinations(r, seek, used, single, next);
    end = last_end(r);
    if (end >= 0)
        r->last_speech = end;
    return OK;
}
