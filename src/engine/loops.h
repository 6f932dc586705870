/* loops.h - texts that go round: the same few tokens again and again, which is how speech models
 * fail where they hear nothing that they know. Of tokens of text; times between them are none. */
#ifndef TAWNY_ENGINE_LOOPS_H
#define TAWNY_ENGINE_LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A round is said at least this often to be one, and so many tokens at least say again what was
 * said before: "no, no, no" is none. */
enum { LOOPS_ROUNDS = 3, LOOPS_AGAIN = 8 };

/* True if the text ends in rounds. Costs up to n * n / 3 comparisons, of an ordinary text n. */
bool loops_at_end(const int32_t *text, uint32_t n);

/* again[i]: token i only says again what was said: all of a loop but its first round. What is left
 * of a round counts as another where the text ends with it. Returns how many are marked. Costs as
 * above, for each token. */
uint32_t loops_mark(const int32_t *text, uint32_t n, bool *again);

/* True if a text of so many bytes, which zlib makes `packed` bytes of, will be smaller by more than
 * a factor of `most` whatever `left` more tokens say, as long as that is a language: its tokens
 * become 2.8 bytes each, and up to 50 more for what zlib has not met before. (The most of English
 * texts of 20, 60, 120 and 200 tokens: 87, 198, 348 and 552 bytes.) */
bool loops_stay(size_t bytes, size_t packed, uint32_t left, float most);

#endif
