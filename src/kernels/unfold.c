#include "kernels/op.h"

#include <inttypes.h>

enum status k_unfold(struct plan *p, const struct k_unfold_args *a)
{
    uint64_t width = (uint64_t)a->channels * a->taps;
    uint64_t last = (uint64_t)a->out_rows * a->stride + a->taps;
    uint32_t batch = a->batch ? a->batch : 1;
    uint64_t rows = (uint64_t)a->out_rows * batch;
    if (!a->rows || !a->channels || !a->out_rows || !a->taps || !a->stride ||
        width > UINT32_MAX / 8 || last > UINT32_MAX || rows > UINT32_MAX - 65535)
        return status_fail(ERR_MODEL,
                           "unfold: %" PRIu32 " x [%" PRIu32 ", %" PRIu32 "] to %" PRIu32
                           " rows, %" PRIu32 " taps %" PRIu32
                           " apart: none may be 0, rows are below 2 GiB",
                           batch, a->rows, a->channels, a->out_rows, a->taps, a->stride);
    struct k_unfold_push push = {
        .src = a->in,
        .dst = a->out,
        .rows = a->rows,
        .channels = a->channels,
        .out_rows = a->out_rows,
        .batch = batch,
    };
    struct k_op o;
    k_op_begin(&o, "unfold", "unfold", &push, sizeof push, 2);
    o.op.pipe.spec[K_UNFOLD_TAPS] = a->taps;
    o.op.pipe.spec[K_UNFOLD_STRIDE] = a->stride;
    o.op.pipe.spec[K_UNFOLD_PAD] = a->pad;
    o.op.pipe.n_spec = K_UNFOLD_SPECS;
    uint64_t across = div_up(width, K_GROUP);
    o.op.groups[0] = (uint32_t)(across < 65535 ? across : 65535);
    o.op.groups[1] = (uint32_t)(rows < 65535 ? rows : 65535);
    k_reads(&o, a->in, 4ull * batch * a->rows * a->channels);
    k_writes(&o, a->out, 4 * rows * width);
    return k_op_add(p, &o);
}
