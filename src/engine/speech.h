/* speech.h - a speech model in GPU memory, and sequences that listen and write.
 *
 * speech_model: weights and tokenizer, immutable once loaded. speech: memory for windows of sound
 * and for the texts that are made of them, and the recorded plans. Each text, and each beginning of
 * one that a search looks at, is a sequence with a slot of its own and a row of the step; the keys
 * and values of the sound are there once a window. Everything is allocated when it is opened or
 * when more is reserved; plans are recorded at first use. One thread at a time. */
#ifndef TAWNY_ENGINE_SPEECH_H
#define TAWNY_ENGINE_SPEECH_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "models/whisper.h"

struct speech_model {
    struct gpu *gpu;
    struct whisper w;
    struct tok *tok;
    uint32_t *never;      /* bit i: token i is not chosen; (n_vocab + 31) / 32 words */
    uint32_t not_first[3]; /* n_first tokens that no text begins with */
    uint32_t n_first;
    char *path;
    uint64_t n_params, weight_bytes;
    double load_seconds;
    const struct gpu_buf **bufs;
};

/* As engine_model_load(). */
enum status speech_model_load(struct gpu *g, const struct engine_load_params *params,
                              struct speech_model **out);
void speech_model_unload(struct speech_model **m);

enum speech_plan {
    SPEECH_LISTEN,     /* to some windows */
    SPEECH_ROWS_4,     /* rows of a prompt */
    SPEECH_ROWS_16,
    SPEECH_LANGUAGE,   /* probabilities of languages after an out row */
    SPEECH_SILENCE,    /* probability of no speech */
    SPEECH_NEXT,       /* a token for each of some rows, greedy */
    SPEECH_NEXT_DRAWN,
    SPEECH_FORK,       /* the prompt's keys and values to other slots */
    SPEECH_BEAM,       /* copies what must be, then candidates for each of some rows */
    SPEECH_LOOK,       /* rows of a text that is known: what heads look at, how likely it is */
    SPEECH_ALIGN,      /* ... then one matrix of what they looked at */
    SPEECH_PLANS
};

enum { SPEECH_HEARS = 8 }; /* more fill no device better, and cost memory */

struct speech_params {
    uint32_t rows;        /* texts at once, 1 to K_MAX_OUT; 0: 1 */
    uint32_t windows;     /* of sound that are kept, 1 to K_MAX_OUT; 0: 1 */
    uint32_t hears;       /* of these, how many are listened to at once, at most; 0: all, to
                             SPEECH_HEARS. Fewer, down to 1, where memory is short */
    bool aligns;          /* room for speech_align() */
};

/* Pages of keys and values of one kind, in as few buffers as a device allows. */
struct speech_pool {
    const struct gpu_buf **bufs;
    uint32_t n_bufs;
};

struct speech {
    struct speech_model *m;
    struct gpu *gpu;
    uint32_t rows, windows, hears;
    bool aligns;
    uint32_t audio_pages, text_pages; /* of a window, of a text */
    const struct gpu_buf *state, *results, *samples, *mel, *sound, *h, *logits, *scratch;
    const struct gpu_buf *looks; /* of `aligns`: [n_heads + 1][text.n_ctx][audio.n_ctx] */
    struct speech_layout { /* byte offsets in `state`, then in `results` */
        uint64_t basis, audio_table, cross_table, text_table, sound_rows, each_rows, heard_rows;
        uint64_t used, loudest;
        uint64_t step, prompt, cross_step, cross_prompt, orders;
        uint64_t seqs, history, speech, never, notes, attn_counter, sample_counter, bias;
        uint64_t heads, align, named, size;
        uint64_t ring, logprobs, probs, candidates, new_orders, results_size;
    } at;
    struct speech_pool audio_pool, cross_pool, text_pool;
    struct plan *plans[SPEECH_PLANS][K_MAX_OUT + 1]; /* by how many rows or windows
                                                           they have, or 0 */
    uint32_t heard, n_heard; /* windows whose pages the next listening writes */
    struct speech_answer *tries; /* of each row */
    atomic_bool cancelled;
    uint64_t tokens;      /* made, for figures */
    /* NULL, or what is called in place of plan_run(); it runs the plan and waits. For checks. */
    enum status (*on_run)(void *ctx, struct plan *p, uint32_t repeat);
    void *on_run_ctx;
    double listen_seconds, say_seconds, step_seconds; /* the last: steps without beams */
};

/* As engine_plan_memory(), of a model that may not be loaded; m->gpu may be NULL. */
enum status speech_plan_memory(struct speech_model *m, const struct speech_params *params,
                               struct engine_memory *out);

/* The same where so many bytes are free besides the weights: params->hears becomes less, down to 1,
 * until it fits; *out may not fit then. */
enum status speech_plan_room(struct speech_model *m, struct speech_params *params, uint64_t room,
                             struct engine_memory *out);

/* params NULL: one text about one window. */
enum status speech_open(struct speech_model *m, const struct speech_params *params,
                        struct speech **out);
void speech_close(struct speech **s);

/* Makes room for as much as is asked for, if it is not there: then all memory is taken anew, and
 * what was listened to is forgotten. */
enum status speech_reserve(struct speech *s, const struct speech_params *params);

/* The next window is the first of another sound: what was loud before counts no more. */
enum status speech_new_sound(struct speech *s);

/* How many of n windows speech_listen() hears at once: a power of two, so that plans are few. */
uint32_t speech_hears(const struct speech *s, uint32_t n);
/* Listens to n windows, which are kept as numbers `first`, first + 1 ...: samples
 * [n][whisper_samples()], the first frame of each being centred on its sample 200; frames from
 * used[i] on count as silence after the end. What is quieter than the loudest of the sound so far
 * by a factor of 10^8 counts as that. Blocks. */
enum status speech_listen(struct speech *s, uint32_t first, uint32_t n, const float *samples,
                          const uint32_t *used);

/* The likeliest language of window 0, an index, and the probability of each (n_languages). */
enum status speech_language(struct speech *s, uint32_t *best, float *probs);

/* A plan once more, as the model asks for it now, over the same memory. Owned by the caller. For
 * checks. */
enum status speech_plan_again(struct speech *s, const struct plan *p, struct plan **out);

struct speech_answer;

struct speech_request {
    uint32_t window;       /* that it is about */
    const int32_t *prompt; /* ends with what text follows */
    uint32_t n_prompt;     /* less than the text's context */
    uint32_t start_at;     /* where in the prompt <|startoftranscript|> is */
    uint32_t n_most;       /* tokens */
    bool timed;            /* text between times */
    float temp;            /* 0: the likeliest */
    uint64_t seed;
    uint32_t tries;        /* with temp: texts, of which that of the best score counts; 0: 1 */
    uint32_t beams;        /* without: beginnings looked at in parallel; 0: 1, greedy */
    float patience;        /* of beams: how many times as many texts must have ended; 0: 1 */
    bool endless;          /* not stopped by the end of the text; for benchmarks */
    float length_penalty;  /* 0: a text's score is the mean of its tokens' logarithms; else their
                              sum divided by ((5 + n) / 6) to that power, below 0 counting as 0 */
    /* NULL, or true if no text that begins like this (or is this, where it has ended) is of any
     * use. Asked now and then of the texts that are on their way; when all of a request's are of
     * none it goes no further. */
    bool (*is_lost)(void *ctx, const struct speech_answer *a);
    void *ctx;
};

enum { SPEECH_MOST = 512 };

struct speech_answer {
    int32_t tokens[SPEECH_MOST]; /* without the one that ends it */
    float logprobs[SPEECH_MOST]; /* n + 1 of them if `ended` */
    uint32_t n;
    bool ended;            /* the model said that this is the end */
    bool cancelled;
    bool lost;             /* all texts were of no use: this is the beginning of one */
    float no_speech;       /* probability */
    double sum_logprob;    /* of all, that of the end included */
};

/* When each token of a text is said. */
struct speech_aligning {
    uint32_t window;
    const int32_t *start;  /* <|startoftranscript|> and what follows it, without <|notimestamps|> */
    uint32_t n_start;
    const int32_t *text;   /* tokens without times */
    uint32_t n_text;       /* n_start + n_text + 2 are at most the text's context */
    uint32_t frames;       /* of the encoder, that hold sound */
};

/* looks: f32 [n_text + 1][audio.n_ctx], written: how much the heads look at each of the first
 * `frames` frames when the text's first, second ... token and its end are to be made, over all of
 * them normalised, in the manner of openai-whisper's timing.py. probs: f32 [n_text], written: the
 * probability of each token among those of text. Needs params.aligns. Blocks; what the first slot
 * held is lost. */
enum status speech_align(struct speech *s, const struct speech_aligning *r, float *looks,
                         float *probs);

/* What windows of noise cost, heard side by side, and steps of as many texts. */
struct speech_timing {
    double listen_seconds; /* all windows, with what the host sends */
    double step_seconds;   /* a step */
};
/* Listens to n windows and makes so many tokens about each, whatever they are; what was listened to
 * is forgotten. Memory is reserved as for a transcription. Blocks. */
enum status speech_time(struct speech *s, uint32_t n, uint32_t n_tokens, struct speech_timing *out);

/* After that, with the same n: the plan of a listening, or of a step, with a timestamp around each
 * dispatch, run once. Owned by the caller. Needs a gpu opened with timestamps. */
enum status speech_profile(struct speech *s, bool listening, uint32_t n, struct plan **out);

/* By which the best of several texts is known. */
double speech_score(double sum_logprob, uint32_t n, float length_penalty);

/* Writes a text for each of n requests, which are all of one temperature, and ask for the same
 * tries or beams; n times these must be at most the rows that are reserved (with more tries than
 * there are rows, they are made one after the other). Blocks. */
enum status speech_say(struct speech *s, const struct speech_request *requests, uint32_t n,
                       struct speech_answer *answers);

#endif
