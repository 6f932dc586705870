/* pre.h - cutting a text into the words inside which byte-level BPE merges.
 *
 * A pre-tokenizer is a chain of patterns. Each cuts every piece that it is given into its matches
 * and what lies between them; the next one gets those pieces, and sees nothing beyond a piece's
 * ends. Read-only once made; threads may share one. */
#ifndef TAWNY_TEXT_PRE_H
#define TAWNY_TEXT_PRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct tok_pre;

/* Name i of those known; NULL past the last. */
const char *tok_pre_name(uint32_t i);
/* True if name i means the same patterns as one before it. */
bool tok_pre_is_alias(uint32_t i);

/* `name` as in tokenizer.ggml.pre. ERR_MODEL, naming file and name, if it is not known. */
enum status tok_pre_create(const char *name, const char *file, struct tok_pre **out);
void tok_pre_destroy(struct tok_pre **p);

/* Takes one word; anything but OK ends the split and is passed on. */
typedef enum status (*tok_word_fn)(void *ctx, const char *word, size_t len);

/* Calls fn for each word from left to right; the words joined are the text. The text must be valid
 * UTF-8. Linear in its length. */
enum status tok_pre_split(const struct tok_pre *p, const char *text, size_t len, tok_word_fn fn,
                          void *ctx);

#endif
