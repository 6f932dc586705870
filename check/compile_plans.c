#include "compile_plans.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernels/kernels.h"
#include "models/parts.h"

/* The shape of a model; the last is the one that stands for all. */
struct shape {
    const char *name;
    const struct model_arch *arch;
    uint32_t embd, heads, kv_heads, head_dim, ffn, vocab;
    bool tied, neox, bias;
};
static const struct shape shapes[] = {
    {"Qwen2.5-0.5B", &arch_qwen2, 896, 14, 2, 64, 4864, 151936, true, true, true},
    {"Llama-3.1-8B", &arch_llama, 4096, 32, 8, 128, 14336, 128256, false, false, false},
    {"Llama-3.2-1B", &arch_llama, 2048, 32, 8, 64, 8192, 128256, true, false, false},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, LAYERS = 2 };

/* Block types of a file: of most tensors; of V and the down projection in the first layer, and of
 * the head where it is not the embedding's. */
struct mix {
    const char *name;
    enum quant_type most, more;
};
static const struct mix mixes[] = {
    {"F32", QUANT_F32, QUANT_F32},      {"F16", QUANT_F16, QUANT_F16},
    {"BF16", QUANT_BF16, QUANT_BF16},   {"Q4_0", QUANT_Q4_0, QUANT_Q4_0},
    {"Q8_0", QUANT_Q8_0, QUANT_Q8_0},   {"Q4_K_M", QUANT_Q4_K, QUANT_Q6_K},
    {"Q5_K_M", QUANT_Q5_K, QUANT_Q6_K}, {"Q6_K", QUANT_Q6_K, QUANT_Q6_K},
    {"Q4_1", QUANT_Q4_1, QUANT_Q4_1},   {"Q5_0", QUANT_Q5_0, QUANT_Q5_0},
    {"Q5_1", QUANT_Q5_1, QUANT_Q5_1},
};

enum { MAX_PAGES = 32, SLOTS = 16, PAGE_TOKENS = K_PAGE_TOKENS };

uint64_t compile_place(struct compile_space *s, uint64_t bytes)
{
    uint64_t at = s->next;
    s->next += (bytes + 511) / 256 * 256;
    return at;
}

struct k_weight compile_weight(struct compile_space *s, enum quant_type t, uint32_t n, uint32_t k)
{
    struct k_weight w = {.type = t, .n = n, .k = k, .name = "weights"};
    w.addr = compile_place(s, quant_row_bytes(t, k) * n);
    return w;
}

struct built {
    struct model m;
    struct model_layer layers[LAYERS];
    struct compile_space space;
    struct k_kv kv;
    struct k_rope rope;
    uint64_t step, h, logits, counter, seqs, history, ring, bias, sample_counter;
};

static void build_layer(struct built *b, const struct shape *s, const struct mix *mix,
                        struct model_layer *l, bool first)
{
    struct compile_space *sp = &b->space;
    uint32_t rows_q = s->heads * s->head_dim, rows_kv = s->kv_heads * s->head_dim;
    enum quant_type more = first ? mix->more : mix->most;
    *l = (struct model_layer){
        .attn_norm = compile_place(sp, 4ull * s->embd),
        .q = compile_weight(sp, mix->most, rows_q, s->embd),
        .k = compile_weight(sp, mix->most, rows_kv, s->embd),
        .v = compile_weight(sp, more, rows_kv, s->embd),
        .o = compile_weight(sp, mix->most, s->embd, rows_q),
        .ffn_norm = compile_place(sp, 4ull * s->embd),
        .gate = compile_weight(sp, mix->most, s->ffn, s->embd),
        .up = compile_weight(sp, mix->most, s->ffn, s->embd),
        .down = compile_weight(sp, more, s->embd, s->ffn),
    };
    if (s->bias) {
        l->bq = compile_place(sp, 4ull * rows_q);
        l->bk = compile_place(sp, 4ull * rows_kv);
        l->bv = compile_place(sp, 4ull * rows_kv);
    }
}

static void build(struct built *b, const struct shape *s, const struct mix *mix)
{
    *b = (struct built){.space.next = 1 << 20};
    struct compile_space *sp = &b->space;
    uint64_t n_ctx = (uint64_t)MAX_PAGES * PAGE_TOKENS;
    b->m = (struct model){.arch = s->arch,
                          .hp = {.n_layers = LAYERS,
                                 .n_embd = s->embd,
                                 .n_heads = s->heads,
                                 .n_kv_heads = s->kv_heads,
                                 .head_dim = s->head_dim,
                                 .n_ff = s->ffn,
                                 .n_vocab = s->vocab,
                                 .rms_eps = 1e-5f},
                          .out_norm = compile_place(sp, 4ull * s->embd),
                          .tied = s->tied,
                          .layers = b->layers};
    for (int i = 0; i < LAYERS; i++)
        build_layer(b, s, mix, &b->layers[i], i == 0);
    b->m.head = compile_weight(sp, mix->more, s->vocab, s->embd);
    b->m.embd = s->tied ? b->m.head : compile_weight(sp, mix->most, s->vocab, s->embd);
    uint64_t pool = SLOTS * MAX_PAGES * model_page_bytes(&b->m.hp);
    b->kv = (struct k_kv){.pages = compile_place(sp, 8ull * SLOTS * MAX_PAGES),
                          .slots = SLOTS,
                          .max_pages = MAX_PAGES,
                          .pool = compile_place(sp, pool),
                          .pool_bytes = pool,
                          .heads = s->heads,
                          .kv_heads = s->kv_heads,
                          .head_dim = s->head_dim};
    b->rope = (struct k_rope){
        .table_bytes = 4 * n_ctx * s->head_dim, .rot = s->head_dim, .neox = s->neox};
    b->rope.table = compile_place(sp, b->rope.table_bytes);
    b->step = compile_place(sp, 1 << 20);
    b->h = compile_place(sp, 4ull * 4096 * s->embd);
    b->logits = compile_place(sp, 4ull * K_MAX_OUT * s->vocab);
    b->counter = compile_place(sp, 4ull * SLOTS * s->heads);
    b->seqs = compile_place(sp, (uint64_t)SLOTS * K_SEQ_BYTES);
    b->history = compile_place(sp, 4 * SLOTS * n_ctx);
    b->ring = compile_place(sp, 1 << 20);
    b->bias = compile_place(sp, 1 << 20);
    b->sample_counter = compile_place(sp, 4ull * K_MAX_OUT * K_SAMPLE_COUNTERS);
}

enum sampler { NO_HEAD, GREEDY, SAMPLE };

static struct model_step step_of(const struct built *b, uint32_t rows, uint32_t outs,
                                 enum sampler sampler)
{
    uint64_t n_ctx = (uint64_t)MAX_PAGES * PAGE_TOKENS;
    return (struct model_step){
        .rows = rows,
        .outs = outs,
        .steps = {.addr = b->step, .rows = rows},
        .kv = b->kv,
        .rope = b->rope,
        .splits = MAX_PAGES,
        .h = b->h,
        .logits = b->logits,
        .attn_counter = b->counter,
        .sample = {.b = sampler == NO_HEAD ? 0 : outs,
                   .seqs = b->seqs,
                   .slots = SLOTS,
                   .history = b->history,
                   .history_bytes = 4 * SLOTS * n_ctx,
                   .ring = b->ring,
                   .ring_bytes = 1 << 20,
                   .bias = b->bias,
                   .bias_bytes = 1 << 20,
                   .counter = b->sample_counter,
                   .greedy = sampler == GREEDY},
    };
}

typedef enum status (*builder)(struct plan *, const struct model *, const struct model_step *);

static enum status visit_plan(struct plan *p, const struct compile_visit *visit, const char *what,
                              bool decode)
{
    for (uint32_t i = 0; i < plan_count(p); i++)
        TRY(visit->op(visit->ctx, plan_get(p, i), what, decode));
    return OK;
}

static enum status one_plan(struct gpu *g, const struct built *b, builder make,
                            const struct model_step *step, const char *what, bool decode,
                            const struct compile_visit *visit)
{
    struct plan *p;
    TRY(plan_create(g, &(struct plan_params){.name = "compile"}, &p));
    enum status s = make(p, &b->m, step);
    if (s == OK)
        s = visit_plan(p, visit, what, decode);
    plan_destroy(&p);
    return s;
}

/* One model with one mix of types: all that the engine would record, or the two ends of it. */
static enum status one_model(struct gpu *g, const struct shape *shape, const struct mix *mix,
                             bool all, const struct compile_visit *visit)
{
    enum { MOST_PROMPT = 2048 };
    struct built b;
    char what[80];
    build(&b, shape, mix);
    for (uint32_t rows = 1; rows <= K_MAX_OUT; rows *= all ? 2 : K_MAX_OUT) {
        snprintf(what, sizeof what, "%s %s, decode of %" PRIu32, shape->name, mix->name, rows);
        struct model_step step = step_of(&b, rows, rows, SAMPLE);
        TRY(one_plan(g, &b, shape->arch->decode, &step, what, true, visit));
        step = step_of(&b, rows, rows, GREEDY);
        TRY(one_plan(g, &b, shape->arch->decode, &step, what, true, visit));
        snprintf(what, sizeof what, "%s %s, head of %" PRIu32, shape->name, mix->name, rows);
        TRY(one_plan(g, &b, shape->arch->tail, &step, what, true, visit));
    }
    for (uint32_t rows = 2 * K_MAX_OUT; rows <= MOST_PROMPT; rows *= all ? 2 : 64) {
        snprintf(what, sizeof what, "%s %s, prompt of %" PRIu32, shape->name, mix->name, rows);
        struct model_step step = step_of(&b, rows, 0, NO_HEAD);
        TRY(one_plan(g, &b, shape->arch->prefill, &step, what, false, visit));
    }
    return OK;
}

/* Loading, and the kernels that no text model uses. */
static enum status others(struct gpu *g, const struct compile_visit *visit)
{
    struct plan_op repack = {.name = "repack", .layer = -1, .groups = {1, 1, 1}};
    TRY(k_repack_pipe(&repack.pipe));
    TRY(visit->op(visit->ctx, &repack, "loading", false));

    struct plan *p;
    struct k_bmm_push bmm = {0};
    enum status s = OK;
    TRY(plan_create(g, &(struct plan_params){.name = "compile"}, &p));
    for (uint32_t elem = 2; elem <= 4; elem += 2)
        TRY_GOTO(k_transpose(p, &(struct k_transpose_args){.in = 1 << 20,
                                                           .out = 1 << 28,
                                                           .elem = elem,
                                                           .batch = 4,
                                                           .rows = 640,
                                                           .cols = 320}));
    bmm = (struct k_bmm_push){.a = 1 << 20,
                              .b = 1 << 24,
                              .c = 1 << 28,
                              .m = 64,
                              .n = 64,
                              .k = 64,
                              .ne2 = 1,
                              .ne3 = 1,
                              .a_row = 64,
                              .b_row = 64,
                              .c_row = 64,
                              .r2 = 1,
                              .r3 = 1};
    TRY_GOTO(k_bmm(p, &bmm, false));
    TRY_GOTO(k_bmm(p, &bmm, true));
    TRY_GOTO(visit_plan(p, visit, "a product of activations", false));
fail:
    plan_destroy(&p);
    return s;
}

enum status compile_plans(struct gpu *g, bool all, const struct compile_visit *visit)
{
    for (int i = all ? 0 : SHAPES - 1; i < SHAPES; i++) {
        for (size_t m = 0; m < sizeof mixes / sizeof *mixes; m++) {
            if (shapes[i].embd % quant_info(mixes[m].most)->granule == 0 &&
                shapes[i].ffn % quant_info(mixes[m].more)->granule == 0)
                TRY(one_model(g, &shapes[i], &mixes[m], all, visit));
        }
    }
    TRY(compile_speech(g, all, visit));
    return others(g, visit);
}
