/* half.h - f16 on the host, by integer arithmetic. */
#ifndef TAWNY_CHECK_HALF_H
#define TAWNY_CHECK_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline double half_to_double(uint16_t h)
{
    int e = h >> 10 & 31;
    double m = h & 1023;
    double v;
    if (e == 31)
        v = m == 0.0 ? (double)INFINITY : (double)NAN;
    else if (e == 0)
        v = ldexp(m, -24);
    else
        v = ldexp(m + 1024.0, e - 25);
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
    if (v == 0.0)
        return sign;
    int e;
    (void)frexp(v, &e); /* v = f * 2^e, f in [0.5, 1) */
    if (e < -13)
        e = -13;
    /* A step of 2^(e - 11); a carry out of the mantissa moves into the exponent by itself. */
    uint32_t steps = (uint32_t)rint(ldexp(v, 11 - e));
    return (uint16_t)(sign | (((uint32_t)(e + 13) << 10) + steps));
}

#endif
