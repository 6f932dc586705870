/* voice.h - from probabilities of speech to stretches of speech, as they come.
 *
 * The rules are whisper.cpp's (whisper_vad_segments_from_probs), which are Silero's with stretches
 * that lie close together made one; but it takes probabilities one by one and says at once what is
 * certain, so that a sound need not be there as a whole. What it says in the end is the same, but
 * for overlaps, which whisper.cpp neither ends at the next stretch nor adds behind the last one. */
#ifndef TAWNY_ENGINE_VOICE_H
#define TAWNY_ENGINE_VOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { VOICE_RATE = 16000, VOICE_MERGE = VOICE_RATE / 5 /* gaps below are speech */ };

/* All but the threshold in samples. */
struct voice_params {
    float threshold;     /* speech begins at it, and ends 0.15 below it (at least 0.01) */
    int64_t chunk;       /* that a probability is of */
    int64_t min_speech;  /* shorter stretches are none */
    int64_t min_silence; /* that ends a stretch */
    int64_t max_speech;  /* longer ones are cut, where there was a silence of 98 ms; 0: never */
    int64_t pad;         /* added on both sides */
    int64_t overlap;     /* added behind as well, as far as no other stretch begins there */
};

struct voice_piece {
    int64_t start, end;
    bool closed; /* else `end` may move on */
};

struct voice {
    struct voice_params p;
    int64_t at; /* what the next probability begins at */
    /* The stretch that probabilities are in, as whisper.cpp has it; 0: not set. */
    bool speaking;
    int64_t start, temp_end, prev_end, next_start;
    /* The one that may still be joined by it; `open`: it is long enough, and handed out. */
    bool joining, open;
    int64_t join_start, join_end;
    /* The one before, whose end is yet to be padded. */
    bool waiting;
    int64_t wait_end;
    bool any;
    /* What is handed out; the caller takes closed ones from the front. */
    struct voice_piece *pieces;
    uint32_t n, room;
};

void voice_init(struct voice *v, const struct voice_params *params);
void voice_free(struct voice *v);

/* The next probability. */
enum status voice_push(struct voice *v, float prob);
/* No more follow: all pieces are closed. */
enum status voice_end(struct voice *v);
/* Drops the first of v->pieces. */
void voice_take(struct voice *v);

/* Samples before this one are in no piece that is still to come. */
int64_t voice_settled(const struct voice *v);

#endif
