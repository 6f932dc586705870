#include "kernels/op.h"

#include <inttypes.h>

enum status k_lstm(struct plan *p, const struct k_lstm_args *a)
{
    uint64_t n = a->hidden;
    if (!a->steps || !n || n > K_GROUP)
        return status_fail(ERR_MODEL,
                           "lstm: %" PRIu32 " steps of %" PRIu32
                           " values: at least one step, 1 to %u values",
                           a->steps, a->hidden, K_GROUP);
    struct k_lstm_push push = {
        .x = a->x, .w = a->w, .b = a->b, .state = a->state, .dst = a->out, .steps = a->steps};
    struct k_op o;
    k_op_begin(&o, "lstm", "lstm", &push, sizeof push, 5);
    o.op.pipe.spec[K_LSTM_HIDDEN] = a->hidden;
    o.op.pipe.n_spec = K_LSTM_SPECS;
    k_reads(&o, a->x, 16ull * a->steps * n);
    k_reads(&o, a->w, 16 * n * n);
    k_reads(&o, a->b, 16 * n);
    k_reads(&o, a->state, 8 * n);
    k_writes(&o, a->state, 8 * n);
    k_writes(&o, a->out, 4ull * a->steps * n);
    return k_op_add(p, &o);
}
