#include "kernels/op.h"

#include <inttypes.h>

enum status k_magnitude(struct plan *p, const struct k_magnitude_args *a)
{
    uint64_t n = (uint64_t)a->rows * a->width;
    if (!n || !a->bins || a->width < a->bins || a->width > 1 << 20)
        return status_fail(ERR_MODEL,
                           "magnitude: %" PRIu32 " rows of %" PRIu32 " of %" PRIu32
                           ": none may be 0, a row has at most 1048576 and takes all bins",
                           a->rows, a->bins, a->width);
    struct k_magnitude_push push = {
        .src = a->in, .dst = a->out, .rows = a->rows, .bins = a->bins, .width = a->width};
    struct k_op o;
    k_op_begin(&o, "magnitude", "magnitude", &push, sizeof push, 2);
    o.op.groups[0] = (uint32_t)div_up(a->width, K_GROUP);
    o.op.groups[1] = a->rows < 65535 ? a->rows : 65535;
    k_reads(&o, a->in, 8ull * a->rows * a->bins);
    k_writes(&o, a->out, 4 * n);
    return k_op_add(p, &o);
}
