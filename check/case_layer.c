/* Cases of whole small models: what a decode step and a prompt are made of, dispatch after
 * dispatch. They are run stepwise. */
#include <math.h>

#include "cases.h"

enum { LAYERS = 2, MAX_PAGES = 2, N_CTX = MAX_PAGES * K_PAGE_TOKENS };

struct layer {
    uint64_t norm_1, norm_2;
    struct k_weight q, k, v, o, gate, up, down;
};

struct model {
    uint32_t embed, heads, kv_heads, d, ffn, vocab;
    struct k_weight table;
    struct layer layers[LAYERS];
    uint64_t norm;
    struct k_rope rope;
    struct k_kv kv;
    struct k_steps steps;
    struct k_sample_args sample;
    uint64_t x, xn, q, k, v, att, gate, up, logits;
    float eps;
};

static enum quant_type any_type(struct check_case *c)
{
    return (enum quant_type)rand_below(&c->rand, QUANT_COUNT);
}

static void make_model(struct check_case *c, struct model *m, const struct case_steps_params *step,
                       uint32_t out_rows)
{
    m->embed = 256;
    m->d = RAND_PICK(&c->rand, 32, 64, 128);
    m->heads = 256 / m->d;
    m->kv_heads = m->heads / RAND_PICK(&c->rand, 1, 2);
    m->ffn = RAND_PICK(&c->rand, 512, 768);
    m->vocab = 499;
    m->eps = 1e-5f;
    m->steps = case_steps(c, step);
    case_out_rows(c, &m->steps);
    m->table = case_weight(c, any_type(c), m->vocab, m->embed, "token embedding");
    m->norm = case_normals(c, m->embed, 1, "output norm");
    for (int i = 0; i < LAYERS; i++) {
        struct layer *l = &m->layers[i];
        enum quant_type glu = any_type(c);
        l->norm_1 = case_normals(c, m->embed, 1, "attention norm");
        l->norm_2 = case_normals(c, m->embed, 1, "ffn norm");
        l->q = case_weight(c, any_type(c), m->heads * m->d, m->embed, "wq");
        l->k = case_weight(c, l->q.type, m->kv_heads * m->d, m->embed, "wk");
        l->v = case_weight(c, any_type(c), m->kv_heads * m->d, m->embed, "wv");
        l->o = case_weight(c, any_type(c), m->embed, m->heads * m->d, "wo");
        l->gate = case_weight(c, glu, m->ffn, m->embed, "gate");
        l->up = case_weight(c, glu, m->ffn, m->embed, "up");
        l->down = case_weight(c, any_type(c), m->embed, m->ffn, "down");
    }
    m->rope = case_rope(c, N_CTX, m->d, rand_one_in(&c->rand, 2));
    m->kv = case_kv(c, m->heads, m->kv_heads, m->d, step->slots, MAX_PAGES, &m->steps);
    case_fill_kv(c, &m->kv, &m->steps);
    m->sample = (struct k_sample_args){.vocab = m->vocab, .steps = m->steps, .b = out_rows};
    case_seqs(c, step->slots, N_CTX, &m->sample);
    uint64_t rows = step->rows;
    m->x = case_out(c, rows * m->embed, "x");
    m->xn = case_out(c, rows * m->embed, "x normalised");
    m->q = case_out(c, rows * m->heads * m->d, "q");
    m->k = case_out(c, rows * m->kv_heads * m->d, "k");
    m->v = case_out(c, rows * m->kv_heads * m->d, "v");
    m->att = case_out(c, rows * m->heads * m->d, "attention");
    m->gate = case_out(c, rows * m->ffn, "gate");
    m->up = case_out(c, rows * m->ffn, "up");
    m->sample.logits = m->logits = case_out(c, (uint64_t)out_rows * m->vocab, "logits");
}

static enum status embed(struct check_case *c, const struct model *m)
{
    return k_embed(c->plan, &(struct k_embed_args){.table = m->table,
                                                   .steps = m->steps,
                                                   .seqs = m->sample.seqs,
                                                   .slots = m->sample.slots,
                                                   .history = m->sample.history,
                                                   .history_bytes = m->sample.history_bytes,
                                                   .out = m->x});
}

static enum status norm(struct check_case *c, const struct model *m, uint64_t w)
{
    return k_norm(c->plan, &(struct k_norm_args){.rows = m->steps.rows,
                                                 .x = m->x,
                                                 .w = w,
                                                 .out = m->xn,
                                                 .k = m->embed,
                                                 .x_rows = m->steps.rows,
                                                 .eps = m->eps});
}

/* x += w * in, rows of `b`. */
static enum status add_matvec(struct check_case *c, const struct model *m, const char *name,
                              const struct k_weight *w, uint64_t in)
{
    return k_matvec(c->plan, &(struct k_matvec_args){.name = name,
                                                     .b = m->steps.rows,
                                                     .x = in,
                                                     .x_rows = m->steps.rows,
                                                     .w = *w,
                                                     .residual = m->x,
                                                     .out = m->x});
}

static enum status head(struct check_case *c, const struct model *m, uint32_t b)
{
    struct k_steps out_rows = m->steps;
    out_rows.out_rows = true;
    TRY(k_norm(c->plan, &(struct k_norm_args){.rows = b,
                                              .x = m->x,
                                              .w = m->norm,
                                              .out = m->xn,
                                              .k = m->embed,
                                              .x_rows = m->steps.rows,
                                              .eps = m->eps,
                                              .steps = out_rows}));
    TRY(k_matvec(
        c->plan,
        &(struct k_matvec_args){
            .name = "head", .b = b, .x = m->xn, .x_rows = b, .w = m->table, .out = m->logits}));
    return k_sample(c->plan, &m->sample);
}

static enum status decode_layer(struct check_case *c, const struct model *m, const struct layer *l,
                                uint64_t counter)
{
    uint32_t b = m->steps.rows;
    bool fused = k_fuses_norm(b, l->q.type, m->embed) && k_fuses_norm(b, l->v.type, m->embed);
    if (!fused)
        TRY(norm(c, m, l->norm_1));
    TRY(k_qkv(c->plan, &(struct k_qkv_args){.b = b,
                                            .x = fused ? m->x : m->xn,
                                            .norm_w = fused ? l->norm_1 : 0,
                                            .eps = m->eps,
                                            .q = l->q,
                                            .k = l->k,
                                            .v = l->v,
                                            .rope = m->rope,
                                            .kv = m->kv,
                                            .steps = m->steps,
                                            .out = m->q}));
    TRY(k_attn(c->plan, &(struct k_attn_args){.b = b,
                                              .q = m->q,
                                              .out = m->att,
                                              .counter = counter,
                                              .kv = m->kv,
                                              .steps = m->steps,
                                              .splits = MAX_PAGES,
                                              .scale = (float)(1 / sqrt(m->d))}));
    TRY(add_matvec(c, m, "o", &l->o, m->att));
    fused = k_fuses_norm(b, l->gate.type, m->embed);
    if (!fused)
        TRY(norm(c, m, l->norm_2));
    TRY(k_glu(c->plan, &(struct k_glu_args){.b = b,
                                            .x = fused ? m->x : m->xn,
                                            .norm_w = fused ? l->norm_2 : 0,
                                            .eps = m->eps,
                                            .gate = l->gate,
                                            .up = l->up,
                                            .out = m->gate}));
    return add_matvec(c, m, "down", &l->down, m->gate);
}

enum status case_decode(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct model m = {0};
    uint32_t b = RAND_PICK(&c->rand, 1, 2, 3);
    make_model(c, &m,
               &(struct case_steps_params){.rows = b, .slots = b, .n_ctx = N_CTX - 1, .vocab = 499},
               b);
    uint64_t counter = case_counters(c, (uint64_t)b * m.heads, "attention counters");
    c->stepwise = true;
    case_text(c, "%u rows, %u layers, heads %u/%u of %u, ffn %u", b, LAYERS, m.heads, m.kv_heads,
              m.d, m.ffn);
    TRY(embed(c, &m));
    for (int i = 0; i < LAYERS; i++) {
        plan_set_layer(c->plan, i);
        TRY(decode_layer(c, &m, &m.layers[i], counter));
    }
    plan_set_layer(c->plan, -1);
    return head(c, &m, b);
}

static enum status matmul(struct check_case *c, const struct model *m, const char *name,
                          const struct k_weight *w, uint64_t x, uint64_t residual, uint64_t out)
{
    return k_matmul(c->plan, &(struct k_matmul_args){.name = name,
                                                     .m = m->steps.rows,
                                                     .x = x,
                                                     .w = *w,
                                                     .residual = residual,
                                                     .out = out,
                                                     .steps = m->steps});
}

static enum status prompt_layer(struct check_case *c, const struct model *m, const struct layer *l)
{
    uint32_t rows = m->steps.rows;
    TRY(norm(c, m, l->norm_1));
    TRY(matmul(c, m, "q", &l->q, m->xn, 0, m->q));
    TRY(matmul(c, m, "k", &l->k, m->xn, 0, m->k));
    TRY(matmul(c, m, "v", &l->v, m->xn, 0, m->v));
    TRY(k_rope_append(c->plan, &(struct k_rope_args){.m = rows,
                                                     .q = m->q,
                                                     .k = m->k,
                                                     .v = m->v,
                                                     .rope = m->rope,
                                                     .kv = m->kv,
                                                     .steps = m->steps}));
    TRY(k_flash(c->plan, &(struct k_flash_args){.m = rows,
                                                .q = m->q,
                                                .out = m->att,
                                                .kv = m->kv,
                                                .steps = m->steps,
                                                .scale = (float)(1 / sqrt(m->d))}));
    TRY(matmul(c, m, "o", &l->o, m->att, m->x, m->x));
    TRY(norm(c, m, l->norm_2));
    TRY(matmul(c, m, "gate", &l->gate, m->xn, 0, m->gate));
    TRY(matmul(c, m, "up", &l->up, m->xn, 0, m->up));
    TRY(k_silu_mul(c->plan, &(struct k_silu_args){.m = rows,
                                                  .n = m->ffn,
                                                  .gate = m->gate,
                                                  .up = m->up,
                                                  .out = m->gate,
                                                  .steps = m->steps}));
    return matmul(c, m, "down", &l->down, m->gate, m->x, m->x);
}

enum status case_prompt(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct model m = {0};
    uint32_t rows = rand_range(&c->rand, 5, 70);
    make_model(c, &m,
               &(struct case_steps_params){.rows = rows,
                                           .slots = 1,
                                           .n_ctx = N_CTX,
                                           .vocab = 499,
                                           .one_sequence = true,
                                           .first = rand_below(&c->rand, N_CTX - 70)},
               1);
    case_step_header(c, &m.steps)->n_out = 1;
    c->stepwise = true;
    case_text(c, "%u rows, %u layers, heads %u/%u of %u, ffn %u", rows, LAYERS, m.heads, m.kv_heads,
              m.d, m.ffn);
    TRY(embed(c, &m));
    for (int i = 0; i < LAYERS; i++) {
        plan_set_layer(c->plan, i);
        TRY(prompt_layer(c, &m, &m.layers[i]));
    }
    plan_set_layer(c->plan, -1);
    return head(c, &m, 1);
}
