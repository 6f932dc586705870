#include <inttypes.h>

#include "kernels/pairs.h"

bool k_glu_takes_int8(const struct gpu *g, const struct k_weight *gate)
{
    return k_pairs_takes_dots(g, &(struct k_pairs){.w = {gate}}, "glu_dot");
}

enum status k_glu(struct plan *p, const struct k_glu_args *a)
{
    struct k_glu_push push = {
        .x = a->x,
        .norm_w = a->norm_w,
        .gate = a->gate.addr,
        .up = a->up.addr,
        .dst = a->out,
        .eps = a->eps,
    };
    struct k_op o;
    TRY(k_weight_check("glu", &a->gate));
    TRY(k_weight_check("glu", &a->up));
    if (a->gate.type != a->up.type || a->gate.n != a->up.n || a->gate.k != a->up.k)
        return status_fail(ERR_MODEL,
                           "glu: gate %s [%" PRIu32 ", %" PRIu32 "] and up %s [%" PRIu32
                           ", %" PRIu32 "] must have one type and shape",
                           quant_info(a->gate.type)->name, a->gate.n, a->gate.k,
                           quant_info(a->up.type)->name, a->up.n, a->up.k);
    struct k_pairs pairs = {.w = {&a->gate, &a->up},
                            .b = a->b,
                            .x = a->x,
                            .x_rows = a->b,
                            .norm = k_pairs_norm(a->norm_w, 0),
                            .x_as = a->x_as,
                            .pairs = a->gate.n};
    TRY(k_pairs_begin(p, &o, &pairs, "glu", "glu", "glu_dot", &push, sizeof push, 5));
    o.op.pipe.spec[K_GLU_TYPE] = a->gate.type;
    o.op.pipe.spec[K_GLU_N] = a->gate.n;
    o.op.pipe.n_spec = K_GLU_SPECS;
    k_reads(&o, a->norm_w, 4ull * a->gate.k);
    k_reads_weight(&o, &a->gate);
    k_reads_weight(&o, &a->up);
    k_writes(&o, a->out, 4ull * a->gate.n * a->b);
    return k_op_add(p, &o);
}
