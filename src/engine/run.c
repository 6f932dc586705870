#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "engine/plans.h"

/* In the ring: no token here yet. Ids are below it. */
static const uint32_t EMPTY = UINT32_MAX;

/* ---- counting ----------------------------------------------------------------------------- */

struct engine_mark engine_mark(struct engine *e)
{
    struct engine_mark m = {.allocs = mem_alloc_count(), .time = time_now()};
    gpu_get_counters(e->gpu, &m.gpu);
    return m;
}

void engine_count(struct engine *e, const struct engine_mark *m, struct engine_counts *c)
{
    struct engine_mark now = engine_mark(e);
    c->submits += now.gpu.submits - m->gpu.submits;
    c->dispatches += now.gpu.dispatches - m->gpu.dispatches;
    c->bytes_up += now.gpu.bytes_up - m->gpu.bytes_up;
    c->bytes_down += now.gpu.bytes_down - m->gpu.bytes_down;
    c->host_allocs += now.allocs - m->allocs;
    c->seconds += now.time - m->time;
}

/* ---- state -------------------------------------------------------------------------------- */

static uint32_t *ring_of(struct engine *e, uint32_t slot)
{
    return (uint32_t *)e->ring->map + (size_t)slot * ENGINE_RING;
}

static float or_one(float v)
{
    return v > 0 ? v : 1;
}

/* The sampler wants every id once: biases of the same id are added. *n is how many are left. */
static enum status put_bias(struct engine *e, uint32_t slot, const struct engine_sampling *p,
                            uint32_t *n)
{
    struct pair {
        uint32_t id;
        float bias;
    } * pairs;
    if (p->n_bias > ENGINE_MAX_BIAS)
        return status_fail(ERR_USAGE, "%" PRIu32 " logit biases (at most %d)", p->n_bias,
                           ENGINE_MAX_BIAS);
    pairs = mem_calloc(p->n_bias, sizeof *pairs);
    if (!pairs)
        return ERR_MEMORY;
    enum status s = OK;
    *n = 0;
    for (uint32_t i = 0; i < p->n_bias; i++) {
        uint32_t id = (uint32_t)p->bias_ids[i], n_vocab = e->em->model.hp.n_vocab, k = 0;
        if (id >= n_vocab)
            s = status_fail(ERR_USAGE,
                            "logit bias of token %" PRId32 "; the vocabulary has %" PRIu32,
                            p->bias_ids[i], n_vocab);
        while (k < *n && pairs[k].id != id)
            k++;
        *n += k == *n;
        pairs[k].id = id;
        pairs[k].bias += p->bias[i];
    }
    if (s == OK && *n)
        s = gpu_upload(e->gpu, e->state->addr + e->at.bias + 8ull * ENGINE_MAX_BIAS * slot, pairs,
                       *n * sizeof *pairs);
    mem_free(pairs);
    return s;
}

/* Writes the slot's k_seq for a request whose first token is yet to be made. */
static enum status put_seq(struct engine *e, uint32_t slot, const struct engine_sampling *p,
                           uint32_t n_left)
{
    const struct tok *t = e->em->tok;
    uint64_t state = e->state->addr;
    struct k_seq q = {
        .bias = state + e->at.bias + 8ull * ENGINE_MAX_BIAS * slot,
        .ring = e->ring->addr + 4ull * ENGINE_RING * slot,
        .history = state + e->at.history + 4ull * e->params.n_ctx * slot,
        .seed_lo = (uint32_t)p->seed,
        .seed_hi = (uint32_t)(p->seed >> 32),
        .n_left = n_left,
        .n_ctx = e->params.n_ctx,
        .ring_size = ENGINE_RING,
        .temp = p->temp,
        .top_p = or_one(p->top_p),
        .min_p = p->min_p,
        .top_k = p->top_k,
        .repeat = or_one(p->repeat),
        .presence = p->presence,
        .frequency = p->frequency,
        .penalty_n = p->penalty_n,
    };
    for (uint32_t id = 0; t && !p->ignore_eog && id < tok_count(t) && q.n_eog < K_MAX_EOG; id++) {
        if (tok_is_eog(t, (int32_t)id))
            q.eog[q.n_eog++] = id;
    }
    TRY(put_bias(e, slot, p, &q.n_bias));
    for (uint32_t i = 0; i < ENGINE_RING; i++)
        ring_of(e, slot)[i] = EMPTY;
    _Static_assert(sizeof q == K_SEQ_BYTES, "struct k_seq has another size in GLSL");
    return gpu_upload(e->gpu, state + e->at.seqs + K_SEQ_BYTES * (uint64_t)slot, &q, sizeof q);
}

/* Puts a step's header and rows together in e->host. */
static struct k_step *host_step(struct engine *e, uint32_t n_rows, uint32_t n_out)
{
    struct k_step *h = e->host;
    memset(h, 0, sizeof *h);
    h->n_rows = n_rows;
    h->n_out = n_out;
    return h;
}

static struct k_row *host_rows(struct engine *e)
{
    return (struct k_row *)((char *)e->host + K_STEP_BYTES);
}

static enum status send_step(struct engine *e, uint64_t at, uint32_t n_rows)
{
    return gpu_upload(e->gpu, e->state->addr + at, e->host,
                      K_STEP_BYTES + sizeof(struct k_row) * (uint64_t)n_rows);
}

static uint32_t pages_for(struct engine *e, uint32_t tokens)
{
    return engine_bucket((uint32_t)div_up(tokens, K_PAGE_TOKENS), e->max_pages);
}

static enum engine_sampler sampler_of(const struct engine_slot *s)
{
    return s->greedy ? ENGINE_GREEDY : ENGINE_SAMPLE;
}

static enum status run_plan(struct engine *e, struct plan *p, uint32_t repeat, uint64_t *ticket)
{
    *ticket = 0;
    return e->on_run ? e->on_run(e->on_run_ctx, p, repeat) : plan_run(p, repeat, ticket);
}

/* ---- prompts ------------------------------------------------------------------------------ */

/* Runs n tokens of a slot at positions from `pos`; h holds their residual streams afterwards. Does
 * not wait. With `last`, the header asks for the logits of the last row. */
static enum status run_chunk(struct engine *e, uint32_t slot, const int32_t *tokens, uint32_t pos,
                             uint32_t n, bool last, uint64_t *ticket)
{
    struct k_step *h = host_step(e, n, last);
    h->out_row[0] = n - 1;
    for (uint32_t i = 0; i < n; i++)
        host_rows(e)[i] =
            (struct k_row){.token = (uint32_t)tokens[i], .pos = pos + i, .slot = slot};
    TRY(send_step(e, e->at.prompt, n));
    struct engine_shape shape = {.kind = ENGINE_PREFILL,
                                 .rows = engine_prompt_bucket(n, e->params.n_batch)};
    if (shape.rows <= K_MAX_OUT) {
        shape.kind = ENGINE_CHUNK;
        shape.pages = pages_for(e, pos + n);
    }
    struct plan *p;
    TRY(engine_plan_get(e, &shape, &p));
    return run_plan(e, p, 1, ticket);
}

static enum status run_tail(struct engine *e, uint32_t outs, enum engine_sampler sampler,
                            uint64_t *ticket)
{
    struct plan *p;
    struct engine_shape shape = {.kind = ENGINE_TAIL, .rows = outs, .sampler = sampler};
    TRY(engine_plan_get(e, &shape, &p));
    return run_plan(e, p, 1, ticket);
}

void engine_truncate(struct engine *e, uint32_t slot, uint32_t keep)
{
    struct engine_slot *s = &e->slots[slot];
    if (s->n_tokens > keep)
        s->n_tokens = keep;
    s->n_left = 0;
    s->n_read = 0;
}

static enum status check_prompt(const struct engine *e, const struct engine_prompt *r)
{
    if (!r->n)
        return status_fail(ERR_USAGE, "the prompt has no tokens");
    if (r->n > e->params.n_ctx)
        return status_fail(ERR_USAGE,
                           "the prompt has %" PRIu32 " tokens; the context holds %" PRIu32, r->n,
                           e->params.n_ctx);
    for (uint32_t i = 0; i < r->n; i++) {
        if ((uint32_t)r->tokens[i] >= e->em->model.hp.n_vocab)
            return status_fail(ERR_USAGE,
                               "token %" PRIu32 " of the prompt is %" PRId32
                               "; the vocabulary has %" PRIu32,
                               i, r->tokens[i], e->em->model.hp.n_vocab);
    }
    return OK;
}

static uint32_t shared_beginning(const struct engine_slot *s, const struct engine_prompt *r)
{
    uint32_t n = 0;
    while (n < s->n_tokens && n + 1 < r->n && s->tokens[n] == r->tokens[n])
        n++;
    return n;
}

enum status engine_prompt(struct engine *e, struct engine_prompt *r)
{
    TRY(check_prompt(e, r));
    struct engine_slot *s = &e->slots[r->slot];
    struct engine_mark mark = engine_mark(e);
    uint32_t room = e->params.n_ctx - r->n + 1, most = r->sampling.n_predict;
    s->sampling = r->sampling;
    s->greedy = !(r->sampling.temp > 0);
    s->n_tokens = r->cached = shared_beginning(s, r);
    s->n_read = 0;
    s->n_left = !most || most > room ? room : most;
    r->cancelled = false;
    TRY(put_seq(e, r->slot, &r->sampling, !most ? UINT32_MAX : most));
    host_step(e, 1, 1);
    host_rows(e)[0] = (struct k_row){.slot = K_NO_SLOT};
    TRY(send_step(e, e->at.step, 1));
    while (s->n_tokens < r->n) {
        uint32_t left = r->n - s->n_tokens, n = left < e->params.n_batch ? left : e->params.n_batch;
        uint64_t ticket;
        if (atomic_load(&e->cancelled)) {
            r->cancelled = true;
            return OK;
        }
        TRY(run_chunk(e, r->slot, r->tokens + s->n_tokens, s->n_tokens, n, n == left, &ticket));
        if (n == left)
            TRY(run_tail(e, 1, sampler_of(s), &ticket));
        TRY(gpu_wait(e->gpu, ticket));
        memcpy(s->tokens + s->n_tokens, r->tokens + s->n_tokens, n * sizeof *s->tokens);
        s->n_tokens += n;
        if (r->on_prompt)
            r->on_prompt(r->ctx, s->n_tokens, r->n);
    }
    engine_count(e, &mark, &e->prompt);
    e->prompt.tokens += r->n - r->cached;
    return OK;
}

/* ---- decode ------------------------------------------------------------------------------- */

bool engine_take(struct engine *e, uint32_t slot, int32_t *token)
{
    struct engine_slot *s = &e->slots[slot];
    volatile uint32_t *at = &ring_of(e, slot)[s->n_read % ENGINE_RING];
    uint32_t id = *at;
    if (id == EMPTY || !s->n_left)
        return false;
    *at = EMPTY;
    gpu_count_bus(e->gpu, 0, sizeof id);
    *token = (int32_t)id;
    /* The token before this one has been through the model by now, so it lies in the pages. */
    s->n_tokens += s->n_read > 0;
    s->tokens[s->n_tokens] = *token;
    s->n_read++;
    s->n_left--;
    if (tok_is_eog(e->em->tok, *token) && !s->sampling.ignore_eog)
        s->n_left = 0;
    e->made.tokens++;
    return true;
}

enum status engine_submit(struct engine *e, uint32_t steps, uint64_t *ticket)
{
    struct engine_slot *s = &e->slots[0];
    struct plan *p;
    struct engine_shape shape = {.kind = ENGINE_STEP, .rows = 1, .sampler = sampler_of(s)};
    /* Up to two submits are ahead of what the host knows. */
    uint32_t reach = s->n_tokens + 1 + 2 * ENGINE_MAX_STEPS;
    shape.pages = pages_for(e, reach < e->params.n_ctx ? reach : e->params.n_ctx);
    TRY(engine_plan_get(e, &shape, &p));
    return run_plan(e, p, steps, ticket);
}

enum status engine_step(struct engine *e, const uint32_t *slots, uint32_t n_slots, uint32_t steps)
{
    uint32_t longest = 0;
    enum engine_sampler sampler = ENGINE_GREEDY;
    struct k_step *h = host_step(e, n_slots, n_slots);
    for (uint32_t i = 0; i < n_slots; i++) {
        struct engine_slot *s = &e->slots[slots[i]];
        h->out_row[i] = i;
        host_rows(e)[i] = (struct k_row){.token = (uint32_t)s->tokens[s->n_tokens],
                                         .pos = s->n_tokens,
                                         .slot = s->n_left && s->n_read ? slots[i] : K_NO_SLOT,
                                         .next = i};
        if (s->n_tokens > longest)
            longest = s->n_tokens;
        if (!s->greedy)
            sampler = ENGINE_SAMPLE;
    }
    uint32_t reach = longest + 1 + steps;
    struct engine_shape shape = {
        .kind = ENGINE_STEP,
        .rows = engine_bucket(n_slots, K_MAX_OUT),
        .pages = pages_for(e, reach < e->params.n_ctx ? reach : e->params.n_ctx),
        .sampler = sampler,
    };
    struct plan *p;
    uint64_t ticket;
    TRY(engine_plan_get(e, &shape, &p));
    TRY(send_step(e, e->at.step, n_slots));
    struct engine_mark mark = engine_mark(e);
    TRY(run_plan(e, p, steps, &ticket));
    TRY(gpu_wait(e->gpu, ticket));
    engine_count(e, &mark, &e->made);
    return OK;
}

enum status engine_profile(struct engine *e, struct plan **plan)
{
    struct engine_slot *s = &e->slots[0];
    struct engine_shape shape = {.kind = ENGINE_STEP,
                                 .rows = 1,
                                 .pages = pages_for(e, s->n_tokens + 1),
                                 .sampler = sampler_of(s),
                                 .timestamps = true};
    uint64_t ticket;
    TRY(engine_plan_get(e, &shape, plan));
    TRY(run_plan(e, *plan, 1, &ticket));
    return gpu_wait(e->gpu, ticket);
}

/* ---- logits ------------------------------------------------------------------------------- */

/* Hands out the logits of rows [first, n) of the chunk at position `pos`, K_MAX_OUT at a time. */
static enum status hand_out(struct engine *e, const struct engine_eval *r, uint32_t pos,
                            uint32_t first, uint32_t n, bool *more)
{
    uint32_t n_vocab = e->em->model.hp.n_vocab;
    for (uint32_t row = first; row < n && *more; row += K_MAX_OUT) {
        uint32_t outs = n - row < K_MAX_OUT ? n - row : K_MAX_OUT;
        struct k_step h = {.n_rows = n, .n_out = outs};
        for (uint32_t i = 0; i < outs; i++)
            h.out_row[i] = row + i;
        uint64_t ticket;
        TRY(gpu_upload(e->gpu, e->state->addr + e->at.prompt, &h, sizeof h));
        TRY(run_tail(e, engine_bucket(outs, K_MAX_OUT), ENGINE_LOGITS, &ticket));
        TRY(gpu_wait(e->gpu, ticket));
        TRY(gpu_download(e->gpu, e->host_logits, e->logits->addr, 4ull * n_vocab * outs));
        for (uint32_t i = 0; i < outs && *more; i++)
            *more =
                r->on_logits(r->ctx, pos + row + i, e->host_logits + (size_t)i * n_vocab, n_vocab);
    }
    return OK;
}

enum status engine_eval(struct engine *e, const struct engine_eval *r)
{
    struct engine_prompt prompt = {.tokens = r->tokens, .n = r->n};
    TRY(check_prompt(e, &prompt));
    if (!e->host_logits)
        e->host_logits = mem_calloc((size_t)K_MAX_OUT * e->em->model.hp.n_vocab, sizeof(float));
    if (!e->host_logits)
        return ERR_MEMORY;
    engine_truncate(e, 0, 0);
    TRY(put_seq(e, 0, &(struct engine_sampling){0}, 1));
    struct engine_mark mark = engine_mark(e);
    uint32_t chunk = r->chunk && r->chunk < e->params.n_batch ? r->chunk : e->params.n_batch;
    bool more = true;
    for (uint32_t pos = 0; pos < r->n && more && !atomic_load(&e->cancelled);) {
        uint32_t n = r->n - pos < chunk ? r->n - pos : chunk;
        uint64_t ticket;
        TRY(run_chunk(e, 0, r->tokens + pos, pos, n, false, &ticket));
        TRY(gpu_wait(e->gpu, ticket));
        TRY(hand_out(e, r, pos, r->first > pos ? r->first - pos : 0, n, &more));
        pos += n;
        e->prompt.tokens += n;
    }
    engine_count(e, &mark, &e->prompt);
    return OK;
}
