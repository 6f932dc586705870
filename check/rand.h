/* rand.h - random numbers for cases: the same seed gives the same case on every machine. */
#ifndef TAWNY_CHECK_RAND_H
#define TAWNY_CHECK_RAND_H

#include <math.h>
#include <stdint.h>
#include <string.h>

struct check_rand {
    uint64_t state;
};

/* splitmix64 */
static inline uint64_t rand_u64(struct check_rand *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0 to n - 1 */
static inline uint32_t rand_below(struct check_rand *r, uint32_t n)
{
    return (uint32_t)((rand_u64(r) >> 32) * n >> 32);
}

/* lo to hi */
static inline uint32_t rand_range(struct check_rand *r, uint32_t lo, uint32_t hi)
{
    return lo + rand_below(r, hi - lo + 1);
}

/* True once in n. */
static inline int rand_one_in(struct check_rand *r, uint32_t n)
{
    return rand_below(r, n) == 0;
}

/* [0, 1) */
static inline double rand_unit(struct check_rand *r)
{
    return (double)(rand_u64(r) >> 11) * 0x1p-53;
}

/* N(0, 1) */
static inline double rand_normal(struct check_rand *r)
{
    double u = 1.0 - rand_unit(r), v = rand_unit(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

/* One of a list of uint32_t. */
#define RAND_PICK(r, ...)                                                                          \
    (((const uint32_t[]){__VA_ARGS__})[rand_below(                                                 \
        r, (uint32_t)(sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)))])

#endif
