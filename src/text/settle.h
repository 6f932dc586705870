/* settle.h - which words of a text that is heard again and again are certain.
 *
 * A text is cut into words: a word begins where a blank does, or with a character of a script that
 * needs none (from U+2E80 on). Words that two texts in a row have in common at their beginning are
 * taken for certain, as in Macháček et al., 2023 ("local agreement"). */
#ifndef TAWNY_TEXT_SETTLE_H
#define TAWNY_TEXT_SETTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Zeros: none. Word i: text + at[i] to text + at[i + 1]. */
struct words {
    char *text; /* zero-terminated, once there are any */
    uint32_t *at;
    uint32_t n;
    size_t room, room_at;
};

/* Appends the words of a text, which begins a word of its own. */
enum status words_add(struct words *w, const char *text);
void words_clear(struct words *w);
/* Drops the first `count`. */
void words_drop(struct words *w, uint32_t count);
void words_free(struct words *w);

/* Word `first` on; "" past the last. */
const char *words_from(const struct words *w, uint32_t first);

/* What has been heard of a stretch of sound. */
struct settle {
    struct words settled; /* certain */
    struct words last;    /* the text before */
};

/* One more text of the same stretch, with `all` the last. Its words from settled.n on become
 * certain where the text before has the same ones from the first such word on, or all of them. */
enum status settle_pass(struct settle *s, const struct words *text, bool all);
/* The stretch begins `count` words later. */
void settle_drop(struct settle *s, uint32_t count);
void settle_free(struct settle *s);

#endif
