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
    if (a->gelu && a->residual)
        return status_fail(ERR_MODEL, "%s: gelu of a sum with a residual",
                           a->name ? a->name : "matvec");
    struct k_pairs pairs = {.w = {&a->w},
                            .b = a->b,
                            .x = a->x,
                            .x_rows = a->steps.out_rows ? a->x_rows : a->b,
                            .steps = a->steps,
                            .norm = k_pairs_norm(a->norm_w, a->norm_b),
                            .x_as = a->x_as,
                            .pairs = (a->w.n + 1) / 2};
    TRY(k_pairs_begin(p, &o, &pairs, a->name ? a->name : "matvec", "matvec", "matvec_dot", &push,
                      sizeof push, 8));
    o.op.pipe.spec[K_MATVEC_TYPE] = a->w.type;
    o.op.pipe.spec[K_MATVEC_N] = a->w.n;
    o.op.pipe.spec[K_MATVEC_OUT_ROWS] = a->steps.out_rows;
    o.op.pipe.spec[K_MATVEC_GELU] = a->gelu;
    o.op.pipe.n_spec = K_MATVEC_SPECS;
    uint64_t out_bytes = 4ull * a->w.n;
    k_reads(&o, a->norm_w, 4ull * a->w.k);
    k_reads(&o, a->norm_b, 4ull * a->w.k);
    k_reads_weight(&o, &a->w);
    k_reads(&o, a->bias, out_bytes);
    k_reads(&o, a->residual, out_bytes * a->b);
    k_reads(&o, push.step, K_STEP_BYTES);
    k_writes(&o, a->out, out_bytes * a->b);
    return k_op_add(p, &o);
}
