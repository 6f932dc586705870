/* engine.h - a model in GPU memory, and sequences that run through it.
 *
 * engine_model: weights as they lie on the device, with their tokenizer; immutable once loaded.
 * engine: sequences (slots) over one model: their keys and values in pages of 256 tokens, the state
 * that the sampler feeds from step to step, and the recorded plans. Everything is allocated when it
 * is opened; making tokens allocates nothing.
 *
 * One thread at a time. Plans are recorded at first use, one a shape (rows, pages in reach). */
#ifndef TAWNY_ENGINE_ENGINE_H
#define TAWNY_ENGINE_ENGINE_H

#include <stdatomic.h>

#include "models/models.h"
#include "text/chat.h"
#include "text/tok.h"

struct engine_model {
    struct gpu *gpu;
    struct model model;
    struct tok *tok;
    enum chat_form chat;
    char *path, *name;
    uint64_t n_params, weight_bytes;
    double load_seconds;
    const struct gpu_buf **bufs; /* one a tensor, in the order of model.tensors */
};

struct engine_load_params {
    const char *path;
    /* Bytes of weights done; false stops the load (ERR, "cancelled"). May be NULL. */
    bool (*on_progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

/* Reads the file, streams its tensors to the device in their GPU layout. Blocks. */
enum status engine_model_load(struct gpu *g, const struct engine_load_params *params,
                              struct engine_model **out);
void engine_model_unload(struct engine_model **m);

struct engine_params {
    uint32_t slots;   /* sequences; 0: 1 */
    uint32_t n_ctx;   /* positions a sequence; 0: trained for, at most 4096 */
    uint32_t n_batch; /* most prompt tokens a step; 0: 512 to 2048, by device and model */
    uint32_t steps;   /* most tokens a submit, 1 to 16; 0: 8 */
};

/* What an engine takes in GPU memory besides the weights. */
struct engine_memory {
    uint64_t kv, scratch, state, staging;
    uint32_t n_ctx;
};

/* Works out the memory without taking any; without a gpu (NULL) the kernels' scratch, which depends
 * on it, is left out. The model needs no addresses (model_load suffices). */
enum status engine_plan_memory(struct gpu *g, const struct model *m,
                               const struct engine_params *params, struct engine_memory *out);
/* Bytes of the model's tensors in GPU memory. */
uint64_t engine_weight_bytes(const struct model *m);

/* A request's settings, as struct k_seq has them; zero is greedy with everything off. */
struct engine_sampling {
    float temp, top_p, min_p, repeat, presence, frequency; /* top_p, repeat: 0 means 1 (off) */
    uint32_t top_k, penalty_n;
    uint64_t seed;
    const int32_t *bias_ids;
    const float *bias;
    uint32_t n_bias;      /* at most ENGINE_MAX_BIAS; ids distinct */
    uint32_t n_predict;   /* 0: until the context is full */
    bool ignore_eog;
};

enum { ENGINE_MAX_BIAS = 1024, ENGINE_MAX_STEPS = 16, ENGINE_RING = 64 };

struct engine_counts {
    uint64_t tokens, submits, dispatches, bytes_up, bytes_down, host_allocs;
    double seconds;
};

/* A sequence as the host knows it. */
struct engine_slot {
    int32_t *tokens;      /* n_ctx + 1: what lies in the pages, and the token to run next */
    uint32_t n_tokens;    /* tokens whose keys and values lie in the pages */
    uint32_t n_read;      /* tokens of this request taken from the ring */
    uint32_t n_left;      /* tokens that this request may still make */
    bool greedy;
    struct engine_sampling sampling;
};

struct engine {
    struct engine_model *em;
    struct gpu *gpu;
    struct engine_params params;  /* with the defaults filled in */
    uint32_t max_pages;
    const struct gpu_buf *rope, *state, *ring, *h, *logits, *scratch;
    const struct gpu_buf **pages; /* buffers of whole pages */
    uint32_t n_page_bufs;
    struct engine_layout {        /* byte offsets in `state` */
        uint64_t page_table, step, prompt, seqs, history, bias, attn_counter, sample_counter, size;
    } at;
    struct engine_plan *plans;
    uint32_t n_plans;
    struct engine_slot *slots;
    struct engine_counts prompt, made;
    double step_seconds;          /* of a decode step, measured; 0: not yet */
    atomic_bool cancelled;
    void *host;                   /* a prompt step's header and rows, being put together */
    float *host_logits;           /* [K_MAX_OUT][n_vocab], for engine_eval; NULL until then */
    /* NULL, or what is called in place of plan_run(); it runs the plan and waits. For checks. */
    enum status (*on_run)(void *ctx, struct plan *p, uint32_t repeat);
    void *on_run_ctx;
};

enum status engine_open(struct engine_model *m, const struct engine_params *params,
                        struct engine **out);
void engine_close(struct engine **e);

/* Forgets the tokens of a slot from position `keep` on. */
void engine_truncate(struct engine *e, uint32_t slot, uint32_t keep);

/* Starts a request: the slot's tokens become `tokens` (what they share with what lies in the
 * pages is kept; *cached says how many), all but kept ones are run, and the first new token is
 * chosen. `on_prompt` may be NULL. ERR_USAGE if n is 0 or over the context. A cancel returns OK
 * with *cancelled set, and the slot holds what was done. */
struct engine_prompt {
    uint32_t slot;
    const int32_t *tokens;
    uint32_t n;
    struct engine_sampling sampling;
    void (*on_prompt)(void *ctx, size_t done, size_t total);
    void *ctx;
    uint32_t cached;  /* out */
    bool cancelled;   /* out */
};
enum status engine_prompt(struct engine *e, struct engine_prompt *r);

/* Runs `steps` decode steps (1 to params.steps) of the slots listed (1 to 16, distinct) and waits.
 * Tokens are fetched with engine_take. */
enum status engine_step(struct engine *e, const uint32_t *slots, uint32_t n_slots, uint32_t steps);

/* As engine_step without waiting; at most two may be under way. For one slot. */
enum status engine_submit(struct engine *e, uint32_t steps, uint64_t *ticket);

/* What has happened since a mark, added to c. Prompts, evaluations and engine_step count
 * themselves; who uses engine_submit counts into e->made. */
struct engine_mark {
    struct gpu_counters gpu;
    uint64_t allocs;
    double time;
};
struct engine_mark engine_mark(struct engine *e);
void engine_count(struct engine *e, const struct engine_mark *m, struct engine_counts *c);

/* Next token the sampler made for the slot and that is finished; false if there is none. */
bool engine_take(struct engine *e, uint32_t slot, int32_t *token);

/* Runs tokens [0, n) in a fresh slot 0 in steps of at most `chunk`, and hands out the logits that
 * follow position i >= first. `logits` is valid during the call; returning false ends it. */
struct engine_eval {
    const int32_t *tokens;
    uint32_t n, chunk, first;
    bool (*on_logits)(void *ctx, size_t i, const float *logits, uint32_t n_vocab);
    void *ctx;
};
enum status engine_eval(struct engine *e, const struct engine_eval *r);

/* The plan of a decode step of one row with a timestamp around each dispatch, run once with the
 * step's state as it is. Owned by the engine. Needs a gpu opened with timestamps. */
enum status engine_profile(struct engine *e, struct plan **plan);

/* A plan of this engine once more, as its model asks for it now, over the same memory. Owned by the
 * caller. For checks. */
enum status engine_plan_again(struct engine *e, const struct plan *p, struct plan **out);

#endif
