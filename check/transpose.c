/* Reference of transpose: k_transpose_push. */
#include "kernels/params.h"
#include "refs.h"

enum status check_transpose(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_transpose_push *p = op->push;
    uint32_t bytes = op->pipe.spec[K_TRANSPOSE_BYTES];
    for (uint32_t b = 0; b < p->batch; b++) {
        for (uint32_t r = 0; r < p->rows; r++) {
            const uint8_t *row;
            uint64_t from = b * p->src_batch + (uint64_t)r * p->src_stride;
            CHECK_IN(row, mem, p->src + from * bytes, (uint64_t)p->cols * bytes);
            for (uint32_t c = 0; c < p->cols; c++) {
                uint64_t to = b * p->dst_batch + (uint64_t)c * p->dst_stride + r;
                check_out_bytes(mem, p->dst + to * bytes, row + (uint64_t)c * bytes, bytes);
            }
        }
    }
    return OK;
}
