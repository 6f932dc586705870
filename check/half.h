/* half.h - f16 on the host, by integer arithmetic. */
#ifndef TAWNY_CHECK_HALF_H
#define TAWNY_CHECK_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline double half_to_double(uint16_t h)
{
    uint64_t e = h >> 10 & 31, m = h & 1023, bits;
    double v;
    if (e == 31) {
        v = m == 0 ? (double)INFINITY : (double)NAN;
    } else if (e == 0) {
        v = (double)m * 0x1p-24;
    } else {
        bits = (e + 1023 - 15) << 52 | m << 42;
        memcpy(&v, &bits, sizeof v);
    }
    return h & 0x8000 ? -v : v;
}

/* Rounds once, to nearest even, from the double. */
static inline uint16_t half_from_double(double v)
{
    uint16_t sign = signbit(v) ? 0x8000 : 0;
    if (isnan(v))
        return 0x7e00;
    v = fabs(v);
    if (v >= 65520.0)
        return sign | 0x7c00;
    if (v < 0x1p-14) /* in steps of 2^-24: what is added leaves no room for less */
        return (uint16_t)(sign | (uint16_t)((v * 0x1p24 + 0x1p52) - 0x1p52));
    /* The lower 42 bits go; a carry out of the mantissa moves into the exponent by itself. */
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    bits += (1ull << 41) - 1 + (bits >> 42 & 1);
    return (uint16_t)(sign | ((bits >> 42) - ((1023 - 15) << 10)));
}

#endif
