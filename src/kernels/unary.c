#include "kernels/op.h"

#include <inttypes.h>

enum status k_unary(struct plan *p, uint32_t f, uint64_t x, uint64_t out, uint64_t n)
{
    if (!n || n > UINT32_MAX - 65535 * K_GROUP || f > K_UNARY_SIGMOID)
        return status_fail(ERR_MODEL,
                           "unary: function %" PRIu32 " of %" PRIu64 " values: must be 0 or 1, of "
                           "1 to %" PRIu32,
                           f, n, UINT32_MAX - 65535 * K_GROUP);
    struct k_unary_push push = {.x = x, .dst = out, .n = (uint32_t)n};
    struct k_op o;
    k_op_begin(&o, f == K_UNARY_RELU ? "relu" : "sigmoid", "unary", &push, sizeof push, 2);
    o.op.pipe.spec[K_UNARY_OP] = f;
    o.op.pipe.n_spec = K_UNARY_SPECS;
    uint64_t groups = div_up(n, K_GROUP);
    o.op.groups[0] = (uint32_t)(groups < 65535 ? groups : 65535);
    k_reads(&o, x, n * sizeof(float));
    k_writes(&o, out, n * sizeof(float));
    return k_op_add(p, &o);
}
