/* tok_map.h - the two hash tables of a tokenizer: text to symbol, pair of symbols to merge.
 *
 * Both hand out small consecutive numbers and are read-only once built, so any number of threads
 * may look up. The hash is seeded anew for each table: a file cannot be made to collide. */
#ifndef TAWNY_TEXT_TOK_MAP_H
#define TAWNY_TEXT_TOK_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "text/tok.h"

enum { TOK_MISSING = 0xffffffffu };

/* Texts, numbered in the order in which they came. */
struct tok_map {
    struct tok_str *text; /* count of them; the bytes are the caller's and stay */
    uint32_t count, room;
    struct tok_slot {
        uint32_t hash, index; /* index TOK_MISSING: empty */
    } * slots;
    uint32_t mask; /* slots - 1 */
    uint64_t seed;
};

/* Room for `expected` texts before it has to grow. */
enum status tok_map_init(struct tok_map *m, uint32_t expected);
void tok_map_free(struct tok_map *m);
/* The number of a text, or TOK_MISSING. */
uint32_t tok_map_find(const struct tok_map *m, const char *s, size_t len);
/* Adds a text that is not in it yet; its number is the old count. */
enum status tok_map_add(struct tok_map *m, const char *s, size_t len);

/* What joining symbols `left` and `right` makes. Its rank is its place: 0 joins first. */
struct tok_merge {
    uint32_t left, right, product;
};

struct tok_pairs {
    struct tok_merge *merges; /* count of them, by rank */
    uint32_t count;
    uint32_t *slots; /* rank, or TOK_MISSING */
    uint32_t mask;
    uint64_t seed;
};

enum status tok_pairs_init(struct tok_pairs *p, uint32_t most);
void tok_pairs_free(struct tok_pairs *p);
/* Rank of a pair, or TOK_MISSING. */
uint32_t tok_pairs_find(const struct tok_pairs *p, uint32_t left, uint32_t right);
/* Adds a pair that is not in it yet with the next rank; at most `most` of init. */
void tok_pairs_add(struct tok_pairs *p, uint32_t left, uint32_t right, uint32_t product);

#endif
