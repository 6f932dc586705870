/* References of mel, mel_top and mel_scale: k_mel_push, k_mel_top_push, k_mel_scale_push. */
#include <math.h>

#include "kernels/params.h"
#include "refs.h"

enum status check_mel(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_mel_push *p = op->push;
    uint32_t bins = op->pipe.spec[K_MEL_BINS], bands = op->pipe.spec[K_MEL_BANDS];
    for (uint32_t t = 0; t < op->groups[0]; t++) {
        const float *dft, *filters;
        double top = -INFINITY;
        CHECK_IN(dft, mem, p->dft + 8ull * t * bins, 8ull * bins);
        CHECK_IN(filters, mem, p->filters, 4ull * bands * bins);
        for (uint32_t m = 0; m < bands; m++) {
            double sum = 0;
            for (uint32_t i = 0; i < bins; i++) {
                double re = (double)dft[i], im = (double)dft[bins + i];
                sum += (double)filters[(uint64_t)m * bins + i] * (re * re + im * im);
            }
            double y = log10(fmax(sum, 1e-10));
            top = fmax(top, y);
            check_out_f32(mem, p->dst + 4 * ((uint64_t)t * bands + m), y, hypot(1, y));
        }
        check_out_f32(mem, p->top + 4ull * t, top, hypot(1, top));
    }
    return OK;
}

enum status check_mel_top(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_mel_top_push *p = op->push;
    double top = (double)check_in_f32(mem, p->loudest);
    for (uint32_t t = 0; t < p->frames; t++) {
        double y = (double)check_in_f32(mem, p->top + 4ull * t);
        if (y < 16)
            top = fmax(top, y);
    }
    check_out_f32(mem, p->loudest, top, isinf(top) ? 1 : hypot(1, top));
    return OK;
}

enum status check_mel_scale(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_mel_scale_push *p = op->push;
    uint32_t bands = op->pipe.spec[K_MEL_SCALE_BANDS], used = check_in_u32(mem, p->used);
    double top = (double)check_in_f32(mem, p->loudest);
    for (uint32_t t = 0; t < op->groups[0]; t++) {
        for (uint32_t m = 0; m < bands; m++) {
            uint64_t at = p->x + 4 * ((uint64_t)t * bands + m);
            double x = fmax((double)check_in_f32(mem, at), top - 8);
            check_out_f32(mem, at, t < used ? (x + 4) / 4 : 0, hypot(x, 4) / 4);
        }
    }
    return OK;
}
