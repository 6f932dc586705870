/* transcribe_inside.h - what the sources behind transcribe.h share. Only they include it. */
#ifndef TAWNY_ENGINE_TRANSCRIBE_INSIDE_H
#define TAWNY_ENGINE_TRANSCRIBE_INSIDE_H

#include "engine/transcribe.h"

static const double frame = (double)WHISPER_HOP / WHISPER_RATE; /* seconds */

/* A segment of the window's text, on its way. */
struct piece {
    struct words_piece fit;
    uint32_t first, n; /* its tokens in the answer */
};
enum { MOST_PIECES = SPEECH_MOST / 2 + 2, MOST_SAME = 2 };

/* A transcription in progress. */
struct run {
    struct speech *s;
    const struct transcribe_params *p;
    struct transcribe_result *r;

    /* Sound: samples base .. base + n - 1 of the input. */
    float *sound;
    float *windows; /* s->hears of them, to be listened to */
    uint64_t base, n, room;
    bool ended;

    int32_t start[3]; /* <|startoftranscript|>, language, task */
    uint32_t n_start;
    int32_t *hot; /* tokens that every window sees before these */
    uint32_t n_hot;
    int32_t *said; /* tokens of text so far, from the last that windows may see on */
    uint32_t n_said, said_room;
    int32_t before[SPEECH_MOST]; /* text of the window before */
    uint32_t n_before, n_same;   /* how many windows said the same as the one before them */
    uint32_t slot;  /* which of the windows that are listened to `best` is about */
    struct speech_answer best;
    float ratio; /* of `best` */
    float temperature;
    struct speech_answer *answers; /* of a batch, on their way */
    struct piece pieces[MOST_PIECES];
    uint32_t n_pieces;
    float *looks;       /* of speech_align(), with params.words */
    struct words words; /* of all pieces */
    double last_speech; /* seconds; the end of the last word */
    char *text;         /* of one segment or answer */
    size_t text_room;
};

static inline bool transcribe_is_text(const struct run *r, int32_t id)
{
    return (uint32_t)id < r->s->m->w.ids.end;
}

/* What is left of a text without blanks at both ends: *len bytes from *first on. */
void transcribe_trim(const char *text, size_t *first, size_t *len);

/* The text of tokens, without those of times, in r->text. */
enum status transcribe_write(struct run *r, const int32_t *tokens, uint32_t n, size_t *len);

/* How much smaller zlib makes the answer's text; overwrites r->text. */
enum status transcribe_ratio(struct run *r, const struct speech_answer *a, float *out);

/* True if the answer, as far as it is made, goes round, and will compress better than it should
 * however it goes on; overwrites r->text. */
bool transcribe_is_loop(struct run *r, const struct speech_answer *a);

/* Of what goes round in the pieces the first round stays. From then on the pieces alone know which
 * of r->best's tokens are left. False: nothing does. */
bool transcribe_drop_loops(struct run *r);

/* If the window's text is that of the window before. */
bool transcribe_is_same(struct run *r);

/* When the words of the pieces of r->best are said; pieces that silence surrounds are dropped where
 * that is asked for. single: the text ends with a single time; *next: the frame at which the next
 * window begins. */
enum status transcribe_words(struct run *r, uint64_t seek, uint32_t used, bool single,
                             uint64_t *next);

#endif
