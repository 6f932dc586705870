#include "kernels/op.h"

#include <inttypes.h>

enum status k_gelu(struct plan *p, uint64_t x, uint64_t add, uint64_t out, uint64_t n)
{
    if (!n || n > UINT32_MAX - 65535 * K_GROUP)
        return status_fail(ERR_MODEL, "gelu: %" PRIu64 " values: must be 1 to %" PRIu32, n,
                           UINT32_MAX - 65535 * K_GROUP);
    if ((x | add | out) % 16)
        return status_fail(ERR_MODEL, "gelu: operands must lie at multiples of 16 bytes");

    struct k_gelu_push push = {.x = x, .add = add, .dst = out, .n = (uint32_t)n};
    struct k_op o;
    k_op_begin(&o, "gelu", "gelu", &push, sizeof push, 3);
    uint64_t groups = (n / 4 + K_GROUP - 1) / K_GROUP;
    o.op.groups[0] = (uint32_t)(groups < 1 ? 1 : groups < 65535 ? groups : 65535);
    k_reads(&o, x, n * sizeof(float));
    k_reads(&o, add, n * sizeof(float));
    k_writes(&o, out, n * sizeof(float));
    return k_op_add(p, &o);
}
