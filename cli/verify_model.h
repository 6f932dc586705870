/* verify_model.h - `tawny verify MODEL`: the model's own plans, dispatch by dispatch. */
#ifndef TAWNY_CLI_VERIFY_MODEL_H
#define TAWNY_CLI_VERIFY_MODEL_H

#include "cli.h"

/* Options of the verb that only count with a model. */
struct verify_model_options {
    const char *prompt, *save, *against;
    int64_t predict;
};

/* Prints a table as it goes, or JSON at the end. ERR_VERIFY: something is wrong. */
enum status verify_model(const char *path, const struct verify_model_options *o);

#endif
