/* The sampler on the device, dispatch by dispatch, against its reference; and whole steps. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check/check.h"
#include "check/choose.h"
#include "gpu/gpu.h"
#include "kernels/kernels.h"
#include "kernels/shaders.h"
#include "plan/plan.h"

enum { B = 16, N_CTX = 64, RING = 8, N_BIAS = 3 };

/* All of a sampler's operands in one buffer; the host's copy has the same layout. */
struct state {
    struct k_step step;
    struct k_row rows[B];
    struct k_step next;
    struct k_row next_rows[B];
    struct k_seq seqs[B];
    uint32_t history[B][N_CTX];
    uint32_t ring[B][RING];
    struct {
        uint32_t id;
        float by;
    } bias[B][N_BIAS];
    uint32_t counter[B][K_SAMPLE_COUNTERS];
};

static struct gpu *g;
static uint64_t random_state = 1;

static uint32_t random_u32(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) ^ (uint32_t)(random_state >> 20);
}

static float random_logit(float spread)
{
    double sum = 0;
    for (int i = 0; i < 6; i++)
        sum += random_u32() / 4294967296.0;
    return (float)((sum - 3) * 1.4 * (double)spread);
}

#define must(call)                                                                                 \
    do {                                                                                           \
        if ((call) != OK)                                                                          \
            fail_msg("%s", status_message());                                                      \
    } while (0)

/* Sixteen ways to sample. */
static struct k_seq settings(uint32_t i, uint32_t vocab)
{
    static const struct {
        float temp, top_p, min_p;
        uint32_t top_k;
    } table[B] = {
        {0, 1, 0, 0},         {1, 1, 0, 0},          {0.8f, 0.95f, 0.05f, 40}, {0.7f, 1, 0, 1},
        {2, 0.5f, 0, 0},      {1, 0.999f, 0, 0},     {1, 1, 0.1f, 0},          {1, 1, 0, 1000},
        {1.5f, 0, 0, 0},      {1e6f, 1, 0, 0},       {1e-9f, 0.9f, 0.01f, 50}, {0, 0.5f, 0.5f, 3},
        {1, 0.9f, 2, 100000}, {1, 0.9f, 0, 0x80000}, {3, 0.99f, 0.001f, 0},    {1, NAN, NAN, 20},
    };
    struct k_seq q = {
        .seed_lo = random_u32(),
        .seed_hi = random_u32(),
        .n_made = random_u32() % 1000,
        .n_left = 100,
        .n_ctx = N_CTX,
        .ring_size = RING,
        .temp = table[i].temp,
        .top_p = table[i].top_p,
        .min_p = table[i].min_p,
        .top_k = table[i].top_k,
        .repeat = 1,
        .n_eog = 1,
        .eog = {vocab},
    };
    if (i % 3 == 0) {
        q.penalty_n = i == 3 ? UINT32_MAX : 20;
        q.repeat = 1.1f, q.presence = 0.3f, q.frequency = 0.2f;
        q.n_bias = vocab > 2 ? N_BIAS : 0;
    }
    return q;
}

/* Fills the state: row i of the step is out row B - 1 - i, in slot (i + 5) % B. */
static void fill(struct state *st, uint64_t base, uint32_t vocab, uint64_t next)
{
    memset(st, 0, sizeof *st);
    st->step.n_rows = st->step.n_out = B;
    for (uint32_t i = 0; i < B; i++) {
        uint32_t slot = (i + 5) % B;
        st->step.out_row[B - 1 - i] = i;
        st->rows[i] = (struct k_row){random_u32() % vocab, 30 + i, slot, next ? (i + 1) % B : i};
        struct k_seq *q = &st->seqs[slot];
        *q = settings(i, vocab);
        q->history = base + offsetof(struct state, history[slot]);
        q->ring = base + offsetof(struct state, ring[slot]);
        q->bias = base + offsetof(struct state, bias[slot]);
        for (uint32_t k = 0; k < N_CTX; k++)
            st->history[slot][k] = random_u32() % (vocab > 30 ? 30 : vocab);
        for (uint32_t k = 0; k < N_BIAS && vocab > 2; k++) {
            st->bias[slot][k].id = (slot + k * (vocab / 3)) % vocab;
            st->bias[slot][k].by = k == 2 ? -INFINITY : random_logit(3);
        }
    }
}

/* Logits of one kind for each row: usual, coarse (many ties), flat, wide, all equal, odd. */
static void fill_logits(float *logits, uint32_t vocab, uint32_t kind)
{
    for (uint32_t i = 0; i < vocab; i++) {
        float l = random_logit(kind % 6 == 2 ? 0.01f : kind % 6 == 3 ? 300 : 3);
        switch (kind % 6) {
        case 1:
            l = rintf(l);
            break;
        case 4:
            l = -7.25f;
            break;
        case 5:
            l = i % 7 == 0   ? NAN
                : i % 7 == 1 ? -INFINITY
                : i % 7 == 2 ? l * 1e-40f
                : i % 7 == 3 ? -0.0f
                : i % 7 == 4 ? -1e38f
                             : l;
            if (kind == 11 && i == vocab / 2)
                l = INFINITY;
            break;
        default:
            break;
        }
        logits[i] = l;
    }
}

struct rig {
    const struct gpu_buf *state, *logits;
    struct plan *plan;
    uint32_t vocab;
};

static void rig_create(struct rig *r, uint32_t vocab, bool next, bool greedy)
{
    memset(r, 0, sizeof *r);
    r->vocab = vocab;
    must(gpu_buf_create(
        g, &(struct gpu_buf_params){sizeof(struct state), GPU_DEVICE, GPU_STATE, "state", false},
        &r->state));
    must(gpu_buf_create(
        g, &(struct gpu_buf_params){4ull * B * vocab, GPU_DEVICE, GPU_SCRATCH, "logits", false},
        &r->logits));
    must(plan_create(g, &(struct plan_params){.name = "sample", .check = true}, &r->plan));
    uint64_t at = r->state->addr;
    struct k_sample_args a = {
        .b = B,
        .logits = r->logits->addr,
        .vocab = vocab,
        .steps = {.addr = at, .rows = B},
        .seqs = at + offsetof(struct state, seqs),
        .slots = B,
        .history = at + offsetof(struct state, history),
        .history_bytes = sizeof((struct state *)0)->history,
        .ring = at + offsetof(struct state, ring),
        .ring_bytes = sizeof((struct state *)0)->ring,
        .bias = at + offsetof(struct state, bias),
        .bias_bytes = sizeof((struct state *)0)->bias,
        .counter = at + offsetof(struct state, counter),
        .greedy = greedy,
    };
    if (next)
        a.next = (struct k_steps){.addr = at + offsetof(struct state, next), .rows = B};
    must(k_sample(r->plan, &a));
    must(plan_place(r->plan));
    must(plan_seal(r->plan, NULL));
}

static void rig_destroy(struct rig *r)
{
    plan_destroy(&r->plan);
    gpu_buf_destroy(g, &r->state);
    gpu_buf_destroy(g, &r->logits);
}

static void upload(struct rig *r, const struct state *st, uint32_t kind)
{
    float *logits = malloc(4ull * B * r->vocab);
    assert_non_null(logits);
    for (uint32_t i = 0; i < B; i++)
        fill_logits(logits + (uint64_t)i * r->vocab, r->vocab, kind ? kind : i);
    must(gpu_upload(g, r->logits->addr, logits, 4ull * B * r->vocab));
    must(gpu_upload(g, r->state->addr, st, sizeof *st));
    free(logits);
}

static struct state now(struct rig *r)
{
    struct state st;
    must(gpu_download(g, &st, r->state->addr, sizeof st));
    return st;
}

/* Each dispatch gives what its reference gives, in every bit, and stays in its spans. */
static void like_the_reference(uint32_t vocab, unsigned runs)
{
    for (int variant = 0; variant < 3; variant++) {
        struct rig r;
        rig_create(&r, vocab, variant == 1, variant == 2);
        for (unsigned run = 0; run < runs; run++) {
            struct state st;
            fill(&st, r.state->addr, vocab, variant == 1);
            upload(&r, &st, run);
            must(check_plan_on_device(g, r.plan, &(struct check_plan_params){0}));
            st = now(&r);
            for (uint32_t i = 0; i < B; i++)
                for (uint32_t c = 0; c < K_SAMPLE_COUNTERS; c++)
                    assert_int_equal(st.counter[i][c], 0);
        }
        rig_destroy(&r);
    }
}

static void small_vocabularies(void **state)
{
    (void)state;
    static const uint32_t vocabs[] = {1, 2, 3, 255, 256, 257, 2047, 2048, 2049};
    for (size_t i = 0; i < sizeof vocabs / sizeof *vocabs; i++)
        like_the_reference(vocabs[i], i < 6 ? 12 : 6);
}

static void big_vocabularies(void **state)
{
    (void)state;
    like_the_reference(32000, 3);
    like_the_reference(128256, 1);
    like_the_reference(151936, 1);
}

static void largest_vocabulary(void **state)
{
    (void)state;
    struct rig r;
    rig_create(&r, K_SAMPLE_MAX_VOCAB, false, false);
    struct state st;
    fill(&st, r.state->addr, r.vocab, 0);
    upload(&r, &st, 4); /* all equal: the fullest bins there can be */
    must(check_plan_on_device(g, r.plan, &(struct check_plan_params){0}));
    rig_destroy(&r);
}

/* Several steps in one submit: the choice comes back as the row's token, sequences end for each
 * of the reasons, and what has ended stays as it is. */
static void steps_feed_each_other(void **state)
{
    (void)state;
    struct rig r;
    rig_create(&r, 257, false, false);
    struct state st, end;
    fill(&st, r.state->addr, r.vocab, 0);
    for (uint32_t i = 0; i < B; i++) {
        struct k_seq *q = &st.seqs[st.rows[i].slot];
        q->n_bias = q->penalty_n = 0; /* the logits stay */
        q->n_made = 3;
    }
    st.seqs[st.rows[15].slot].top_k = 0; /* flat, so that no token comes twice */
    st.seqs[st.rows[15].slot].temp = 1e6f;
    st.seqs[st.rows[1].slot].n_left = 2;
    st.rows[2].pos = N_CTX - 3;
    st.rows[4].slot = K_NO_SLOT;
    st.step.n_out = B - 1; /* without row 0 */
    upload(&r, &st, 0);
    float logits[257];
    must(gpu_download(g, logits, r.logits->addr, sizeof logits)); /* out row 0: row 15 */
    uint32_t made[5];
    struct k_seq q = st.seqs[st.rows[15].slot];
    for (int i = 0; i < 5; i++, q.n_made++)
        must(check_choose(logits, 257, &q, false, &made[i]));
    st.seqs[st.rows[15].slot].eog[0] = made[4];
    for (int i = 0; i < 4; i++)
        assert_int_not_equal(made[i], made[4]);
    must(gpu_upload(g, r.state->addr, &st, sizeof st));

    uint64_t ticket;
    must(plan_run(r.plan, 7, &ticket));
    must(gpu_wait(g, ticket));
    end = now(&r);
    const struct k_seq *s15 = &end.seqs[st.rows[15].slot];
    assert_int_equal(s15->n_made, 8);
    assert_int_equal(s15->n_left, 95);
    assert_int_equal(s15->done, K_DONE_EOG);
    for (int i = 0; i < 5; i++)
        assert_int_equal(end.ring[st.rows[15].slot][(3 + i) % RING], made[i]);
    assert_int_equal(end.rows[15].token, made[4]);
    assert_int_equal(end.rows[15].pos, st.rows[15].pos + 5);
    assert_int_equal(end.rows[15].slot, K_NO_SLOT);

    assert_int_equal(end.seqs[st.rows[1].slot].done, K_DONE_LENGTH);
    assert_int_equal(end.seqs[st.rows[1].slot].n_made, 5);
    assert_int_equal(end.seqs[st.rows[2].slot].done, K_DONE_CONTEXT);
    assert_int_equal(end.seqs[st.rows[2].slot].n_made, 6);
    assert_int_equal(end.rows[3].pos, st.rows[3].pos + 7);
    assert_int_equal(end.rows[3].slot, st.rows[3].slot);
    assert_memory_equal(&end.rows[0], &st.rows[0], sizeof st.rows[0]);
    assert_memory_equal(&end.rows[4], &st.rows[4], sizeof st.rows[4]);
    rig_destroy(&r);
}

static void refused(void **state)
{
    (void)state;
    struct plan *p = NULL;
    must(plan_create(g, &(struct plan_params){.name = "refused"}, &p));
    struct k_sample_args a = {.b = 1, .vocab = K_SAMPLE_MAX_VOCAB + 1};
    assert_int_equal(k_sample(p, &a), ERR_MODEL);
    assert_non_null(strstr(status_message(), "524289"));
    a.vocab = 0;
    assert_int_equal(k_sample(p, &a), ERR_MODEL);
    a = (struct k_sample_args){.b = K_MAX_OUT + 1, .vocab = 10};
    assert_int_equal(k_sample(p, &a), ERR_MODEL);
    assert_int_equal(plan_count(p), 0);
    plan_destroy(&p);
}

static void reopen(const struct gpu_params *params)
{
    gpu_close(&g);
    must(gpu_open(params, &g));
}

/* Neither the order of invocations nor the size of subgroups shows. */
static void other_conditions(void **state)
{
    (void)state;
    shader_use_table(&shader_table_reversed);
    reopen(&(struct gpu_params){0});
    like_the_reference(257, 6);
    like_the_reference(32000, 1);
    shader_use_table(NULL);
    reopen(&(struct gpu_params){.caps_off = GPU_CAP_SHUFFLE, .robust = true});
    like_the_reference(257, 6);
    like_the_reference(32000, 1);
    reopen(&(struct gpu_params){0});
}

int main(void)
{
    if (gpu_open(&(struct gpu_params){0}, &g) != OK) {
        print_error("%s\n", status_message());
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_vocabularies), cmocka_unit_test(big_vocabularies),
        cmocka_unit_test(largest_vocabulary), cmocka_unit_test(steps_feed_each_other),
        cmocka_unit_test(other_conditions),   cmocka_unit_test(refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    gpu_close(&g);
    return failed;
}
