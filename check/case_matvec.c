/* Cases of the kernels that read weights once for up to 16 rows: matvec, glu, qkv. */
#include <string.h>

#include "cases.h"

/* Another type now and then, for kernels that take several; its rows are of whole granules. */
static enum quant_type other_type(struct check_case *c, enum quant_type type, uint32_t k)
{
    enum quant_type other = (enum quant_type)rand_below(&c->rand, QUANT_COUNT);
    return rand_one_in(&c->rand, 3) && k % quant_info(other)->granule == 0 ? other : type;
}

static uint32_t pick_batch(struct check_case *c)
{
    /* Many rows are many registers, and long to compile: the -bits families have them. */
    if (c->size == CASE_QUICK)
        return RAND_PICK(&c->rand, 1, 1, 1, 2, 3);
    return RAND_PICK(&c->rand, 1, 1, 1, 2, 3, 4, 5, 7, 8, 11, 15, 16);
}

static float pick_eps(struct check_case *c)
{
    return rand_one_in(&c->rand, 2) ? 1e-5f : 1e-6f;
}

static const char *const norm_names[] = {"", " norm", " LayerNorm"};

/* A K_MV_NORM that can be fused. */
static uint32_t pick_norm(struct check_case *c, uint32_t b, enum quant_type type, uint32_t k)
{
    if (!k_fuses_norm(b, type, k) || !rand_one_in(&c->rand, 2))
        return 0;
    return k_fuses_layernorm(b, type, k) && rand_one_in(&c->rand, 2) ? K_MV_LAYER : K_MV_RMS;
}

/* One whose weights are integers. */
static enum quant_type integer_type(struct check_case *c)
{
    enum quant_type type;
    do
        type = (enum quant_type)rand_below(&c->rand, QUANT_COUNT);
    while (!k_takes_int8(type, 256));
    return type;
}

/* A multiple of what integer dot products take. */
static uint32_t pick_k(struct check_case *c, enum quant_type type, uint32_t most, enum k_x x_as)
{
    uint32_t k = case_row_length(c, type, most);
    return x_as == K_X_INT8 && !k_takes_int8(type, k) ? k + 32 : k;
}

static const char *x_text(enum k_x x_as)
{
    return x_as == K_X_INT8 ? " x in 8 bits" : "";
}

static enum status matvec(struct check_case *c, enum quant_type type, enum k_x x_as)
{
    const struct case_model *m = case_model(c, type);
    struct k_matvec_args a = {
        .name = "check", .b = pick_batch(c), .eps = pick_eps(c), .x_as = x_as};
    uint32_t k = pick_k(c, type, 2048, x_as), n = case_count(c, 300);
    if (m) {
        bool down = rand_one_in(&c->rand, 2) && m->ffn % quant_info(type)->granule == 0;
        k = down ? m->ffn : m->embed;
        n = !down && rand_one_in(&c->rand, 2) ? m->vocab / 8 : m->embed;
        a.b = rand_one_in(&c->rand, 2) ? 1 : a.b;
    }
    uint32_t norm = pick_norm(c, a.b, type, k);
    a.steps.out_rows = rand_one_in(&c->rand, 3);
    a.x_rows = a.b;
    if (a.steps.out_rows) {
        a.x_rows = rand_range(&c->rand, a.b, 20);
        a.steps = case_steps(
            c, &(struct case_steps_params){.rows = a.x_rows, .slots = a.x_rows, .n_ctx = 512});
        a.steps.out_rows = true;
    }
    a.x = case_floats(c, (uint64_t)a.x_rows * k, 1, "x");
    a.norm_w = norm ? case_normals(c, k, 1, "norm_w") : 0;
    a.norm_b = norm == K_MV_LAYER ? case_normals(c, k, 1, "norm_b") : 0;
    a.w = case_weight(c, type, n, k, "w");
    a.bias = rand_one_in(&c->rand, 2) ? case_normals(c, n, 1, "bias") : 0;
    uint32_t residual = rand_below(&c->rand, 3); /* none, its own, in place */
    a.residual = residual ? case_normals(c, (uint64_t)a.b * n, 1, "residual") : 0;
    a.out = residual == 2 ? a.residual : case_out(c, (uint64_t)a.b * n, "out");
    a.gelu = !residual && rand_one_in(&c->rand, 3);
    case_text(c, "b %u n %u k %u%s%s%s%s%s%s", a.b, n, k, x_text(x_as), norm_names[norm],
              a.gelu ? " gelu" : "", a.steps.out_rows ? " out_rows" : "", a.bias ? " bias" : "",
              residual == 2   ? " residual in place"
              : residual == 1 ? " residual"
                              : "");
    return k_matvec(c->plan, &a);
}

enum status case_matvec(struct check_case *c, enum quant_type type)
{
    return matvec(c, type, K_X_F32);
}

enum status case_matvec_int8(struct check_case *c, enum quant_type type)
{
    (void)type;
    return matvec(c, integer_type(c), K_X_INT8);
}

/* x normalised row by row with k_norm, or with biases k_layernorm, as batches take it. Where x
 * becomes 8 bits it stays as it is, *norm_w becoming 0: a reference that normalises in double may
 * round to another integer. */
static enum status normed(struct check_case *c, uint64_t x, uint64_t *norm_w, uint64_t norm_b,
                          uint32_t rows, uint32_t k, float eps, enum k_x x_as, uint64_t *out)
{
    if (x_as == K_X_INT8) {
        *norm_w = 0;
        *out = x;
        return OK;
    }
    *out = case_out(c, (uint64_t)rows * k, "x normalised");
    if (norm_b) {
        struct k_layernorm_args a = {.rows = rows, .x = x, .w = *norm_w, .b = norm_b, .out = *out};
        a.k = k;
        a.x_rows = rows;
        a.eps = eps;
        return k_layernorm(c->plan, &a);
    }
    struct k_norm_args a = {.rows = rows, .x = x, .w = *norm_w, .k = k, .x_rows = rows, .eps = eps};
    a.out = *out;
    return k_norm(c->plan, &a);
}

enum { BATCH = 16 };

/* Makes one's x, which is the batch's, that of a row: of x with the norm in the prologue where that
 * can be (x not 0), else of what was normalised before. */
static void take_row(uint64_t *one_x, uint64_t *one_norm_w, uint64_t x, uint64_t norm_w,
                     uint32_t row, uint32_t k)
{
    if (x) {
        *one_x = x;
        *one_norm_w = norm_w;
    }
    *one_x += (uint64_t)row * k * 4;
}

/* LayerNorm's, or 0 for RMSNorm. */
static uint64_t pick_biases(struct check_case *c, enum quant_type type, uint32_t k)
{
    bool layer = k_fuses_layernorm(1, type, k) && rand_one_in(&c->rand, 2);
    return layer ? case_normals(c, k, 1, "norm_b") : 0;
}

enum status case_matvec_bits(struct check_case *c, enum quant_type type)
{
    enum k_x x_as = rand_one_in(&c->rand, 2) ? K_X_INT8 : K_X_F32;
    type = x_as == K_X_INT8 ? integer_type(c) : (enum quant_type)rand_below(&c->rand, QUANT_COUNT);
    uint32_t k = pick_k(c, type, 4096, x_as), n = case_count(c, 300);
    float eps = pick_eps(c);
    uint64_t x = case_floats(c, (uint64_t)BATCH * k, 1, "x");
    uint64_t norm_w = case_normals(c, k, 1, "norm_w"), norm_b = pick_biases(c, type, k), xn;
    struct k_matvec_args all = {
        .name = "check", .b = BATCH, .x_rows = BATCH, .eps = eps, .x_as = x_as};
    all.w = case_weight(c, type, n, k, "w");
    all.bias = case_normals(c, n, 1, "bias");
    TRY(normed(c, x, &norm_w, norm_b, BATCH, k, eps, x_as, &xn));
    all.x = xn;
    all.out = case_out(c, (uint64_t)BATCH * n, "out of 16");
    TRY(k_matvec(c->plan, &all));
    case_text(c, "%s: rows alone, in fives and in sixteens: n %u k %u%s", quant_info(type)->name, n,
              k, x_text(x_as));
    for (uint32_t row = 0; row < BATCH; row += 5) {
        struct k_matvec_args one = all;
        one.b = one.x_rows = 1;
        take_row(&one.x, &one.norm_w, k_fuses_norm(1, type, k) ? x : 0, norm_w, row, k);
        one.norm_b = one.norm_w ? norm_b : 0;
        one.out = case_out(c, n, "out of one");
        TRY(k_matvec(c->plan, &one));
        case_same_bits(c, one.out, all.out + (uint64_t)row * n * 4, n * 4,
                       "a row alone and among 16");
    }
    struct k_matvec_args few = all;
    few.b = few.x_rows = 5;
    few.x = xn + 3ull * k * 4;
    few.out = case_out(c, 5ull * n, "out of five");
    TRY(k_matvec(c->plan, &few));
    case_same_bits(c, few.out, all.out + 3ull * n * 4, 5ull * n * 4,
                   "five rows and the same among 16");
    return OK;
}

static enum status glu(struct check_case *c, enum quant_type type, enum k_x x_as)
{
    const struct case_model *m = case_model(c, type);
    struct k_glu_args a = {.b = pick_batch(c), .eps = pick_eps(c), .x_as = x_as};
    uint32_t k = m ? m->embed : pick_k(c, type, 2048, x_as);
    uint32_t n = m ? m->ffn : case_count(c, 300);
    if (m)
        a.b = rand_one_in(&c->rand, 2) ? 1 : a.b;
    bool norm = k_fuses_norm(a.b, type, k) && rand_one_in(&c->rand, 2);
    a.x = case_floats(c, (uint64_t)a.b * k, 1, "x");
    a.norm_w = norm ? case_normals(c, k, 1, "norm_w") : 0;
    a.gate = case_weight(c, type, n, k, "gate");
    a.up = case_weight(c, type, n, k, "up");
    a.out = case_out(c, (uint64_t)a.b * n, "out");
    case_text(c, "b %u n %u k %u%s%s", a.b, n, k, x_text(x_as), norm ? " norm" : "");
    return k_glu(c->plan, &a);
}

enum status case_glu(struct check_case *c, enum quant_type type)
{
    return glu(c, type, K_X_F32);
}

enum status case_glu_int8(struct check_case *c, enum quant_type type)
{
    (void)type;
    return glu(c, integer_type(c), K_X_INT8);
}

enum status case_glu_bits(struct check_case *c, enum quant_type type)
{
    enum k_x x_as = rand_one_in(&c->rand, 2) ? K_X_INT8 : K_X_F32;
    type = x_as == K_X_INT8 ? integer_type(c) : (enum quant_type)rand_below(&c->rand, QUANT_COUNT);
    uint32_t k = pick_k(c, type, 4096, x_as), n = case_count(c, 300);
    struct k_glu_args all = {.b = BATCH, .eps = pick_eps(c), .x_as = x_as};
    uint64_t x = case_floats(c, (uint64_t)BATCH * k, 1, "x");
    uint64_t norm_w = case_normals(c, k, 1, "norm_w");
    all.gate = case_weight(c, type, n, k, "gate");
    all.up = case_weight(c, type, n, k, "up");
    TRY(normed(c, x, &norm_w, 0, BATCH, k, all.eps, x_as, &all.x));
    all.out = case_out(c, (uint64_t)BATCH * n, "out of 16");
    TRY(k_glu(c->plan, &all));
    case_text(c, "%s: rows alone and in sixteens: n %u k %u%s", quant_info(type)->name, n, k,
              x_text(x_as));
    for (uint32_t row = 1; row < BATCH; row += 7) {
        struct k_glu_args one = all;
        one.b = 1;
        take_row(&one.x, &one.norm_w, k_fuses_norm(1, type, k) ? x : 0, norm_w, row, k);
        one.out = case_out(c, n, "out of one");
        TRY(k_glu(c->plan, &one));
        case_same_bits(c, one.out, all.out + (uint64_t)row * n * 4, n * 4,
                       "a row alone and among 16");
    }
    return OK;
}

struct qkv_shape {
    uint32_t k, heads, kv_heads, d, rot;
};

static struct qkv_shape pick_shape(struct check_case *c, enum quant_type type,
                                   const struct case_model *m, enum k_x x_as)
{
    if (m)
        return (struct qkv_shape){m->embed, m->heads, m->kv_heads, m->head_dim, m->head_dim};
    struct qkv_shape s = {.k = pick_k(c, type, 1024, x_as)};
    s.d = case_head_dim(c);
    s.kv_heads = RAND_PICK(&c->rand, 1, 1, 2, 3);
    s.heads = s.kv_heads * (s.d > 128 ? 1 : RAND_PICK(&c->rand, 1, 2, 3, 4, 7));
    s.rot = RAND_PICK(&c->rand, s.d, s.d, s.d / 2, 0);
    return s;
}

static enum status qkv(struct check_case *c, enum quant_type type, enum k_x x_as)
{
    const struct case_model *m = case_model(c, type);
    struct qkv_shape s = pick_shape(c, type, m, x_as);
    struct k_qkv_args a = {.b = pick_batch(c), .eps = pick_eps(c), .x_as = x_as};
    uint32_t slots = RAND_PICK(&c->rand, a.b, a.b, 2), max_pages = rand_range(&c->rand, 1, 3);
    enum quant_type k = other_type(c, type, s.k), v = other_type(c, type, s.k);
    if (x_as == K_X_INT8) {
        k = k_takes_int8(k, s.k) ? k : type;
        v = k_takes_int8(v, s.k) ? v : type;
    }
    bool bias = rand_one_in(&c->rand, 2);
    bool norm = k_fuses_norm(a.b, type, s.k) && k_fuses_norm(a.b, k, s.k) &&
                k_fuses_norm(a.b, v, s.k) && rand_one_in(&c->rand, 2);
    bool layer = norm && k_fuses_layernorm(a.b, type, s.k) && k_fuses_layernorm(a.b, k, s.k) &&
                 k_fuses_layernorm(a.b, v, s.k) && rand_one_in(&c->rand, 2);
    uint32_t n_kv = s.kv_heads * s.d;
    a.steps = case_steps(c, &(struct case_steps_params){
                                .rows = a.b, .slots = slots, .n_ctx = max_pages * K_PAGE_TOKENS});
    a.kv = case_kv(c, s.heads, s.kv_heads, s.d, slots, max_pages, &a.steps);
    a.rope = case_rope(c, max_pages * K_PAGE_TOKENS, s.rot, rand_one_in(&c->rand, 2));
    /* Large ones reach beyond what f16 holds. */
    a.x = case_floats(c, (uint64_t)a.b * s.k, rand_one_in(&c->rand, 6) ? 20 : 1, "x");
    a.norm_w = norm ? case_normals(c, s.k, 1, "norm_w") : 0;
    a.norm_b = layer ? case_normals(c, s.k, 1, "norm_b") : 0;
    a.q = case_weight(c, type, s.heads * s.d, s.k, "wq");
    a.k = case_weight(c, k, n_kv, s.k, "wk");
    a.v = case_weight(c, v, n_kv, s.k, "wv");
    a.bq = bias ? case_normals(c, s.heads * s.d, 1, "bq") : 0;
    a.bk = bias ? case_normals(c, n_kv, 1, "bk") : 0;
    a.bv = bias ? case_normals(c, n_kv, 1, "bv") : 0;
    a.out = case_out(c, (uint64_t)a.b * s.heads * s.d, "out");
    case_text(c, "b %u k %u heads %u/%u of %u rot %u%s wk %s wv %s slots %u pages %u%s%s%s", a.b,
              s.k, s.heads, s.kv_heads, s.d, s.rot, a.rope.neox ? " neox" : "", quant_info(k)->name,
              quant_info(v)->name, slots, max_pages, x_text(x_as), norm_names[norm + layer],
              bias ? " bias" : "");
    return k_qkv(c->plan, &a);
}

enum status case_qkv(struct check_case *c, enum quant_type type)
{
    return qkv(c, type, K_X_F32);
}

enum status case_qkv_int8(struct check_case *c, enum quant_type type)
{
    (void)type;
    return qkv(c, integer_type(c), K_X_INT8);
}

enum status case_qkv_bits(struct check_case *c, enum quant_type type)
{
    enum k_x x_as = rand_one_in(&c->rand, 2) ? K_X_INT8 : K_X_F32;
    type = x_as == K_X_INT8 ? integer_type(c) : (enum quant_type)rand_below(&c->rand, QUANT_COUNT);
    struct qkv_shape s = pick_shape(c, type, NULL, x_as);
    struct k_qkv_args all = {.b = BATCH, .eps = pick_eps(c), .x_as = x_as};
    uint32_t max_pages = 2, n_kv = s.kv_heads * s.d, n_q = s.heads * s.d;
    all.steps =
        case_steps(c, &(struct case_steps_params){
                          .rows = BATCH, .slots = BATCH, .n_ctx = max_pages * K_PAGE_TOKENS});
    all.kv = case_kv(c, s.heads, s.kv_heads, s.d, BATCH, max_pages, &all.steps);
    all.rope = case_rope(c, max_pages * K_PAGE_TOKENS, s.rot, rand_one_in(&c->rand, 2));
    uint64_t x = case_floats(c, (uint64_t)BATCH * s.k, 1, "x");
    uint64_t norm_w = case_normals(c, s.k, 1, "norm_w"), norm_b = pick_biases(c, type, s.k);
    all.q = case_weight(c, type, n_q, s.k, "wq");
    all.k = case_weight(c, type, n_kv, s.k, "wk");
    all.v = case_weight(c, type, n_kv, s.k, "wv");
    all.bk = case_normals(c, n_kv, 1, "bk");
    TRY(normed(c, x, &norm_w, norm_b, BATCH, s.k, all.eps, x_as, &all.x));
    all.out = case_out(c, (uint64_t)BATCH * n_q, "out of 16");
    TRY(k_qkv(c->plan, &all));

    /* The rows alone write to pages of their own, in the same order. */
    struct k_kv twin = case_twin_kv(c, &all.kv);
    case_text(c, "%s: rows alone and in sixteens: k %u heads %u/%u of %u rot %u%s",
              quant_info(type)->name, s.k, s.heads, s.kv_heads, s.d, s.rot, x_text(x_as));
    for (uint32_t row = 2; row < BATCH; row += 6) {
        struct k_qkv_args one = all;
        if (!case_row_is_live(c, &all.steps, row))
            continue;
        one.b = 1;
        take_row(&one.x, &one.norm_w, k_fuses_norm(1, type, s.k) ? x : 0, norm_w, row, s.k);
        one.norm_b = one.norm_w ? norm_b : 0;
        one.kv = twin;
        one.steps = case_one_row(c, &all.steps, row);
        one.out = case_out(c, n_q, "out of one");
        TRY(k_qkv(c->plan, &one));
        case_same_bits(c, one.out, all.out + (uint64_t)row * n_q * 4, n_q * 4,
                       "a row alone and among 16");
        uint64_t page = case_row_page(c, &all.kv, &all.steps, row) + all.kv.offset;
        case_same_bits(c, page, page - all.kv.pool + twin.pool, 4ull * n_kv * K_PAGE_TOKENS,
                       "keys and values of a row alone and among 16");
    }
    return OK;
}
