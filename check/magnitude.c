/* Reference of magnitude: k_magnitude_push. */
#include <math.h>

#include "kernels/params.h"
#include "refs.h"

enum status check_magnitude(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_magnitude_push *p = op->push;
    for (uint32_t r = 0; r < p->rows; r++) {
        uint64_t src = p->src + 8ull * r * p->bins, dst = p->dst + 4ull * r * p->width;
        for (uint32_t i = 0; i < p->width; i++) {
            double y = 0;
            if (i < p->bins) {
                double re = (double)check_in_f32(mem, src + 4ull * i);
                double im = (double)check_in_f32(mem, src + 4ull * (p->bins + i));
                y = sqrt(re * re + im * im);
            }
            check_out_f32(mem, dst + 4ull * i, y, y + 0x1p-50);
        }
    }
    return OK;
}
