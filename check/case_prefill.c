/* Cases of norm, matmul and silu: the kernels of many rows that know no positions. */
#include "cases.h"

#include <string.h>

#include "base/checked.h"

enum status case_norm(struct check_case *c, enum quant_type type)
{
    (void)type;
    const struct case_model *m = case_model(c, QUANT_F32);
    struct k_norm_args a = {.rows = case_count(c, 131)};
    a.k = m ? m->embed : 8 * case_count(c, 300);
    a.eps = rand_one_in(&c->rand, 2) ? 1e-5f : 1e-6f;
    if (c->size == CASE_BENCH)
        a.rows = 512;
    bool out_rows = case_pick_rows(c, &a.rows, &a.x_rows, &a.steps);
    a.x = case_floats(c, (uint64_t)a.x_rows * a.k, 1, "x");
    a.w = case_normals(c, a.k, 1, "w");
    a.out = case_out(c, (uint64_t)a.rows * a.k, "out");
    c->bytes = 4.0 * a.k * (2 * a.rows + 1);
    case_text(c, "rows %u k %u eps %g%s", a.rows, a.k, (double)a.eps, out_rows ? " out_rows" : "");
    return k_norm(c->plan, &a);
}

/* m rows of k values of x, at random for a step that uses all of them or fewer; how many. */
static uint32_t rows_in_use(struct check_case *c, uint32_t m, uint32_t k, struct k_steps *steps,
                            uint64_t *x)
{
    uint32_t rows = m;
    if (rand_one_in(&c->rand, 2)) {
        *steps = case_steps(
            c, &(struct case_steps_params){.rows = m, .slots = 1, .one_sequence = true});
        rows = case_step_header(c, steps)->n_rows;
    }
    *x = case_floats(c, (uint64_t)m * k, 1, "x");
    /* Rows that are not in use hold anything, and must not be seen in others. */
    memset(c->image + (*x - c->base) + (uint64_t)rows * k * 4, 0xff, (uint64_t)(m - rows) * k * 4);
    return rows;
}

static enum status matmul(struct check_case *c, enum quant_type type, enum k_way way)
{
    const struct case_model *model = case_model(c, type);
    struct k_matmul_args a = {.name = "check", .m = case_count(c, 131), .way = way};
    uint32_t k = model ? model->embed : case_row_length(c, type, 1024);
    uint32_t n = model ? model->embed : case_count(c, 300);
    if (c->size == CASE_BENCH)
        a.m = 512;
    if (c->size == CASE_QUICK && way == K_WAY_F32 && rand_one_in(&c->rand, 8)) {
        /* Enough for wide tiles. */
        a.m = 129 + rand_below(&c->rand, 3);
        n = 4096 + rand_below(&c->rand, 2);
        k = quant_info(type)->granule;
    }
    uint32_t forms = way == K_WAY_F32 ? 0 : rand_below(&c->rand, 8);
    uint32_t rows = rows_in_use(c, a.m, k, &a.steps, &a.x);
    a.w = case_weight(c, type, n, k, "w");
    c->flops = 2.0 * rows * n * k;
    a.bias = rand_one_in(&c->rand, 2) ? case_normals(c, n, 1, "bias") : 0;
    uint32_t residual = rand_below(&c->rand, 3); /* none, its own, in place */
    if (way == K_WAY_NV && forms < 4 && k_takes_half(c->plan, a.m, &a.w)) {
        /* f16 in, and f16 or through gelu out. */
        a.x_half = case_halves(c, (uint64_t)rows * k, align_up(a.m, K_HALF_ROWS) * k, 1, "x half");
        a.half = forms & 1;
        a.factor = rand_one_in(&c->data, 2) ? 0.25f : 0;
        a.gelu = forms & 2;
        if (forms)
            residual = 0;
    }
    a.residual = residual ? case_normals(c, (uint64_t)a.m * n, 1, "residual") : 0;
    if (a.half)
        case_buf(c, (uint64_t)a.m * n * 2, false, "out", &a.out);
    else
        a.out = residual == 2 ? a.residual : case_out(c, (uint64_t)a.m * n, "out");
    static const char *const ways[] = {"best", "f32", "khr", "nv", "bf16"};
    case_text(c, "m %u (%u in use) n %u k %u %s%s%s%s%s%s", a.m, rows, n, k, ways[a.way],
              a.x_half ? " of f16" : "", a.half ? " to f16" : "", a.gelu ? " gelu" : "",
              a.bias ? " bias" : "",
              residual == 2   ? " residual in place"
              : residual == 1 ? " residual"
                              : "");
    return k_matmul(c->plan, &a);
}

/* The same rows at once and in two parts: the same bits. */
enum status case_matmul_bits(struct check_case *c, enum quant_type type)
{
    uint32_t m = case_count(c, 200) + 1, first = rand_range(&c->rand, 1, m - 1);
    uint32_t k = case_row_length(c, type, 1024), n = case_count(c, 300);
    struct k_matmul_args a = {.name = "check", .m = m, .way = K_WAY_F32};
    a.x = case_floats(c, (uint64_t)m * k, 1, "x");
    a.w = case_weight(c, type, n, k, "w");
    a.out = case_out(c, (uint64_t)m * n, "out at once");
    uint64_t parts = case_out(c, (uint64_t)m * n, "out in parts"), row = (uint64_t)n * 4;
    case_text(c, "m %u in parts of %u and %u n %u k %u", m, first, m - first, n, k);
    case_same_bits(c, a.out, parts, m * row, "rows at once and in parts");
    TRY(k_matmul(c->plan, &a));
    /* An operand must lie at a multiple of 16 bytes: the second part begins at such a row. */
    while (first > 1 && first * row % 16)
        first--;
    if (first * row % 16)
        first = m;
    a.out = parts;
    a.m = first;
    TRY(k_matmul(c->plan, &a));
    if (first == m)
        return OK;
    a.x += (uint64_t)first * k * 4;
    a.out += first * row;
    a.m = m - first;
    return k_matmul(c->plan, &a);
}

enum status case_matmul(struct check_case *c, enum quant_type type)
{
    return matmul(c, type, K_WAY_F32);
}

enum status case_dequant(struct check_case *c, enum quant_type type)
{
    type = type == QUANT_F32 ? QUANT_F16 : type; /* which is never taken so */
    uint32_t n = case_count(c, 300), k = case_row_length(c, type, 1024);
    if (k % 8)
        k *= 2;
    uint32_t first = rand_below(&c->rand, n), rows = rand_range(&c->rand, 1, n - first);
    struct k_weight w = case_weight(c, type, n, k, "w");
    uint64_t out;
    case_buf(c, (uint64_t)rows * k * 2, false, "out", &out);
    c->bytes = (double)rows * ((double)quant_row_bytes(type, k) + 2.0 * k);
    case_text(c, "rows %u to %u of %u, k %u", first, first + rows - 1, n, k);
    return k_dequant(c->plan, &w, first, rows, out);
}

/* On matrix units, where the device has them. */
enum status case_matmul_matrix(struct check_case *c, enum quant_type type)
{
    /* Drawn first, so that the case is the same whatever the device can do. */
    bool other = rand_one_in(&c->rand, 2), nv = gpu_get_info(c->g)->caps & GPU_CAP_COOPMAT2;
    return matmul(c, type, nv && other ? K_WAY_NV : K_WAY_KHR);
}

/* Gate, up and SwiGLU, as one where the device has matrix units for that. */
enum status case_glu_matrix(struct check_case *c, enum quant_type type)
{
    const struct case_model *model = case_model(c, type);
    struct k_glu_rows_args a = {.m = rand_range(&c->rand, 16, 16 + case_count(c, 131))};
    uint32_t k = model ? model->embed : case_row_length(c, type, 1024);
    uint32_t n = model ? model->embed : case_count(c, 300);
    if (c->size == CASE_BENCH)
        a.m = 512;
    uint32_t rows = rows_in_use(c, a.m, k, &a.steps, &a.x);
    a.gate = case_weight(c, type, n, k, "gate");
    a.up = case_weight(c, type, n, k, "up");
    case_buf(c, align_up(a.m, K_HALF_ROWS) * n * 2, false, "out", &a.out);
    c->flops = 4.0 * rows * n * k;
    bool one = k_glu_takes_half(c->plan, a.m, &a.gate, &a.up);
    case_text(c, "m %u (%u in use) n %u k %u%s", a.m, rows, n, k, one ? " as one" : "");
    if (one)
        return k_glu_rows(c->plan, &a);
    /* What is left of it then. */
    a.out = case_out(c, (uint64_t)a.m * n, "out");
    return k_silu_mul(c->plan,
                      &(struct k_silu_args){.m = a.m,
                                            .n = n,
                                            .gate = case_floats(c, (uint64_t)a.m * n, 1, "gate's"),
                                            .up = case_floats(c, (uint64_t)a.m * n, 1, "up's"),
                                            .out = a.out,
                                            .steps = a.steps});
}

enum status case_silu(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct k_silu_args a = {.m = 1, .n = RAND_PICK(&c->rand, 1, 3, 4, 255, 256, 257, 4097, 70001)};
    uint32_t rows = 1;
    if (c->size == CASE_BENCH) {
        a.m = rows = 512;
        a.n = 8192;
    } else if (rand_one_in(&c->rand, 2)) {
        a.m = case_count(c, 131);
        a.n = RAND_PICK(&c->rand, 1, 3, 4, 31, 256, 512);
        a.steps = case_steps(
            c, &(struct case_steps_params){.rows = a.m, .slots = 1, .one_sequence = true});
        rows = case_step_header(c, &a.steps)->n_rows;
    }
    uint64_t n = (uint64_t)a.m * a.n;
    a.gate = case_floats(c, n, RAND_PICK(&c->rand, 1, 1, 20), "gate");
    a.up = case_floats(c, n, 1, "up");
    a.out = case_out(c, n, "out");
    c->bytes = 12.0 * (double)n;
    case_text(c, "m %u (%u in use) n %u", a.m, rows, a.n);
    return k_silu_mul(c->plan, &a);
}
