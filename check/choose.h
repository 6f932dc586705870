/* choose.h - what the sampler ought to choose; see k_sample_push.
 *
 * Bit for bit what the kernels do, by sorting: sums are of integers, so any order gives them. */
#ifndef TAWNY_CHECK_CHOOSE_H
#define TAWNY_CHECK_CHOOSE_H

#include <stdbool.h>

#include "base/status.h"
#include "kernels/params.h"

/* Biases and penalties, in place. bias: q->n_bias pairs {id, bits of a float}; history: as many
 * tokens as q->penalty_n asks for and there are, `n_history` of them. O(vocab + both). */
enum status check_penalise(float *logits, uint32_t vocab, const struct k_seq *q,
                           const uint32_t *bias, const uint32_t *history, uint32_t n_history);

/* The id chosen from prepared logits. Blocks for a sort of the vocabulary unless greedy. */
enum status check_choose(const float *logits, uint32_t vocab, const struct k_seq *q, bool greedy,
                         uint32_t *id);

/* Philox4x32-10: the first two words for counter (counter, 0, 0, 0), the first one low. */
uint64_t check_random(uint32_t key0, uint32_t key1, uint32_t counter);

/* Why the sequence ends with this token at position pos + 1, or K_RUNNING. */
uint32_t check_done(const struct k_seq *q, uint32_t pos, uint32_t id);

#endif
