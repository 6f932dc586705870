/* inside.h - what the files of this folder share. */
#ifndef TAWNY_CHECK_MODEL_INSIDE_H
#define TAWNY_CHECK_MODEL_INSIDE_H

#include "check/mem.h"
#include "check/model/diff.h"
#include "check/model/model.h"
#include "check/model/overlay.h"
#include "engine/engine.h"
#include "engine/speech.h"

/* What a dispatch wrote on the device, as far as its reference says what: pieces of memory in the
 * order in which they were hashed. */
struct op_note {
    uint64_t digest;
    struct plan_span *pieces;
    uint32_t n_pieces;
};

/* A plan that has been looked at. */
struct seen_plan {
    const struct plan *plan;
    struct seen_plan *next;
};

struct model_save;

struct check_model {
    struct check_model_params params;
    struct gpu *gpu;
    struct engine_model *em; /* of text, ... */
    struct engine *e;
    struct speech_model *sm; /* ... or of speech */
    struct speech *speech;
    const struct model_tensor *tensors;
    uint32_t n_tensors;
    struct check_mem *alone, *bits, *chain; /* bits: by references in f32 */
    struct overlay overlay;
    struct seen_plan *seen;
    double chain_limit; /* of NMSE, from the limits of all dispatches so far */
    bool drifted;
    struct model_save *save;
    struct check_model_report report;
    uint32_t cap_layers;
    struct arena arena; /* of notes; emptied after each run of a plan */

    /* For tests, which plant faults there: called with each plan before its first run. */
    enum status (*on_plan)(void *ctx, struct plan *p);
    void *on_plan_ctx;
    const char *only; /* NULL, or the beginning of the names of plans that are checked; the others
                         are just run */
};

/* ---- findings ----------------------------------------------------------------------------- */

/* Adds one, of dispatch `i` of p (p NULL: of no dispatch), with a sentence. NULL: there are too
 * many. */
struct check_finding *model_find(struct check_model *m, enum check_blame blame,
                                 const struct plan *p, uint32_t i, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* "dispatch 12 of decode 1x1 (down, layer 2)" */
const char *model_where(const struct plan *p, uint32_t i, char *buf, size_t size);

/* The constants of a dispatch by name. */
void model_variant(const struct plan_op *op, char *buf, size_t size);

/* False (status ERR, "interrupted") if the caller wants no more. */
enum status model_progress(struct check_model *m, const char *what, uint64_t done, uint64_t total);

/* ---- the parts ---------------------------------------------------------------------------- */

/* Every tensor in GPU memory against the file. */
enum status model_check_weights(struct check_model *m);

/* What the hazard check and a second building of the plan say. */
enum status model_check_plan(struct check_model *m, const struct plan *p);

/* All of one run of a plan: alone, the chain, together. */
enum status model_check_run(struct check_model *m, struct plan *p);

/* The bytes that a plan may write, as they were. */
struct image {
    struct plan_span *spans; /* disjoint, by address */
    uint32_t n;
    uint8_t *data;
    uint64_t bytes;
};
enum status image_take(struct gpu *g, const struct plan *p, struct image *out);
enum status image_put(struct gpu *g, const struct image *im);
void image_free(struct image *im);

/* The recording as a whole, from `before`, several times, and with its stages reversed; names the
 * first dispatch that gives other bits than `notes`. Leaves the device as `after`. */
enum status model_check_together(struct check_model *m, struct plan *p, const struct image *before,
                                 const struct image *after, const struct op_note *notes);

/* Runs ops [from, to) on the device, one after the other, with a barrier where the plan has one
 * (always with `alone`); reversed: the ops between two barriers in reverse order. Waits. */
struct run_ops {
    const struct plan *plan;
    uint32_t from, to;
    bool alone, reversed;
};
enum status model_run_ops(struct gpu *g, const struct run_ops *r);

/* ---- saving and comparing ----------------------------------------------------------------- */

enum status save_open(struct check_model *m, const int32_t *tokens, uint32_t n);
enum status save_tensor(struct check_model *m, const char *name, uint64_t digest);
enum status save_op(struct check_model *m, const struct plan *p, uint32_t run, uint32_t i,
                    uint64_t digest);
/* The values that the last dispatch of a layer wrote; fills the layer's `other` fields. */
enum status save_layer(struct check_model *m, struct check_layer *l, const float *values,
                       uint64_t n);
/* Ends it; with `complete` a saved folder is marked as such. */
enum status save_close(struct check_model *m, bool complete);

#endif
