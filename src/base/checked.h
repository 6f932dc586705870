/* checked.h - arithmetic on sizes that come from a file or a user: false instead of a wrap.
 *
 * Every count, length and offset of a file goes through these before anything is allocated. */
#ifndef TAWNY_BASE_CHECKED_H
#define TAWNY_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

static inline bool add_ok(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool mul_ok(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* Rounds up to a multiple of `align` (a power of two); false if that wraps. */
static inline bool align_ok(uint64_t a, uint64_t align, uint64_t *out)
{
    if (!add_ok(a, align - 1, out))
        return false;
    *out &= ~(align - 1);
    return true;
}

static inline uint64_t div_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/* For sizes already known to be small. */
static inline uint64_t align_up(uint64_t a, uint64_t align)
{
    return (a + align - 1) & ~(align - 1);
}

#endif
