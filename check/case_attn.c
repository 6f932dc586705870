/* Cases of attention, rope and embed: the kernels that follow positions and pages. */
#include <math.h>
#include <string.h>

#include "cases.h"

uint32_t case_head_dim(struct check_case *c)
{
    return RAND_PICK(&c->rand, 8, 16, 24, 40, 64, 64, 72, 80, 96, 104, 128, 128, 192, 256);
}

bool case_row_is_live(struct check_case *c, const struct k_steps *steps, uint32_t row)
{
    return row < case_step_header(c, steps)->n_rows &&
           case_step_rows(c, steps)[row].slot != K_NO_SLOT;
}

struct k_steps case_one_row(struct check_case *c, const struct k_steps *steps, uint32_t row)
{
    struct k_steps one = {.rows = 1};
    struct k_step *step =
        case_buf(c, K_STEP_BYTES + sizeof(struct k_row), false, "step of one", &one.addr);
    *step = (struct k_step){.n_rows = 1};
    *case_step_rows(c, &one) = case_step_rows(c, steps)[row];
    return one;
}

static uint64_t *page_table(struct check_case *c, const struct k_kv *kv)
{
    return (uint64_t *)(c->image + (kv->pages - c->base));
}

uint64_t case_row_page(struct check_case *c, const struct k_kv *kv, const struct k_steps *steps,
                       uint32_t row)
{
    const struct k_row *r = &case_step_rows(c, steps)[row];
    return page_table(c, kv)[r->slot * kv->max_pages + r->pos / K_PAGE_TOKENS];
}

struct k_kv case_twin_kv(struct check_case *c, const struct k_kv *kv)
{
    struct k_kv twin = *kv;
    uint32_t entries = kv->slots * kv->max_pages;
    case_buf(c, kv->pool_bytes, true, "other KV pages", &twin.pool);
    uint64_t *to = case_buf(c, (uint64_t)entries * 8, false, "other page table", &twin.pages);
    for (uint32_t i = 0; i < entries; i++)
        to[i] = page_table(c, kv)[i] - kv->pool + twin.pool;
    return twin;
}

static void pick_heads(struct check_case *c, uint32_t *heads, uint32_t *kv_heads, uint32_t *d)
{
    const struct case_model *m = case_model(c, QUANT_F32);
    *d = m ? m->head_dim : case_head_dim(c);
    *kv_heads = m ? m->kv_heads : RAND_PICK(&c->rand, 1, 2, 3);
    *heads = m ? m->heads : *kv_heads * RAND_PICK(&c->rand, 1, 2, 3, 4, 5, 7, 8);
}

enum status case_attn(struct check_case *c, enum quant_type type)
{
    (void)type;
    uint32_t heads, kv_heads, d;
    pick_heads(c, &heads, &kv_heads, &d);
    struct k_attn_args a = {.b = RAND_PICK(&c->rand, 1, 1, 2, 3, 5, 16)};
    a.splits = RAND_PICK(&c->rand, 1, 2, 3, c->size == CASE_QUICK ? 4 : 17);
    uint32_t max_pages = a.splits + rand_below(&c->rand, 2);
    uint32_t slots = RAND_PICK(&c->rand, a.b, 2);
    a.steps = case_steps(c, &(struct case_steps_params){
                                .rows = a.b, .slots = slots, .n_ctx = a.splits * K_PAGE_TOKENS});
    a.kv = case_kv(c, heads, kv_heads, d, slots, max_pages, &a.steps);
    case_fill_kv(c, &a.kv, &a.steps);
    for (uint32_t i = 0; i < case_step_header(c, &a.steps)->n_rows; i++) {
        const struct k_row *row = &case_step_rows(c, &a.steps)[i];
        if (row->slot != K_NO_SLOT) /* keys and values in f16 */
            c->bytes += 4.0 * (row->pos + 1) * kv_heads * d;
    }
    a.scale = (float)(1 / sqrt(d));
    a.q = case_normals(c, (uint64_t)a.b * heads * d, rand_one_in(&c->rand, 4) ? 6 : 1, "q");
    a.counter = case_counters(c, (uint64_t)a.b * heads, "counter");
    a.out = case_out(c, (uint64_t)a.b * heads * d, "out");
    case_text(c, "b %u heads %u/%u of %u splits %u slots %u", a.b, heads, kv_heads, d, a.splits,
              slots);
    return k_attn(c->plan, &a);
}

enum status case_attn_bits(struct check_case *c, enum quant_type type)
{
    (void)type;
    enum { BATCH = 16 };
    uint32_t heads, kv_heads, d;
    pick_heads(c, &heads, &kv_heads, &d);
    struct k_attn_args all = {.b = BATCH, .splits = 4, .scale = (float)(1 / sqrt(d))};
    all.steps =
        case_steps(c, &(struct case_steps_params){
                          .rows = BATCH, .slots = BATCH, .n_ctx = all.splits * K_PAGE_TOKENS});
    all.kv = case_kv(c, heads, kv_heads, d, BATCH, all.splits, &all.steps);
    case_fill_kv(c, &all.kv, &all.steps);
    uint64_t row_bytes = (uint64_t)heads * d * 4;
    all.q = case_normals(c, (uint64_t)BATCH * heads * d, 1, "q");
    all.counter = case_counters(c, (uint64_t)BATCH * heads, "counter");
    all.out = case_out(c, (uint64_t)BATCH * heads * d, "out of 16");
    TRY(k_attn(c->plan, &all));
    case_text(c, "rows alone, with as few splits as will do, and in sixteens: heads %u/%u of %u",
              heads, kv_heads, d);
    for (uint32_t row = 0; row < BATCH; row += 3) {
        struct k_attn_args one = all;
        if (!case_row_is_live(c, &all.steps, row))
            continue;
        one.b = 1;
        one.splits = case_step_rows(c, &all.steps)[row].pos / K_PAGE_TOKENS + 1;
        one.steps = case_one_row(c, &all.steps, row);
        one.q = all.q + row * row_bytes;
        one.counter = case_counters(c, heads, "counter of one");
        one.out = case_out(c, (uint64_t)heads * d, "out of one");
        TRY(k_attn(c->plan, &one));
        case_same_bits(c, one.out, all.out + row * row_bytes, row_bytes,
                       "a row alone and among 16");
    }
    return OK;
}

static enum status flash(struct check_case *c, enum k_way way)
{
    enum { WHISPER_POSITIONS = 1500 };
    uint32_t heads, kv_heads, d;
    pick_heads(c, &heads, &kv_heads, &d);
    if (way == K_WAY_NV && d % 32 != 0 && rand_below(&c->rand, 8)) /* what matrix units take */
        d = 32 * RAND_PICK(&c->rand, 1, 2, 2, 3, 4, 4, 5, 8);
    uint32_t max_pages = rand_range(&c->rand, 1, 3);
    struct k_flash_args a = {.m = case_count(c, c->size == CASE_QUICK ? 97 : 256), .way = way};
    bool whisper = c->size != CASE_QUICK && rand_one_in(&c->rand, 4);
    if (whisper) /* the last of the positions that half a minute of sound has */
        max_pages = (WHISPER_POSITIONS + K_PAGE_TOKENS - 1) / K_PAGE_TOKENS;
    uint32_t room = whisper ? WHISPER_POSITIONS - a.m : max_pages * K_PAGE_TOKENS - a.m;
    uint32_t any = rand_below(&c->rand, room + 1), first = RAND_PICK(&c->rand, 0, 0, any, room);
    if (whisper)
        first = room;
    a.steps = case_steps(c, &(struct case_steps_params){.rows = a.m,
                                                        .slots = 1,
                                                        .n_ctx = max_pages * K_PAGE_TOKENS,
                                                        .one_sequence = true,
                                                        .first = first});
    a.kv = case_kv(c, heads, kv_heads, d, 1, max_pages, &a.steps);
    case_fill_kv(c, &a.kv, &a.steps);
    a.scale = (float)(1 / sqrt(d));
    uint64_t values = (uint64_t)a.m * heads * d;
    bool half = way == K_WAY_NV && rand_one_in(&c->rand, 2);
    double scale = rand_one_in(&c->rand, 4) ? 6 : 1;
    a.half = half && k_flash_takes_half(c->plan, a.m, d);
    a.q = a.half ? case_halves(c, values, values, scale, "q") : case_normals(c, values, scale, "q");
    if (a.half)
        case_buf(c, values * 2, false, "out", &a.out);
    else
        a.out = case_out(c, values, "out");
    uint32_t n_rows = case_step_header(c, &a.steps)->n_rows;
    if (rand_one_in(&c->rand, 3))
        a.seen = RAND_PICK(&c->rand, first + 1, rand_range(&c->rand, 1, first + n_rows));
    for (uint32_t i = 0; i < n_rows; i++)
        c->flops += 4.0 * (a.seen ? a.seen : first + i + 1) * heads * d;
    case_text(c, "m %u (%u in use) from %u heads %u/%u of %u seen %u%s%s", a.m, n_rows, first,
              heads, kv_heads, d, a.seen, a.way == K_WAY_NV ? " nv" : "", a.half ? " of f16" : "");
    return k_flash(c->plan, &a);
}

enum status case_flash(struct check_case *c, enum quant_type type)
{
    (void)type;
    return flash(c, K_WAY_F32);
}

/* On matrix units, where the device has them. */
enum status case_flash_matrix(struct check_case *c, enum quant_type type)
{
    (void)type;
    return flash(c, K_WAY_NV);
}

enum status case_rope_append(struct check_case *c, enum quant_type type)
{
    (void)type;
    uint32_t heads, kv_heads, d;
    pick_heads(c, &heads, &kv_heads, &d);
    uint32_t max_pages = rand_range(&c->rand, 1, 3), n_ctx = max_pages * K_PAGE_TOKENS;
    struct k_rope_args a = {.m = case_count(c, 131)};
    struct case_steps_params p = {.rows = a.m, .slots = 3, .n_ctx = n_ctx};
    p.one_sequence = rand_one_in(&c->rand, 2);
    p.first = rand_below(&c->rand, n_ctx - a.m + 1);
    uint32_t rot = RAND_PICK(&c->rand, d, d, d / 2, d / 4 * 2, 0);
    a.steps = case_steps(c, &p);
    a.kv = case_kv(c, heads, kv_heads, d, p.slots, max_pages, &a.steps);
    a.rope = case_rope(c, n_ctx, rot, rand_one_in(&c->rand, 2));
    if (rot || rand_one_in(&c->rand, 2))
        a.q = case_floats(c, (uint64_t)a.m * heads * d, 1, "q");
    a.k = case_floats(c, (uint64_t)a.m * kv_heads * d, rand_one_in(&c->rand, 6) ? 20 : 1, "k");
    a.v = case_floats(c, (uint64_t)a.m * kv_heads * d, rand_one_in(&c->rand, 6) ? 20 : 1, "v");
    /* q, k and v are read, q and, in f16, k and v written. */
    c->bytes = (double)case_step_header(c, &a.steps)->n_rows * d * (8.0 * heads + 12.0 * kv_heads);
    case_text(c, "m %u (%u in use) heads %u/%u of %u rot %u%s%s", a.m,
              case_step_header(c, &a.steps)->n_rows, heads, kv_heads, d, rot,
              a.rope.neox ? " neox" : "", p.one_sequence ? " one sequence" : "");
    return k_rope_append(c->plan, &a);
}

enum status case_embed(struct check_case *c, enum quant_type type)
{
    const struct case_model *m = case_model(c, type);
    uint32_t k = m ? m->embed : case_row_length(c, type, 2048);
    uint32_t vocab = m ? 5003 : case_count(c, 300), rows = case_count(c, 65);
    uint32_t slots = rand_range(&c->rand, 1, 16), n_ctx = 512;
    struct k_embed_args a = {.slots = slots};
    a.steps = case_steps(c, &(struct case_steps_params){
                                .rows = rows, .slots = slots, .n_ctx = n_ctx, .vocab = vocab});
    a.table = case_weight(c, type, vocab, k, "table");
    if (rand_one_in(&c->rand, 3)) {
        a.n_places = n_ctx;
        a.places = case_normals(c, (uint64_t)n_ctx * k, 1, "places");
    }
    if (!rand_one_in(&c->rand, 3)) {
        struct k_seq *seqs = case_buf(c, (uint64_t)slots * K_SEQ_BYTES, false, "seqs", &a.seqs);
        a.history_bytes = (uint64_t)slots * n_ctx * 4;
        case_buf(c, a.history_bytes, false, "history", &a.history);
        for (uint32_t i = 0; i < slots; i++)
            seqs[i].history = a.history + (uint64_t)i * n_ctx * 4;
    }
    a.out = case_out(c, (uint64_t)rows * k, "out");
    c->bytes = (double)case_step_header(c, &a.steps)->n_rows *
               (4.0 * k + (double)quant_row_bytes(type, k));
    case_text(c, "rows %u (%u in use) k %u vocab %u slots %u%s%s", rows,
              case_step_header(c, &a.steps)->n_rows, k, vocab, slots, a.seqs ? " history" : "",
              a.places ? " places" : "");
    return k_embed(c->plan, &a);
}

/* A step of `rows` rows of one sequence, all in use. */
static struct k_steps chunk(struct check_case *c, uint32_t rows, uint32_t first, uint32_t n_ctx)
{
    struct k_steps steps = case_steps(
        c, &(struct case_steps_params){
               .rows = rows, .slots = 1, .n_ctx = n_ctx, .one_sequence = true, .first = first});
    case_step_header(c, &steps)->n_rows = rows;
    for (uint32_t i = 0; i < rows; i++)
        case_step_rows(c, &steps)[i] = (struct k_row){.pos = first + i};
    return steps;
}

/* A prompt at once and in two chunks: the same bits. */
enum status case_flash_bits(struct check_case *c, enum quant_type type)
{
    (void)type;
    uint32_t heads, kv_heads, d, n_ctx = 2 * K_PAGE_TOKENS;
    pick_heads(c, &heads, &kv_heads, &d);
    uint32_t m = case_count(c, 97) + 1, first = rand_range(&c->rand, 1, m - 1);
    uint32_t pos = rand_below(&c->rand, n_ctx - m + 1);
    struct k_flash_args a = {.m = m, .steps = chunk(c, m, pos, n_ctx), .way = K_WAY_F32};
    struct k_steps head = chunk(c, first, pos, n_ctx),
                   rest = chunk(c, m - first, pos + first, n_ctx);
    a.kv = case_kv(c, heads, kv_heads, d, 1, 2, &a.steps);
    case_fill_kv(c, &a.kv, &a.steps);
    a.scale = (float)(1 / sqrt(d));
    uint64_t row = (uint64_t)heads * d, parts;
    a.q = case_normals(c, m * row, 1, "q");
    a.out = case_out(c, m * row, "out at once");
    parts = case_out(c, m * row, "out in chunks");
    case_text(c, "m %u in chunks of %u and %u from %u heads %u/%u of %u", m, first, m - first, pos,
              heads, kv_heads, d);
    case_same_bits(c, a.out, parts, m * row * 4, "a prompt at once and in chunks");
    TRY(k_flash(c->plan, &a));
    a.m = first;
    a.out = parts;
    a.steps = head;
    TRY(k_flash(c->plan, &a));
    a.m = m - first;
    a.q += first * row * 4;
    a.out += first * row * 4;
    a.steps = rest;
    return k_flash(c->plan, &a);
}
