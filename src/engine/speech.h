/* speech.h - a speech model in GPU memory, and one sequence that listens and writes.
 *
 * speech_model: weights and tokenizer, immutable once loaded. speech: memory for one window of
 * sound and the text that is made of it, and the recorded plans. Everything is allocated when it is
 * opened; plans are recorded at first use. One thread at a time. */
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
    SPEECH_LISTEN,
    SPEECH_ROWS_4,     /* rows of a prompt */
    SPEECH_ROWS_16,
    SPEECH_LANGUAGE,   /* probabilities of languages after an out row */
    SPEECH_SILENCE,    /* probability of no speech */
    SPEECH_FIRST,      /* first token, greedy */
    SPEECH_FIRST_DRAWN,
    SPEECH_NEXT,
    SPEECH_NEXT_DRAWN,
    SPEECH_PLANS
};

struct speech {
    struct speech_model *m;
    struct gpu *gpu;
    uint32_t audio_pages, text_pages;
    const struct gpu_buf *state, *results, *samples, *mel, *sound, *h, *logits, *scratch, *pages;
    struct speech_layout { /* byte offsets in `state`, then in `results` */
        uint64_t basis, audio_table, cross_table, text_table, sound_rows, used, step, prompt;
        uint64_t cross_rows, seqs, history, speech, never, notes, attn_counter, sample_counter;
        uint64_t bias, size;
        uint64_t ring, logprobs, probs, results_size;
    } at;
    uint64_t audio_pages_addr, cross_pages_addr, text_pages_addr;
    struct plan *plans[SPEECH_PLANS];
    atomic_bool cancelled;
    uint64_t tokens;      /* made, for figures */
    /* NULL, or what is called in place of plan_run(); it runs the plan and waits. For checks. */
    enum status (*on_run)(void *ctx, struct plan *p, uint32_t repeat);
    void *on_run_ctx;
    double listen_seconds, say_seconds;
};

/* As engine_plan_memory(), of a model that may not be loaded; m->gpu may be NULL. */
enum status speech_plan_memory(struct speech_model *m, struct engine_memory *out);

enum status speech_open(struct speech_model *m, struct speech **out);
void speech_close(struct speech **s);

/* Listens to a window: whisper_samples() floats, the first frame being centred on sample 200;
 * frames from `used` on count as silence after the end. Blocks. */
enum status speech_listen(struct speech *s, const float *samples, uint32_t used);

/* The likeliest language of the window, an index, and the probability of each (n_languages). */
enum status speech_language(struct speech *s, uint32_t *best, float *probs);

/* A plan once more, as the model asks for it now, over the same memory. Owned by the caller. For
 * checks. */
enum status speech_plan_again(struct speech *s, const struct plan *p, struct plan **out);

struct speech_request {
    const int32_t *prompt; /* ends with what text follows */
    uint32_t n_prompt;     /* less than the text's context */
    uint32_t start_at;     /* where in the prompt <|startoftranscript|> is */
    uint32_t n_most;       /* tokens */
    bool timed;            /* text between times */
    float temp;            /* 0: greedy */
    uint64_t seed;
};

enum { SPEECH_MOST = 512 };

struct speech_answer {
    int32_t tokens[SPEECH_MOST]; /* without the one that ends it */
    float logprobs[SPEECH_MOST]; /* n + 1 of them if `ended` */
    uint32_t n;
    bool ended;            /* the model said that this is the end */
    bool cancelled;
    float no_speech;       /* probability */
    double sum_logprob;    /* of all, that of the end included */
};

/* Writes text about the window that was listened to last. Blocks. */
enum status speech_say(struct speech *s, const struct speech_request *r, struct speech_answer *out);

#endif
