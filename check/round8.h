/* round8.h - lib/round8.glsl in C, the same bits. */
#ifndef TAWNY_CHECK_ROUND8_H
#define TAWNY_CHECK_ROUND8_H

#include "check.h"

enum { ROUND8_BLOCK = 32 };

/* Rounds a block of 32 values; returns d, NaN where the integers mean nothing. */
float round8_block(const float *x, int8_t *q);

/* The sum of 16 integers. */
int round8_sum(const int8_t *q);

/* Row b of rows that round8.comp made, k values each: its integers, and d of each block. */
enum status round8_row(struct check_mem *mem, uint64_t rows, uint32_t k, uint32_t b, int8_t *q,
                       float *d);

/* op takes x as 8 bits (lib/dots.glsl), and *rows: from rows that round8.comp made. */
bool round8_is_taken(const struct plan_op *op, bool *rows);

#endif
