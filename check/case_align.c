/* Cases of what tells when words are said: align. */
#include "cases.h"

/* Weights of heads, some hardly looked at. */
static void fill_weights(struct check_case *c, uint64_t n, const char *tag, uint64_t *addr)
{
    float *x = case_buf(c, 4 * n, false, tag, addr);
    for (uint64_t i = 0; i < n; i++)
        x[i] = rand_one_in(&c->data, 4) ? 0 : (float)ldexp(rand_unit(&c->data), -(int)(i % 90));
}

/* A frame at which a head looks as much for every token, but for rounding: x is [..][places][seen].
 */
static void make_even(struct check_case *c, uint64_t x, uint32_t heads, uint32_t places,
                      uint32_t seen)
{
    float *at = (float *)(void *)(c->image + (x - c->base));
    at += (uint64_t)rand_below(&c->data, heads) * places * seen + rand_below(&c->data, seen);
    for (uint32_t i = 0; i < places; i++)
        at[(uint64_t)i * seen] = 0.25f + (float)(i % 2) * 0x1p-24f;
}

enum status case_align(struct check_case *c, enum quant_type type)
{
    (void)type;
    bool quick = c->size == CASE_QUICK;
    struct k_align_weights_args a = {.n = rand_range(&c->rand, 1, 3),
                                     .first = rand_below(&c->rand, 3)};
    uint32_t heads = quick ? rand_range(&c->rand, 3, 5) : 20, after = rand_below(&c->rand, 2);
    uint32_t d = quick ? case_head_dim(c) : 64, all = a.first + a.n + after;
    a.rows = quick ? rand_range(&c->rand, 1, 5) : 16;
    a.seen = quick ? RAND_PICK(&c->rand, 1, 3, 4, 7, 40, 257, 300) : 1500;
    a.places = a.rows + rand_below(&c->rand, 4);
    a.scale = 1 / sqrtf((float)d);
    uint32_t pages = (a.seen + K_PAGE_TOKENS - 1) / K_PAGE_TOKENS;
    a.steps = case_steps(c, &(struct case_steps_params){
                                .rows = a.rows, .slots = a.rows, .n_ctx = pages * K_PAGE_TOKENS});
    for (uint32_t i = 0; i < a.rows; i++) /* all of the sound is there */
        case_step_rows(c, &a.steps)[i].pos = a.seen - 1;
    a.kv = case_kv(c, heads, heads, d, a.rows, pages, &a.steps);
    case_fill_kv(c, &a.kv, &a.steps);
    a.q = case_normals(c, (uint64_t)a.rows * heads * d, RAND_PICK(&c->data, 1, 1, 4, 30), "q");
    uint32_t *head = case_buf(c, 4ull * all, false, "heads", &a.heads);
    for (uint32_t i = 0; i < all; i++)
        head[i] = rand_below(&c->data, heads);
    struct k_align *align = case_buf(c, sizeof *align, false, "align", &a.align);
    *align = (struct k_align){
        .tokens = rand_range(&c->data, 1, a.places),
        .frames = RAND_PICK(&c->data, a.seen, a.seen, 2 * a.seen, rand_range(&c->data, 1, a.seen)),
        .at = rand_below(&c->data, a.places - a.rows + 2)};
    struct k_align_args b = {.heads = all,
                             .places = a.places,
                             .seen = a.seen,
                             .align = a.align,
                             .out = case_out(c, (uint64_t)a.places * a.seen, "out")};
    /* The steps are judged apart: a column of like weights makes much of their rounding. */
    fill_weights(c, (uint64_t)all * a.places * a.seen, "weights", &a.x);
    fill_weights(c, (uint64_t)all * a.places * a.seen, "x", &b.x);
    if (rand_one_in(&c->data, 2))
        make_even(c, b.x, all, a.places, a.seen);
    case_text(c, "heads %u of %u, head %u, rows %u at %u of %u, %u tokens, frames %u of %u", a.n,
              heads, d, a.rows, align->at, a.places, align->tokens, align->frames, a.seen);
    TRY(k_align_weights(c->plan, &a));
    return k_align(c->plan, &b);
}
