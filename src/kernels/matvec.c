#include "kernels/pairs.h"

enum status k_matvec(struct plan *p, const struct k_matvec_args *a)
{
    struct k_matvec_push push = {
        .x = a->x,
        .norm_w = a->norm_w,
        .norm_b = a->norm_b,
        .w = a->w.addr,
        .bias = a->bias,
        .residual = a->residual,
        .dst = a->out,
        .step = a->steps.out_rows ? a->steps.addr : 0,
        .eps = a->eps,
    };
    struct k_op o;
    k_op_begin(&o, a->name ? a->name : "matvec", "matvec", &push, sizeof push, 8);
    TRY(k_weight_check(o.op.name, &a->w));
    if (a->gelu && a->residual)
        return status_fail(ERR_MODEL, "%s: gelu of a sum with a residual", o.op.name);
    TRY(k_pairs_setup(p, &o, &a->w, a->b, k_pairs_norm(a->norm_w, a->norm_b), (a->w.n + 1) / 2));
    o.op.pipe.spec[K_MATVEC_TYPE] = a->w.type;
    o.op.pipe.spec[K_MATVEC_N] = a->w.n;
    o.op.pipe.spec[K_MATVEC_OUT_ROWS] = a->steps.out_rows;
    o.op.pipe.spec[K_MATVEC_GELU] = a->gelu;
    o.op.pipe.n_spec = K_MATVEC_SPECS;
    uint64_t x_bytes = 4ull * a->w.k, out_bytes = 4ull * a->w.n;
    k_reads(&o, a->x, x_bytes * (a->steps.out_rows ? a->x_rows : a->b));
    k_reads(&o, a->norm_w, x_bytes);
    k_reads(&o, a->norm_b, x_bytes);
    k_reads_weight(&o, &a->w);
    k_reads(&o, a->bias, out_bytes);
    k_reads(&o, a->residual, out_bytes * a->b);
    k_reads(&o, push.step, K_STEP_BYTES);
    k_writes(&o, a->out, out_bytes * a->b);
    return k_op_add(p, &o);
}
