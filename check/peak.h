/* peak.h - how fast this device reads memory, and multiplies and adds in f32 and on its matrix
 * units: what the figures of a benchmark are held against. Measured, since no driver tells them. */
#ifndef TAWNY_CHECK_PEAK_H
#define TAWNY_CHECK_PEAK_H

#include "gpu/gpu.h"

struct check_peak {
    double read_bytes;   /* a second: best of several reads of half a GiB (16 MiB in software) */
    double flops;        /* a second, f32, a fused multiply-add counting as two; no matrix units */
    double matrix_flops; /* a second, f16 with sums in f32: the faster of the ways that the device
                            has; 0: it has none */
};

/* Blocks for a fraction of a second; the device needs .timestamps. */
enum status check_peak(struct gpu *g, struct check_peak *out);

#endif
