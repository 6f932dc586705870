/* plans.h - the recordings of an engine, one a shape, made at first use.
 *
 * Only the engine's own sources include this. */
#ifndef TAWNY_ENGINE_PLANS_H
#define TAWNY_ENGINE_PLANS_H

#include "engine/engine.h"
#include "plan/plan.h"

enum engine_plan_kind {
    ENGINE_STEP,    /* rows sequences by one token each, sampled, fed back */
    ENGINE_CHUNK,   /* 1 to 16 prompt rows; leaves h */
    ENGINE_PREFILL, /* more prompt rows of one sequence; leaves h */
    ENGINE_TAIL,    /* head over the out rows of h, and what `sampling` says */
};

enum engine_sampler { ENGINE_LOGITS, ENGINE_GREEDY, ENGINE_SAMPLE };

struct engine_shape {
    enum engine_plan_kind kind;
    uint32_t rows;  /* ENGINE_TAIL: rows through the head */
    uint32_t pages; /* pages a sequence may have (ENGINE_STEP, ENGINE_CHUNK); else 0 */
    enum engine_sampler sampler;
    bool timestamps;
};

struct engine_plan {
    struct engine_shape shape;
    struct plan *plan;
};

/* Rows that a recording for `n` prompt tokens has; `most` is the largest. */
uint32_t engine_prompt_bucket(uint32_t n, uint32_t most);

/* Rounds up to a power of two, at most `most`. */
uint32_t engine_bucket(uint32_t n, uint32_t most);

/* Finds or records. */
enum status engine_plan_get(struct engine *e, const struct engine_shape *shape, struct plan **out);

/* Scratch bytes of the largest plans, without recording any; `e` needs params, max_pages, at. */
enum status engine_plans_scratch(struct engine *e, const struct model *m, uint64_t *bytes);

void engine_plans_free(struct engine *e);

#endif
