/* speech_inside.h - what the sources behind speech.h share. Only they include it. */
#ifndef TAWNY_ENGINE_SPEECH_INSIDE_H
#define TAWNY_ENGINE_SPEECH_INSIDE_H

#include "engine/speech.h"

enum { SPEECH_PROMPT = 16 }; /* rows of a prompt at once */

/* What the host has to say before each step of a search: written to host memory, and copied from
 * there by the step itself. */
struct speech_orders {
    uint32_t n_forks, pad[3];
    struct k_fork forks[K_MAX_OUT];
    struct k_step step;
    struct k_row rows[K_MAX_OUT];
};

/* A step's header and rows. */
struct speech_rows {
    struct k_step step;
    struct k_row row[K_MAX_OUT];
};
_Static_assert((int)SPEECH_PROMPT == (int)K_MAX_OUT, "struct speech_rows");

/* Which window the rows of prompts hear from now on. */
enum status speech_hear(struct speech *s, uint32_t window);

/* Rows of the next prompt's step: n tokens from position `at` of a slot on. */
enum status speech_put_rows(struct speech *s, const int32_t *tokens, uint32_t n, uint32_t at,
                            uint32_t slot);

/* Bytes from the rows of a window as a step of its own to those of the next. */
uint64_t speech_each_bytes(const struct speech *s);

/* Scratch of the largest plan, without recording any. */
enum status speech_scratch_bytes(struct speech *s, uint64_t *bytes);

/* A plan with a timestamp around each dispatch, sealed. Owned by the caller. */
enum status speech_plan_timed(struct speech *s, enum speech_plan which, uint32_t rows,
                              struct plan **out);

/* Runs a plan, which is recorded if it is not yet; rows: of those plans that have some. Blocks. */
enum status speech_run(struct speech *s, enum speech_plan which, uint32_t rows, uint32_t repeat);

#endif
