/* compile_plans.h - the plans of real models, for compile.c alone: shapes without weights. */
#ifndef TAWNY_CHECK_COMPILE_PLANS_H
#define TAWNY_CHECK_COMPILE_PLANS_H

#include "kernels/kernels.h"
#include "plan/plan.h"

/* Addresses that nothing reads, each with room of its own. */
struct compile_space {
    uint64_t next; /* free; begins as what the caller sets */
};
uint64_t compile_place(struct compile_space *s, uint64_t bytes);
/* Weights of n rows of k. */
struct k_weight compile_weight(struct compile_space *s, enum quant_type t, uint32_t n, uint32_t k);

struct compile_visit {
    /* Called for each dispatch of each plan; what says of which. */
    enum status (*op)(void *ctx, const struct plan_op *op, const char *what, bool decode);
    void *ctx;
};

/* Builds plan after plan and hands out their dispatches. With `all` those of every model, block
 * type and number of rows that the engine records; else of one model, for 1 and 16 rows. */
enum status compile_plans(struct gpu *g, bool all, const struct compile_visit *visit);

/* The same of speech models. */
enum status compile_speech(struct gpu *g, bool all, const struct compile_visit *visit);

#endif
