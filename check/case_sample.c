/* Cases of the sampler. */
#include <string.h>

#include "cases.h"

enum { RING = 8, BIASES = 4 };

struct bias {
    uint32_t id;
    float by;
};

static struct k_seq settings(struct check_case *c, uint32_t vocab, uint32_t n_ctx)
{
    static const float temps[] = {0, 1, 0.8f, 2, 1e-9f, 1e6f, 0.7f};
    static const float top_ps[] = {1, 0.95f, 0.5f, 0, 0.999f};
    static const float min_ps[] = {0, 0.05f, 0.5f, 2};
    struct check_rand *r = &c->data;
    struct k_seq q = {
        .seed_lo = (uint32_t)rand_u64(r),
        .seed_hi = (uint32_t)rand_u64(r),
        .n_made = rand_below(r, 1000),
        .n_left = rand_range(r, 1, 4),
        .n_ctx = n_ctx,
        .ring_size = RING,
        .temp = temps[rand_below(r, 7)],
        .top_p = top_ps[rand_below(r, 5)],
        .min_p = min_ps[rand_below(r, 4)],
        .top_k = RAND_PICK(r, 0, 0, 1, 2, 3, 40, 1000, 0x80000),
        .repeat = 1,
        .n_eog = 1,
        .eog = {rand_below(r, vocab)},
    };
    if (rand_one_in(r, 2)) {
        q.penalty_n = RAND_PICK(r, 1, 20, 64, UINT32_MAX);
        q.repeat = 1.1f;
        q.presence = 0.3f;
        q.frequency = 0.2f;
    }
    if (rand_one_in(r, 2))
        q.n_bias = rand_below(r, vocab < BIASES ? vocab : BIASES);
    if (rand_one_in(r, 8))
        q.done = K_DONE_EOG;
    return q;
}

void case_seqs(struct check_case *c, uint32_t slots, uint32_t n_ctx, struct k_sample_args *a)
{
    a->slots = slots;
    a->history_bytes = (uint64_t)slots * n_ctx * 4;
    a->ring_bytes = (uint64_t)slots * RING * 4;
    a->bias_bytes = (uint64_t)slots * BIASES * sizeof(struct bias);
    a->counter = case_counters(c, (uint64_t)K_MAX_OUT * K_SAMPLE_COUNTERS, "sample counters");
    uint32_t *history = case_buf(c, a->history_bytes, false, "history", &a->history);
    for (uint32_t i = 0; i < slots * n_ctx; i++)
        history[i] = rand_below(&c->data, a->vocab < 40 ? a->vocab : 40);
    case_buf(c, a->ring_bytes, false, "ring", &a->ring);
    struct bias *bias = case_buf(c, a->bias_bytes, false, "bias", &a->bias);
    for (uint32_t i = 0; i < slots * BIASES; i++)
        bias[i] =
            (struct bias){i % BIASES * (a->vocab / BIASES) % a->vocab,
                          rand_one_in(&c->data, 4) ? -INFINITY : (float)rand_normal(&c->data)};
    struct k_seq *seqs = case_buf(c, (uint64_t)slots * K_SEQ_BYTES, false, "seqs", &a->seqs);
    for (uint32_t i = 0; i < slots; i++) {
        seqs[i] = settings(c, a->vocab, n_ctx);
        seqs[i].history = a->history + (uint64_t)i * n_ctx * 4;
        seqs[i].ring = a->ring + (uint64_t)i * RING * 4;
        seqs[i].bias = a->bias + (uint64_t)i * BIASES * sizeof(struct bias);
    }
}

uint32_t case_out_rows(struct check_case *c, const struct k_steps *steps)
{
    struct k_step *step = case_step_header(c, steps);
    uint32_t most = step->n_rows < K_MAX_OUT ? step->n_rows : K_MAX_OUT;
    step->n_out = RAND_PICK(&c->data, 1, most, most, rand_range(&c->data, 1, most));
    for (uint32_t i = 0; i < K_MAX_OUT; i++)
        step->out_row[i] = i < step->n_out ? i : 0x7fffffff;
    return step->n_out;
}

/* In some rows a few tokens are far above all others and equal, so that one more or less among the
 * candidates is another choice; they lie where a slice begins or ends, or anywhere. */
static void favour_some(struct check_case *c, uint64_t addr, uint32_t rows, uint32_t vocab)
{
    float *logits = (float *)(c->image + (addr - c->base));
    uint32_t slices = (vocab + K_SAMPLE_SLICE - 1) / K_SAMPLE_SLICE;
    for (uint32_t j = 0; j < rows; j++) {
        uint32_t n = RAND_PICK(&c->data, 0, 1, 2, 6);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t end = K_SAMPLE_SLICE * rand_range(&c->data, 1, slices);
            uint32_t id = RAND_PICK(&c->data, 0, end - K_SAMPLE_SLICE, end - 1, vocab - 1,
                                    rand_below(&c->data, vocab));
            logits[(uint64_t)j * vocab + (id < vocab ? id : vocab - 1)] = 40;
        }
    }
}

enum status case_sample(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct k_sample_args a = {.b = rand_range(&c->rand, 1, K_MAX_OUT)};
    uint32_t n_ctx = 128;
    a.vocab = RAND_PICK(&c->rand, 1, 2, 7, 255, 256, 257, 2047, 2048, 2049, 6151);
    if (c->size != CASE_QUICK)
        a.vocab = RAND_PICK(&c->rand, 32000, 128256, 151936);
    a.steps = case_steps(c, &(struct case_steps_params){
                                .rows = a.b, .slots = a.b, .n_ctx = n_ctx, .vocab = a.vocab});
    uint32_t n_out = case_out_rows(c, &a.steps);
    case_seqs(c, a.b, n_ctx, &a);
    double spread = rand_one_in(&c->data, 4) ? 0.01 : 3;
    a.logits = case_floats(c, (uint64_t)a.b * a.vocab, spread, "logits");
    a.greedy = rand_one_in(&c->rand, 6);
    favour_some(c, a.logits, a.b, a.vocab);
    c->bytes = 4.0 * n_out * a.vocab;
    case_text(c, "b %u (%u out) vocab %u%s", a.b, n_out, a.vocab, a.greedy ? " greedy" : "");
    return k_sample(c->plan, &a);
}
