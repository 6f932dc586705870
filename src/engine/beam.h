/* beam.h - beam search as openai-whisper does it, without the model: which beginnings of a text go
 * on, in which slot, and which text is the best in the end.
 *
 * A beginning is `size` rows of the step at most, each in a slot of its own among `size`
 * neighbouring ones. Who has several successors leaves its slot to one of them; the others take the
 * slots of those that do not go on, where what the two do not share is copied (struct k_fork). */
#ifndef TAWNY_ENGINE_BEAM_H
#define TAWNY_ENGINE_BEAM_H

#include "engine/speech.h"

struct beam_params {
    uint32_t size;         /* 1 to K_MAX_OUT */
    float patience;        /* so many times `size` texts must have ended; 0: 1 */
    float length_penalty;  /* as in speech_request */
    uint32_t slot;         /* the first of its slots */
    int32_t last;          /* token of the prompt, whose successors are looked for first */
    uint32_t n_prompt, n_ctx, n_most;
    uint32_t end;          /* id that ends a text */
};

struct beam;

/* Allocates what a search takes; 4 KiB for each of size * (4 + patience). */
enum status beam_create(const struct beam_params *p, struct beam **out);
void beam_destroy(struct beam **b);

/* Nothing is left to do. */
bool beam_is_done(const struct beam *b);

/* The rows of the next step: `size` of them, those that are not needed without a slot. */
void beam_rows(const struct beam *b, struct k_row *rows);

/* What followed: `each` candidates for each of these rows, likeliest first, of which size + 1 are
 * looked at. Appends to forks what must be copied before the next step, at most size - 1. */
void beam_take(struct beam *b, const struct k_candidate *candidates, uint32_t each,
               struct k_fork *forks, uint32_t *n_forks);

/* True if is_lost() is of all texts that have ended and of all beginnings; then nothing is left to
 * do. `room` is for one of them. */
bool beam_is_lost(struct beam *b, bool (*is_lost)(void *ctx, const struct speech_answer *a),
                  void *ctx, struct speech_answer *room);

/* The best text: of those that ended, and, where these are fewer than `size`, of the others. */
void beam_best(const struct beam *b, struct speech_answer *out);

#endif
