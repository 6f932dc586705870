/* Cases of what speech models take besides: layernorm, gelu, unfold, mel, rules, probs, top,
 * fork. */
#include <math.h>
#include <string.h>

#include "cases.h"

enum status case_layernorm(struct check_case *c, enum quant_type type)
{
    (void)type;
    const struct case_model *m = case_model(c, QUANT_F32);
    struct k_layernorm_args a = {.rows = case_count(c, 131), .eps = 1e-5f};
    a.k = m ? m->embed : 4 * case_count(c, 600);
    if (c->size == CASE_BENCH)
        a.rows = 1500;
    bool out_rows = case_pick_rows(c, &a.rows, &a.x_rows, &a.steps);
    a.x = case_floats(c, (uint64_t)a.x_rows * a.k, 1, "x");
    a.w = case_normals(c, a.k, 1, "w");
    a.b = case_normals(c, a.k, 1, "b");
    a.half = rand_one_in(&c->rand, 3);
    if (a.half)
        case_buf(c, (uint64_t)a.rows * a.k * 2, false, "out", &a.out);
    else
        a.out = case_out(c, (uint64_t)a.rows * a.k, "out");
    c->bytes = (double)a.k * (4.0 * (a.rows + 2) + (a.half ? 2.0 : 4.0) * a.rows);
    case_text(c, "rows %u k %u%s%s", a.rows, a.k, out_rows ? " out_rows" : "",
              a.half ? " half" : "");
    return k_layernorm(c->plan, &a);
}

enum status case_gelu(struct check_case *c, enum quant_type type)
{
    (void)type;
    uint64_t n = c->size == CASE_BENCH ? 1500 * 5120 : rand_range(&c->rand, 1, 5000);
    uint64_t x = case_floats(c, n, RAND_PICK(&c->data, 1, 4), "x"), out;
    uint64_t add = rand_one_in(&c->rand, 2) ? case_normals(c, n, 1, "add") : 0;
    bool in_place = rand_one_in(&c->rand, 2);
    out = in_place ? x : case_out(c, n, "out");
    c->bytes = (add ? 12.0 : 8.0) * (double)n;
    case_text(c, "n %llu%s%s", (unsigned long long)n, add ? " add" : "",
              in_place ? " in place" : "");
    return k_gelu(c->plan, x, add, out, n);
}

enum status case_unfold(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct k_unfold_args a = {.rows = case_count(c, 131), .channels = case_count(c, 100)};
    a.taps = RAND_PICK(&c->rand, 1, 3, 3, 5);
    a.stride = RAND_PICK(&c->rand, 1, 2, 3);
    a.pad = rand_below(&c->rand, a.taps);
    a.out_rows = rand_range(&c->rand, 1, (a.rows + 2 * a.pad) / a.stride + 1);
    if (rand_one_in(&c->rand, 4)) { /* frames of sound */
        a.channels = 1;
        a.taps = 400;
        a.stride = 160;
        a.pad = RAND_PICK(&c->rand, 0, 200);
        a.rows = rand_range(&c->rand, 1, 5000);
        a.out_rows = a.rows / a.stride + 1;
    }
    if (rand_one_in(&c->rand, 3))
        a.batch = rand_range(&c->rand, 1, 5);
    if (c->size == CASE_BENCH)
        a = (struct k_unfold_args){
            .rows = 3000, .channels = 1280, .taps = 3, .stride = 2, .pad = 1, .out_rows = 1500};
    uint32_t batch = a.batch ? a.batch : 1;
    a.in = case_floats(c, (uint64_t)batch * a.rows * a.channels, 1, "in");
    a.out = case_out(c, (uint64_t)batch * a.out_rows * a.channels * a.taps, "out");
    c->bytes = 4.0 * batch * a.channels * ((double)a.rows + (double)a.out_rows * a.taps);
    case_text(c, "rows %u channels %u taps %u stride %u pad %u to %u x %u", a.rows, a.channels,
              a.taps, a.stride, a.pad, a.out_rows, batch);
    return k_unfold(c->plan, &a);
}

enum status case_mel(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct k_mel_args a = {.frames = case_count(c, 300)};
    a.bins = RAND_PICK(&c->rand, 201, 201, 1, 257);
    a.bands = RAND_PICK(&c->rand, 80, 128, 1, 300);
    if (c->size == CASE_BENCH)
        a = (struct k_mel_args){.frames = 3000, .bins = 201, .bands = 128};
    a.dft = case_floats(c, 2ull * a.frames * a.bins, 0.1, "dft");
    if (rand_one_in(&c->data, 3)) /* no sound */
        *(float *)(c->image + (a.dft - c->base)) = 1e12f;
    a.filters = case_normals(c, (uint64_t)a.bands * a.bins, 0.01, "filters");
    float *filters = (float *)(c->image + (a.filters - c->base));
    for (uint64_t i = 0; i < (uint64_t)a.bands * a.bins; i++)
        filters[i] = filters[i] < 0 ? 0 : filters[i];
    uint32_t *used = case_buf(c, 4, false, "used", &a.used);
    *used = RAND_PICK(&c->data, 0, 1, a.frames - 1, a.frames, UINT32_MAX);
    /* Before: nothing, less than is here or more, more than any. */
    float *loudest = case_buf(c, 4, false, "loudest", &a.loudest);
    *loudest = rand_one_in(&c->data, 3)   ? -INFINITY
               : rand_one_in(&c->data, 2) ? (float)rand_range(&c->data, 0, 24) - 14
                                          : 20;
    a.out = case_out(c, (uint64_t)a.frames * a.bands, "out");
    c->bytes = 4.0 * (a.bins * (2.0 * a.frames + a.bands) + 3.0 * a.frames * a.bands);
    c->flops = 2.0 * a.frames * a.bins * (a.bands + 2.0);
    case_text(c, "frames %u (%u in use) bins %u bands %u", a.frames, *used, a.bins, a.bands);
    return k_mel(c->plan, &a);
}

/* Tokens as a transcription makes them, and others. */
static void fill_history(struct check_case *c, uint32_t *history, uint32_t n,
                         const struct k_speech *s, uint32_t vocab)
{
    uint32_t time = s->time_0;
    for (uint32_t i = 0; i < n; i++) {
        bool timed = rand_one_in(&c->data, 3) && time < vocab;
        history[i] = timed ? time : rand_below(&c->data, s->end);
        if (timed)
            time += rand_below(&c->data, 3);
    }
}

enum { SPEECH_CTX = 128, SPEECH_RING = 8 };

static void make_speech(struct check_case *c, const struct k_steps *steps, uint32_t slots,
                        struct k_sample_args *a, struct k_speech_args *out)
{
    uint32_t vocab = a->vocab, words = (vocab + 31) / 32;
    struct k_speech *speech =
        case_buf(c, (uint64_t)slots * K_SPEECH_BYTES, false, "speech", &out->speech);
    out->logprobs = case_out(c, (uint64_t)slots * SPEECH_RING, "logprobs");
    out->logprobs_bytes = 4ull * slots * SPEECH_RING;
    out->never_bytes = 4ull * words;
    uint32_t *never = case_buf(c, out->never_bytes, false, "never", &out->never);
    for (uint32_t i = 0; i < words; i++)
        never[i] = (uint32_t)rand_u64(&c->data) & (uint32_t)rand_u64(&c->data) & 0x7fffffffu;
    uint32_t *history = (uint32_t *)(c->image + (a->history - c->base));
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t end = vocab / 2, time_0 = vocab * 2 / 3;
        speech[i] = (struct k_speech){
            .never = rand_one_in(&c->data, 3) ? 0 : out->never,
            .logprobs = out->logprobs + 4ull * SPEECH_RING * i,
            .begin = rand_range(&c->data, 1, 20),
            .timed = !rand_one_in(&c->data, 4),
            .time_0 = time_0,
            .end = end,
            .no_times = time_0 - 1,
            .latest = RAND_PICK(&c->data, 0, 50, 0x7fffffff),
            .n_first = rand_below(&c->data, 4),
            .not_first = {end, rand_below(&c->data, vocab), time_0},
        };
        fill_history(c, history + (size_t)i * SPEECH_CTX, SPEECH_CTX, &speech[i], vocab);
    }
    for (uint32_t i = 0; i < steps->rows; i++) { /* often at the beginning */
        struct k_row *row = &case_step_rows(c, steps)[i];
        if (row->slot != K_NO_SLOT && row->slot < slots && rand_one_in(&c->data, 2))
            row->pos = speech[row->slot].begin - 1 + rand_below(&c->data, 4);
    }
}

enum status case_rules(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct k_sample_args a = {.b = rand_range(&c->rand, 1, K_MAX_OUT)};
    a.vocab = RAND_PICK(&c->rand, 30, 257, 512, 2049, 5000);
    if (c->size != CASE_QUICK)
        a.vocab = RAND_PICK(&c->rand, 51864, 51865, 51866);
    a.steps =
        case_steps(c, &(struct case_steps_params){
                          .rows = a.b, .slots = a.b, .n_ctx = SPEECH_CTX - 8, .vocab = a.vocab});
    uint32_t n_out = case_out_rows(c, &a.steps);
    case_seqs(c, a.b, SPEECH_CTX, &a);
    a.logits = case_floats(c, (uint64_t)a.b * a.vocab, 3, "logits");
    a.greedy = rand_one_in(&c->rand, 2);
    struct k_speech_args s = {.sample = &a};
    make_speech(c, &a.steps, a.b, &a, &s);
    s.notes = case_out(c, 4ull * a.b, "notes");
    c->bytes = 8.0 * n_out * a.vocab;
    case_text(c, "b %u (%u out) vocab %u%s", a.b, n_out, a.vocab, a.greedy ? " greedy" : "");
    return k_speech_sample(c->plan, &s);
}

enum status case_probs(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct k_probs_args a = {.rows = rand_range(&c->rand, 1, 5)};
    a.vocab = c->size == CASE_QUICK ? case_count(c, 3000) : 51866;
    a.from = rand_below(&c->rand, a.vocab);
    a.to = rand_range(&c->rand, a.from + 1, a.vocab);
    if (rand_one_in(&c->rand, 2)) {
        a.from = 0;
        a.to = a.vocab;
    }
    a.first = rand_below(&c->rand, a.vocab);
    a.count = rand_range(&c->rand, 1, 300);
    if (rand_one_in(&c->rand, 2)) {
        uint32_t *ids = case_buf(c, 4ull * a.rows, false, "ids", &a.ids);
        for (uint32_t i = 0; i < a.rows; i++)
            ids[i] = rand_below(&c->data, a.vocab);
    }
    a.logits = case_floats(c, (uint64_t)a.rows * a.vocab, 3, "logits");
    a.out = case_out(c, (uint64_t)a.rows * a.count, "out");
    c->bytes = 4.0 * a.rows * ((double)(a.to - a.from) + a.count);
    case_text(c, "rows %u vocab %u from %u to %u, %u of %u%s", a.rows, a.vocab, a.from, a.to,
              a.count, a.first, a.ids ? ", ids" : "");
    return k_probs(c->plan, &a);
}

enum status case_top(struct check_case *c, enum quant_type type)
{
    (void)type;
    struct k_top_args a = {.b = rand_range(&c->rand, 1, K_MAX_OUT)};
    a.vocab = RAND_PICK(&c->rand, 1, 5, 255, 2047, 2048, 2049, 4100, 9000);
    a.count = rand_range(&c->rand, 1, K_TOP_MOST);
    if (c->size != CASE_QUICK)
        a.vocab = 51866;
    a.logits = case_floats(c, (uint64_t)a.b * a.vocab, 3, "logits");
    float *logits = (float *)(c->image + (a.logits - c->base));
    uint32_t step = RAND_PICK(&c->data, 0, 1, 7, 300, 2048);
    for (uint64_t i = 0; step && i < (uint64_t)a.b * a.vocab; i += step) /* equal ones */
        logits[i] = step == 1 ? -1e30f : 2.5f;
    for (uint32_t j = 0; j < a.b; j++) { /* the best where a slice begins or ends */
        uint32_t id = RAND_PICK(&c->data, 0, 2047, 2048, a.vocab - 1);
        logits[(uint64_t)j * a.vocab + (id < a.vocab ? id : 0)] = 9000;
    }
    struct k_note *notes = case_buf(c, sizeof *notes * a.b, false, "notes", &a.notes);
    for (uint32_t i = 0; i < a.b; i++)
        notes[i] = (struct k_note){.slot = rand_one_in(&c->data, 6) ? K_NO_SLOT : i,
                                   .log_sum = (float)rand_normal(&c->data)};
    a.out = case_out(c, 2ull * a.b * a.count, "candidates");
    c->bytes = 4.0 * a.b * a.vocab;
    case_text(c, "b %u vocab %u count %u", a.b, a.vocab, a.count);
    return k_top(c->plan, &a);
}

/* Slots in any order, of which the first `sources` are copied to some of the others. */
static uint32_t make_forks(struct check_case *c, uint32_t slots, uint32_t n_ctx, uint32_t most,
                           uint64_t *addr)
{
    uint32_t order[32], sources = rand_range(&c->data, 1, slots - 1), n = 0;
    uint32_t *head = case_buf(c, K_FORKS_HEAD + sizeof(struct k_fork) * most, false, "forks", addr);
    struct k_fork *forks = (struct k_fork *)(void *)(head + K_FORKS_HEAD / 4);
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t j = rand_below(&c->data, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (uint32_t i = sources; i < slots && n < most; i++) {
        uint32_t first = RAND_PICK(&c->data, 0, n_ctx - 1, rand_below(&c->data, n_ctx));
        uint32_t end = RAND_PICK(&c->data, first, n_ctx, rand_range(&c->data, first, n_ctx));
        forks[n++] = (struct k_fork){order[rand_below(&c->data, sources)], order[i], first, end};
    }
    head[0] = n;
    for (uint32_t i = n; i < most; i++) /* of an earlier step */
        forks[i] = (struct k_fork){order[0], order[slots - 1], 0, n_ctx};
    return n;
}

enum status case_fork(struct check_case *c, enum quant_type type)
{
    (void)type;
    enum { MOST_SLOTS = 17 };
    struct k_fork_args a = {.layers = rand_range(&c->rand, 1, 3), .most = 16};
    struct k_kv *kv = &a.kv;
    kv->slots = rand_range(&c->rand, 2, c->size == CASE_QUICK ? 5 : MOST_SLOTS);
    kv->max_pages = RAND_PICK(&c->rand, 1, 2, 3);
    kv->head_dim = c->size == CASE_QUICK ? case_head_dim(c) : 64;
    kv->heads = kv->kv_heads = c->size == CASE_QUICK ? rand_range(&c->rand, 1, 3) : 20;
    uint32_t n_ctx = kv->max_pages * K_PAGE_TOKENS - rand_below(&c->rand, 100);
    uint64_t page = 4ull * K_PAGE_TOKENS * kv->kv_heads * kv->head_dim * a.layers;
    uint32_t pages = kv->slots * kv->max_pages;
    kv->pool_bytes = page * pages;
    uint32_t *pool = case_buf(c, kv->pool_bytes, true, "KV pages", &kv->pool);
    for (uint64_t i = 0; i < kv->pool_bytes / 4; i++)
        pool[i] = (uint32_t)rand_u64(&c->data);
    uint64_t *table = case_buf(c, 8ull * pages, false, "page table", &kv->pages);
    for (uint32_t i = 0; i < pages; i++)
        table[i] = kv->pool + page * (pages - 1 - i);
    a.history_bytes = 4ull * n_ctx * kv->slots;
    uint32_t *history = case_buf(c, a.history_bytes, false, "history", &a.history);
    struct k_seq *seqs = case_buf(c, (uint64_t)K_SEQ_BYTES * kv->slots, false, "seqs", &a.seqs);
    for (uint32_t i = 0; i < n_ctx * kv->slots; i++)
        history[i] = (uint32_t)rand_u64(&c->data);
    for (uint32_t i = 0; i < kv->slots; i++)
        seqs[i] = (struct k_seq){.history = a.history + 4ull * n_ctx * i, .n_ctx = n_ctx};
    uint32_t n = make_forks(c, kv->slots, n_ctx, a.most, &a.forks);
    case_text(c, "%u of %u slots, %u pages, %u layers, heads %u of %u", n, kv->slots, kv->max_pages,
              a.layers, kv->heads, kv->head_dim);
    return k_fork(c->plan, &a);
}
