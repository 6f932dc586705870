/* transcribe.h - sound of any length to text with times, window by window, as openai-whisper's
 * transcribe() does it: windows follow the times that the model says, the text so far is what the
 * next window's prompt begins with, and a window whose text repeats itself or is unlikely is tried
 * again at higher temperatures.
 *
 * A text that goes round at every temperature (loops.h) is given once, and the next window is not
 * told of it; tries before the last end when it is sure that they do.
 *
 * It differs in one thing: bands that are quieter than the loudest by a factor of 10^8 count as
 * that, and the loudest is that of the sound so far, not of the whole file, so that sound need not
 * be in memory as a whole, or be read twice. From the loudest window on there is no difference. */
#ifndef TAWNY_ENGINE_TRANSCRIBE_H
#define TAWNY_ENGINE_TRANSCRIBE_H

#include "engine/sound.h"
#include "engine/speech.h"
#include "engine/words.h"

struct transcript_segment {
    uint32_t id;
    uint64_t seek;            /* frames (0.01 s) at which its window begins */
    double start, end;        /* seconds */
    const char *text;         /* valid UTF-8 */
    const int32_t *tokens;    /* with those of times */
    uint32_t n_tokens;
    float temperature, avg_logprob, compression_ratio, no_speech_prob;
    const struct word *words; /* of params.words; their tokens are numbered in the window */
    uint32_t n_words;
};

struct transcribe_params {
    struct sound *sound;
    const char *language;     /* "en" or "english"; NULL: what the first window sounds like */
    bool detect_language;     /* end when the language is known */
    bool translate;           /* to English */
    bool no_times;            /* one segment a window */
    bool no_context;          /* windows do not see the text before them */
    const char *prompt;       /* text that is taken to come before; NULL: none */
    const char *hotwords;     /* words that every window is told of; NULL: none */
    const float *temperatures; /* in the order in which they are tried; at least one */
    uint32_t n_temperatures;
    uint32_t best_of;         /* answers a temperature above 0, the likeliest counts; 0: 1 */
    uint32_t beams;           /* as in speech_request, at temperature 0 */
    float patience, length_penalty;
    float most_compression;   /* texts that compress better are repetitions; 0: not looked at, and
                                 loops are given as they are */
    float least_logprob;      /* mean of the tokens; below it is tried again; 0: not looked at */
    float no_speech;          /* windows with this probability of silence, and below least_logprob,
                                 give nothing; 0: not looked at */
    uint32_t batch;           /* windows at once, each for itself: they are cut where there is
                                 least to hear, and do not see what was said before; 0, 1: one
                                 after the other; at most K_MAX_OUT */
    uint64_t seed;
    bool words;               /* when each word is said; segments begin and end with theirs */
    const char *prepended, *appended; /* marks that go with words; NULL: WORDS_PREPENDED, ... */
    double hallucination;     /* with words: seconds of silence around what is hardly likely to have
                                 been said, from which on it is dropped; 0: nothing is */
    bool (*on_segment)(void *ctx, const struct transcript_segment *s); /* false stops */
    void (*on_progress)(void *ctx, double done, double total); /* seconds; total < 0: not known */
    void *ctx;
};

#define WORDS_PREPENDED "\"'“¿([{-"
#define WORDS_APPENDED "\"'.。,，!！?？:：”)]}、"

struct transcribe_result {
    uint32_t language;        /* index */
    float language_prob;      /* 1 if it was given */
    uint32_t n_probs;         /* 0 if it was given */
    float probs[WHISPER_MAX_LANGUAGES];
    double seconds;           /* of sound */
    uint32_t n_windows, n_segments;
    bool cancelled;
};

/* What is reserved for that. */
struct speech_params transcribe_needs(const struct transcribe_params *params);

/* Blocks. Memory does not grow with the length of the sound. ERR_USAGE names a language or a task
 * that the model does not know. */
enum status transcribe(struct speech *s, const struct transcribe_params *params,
                       struct transcribe_result *out);

#endif
