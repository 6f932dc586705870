#include "kernels/op.h"

#include <inttypes.h>

enum status k_silu_mul(struct plan *p, const struct k_silu_args *a)
{
    uint64_t n = (uint64_t)a->m * a->n, gate = a->gate, up = a->up, out = a->out;
    if (!n || n > UINT32_MAX - 65535 * K_GROUP)
        return status_fail(ERR_MODEL, "silu: %" PRIu64 " values: must be 1 to %" PRIu32, n,
                           UINT32_MAX - 65535 * K_GROUP);
    if ((gate | up | out) % 16)
        return status_fail(ERR_MODEL, "silu: operands must lie at multiples of 16 bytes");

    struct k_silu_push push = {
        .gate = gate, .up = up, .dst = out, .step = a->steps.addr, .n = (uint32_t)n, .row = a->n};
    struct k_op o;
    k_op_begin(&o, "silu", "silu", &push, sizeof push, 4);
    uint64_t groups = (n / 4 + K_GROUP - 1) / K_GROUP;
    o.op.groups[0] = (uint32_t)(groups < 1 ? 1 : groups < 65535 ? groups : 65535);
    k_reads(&o, gate, n * sizeof(float));
    k_reads(&o, up, n * sizeof(float));
    k_reads(&o, a->steps.addr, K_STEP_BYTES);
    k_writes(&o, out, n * sizeof(float));
    return k_op_add(p, &o);
}
