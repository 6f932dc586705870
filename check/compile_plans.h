/* compile_plans.h - the plans of real models, for compile.c alone: shapes without weights. */
#ifndef TAWNY_CHECK_COMPILE_PLANS_H
#define TAWNY_CHECK_COMPILE_PLANS_H

#include "plan/plan.h"

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
