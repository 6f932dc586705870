#include "kernels/op.h"

#include <inttypes.h>

/* Bytes from the first to the last element of `batch` matrices of rows x cols. */
static uint64_t extent(const struct k_transpose_args *a, uint64_t rows, uint64_t cols,
                       uint64_t stride, uint64_t batch_stride)
{
    return ((a->batch - 1) * batch_stride + (rows - 1) * stride + cols) * a->elem;
}

static enum status refuse(const struct k_transpose_args *a, const char *why)
{
    return status_fail(ERR_MODEL,
                       "transpose: [%" PRIu32 ", %" PRIu32 ", %" PRIu32 "] of %" PRIu32
                       "-byte elements, strides %" PRIu32 " and %" PRIu32 ": %s",
                       a->batch, a->rows, a->cols, a->elem, a->in_stride, a->out_stride, why);
}

enum status k_transpose(struct plan *p, const struct k_transpose_args *a)
{
    struct k_transpose_push push = {
        .src = a->in,
        .dst = a->out,
        .batch = a->batch,
        .rows = a->rows,
        .cols = a->cols,
        .src_stride = a->in_stride ? a->in_stride : a->cols,
        .dst_stride = a->out_stride ? a->out_stride : a->rows,
    };
    push.src_batch = a->in_batch ? a->in_batch : (uint64_t)a->rows * push.src_stride;
    push.dst_batch = a->out_batch ? a->out_batch : (uint64_t)a->cols * push.dst_stride;

    if (a->elem != 2 && a->elem != 4)
        return refuse(a, "elements must have 2 or 4 bytes");
    if (!a->batch || !a->rows || !a->cols)
        return refuse(a, "empty");
    if (push.src_stride < a->cols || push.dst_stride < a->rows)
        return refuse(a, "a stride is shorter than its row");
    if (a->batch > 1 && push.dst_batch < (uint64_t)(a->cols - 1) * push.dst_stride + a->rows)
        return refuse(a, "the matrices written overlap");
    uint64_t per_matrix = (((uint64_t)a->rows + 31) / 32) * (((uint64_t)a->cols + 31) / 32);
    if (per_matrix > 0xffff0000u / a->batch)
        return refuse(a, "more than 2^32 - 2^16 tiles of 32 x 32");

    struct k_op o;
    k_op_begin(&o, "transpose", "transpose", &push, sizeof push, 2);
    o.op.pipe.spec[K_TRANSPOSE_BYTES] = a->elem;
    o.op.pipe.n_spec = K_TRANSPOSE_SPECS;
    uint64_t tiles = per_matrix * a->batch;
    o.op.groups[0] = (uint32_t)(tiles < 65535 ? tiles : 65535);
    k_reads(&o, a->in, extent(a, a->rows, a->cols, push.src_stride, push.src_batch));
    k_writes(&o, a->out, extent(a, a->cols, a->rows, push.dst_stride, push.dst_batch));
    return k_op_add(p, &o);
}
