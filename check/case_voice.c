/* Cases of what models of voice activity take: magnitude, unary, lstm. */
#include "cases.h"

enum status case_magnitude(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct k_magnitude_args a = {.rows = case_count(c, 131), .bins = case_count(c, 300)};
    a.width = a.bins + RAND_PICK(&c->rand, 0, 0, 1, 3);
    if (c->size == CASE_BENCH)
        a = (struct k_magnitude_args){.rows = 4096, .bins = 129, .width = 132};
    a.in = case_floats(c, 2ull * a.rows * a.bins, 1, "in");
    a.out = case_out(c, (uint64_t)a.rows * a.width, "out");
    c->bytes = 4.0 * a.rows * (2.0 * a.bins + a.width);
    case_text(c, "rows %u bins %u of %u", a.rows, a.bins, a.width);
    return k_magnitude(c->plan, &a);
}

enum status case_unary(struct check_case *c, enum quant_type type)
{
    (void)type;
    uint64_t n = c->size == CASE_BENCH ? 1 << 20 : rand_range(&c->rand, 1, 3000);
    uint32_t f = RAND_PICK(&c->rand, K_UNARY_RELU, K_UNARY_SIGMOID);
    uint64_t x = case_floats(c, n, RAND_PICK(&c->data, 1, 8), "x"), out;
    bool in_place = rand_one_in(&c->rand, 2);
    out = in_place ? x : case_out(c, n, "out");
    c->bytes = 8.0 * (double)n;
    case_text(c, "%s n %llu%s", f == K_UNARY_RELU ? "relu" : "sigmoid", (unsigned long long)n,
              in_place ? " in place" : "");
    return k_unary(c->plan, f, x, out, n);
}

static float *floats_at(struct check_case *c, uint64_t addr)
{
    return (float *)(void *)(c->image + (addr - c->base));
}

/* A cell that takes nothing in, and forgets what is all but 0. */
static void make_forgetful(struct check_case *c, const struct k_lstm_args *a)
{
    uint32_t n = a->hidden, cell = rand_below(&c->data, n);
    for (uint32_t t = 0; t < a->steps; t++)
        floats_at(c, a->x)[(uint64_t)t * 4 * n + 2 * n + cell] = 0;
    for (uint32_t k = 0; k < n; k++)
        floats_at(c, a->w)[(uint64_t)k * 4 * n + 2 * n + cell] = 0;
    floats_at(c, a->b)[2 * n + cell] = 0;
    floats_at(c, a->state)[n + cell] = rand_one_in(&c->data, 2) ? 0x1.8p-100f : -0x1.8p-100f;
}

enum status case_lstm(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct k_lstm_args a = {.steps = rand_range(&c->rand, 1, 9)};
    a.hidden = RAND_PICK(&c->rand, 128, 128, 1, 7, 64, 100, 255, 256);
    if (c->size == CASE_BENCH)
        a = (struct k_lstm_args){.steps = 256, .hidden = 128};
    uint64_t n = a.hidden;
    a.x = case_floats(c, 4 * a.steps * n, 1, "x");
    a.w = case_normals(c, 4 * n * n, 1.5 / (double)n, "w");
    a.b = case_normals(c, 4 * n, 0.3, "b");
    a.state = case_normals(c, 2 * n, 0.5, "state");
    a.out = case_out(c, a.steps * n, "out");
    if (rand_one_in(&c->data, 2))
        make_forgetful(c, &a);
    c->bytes = 16.0 * (double)(n * n * a.steps);
    c->flops = 8.0 * (double)(n * n * a.steps);
    case_text(c, "steps %u hidden %u", a.steps, a.hidden);
    return k_lstm(c->plan, &a);
}
