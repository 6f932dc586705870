/* diff.h - how far two sets of values are apart, and a hash of bytes that come in pieces. */
#ifndef TAWNY_CHECK_MODEL_DIFF_H
#define TAWNY_CHECK_MODEL_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sums over pairs of values. Starts as zero. */
struct diff {
    uint64_t n, other; /* pairs; of these with other bits */
    double x, y, xx, yy, xy, err2, largest;
};

void diff_add(struct diff *d, double got, double want, bool same_bits);
/* All pairs of b. */
void diff_merge(struct diff *d, const struct diff *b);
/* Pearson's; 1 where both are constant and nothing differs. */
double diff_correlation(const struct diff *d);
/* Sum of squared errors over sum of squares of what is wanted. */
double diff_nmse(const struct diff *d);

/* 64 bits over any bytes, wherever they are cut. Not for adversaries. */
struct hash {
    uint64_t h, n;
    uint8_t rest[8];
};
void hash_start(struct hash *h);
void hash_add(struct hash *h, const void *bytes, size_t n);
uint64_t hash_end(struct hash *h);

#endif
