/* Reference of unfold: k_unfold_push. */
#include "kernels/params.h"
#include "refs.h"

enum status check_unfold(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_unfold_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t taps = spec[K_UNFOLD_TAPS];
    uint64_t src = p->src, dst = p->dst;
    for (uint32_t y = 0; y < p->batch * p->out_rows; y++) {
        uint32_t t = y % p->out_rows;
        src = p->src + 4ull * (y / p->out_rows) * p->rows * p->channels;
        dst = p->dst + 4ull * (y / p->out_rows) * p->out_rows * p->channels * taps;
        for (uint32_t c = 0; c < p->channels; c++) {
            for (uint32_t i = 0; i < taps; i++) {
                int64_t row = (int64_t)t * spec[K_UNFOLD_STRIDE] + i - spec[K_UNFOLD_PAD];
                uint32_t v = 0;
                if (row >= 0 && row < p->rows)
                    v = check_in_u32(mem, src + 4 * ((uint64_t)row * p->channels + c));
                check_out_u32(mem, dst + 4 * (((uint64_t)t * p->channels + c) * taps + i), v);
            }
        }
    }
    return OK;
}
