#include "models/parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/checked.h"

/* ---- one step ----------------------------------------------------------------------------- */

/* x through RMSNorm: folded into the product that follows where that can be, else a kernel. Gives
 * what the product takes as x and as norm weights. */
struct normed {
    uint64_t x, w;
};

static enum status norm(struct plan *p, const struct model *m, uint32_t rows, uint64_t x,
                        uint64_t w, bool fused, struct normed *out)
{
    const struct model_hparams *hp = &m->hp;
    *out = (struct normed){x, w};
    if (fused)
        return OK;
    TRY(plan_scratch(p, 4ull * rows * hp->n_embd, "normed", &out->x));
    out->w = 0;
    return k_norm(p, &(struct k_norm_args){.rows = rows,
                                           .x = x,
                                           .w = w,
                                           .out = out->x,
                                           .k = hp->n_embd,
                                           .x_rows = rows,
                                           .eps = hp->rms_eps});
}

static struct k_kv layer_kv(const struct model *m, const struct model_step *s, uint32_t layer)
{
    struct k_kv kv = s->kv;
    kv.offset = (uint32_t)(layer * model_layer_page_bytes(&m->hp));
    return kv;
}

static float attn_scale(const struct model *m)
{
    return (float)(1 / sqrt((double)m->hp.head_dim));
}

static enum status embed(struct plan *p, const struct model *m, const struct model_step *s)
{
    return k_embed(p, &(struct k_embed_args){.table = m->embd,
                                             .steps = s->steps,
                                             .seqs = s->sample.seqs,
                                             .slots = s->sample.slots,
                                             .history = s->sample.history,
                                             .history_bytes = s->sample.history_bytes,
                                             .out = s->h});
}

static enum status decode_attention(struct plan *p, const struct model *m,
                                    const struct model_step *s, uint32_t layer)
{
    const struct model_hparams *hp = &m->hp;
    const struct model_layer *l = &m->layers[layer];
    uint32_t b = s->rows;
    uint64_t q, a; /* (b, n_heads * head_dim) */
    TRY(plan_scratch(p, 4ull * b * hp->n_heads * hp->head_dim, "q", &q));
    TRY(plan_scratch(p, 4ull * b * hp->n_heads * hp->head_dim, "attention", &a));
    bool fused = k_fuses_norm(b, l->q.type, hp->n_embd) && k_fuses_norm(b, l->k.type, hp->n_embd) &&
                 k_fuses_norm(b, l->v.type, hp->n_embd);
    struct normed n;
    TRY(norm(p, m, b, s->h, l->attn_norm, fused, &n));
    TRY(k_qkv(p, &(struct k_qkv_args){.b = b,
                                      .x = n.x,
                                      .norm_w = n.w,
                                      .eps = hp->rms_eps,
                                      .q = l->q,
                                      .k = l->k,
                                      .v = l->v,
                                      .bq = l->bq,
                                      .bk = l->bk,
                                      .bv = l->bv,
                                      .rope = s->rope,
                                      .kv = layer_kv(m, s, layer),
                                      .steps = s->steps,
                                      .out = q}));
    TRY(k_attn(p, &(struct k_attn_args){.b = b,
                                        .q = q,
                                        .out = a,
                                        .counter = s->attn_counter,
                                        .kv = layer_kv(m, s, layer),
                                        .steps = s->steps,
                                        .splits = s->splits,
                                        .scale = attn_scale(m)}));
    return k_matvec(
        p,
        &(struct k_matvec_args){
            .name = "o", .b = b, .x = a, .w = l->o, .bias = l->bo, .residual = s->h, .out = s->h});
}

static enum status decode_mlp(struct plan *p, const struct model *m, const struct model_step *s,
                              uint32_t layer)
{
    const struct model_hparams *hp = &m->hp;
    const struct model_layer *l = &m->layers[layer];
    uint32_t b = s->rows;
    uint64_t f; /* (b, n_ff) */
    TRY(plan_scratch(p, 4ull * b * hp->n_ff, "mlp", &f));
    struct normed n;
    TRY(norm(p, m, b, s->h, l->ffn_norm, k_fuses_norm(b, l->gate.type, hp->n_embd), &n));
    TRY(k_glu(p, &(struct k_glu_args){.b = b,
                                      .x = n.x,
                                      .norm_w = n.w,
                                      .eps = hp->rms_eps,
                                      .gate = l->gate,
                                      .up = l->up,
                                      .out = f}));
    return k_matvec(
        p, &(struct k_matvec_args){
               .name = "down", .b = b, .x = f, .w = l->down, .residual = s->h, .out = s->h});
}

enum status parts_decode(struct plan *p, const struct model *m, const struct model_step *s)
{
    plan_set_layer(p, -1);
    TRY(embed(p, m, s));
    for (uint32_t i = 0; i < m->hp.n_layers; i++) {
        plan_set_layer(p, (int)i);
        TRY(decode_attention(p, m, s, i));
        TRY(decode_mlp(p, m, s, i));
    }
    return parts_tail(p, m, s);
}

static enum status prefill_attention(struct plan *p, const struct model *m,
                                     const struct model_step *s, uint32_t layer)
{
    const struct model_hparams *hp = &m->hp;
    const struct model_layer *l = &m->layers[layer];
    uint32_t rows = s->rows, n_q = hp->n_heads * hp->head_dim, n_kv = hp->n_kv_heads * hp->head_dim;
    uint64_t q, k, v, a; /* (rows, n_q), (rows, n_kv) twice, (rows, n_q) */
    TRY(plan_scratch(p, 4ull * rows * n_q, "q", &q));
    TRY(plan_scratch(p, 4ull * rows * n_kv, "k", &k));
    TRY(plan_scratch(p, 4ull * rows * n_kv, "v", &v));
    TRY(plan_scratch(p, 4ull * rows * n_q, "attention", &a));
    struct normed n;
    TRY(norm(p, m, rows, s->h, l->attn_norm, false, &n));
    struct k_matmul_args mul = {.m = rows, .x = n.x, .steps = s->steps};
    mul.name = "q", mul.w = l->q, mul.bias = l->bq, mul.out = q;
    TRY(k_matmul(p, &mul));
    mul.name = "k", mul.w = l->k, mul.bias = l->bk, mul.out = k;
    TRY(k_matmul(p, &mul));
    mul.name = "v", mul.w = l->v, mul.bias = l->bv, mul.out = v;
    TRY(k_matmul(p, &mul));
    struct k_kv kv = layer_kv(m, s, layer);
    TRY(k_rope_append(
        p, &(struct k_rope_args){
               .m = rows, .q = q, .k = k, .v = v, .rope = s->rope, .kv = kv, .steps = s->steps}));
    TRY(k_flash(
        p, &(struct k_flash_args){
               .m = rows, .q = q, .out = a, .kv = kv, .steps = s->steps, .scale = attn_scale(m)}));
    return k_matmul(p, &(struct k_matmul_args){.name = "o",
                                               .m = rows,
                                               .x = a,
                                               .w = l->o,
                                               .bias = l->bo,
                                               .residual = s->h,
                                               .out = s->h,
                                               .steps = s->steps});
}

/* Gate and up as one, with rows of f16 between them and down. */
static enum status half_mlp(struct plan *p, const struct model *m, const struct model_step *s,
                            const struct model_layer *l, uint64_t x)
{
    uint64_t f; /* (rows, n_ff) */
    TRY(plan_scratch(p, 2 * align_up(s->rows, K_HALF_ROWS) * m->hp.n_ff, "mlp", &f));
    TRY(k_glu_rows(
        p, &(struct k_glu_rows_args){
               .m = s->rows, .x = x, .gate = l->gate, .up = l->up, .out = f, .steps = s->steps}));
    return k_matmul(p, &(struct k_matmul_args){.name = "down",
                                               .m = s->rows,
                                               .x_half = f,
                                               .factor = (float)K_GLU_DIVISOR,
                                               .w = l->down,
                                               .residual = s->h,
                                               .out = s->h,
                                               .steps = s->steps});
}

static enum status prefill_mlp(struct plan *p, const struct model *m, const struct model_step *s,
                               uint32_t layer)
{
    const struct model_hparams *hp = &m->hp;
    const struct model_layer *l = &m->layers[layer];
    uint32_t rows = s->rows;
    uint64_t gate, up; /* (rows, n_ff) each */
    struct normed n;
    TRY(norm(p, m, rows, s->h, l->ffn_norm, false, &n));
    if (k_glu_takes_half(p, rows, &l->gate, &l->up) && k_takes_half(p, rows, &l->down))
        return half_mlp(p, m, s, l, n.x);
    TRY(plan_scratch(p, 4ull * rows * hp->n_ff, "gate", &gate));
    TRY(plan_scratch(p, 4ull * rows * hp->n_ff, "up", &up));
    struct k_matmul_args mul = {.m = rows, .x = n.x, .steps = s->steps};
    mul.name = "gate", mul.w = l->gate, mul.out = gate;
    TRY(k_matmul(p, &mul));
    mul.name = "up", mul.w = l->up, mul.out = up;
    TRY(k_matmul(p, &mul));
    TRY(k_silu_mul(
        p, &(struct k_silu_args){
               .m = rows, .n = hp->n_ff, .gate = gate, .up = up, .out = gate, .steps = s->steps}));
    return k_matmul(p, &(struct k_matmul_args){.name = "down",
                                               .m = rows,
                                               .x = gate,
                                               .w = l->down,
                                               .residual = s->h,
                                               .out = s->h,
                                               .steps = s->steps});
}

enum status parts_prefill(struct plan *p, const struct model *m, const struct model_step *s)
{
    plan_set_layer(p, -1);
    TRY(embed(p, m, s));
    for (uint32_t i = 0; i < m->hp.n_layers; i++) {
        plan_set_layer(p, (int)i);
        TRY(prefill_attention(p, m, s, i));
        TRY(prefill_mlp(p, m, s, i));
    }
    plan_set_layer(p, -1);
    return OK;
}

enum status parts_tail(struct plan *p, const struct model *m, const struct model_step *s)
{
    const struct model_hparams *hp = &m->hp;
    plan_set_layer(p, -1);
    if (!s->outs)
        return OK;
    struct k_steps out = s->steps;
    out.out_rows = true;
    struct k_matvec_args head = {.name = "head",
                                 .b = s->outs,
                                 .x = s->h,
                                 .x_rows = s->rows,
                                 .norm_w = m->out_norm,
                                 .eps = hp->rms_eps,
                                 .w = m->head,
                                 .out = s->logits,
                                 .steps = out};
    if (!k_fuses_norm(s->outs, m->head.type, hp->n_embd)) {
        TRY(plan_scratch(p, 4ull * s->outs * hp->n_embd, "normed", &head.x));
        TRY(k_norm(p, &(struct k_norm_args){.rows = s->outs,
                                            .x = s->h,
                                            .w = m->out_norm,
                                            .out = head.x,
                                            .k = hp->n_embd,
                                            .x_rows = s->rows,
                                            .eps = hp->rms_eps,
                                            .steps = out}));
        head.norm_w = 0;
        head.steps.out_rows = false;
    }
    TRY(k_matvec(p, &head));
    if (!s->sample.b)
        return OK;
    struct k_sample_args sample = s->sample;
    sample.logits = s->logits;
    sample.vocab = hp->n_vocab;
    sample.steps = s->steps;
    sample.next = s->next;
    return k_sample(p, &sample);
}
