/* words.h - when each word of a window's text is said, from what the decoder's heads look at: by
 * dynamic time warping, as openai-whisper's timing.py has it (find_alignment, merge_punctuations,
 * add_word_timestamps), with its ways of cutting words that come out too long. */
#ifndef TAWNY_ENGINE_WORDS_H
#define TAWNY_ENGINE_WORDS_H

#include "base/mem.h"
#include "text/tok.h"

struct word {
    uint32_t first, n;     /* its tokens, of the window's text */
    double start, end;     /* seconds */
    float prob;            /* mean over its tokens */
    const char *text;      /* valid UTF-8; with the space in front, as the model says it */
};

/* A segment of the window's text. */
struct words_piece {
    double start, end;     /* seconds; its first and last word may move them */
    uint32_t n_text;       /* tokens of text that are its own */
    uint32_t first, n;     /* out: its words */
};

struct words_params {
    const struct tok *tok;
    const int32_t *text;   /* tokens without times */
    uint32_t n_text;
    bool spaces;           /* words begin with spaces; else each character is one */
    const float *looks;    /* as of speech_align(): n_text + 1 rows, `stride` apart */
    uint32_t stride, frames;
    const float *probs;
    const char *prepended, *appended; /* marks that belong to the next, to the previous word */
    double offset;         /* seconds at which the window begins */
    double last_speech;    /* ... at which something was said before */
};

struct words {
    struct word *all;
    uint32_t n;
    struct arena arena;    /* owns all and its texts */
};

/* Fills `out`, which words_release() empties, and the pieces' times and words. */
enum status words_find(const struct words_params *p, struct words_piece *pieces, uint32_t n,
                       struct words *out);
void words_release(struct words *w);

/* True if text is a part of `set`, as "," is of ".,!"; the empty text is a part of any. */
bool words_is_part(const char *text, size_t len, const char *set);

#endif
