/* Reference of bmm: k_bmm_push. */
#include <math.h>

#include "kernels/params.h"
#include "refs.h"

/* One matrix of the batch; a, b, c: its operands' addresses. */
static void product(struct check_mem *mem, const struct k_bmm_push *p, bool b_transposed,
                    uint64_t a, uint64_t b, uint64_t c)
{
    for (uint32_t m = 0; m < p->m; m++) {
        for (uint32_t n = 0; n < p->n; n++) {
            double sum = 0, squares = 0;
            for (uint32_t k = 0; k < p->k; k++) {
                uint64_t at =
                    b_transposed ? (uint64_t)n * p->b_row + k : (uint64_t)k * p->b_row + n;
                double t = (double)check_in_f32(mem, a + ((uint64_t)m * p->a_row + k) * 4) *
                           (double)check_in_f32(mem, b + at * 4);
                sum += t;
                squares += t * t;
            }
            double scale = (double)p->scale;
            check_out_f32(mem, c + ((uint64_t)m * p->c_row + n) * 4, sum * scale,
                          sqrt(squares) * fabs(scale));
        }
    }
}

enum status check_bmm(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_bmm_push *p = op->push;
    bool b_transposed = op->pipe.spec[K_BMM_BT];
    for (uint32_t i3 = 0; i3 < p->ne3; i3++) {
        for (uint32_t i2 = 0; i2 < p->ne2; i2++) {
            uint64_t a = (uint64_t)(i3 / p->r3) * p->a_3 + (uint64_t)(i2 / p->r2) * p->a_2;
            uint64_t b = (uint64_t)i3 * p->b_3 + (uint64_t)i2 * p->b_2;
            uint64_t c = (uint64_t)i3 * p->c_3 + (uint64_t)i2 * p->c_2;
            product(mem, p, b_transposed, p->a + a * 4, p->b + b * 4, p->c + c * 4);
        }
    }
    return OK;
}
