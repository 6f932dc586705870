/* Step headers, KV pages and RoPE tables of random cases. */
#include <math.h>
#include <string.h>

#include "case.h"
#include "half.h"

struct k_step *case_step_header(struct check_case *c, const struct k_steps *steps)
{
    return (struct k_step *)(c->image + (steps->addr - c->base));
}

struct k_row *case_step_rows(struct check_case *c, const struct k_steps *steps)
{
    return (struct k_row *)(c->image + (steps->addr - c->base) + K_STEP_BYTES);
}

static void put_row(struct check_case *c, const struct case_steps_params *p, struct k_row *row,
                    uint32_t i)
{
    row->token = rand_below(&c->data, p->vocab ? p->vocab : 1);
    row->next = i;
    if (p->one_sequence) {
        row->pos = p->first + i;
        row->slot = 0;
        return;
    }
    /* Rows i, i + slots, ... are of one slot: each takes a stretch of positions of its own. */
    uint32_t share = (p->rows + p->slots - 1) / p->slots;
    uint32_t stretch = p->n_ctx / share;
    uint32_t at = rand_one_in(&c->data, 4) ? 0 : rand_below(&c->data, stretch);
    if (rand_one_in(&c->data, 4))
        at = stretch - 1;
    row->pos = stretch * (i / p->slots) + at;
    row->slot = i % p->slots;
    if (p->rows > 1 && rand_one_in(&c->data, 6)) {
        row->slot = K_NO_SLOT;
        row->pos = p->n_ctx; /* a sequence that ran into its end stops so */
    }
}

struct k_steps case_steps(struct check_case *c, const struct case_steps_params *p)
{
    struct k_steps steps = {.rows = p->rows};
    uint64_t bytes = K_STEP_BYTES + (uint64_t)p->rows * sizeof(struct k_row);
    struct k_step *step = case_buf(c, bytes, false, "step", &steps.addr);
    struct k_row *rows = case_step_rows(c, &steps);
    step->n_rows = rand_one_in(&c->data, 3) ? rand_range(&c->data, 1, p->rows) : p->rows;
    step->n_out = rand_below(&c->data, K_MAX_OUT + 1);
    for (uint32_t i = 0; i < K_MAX_OUT; i++)
        step->out_row[i] = i < step->n_out ? rand_below(&c->data, step->n_rows) : 0x7fffffff;
    for (uint32_t i = 0; i < p->rows; i++) {
        if (i < step->n_rows)
            put_row(c, p, &rows[i], i);
        else
            memset(&rows[i], 0xee, sizeof rows[i]);
    }
    return steps;
}

bool case_pick_rows(struct check_case *c, uint32_t *rows, uint32_t *x_rows, struct k_steps *steps)
{
    *x_rows = *rows;
    if (!rand_one_in(&c->rand, 3))
        return false;
    *rows = rand_range(&c->rand, 1, K_MAX_OUT);
    *x_rows = rand_range(&c->rand, *rows, 40);
    *steps =
        case_steps(c, &(struct case_steps_params){.rows = *x_rows, .slots = *x_rows, .n_ctx = 512});
    steps->out_rows = true;
    return true;
}

static bool row_is_live(const struct k_step *step, const struct k_row *rows, uint32_t i)
{
    return i < step->n_rows && rows[i].slot != K_NO_SLOT;
}

struct k_kv case_kv(struct check_case *c, uint32_t heads, uint32_t kv_heads, uint32_t head_dim,
                    uint32_t slots, uint32_t max_pages, const struct k_steps *steps)
{
    uint64_t layer = 2ull * kv_heads * K_PAGE_TOKENS * head_dim * 2;
    uint32_t layers = rand_range(&c->data, 1, 2);
    uint32_t entries = slots * max_pages;
    struct k_kv kv = {.slots = slots,
                      .max_pages = max_pages,
                      .heads = heads,
                      .kv_heads = kv_heads,
                      .head_dim = head_dim};
    kv.offset = (uint32_t)layer * rand_below(&c->data, layers);

    uint64_t *table = case_buf(c, (uint64_t)entries * 8, false, "page table", &kv.pages);
    memset(table, 0, (size_t)entries * 8);
    const struct k_step *step = case_step_header(c, steps);
    const struct k_row *rows = case_step_rows(c, steps);
    uint32_t used = 0;
    for (uint32_t i = 0; i < steps->rows; i++) {
        for (uint32_t p = 0; row_is_live(step, rows, i) && p <= rows[i].pos / K_PAGE_TOKENS; p++) {
            uint64_t *entry = &table[rows[i].slot * max_pages + p];
            if (!*entry)
                *entry = ++used;
        }
    }
    /* Page numbers to addresses, in an order that is none; page 0 is the trap. */
    kv.pool_bytes = layers * layer * (used + 1);
    case_buf(c, kv.pool_bytes, true, "KV pages", &kv.pool);
    uint32_t turn = rand_below(&c->data, used + 1);
    for (uint32_t i = 0; i < entries; i++) {
        uint32_t page = table[i] ? 1 + (uint32_t)(used - table[i] + turn) % used : 0;
        table[i] = kv.pool + page * layers * layer;
    }
    return kv;
}

static void fill_halves(struct check_rand *r, uint16_t *p, uint32_t n, double scale)
{
    static uint16_t table[4096];
    static bool made;
    struct check_rand t = {7};
    for (int i = 0; !made && i < 4096; i++)
        table[i] = half_from_double(rand_normal(&t));
    made = true;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t v = table[rand_u64(r) >> 52];
        p[i] = scale == 1 ? v : half_from_double(half_to_double(v) * scale);
    }
}

void case_fill_kv(struct check_case *c, const struct k_kv *kv, const struct k_steps *steps)
{
    const uint64_t *table = (const uint64_t *)(c->image + (kv->pages - c->base));
    const struct k_step *step = case_step_header(c, steps);
    const struct k_row *rows = case_step_rows(c, steps);
    uint32_t d = kv->head_dim;
    double scale = rand_one_in(&c->data, 4) ? 4 : 1;
    for (uint32_t slot = 0; slot < kv->slots; slot++) {
        uint32_t seen = 0;
        for (uint32_t i = 0; i < steps->rows; i++) {
            if (row_is_live(step, rows, i) && rows[i].slot == slot && rows[i].pos + 1 > seen)
                seen = rows[i].pos + 1;
        }
        for (uint32_t first = 0; first < seen; first += K_PAGE_TOKENS) {
            uint64_t page = table[slot * kv->max_pages + first / K_PAGE_TOKENS] + kv->offset;
            uint16_t *at = (uint16_t *)(c->image + (page - c->base));
            uint32_t n = seen - first < K_PAGE_TOKENS ? seen - first : K_PAGE_TOKENS;
            for (uint32_t h = 0; h < 2 * kv->kv_heads; h++)
                fill_halves(&c->data, at + (size_t)h * K_PAGE_TOKENS * d, n * d, scale);
        }
    }
}

struct k_rope case_rope(struct check_case *c, uint32_t n_ctx, uint32_t rot, bool neox)
{
    struct k_rope rope = {.rot = rot, .neox = neox};
    if (!rot)
        return rope;
    rope.table_bytes = (uint64_t)n_ctx * rot * 4;
    float *t = case_buf(c, rope.table_bytes, true, "rope table", &rope.table);
    double base = rand_one_in(&c->data, 2) ? 1e4 : 5e5;
    for (uint32_t pos = 0; pos < n_ctx; pos++) {
        for (uint32_t i = 0; i < rot / 2; i++) {
            double angle = pos * pow(base, -2.0 * i / rot);
            *t++ = (float)cos(angle);
            *t++ = (float)sin(angle);
        }
    }
    return rope;
}
