/* Reference of unfold: k_unfold_push. */
#include "kernels/params.h"
#include "refs.h"

enum status check_unfold(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_unfold_push *p = op->push;
    const uint32_t *spec = op->pipe.spec;
    uint32_t taps = spec[K_UNFOLD_TAPS];
    for (uint32_t t = 0; t < p->out_rows; t++) {
        for (uint32_t c = 0; c < p->channels; c++) {
            for (uint32_t i = 0; i < taps; i++) {
                int64_t row = (int64_t)t * spec[K_UNFOLD_STRIDE] + i - spec[K_UNFOLD_PAD];
                uint32_t v = 0;
                if (row >= 0 && row < p->rows)
                    v = check_in_u32(mem, p->src + 4 * ((uint64_t)row * p->channels + c));
                check_out_u32(mem, p->dst + 4 * (((uint64_t)t * p->channels + c) * taps + i), v);
            }
        }
    }
    return OK;
}
