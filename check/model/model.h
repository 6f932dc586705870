/* model.h - is this GPU right about this model? Runs the model's own plans on the device and by the
 * references of check.h.
 *
 * A model is loaded and two requests are made of it, as any program makes them: a prompt with some
 * greedy tokens, then more text with some sampled ones. Wherever the engine would replay a plan,
 * each of its dispatches is taken alone instead:
 *
 *   alone       by its reference, on the inputs that the device has at that moment: is the
 *               operation right?
 *   the chain   by its reference, on what the references made of everything before: how far has the
 *               device come from what it ought to have, and where did that begin?
 *   together    the recording with its barriers, several times, and once more with the dispatches
 *               between two barriers in reverse order: the same bits, or a barrier is missing.
 *
 * A speech model is given a window of sound instead of the texts, and makes the likeliest text, one
 * that is drawn and goes on from an earlier one, one that is searched for, and the times of words.
 *
 * Before that, every tensor in GPU memory is held against the file, its bytes repacked here.
 *
 * It knows plans, not models: whatever an engine runs is checked. A reference takes its push
 * constants from the plan, so an argument that the model's builder gets wrong is no difference
 * here; tests against other programs find those. What a plan holds is compared with the same plan
 * built once more.
 *
 * Host memory: the tokenizer, what one dispatch touches (about twice), and twice the scratch and
 * the keys and values of the tokens checked. The weights are never here as a whole. */
#ifndef TAWNY_CHECK_MODEL_MODEL_H
#define TAWNY_CHECK_MODEL_MODEL_H

#include "check/check.h"

enum { CHECK_NEIGHBOURS = 8, CHECK_MAX_FINDINGS = 32 };

/* What is to blame, the deepest cause first. */
enum check_blame {
    CHECK_BLAME_NOTHING,
    CHECK_BLAME_WEIGHTS,   /* a tensor in GPU memory is not what the file holds */
    CHECK_BLAME_PLAN,      /* a dispatch is recorded otherwise than the model asks for */
    CHECK_BLAME_OPERATION, /* the inputs are right, the outputs are not */
    CHECK_BLAME_BARRIER,   /* right alone, other bits beside its neighbours */
    CHECK_BLAME_DRIFT,     /* every dispatch within its limit, their errors together beyond */
};
/* "weights", "plan", "operation", "barrier", "drift"; "" for nothing. */
const char *check_blame_name(enum check_blame b);

/* The value that is furthest beyond its limit. */
struct check_element {
    uint64_t index, count; /* among the values of its span */
    double want, got, off, limit;
    uint32_t first, n;     /* neighbours: values [index - first, index - first + n) of the span */
    double wants[2 * CHECK_NEIGHBOURS + 1], gots[2 * CHECK_NEIGHBOURS + 1];
};

struct check_finding {
    enum check_blame blame;
    char plan[64];          /* "prefill 32x0", as the engine names it; "" for weights */
    uint32_t run, dispatch; /* number of the plan's run in this check; index in the plan */
    char kernel[32], variant[320]; /* "down"; "matvec: K 704, N 256, ..., 4 x 1 x 1 groups" */
    int layer;              /* -1: none */
    char tensor[80];        /* the weights at fault, or that the dispatch reads; "" for none */
    char text[1024];        /* in a sentence */
    uint64_t wrong, values; /* how many; 0, 0 where nothing was counted */
    bool has_element;
    struct check_element element;
};

/* A layer of one run of a plan. */
struct check_layer {
    const char *plan;
    uint32_t run;
    int layer;                /* -1: before, between or after layers */
    uint32_t first, count;    /* dispatches */
    uint32_t wrong;           /* dispatches that are not right */
    bool same_bits;           /* alone: all have the bits of their references */
    double alone;             /* the largest error as a share of its limit, over all dispatches */
    const char *alone_kernel; /* whose it is */
    /* What the last dispatch of the layer wrote, against the chain; of no values: all 0. */
    uint64_t values;
    double correlation, nmse, largest, chain_limit;
    bool chain_same;          /* the same bits */
    bool compared;            /* with --against ... */
    uint64_t other_bits;      /* ... how many values have other bits there */
    double other_nmse, other_largest, other_correlation;
};

struct check_model_report {
    char model[256], architecture[32], name[128];
    char device[256], driver[256];
    uint32_t n_tensors;
    uint64_t weight_bytes, weights_digest;
    uint32_t n_prompt, n_more, n_made; /* tokens: of the prompt, of the second text, sampled */
    uint32_t n_runs, n_dispatches, n_wrong; /* of plans; dispatches checked; of these not right */
    uint32_t n_other_choices; /* runs where the chain chose another token; it follows the device */
    uint32_t n_together;      /* runs of whole recordings that were compared */
    double load_seconds, weights_seconds, alone_seconds, together_seconds;
    struct check_layer *layers;
    uint32_t n_layers;
    struct check_finding findings[CHECK_MAX_FINDINGS]; /* in the order found */
    uint32_t n_findings;
    bool complete;            /* false: interrupted, or something failed */
    /* --against: the first dispatch with other bits. */
    bool against, same;
    char against_text[512];
    char against_plan[64]; /* and where; "" where the plans or the weights are others */
    uint32_t against_run, against_dispatch;
};

struct check_model_params {
    const char *path;
    const char *device;    /* as in gpu_params */
    const char *cache_dir;
    uint64_t caps_off;
    const char *prompt;    /* NULL: one of its own */
    uint32_t n_predict;    /* tokens made after either text; 0: 2 */
    uint32_t repeat;       /* runs of each whole recording; 0: 3 */
    bool no_weights;       /* leave out the comparison with the file */
    bool no_hazards;       /* leave out the hazard check of plans: for tests of what follows it */
    const char *save;      /* a folder to write digests and tensors to, or NULL */
    const char *against;   /* a folder that --save wrote, or NULL */
    /* Both may be NULL. `what` is static text; units are only good for shares. False stops. */
    bool (*on_progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
    void (*on_layer)(void *ctx, const struct check_layer *l);
    void *ctx;
};

struct check_model;

/* Opens the device and loads the model. Blocks. The strings of params must outlive it. */
enum status check_model_open(const struct check_model_params *params, struct check_model **out);
void check_model_close(struct check_model **m);

/* All of it; blocks. OK also with findings: look at the report. ERR ("interrupted") if on_progress
 * said so; after that, and after ERR_LOST and others, the report holds what was found so far. */
enum status check_model_run(struct check_model *m);

/* Owned by m. Valid from check_model_open() on. */
const struct check_model_report *check_model_report(const struct check_model *m);

/* The finding to blame first; NULL: none. */
const struct check_finding *check_model_verdict(const struct check_model_report *r);

#endif
