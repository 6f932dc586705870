/* Texts about windows that were listened to: prompts, then a token of each row at a time. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "engine/beam.h"
#include "engine/speech_inside.h"

enum { STEPS = 8 }; /* tokens a submit, where the host has nothing to say in between */

_Static_assert(sizeof(struct k_step) == K_STEP_BYTES, "params.h");

/* Requests on their way: `each` neighbouring rows and slots for each of n. */
struct saying {
    struct speech *s;
    const struct speech_request *r;
    struct speech_answer *out;
    uint32_t n, each, rows;
};

static volatile const void *result_at(const struct speech *s, uint64_t at)
{
    return (const char *)s->results->map + at;
}

static const struct speech_request *request_of(const struct saying *y, uint32_t row)
{
    return &y->r[row / y->each];
}

static uint32_t most_of(const struct speech_request *r)
{
    return r->n_most < SPEECH_MOST ? r->n_most : SPEECH_MOST - 1;
}

/* ---- prompts ------------------------------------------------------------------------------ */

enum status speech_hear(struct speech *s, uint32_t window)
{
    struct speech_rows rows = {.step = {.n_rows = K_MAX_OUT}};
    for (uint32_t i = 0; i < K_MAX_OUT; i++)
        rows.row[i] = (struct k_row){.pos = s->m->w.audio.n_ctx - 1, .slot = window};
    return gpu_upload(s->gpu, s->state->addr + s->at.cross_prompt, &rows, sizeof rows);
}

enum status speech_put_rows(struct speech *s, const int32_t *tokens, uint32_t n, uint32_t at,
                            uint32_t slot)
{
    struct speech_rows rows = {.step = {.n_rows = n, .n_out = n}};
    for (uint32_t i = 0; i < n; i++) {
        rows.step.out_row[i] = i;
        rows.row[i] = (struct k_row){.token = (uint32_t)tokens[i], .pos = at + i, .slot = slot};
    }
    return gpu_upload(s->gpu, s->state->addr + s->at.prompt, &rows, sizeof rows);
}

/* Runs prompt tokens from .. to - 1 in a slot. */
static enum status run_rows(struct speech *s, const struct speech_request *r, uint32_t slot,
                            uint32_t from, uint32_t to)
{
    TRY(speech_put_rows(s, r->prompt + from, to - from, from, slot));
    return speech_run(s, to - from <= 4 ? SPEECH_ROWS_4 : SPEECH_ROWS_16, 0, 1);
}

/* Which of the rows that ran last goes through the head next. */
static enum status choose_out(struct speech *s, uint32_t n_rows, uint32_t row)
{
    struct k_step step = {.n_rows = n_rows, .n_out = 1, .out_row = {row}};
    return gpu_upload(s->gpu, s->state->addr + s->at.prompt, &step, sizeof step);
}

/* All of the prompt but its last token, whose step makes the first of the text. The last rows run
 * together, so that the one that tells of silence is among them. */
static enum status run_prompt(struct speech *s, const struct speech_request *r, uint32_t slot,
                              float *no_speech)
{
    bool last_tells = r->start_at + 1 == r->n_prompt;
    uint32_t n = r->n_prompt - !last_tells, last = n < SPEECH_PROMPT ? n : SPEECH_PROMPT, at = 0;
    TRY(speech_hear(s, r->window));
    while (at < n - last) {
        uint32_t left = n - last - at, count = left < SPEECH_PROMPT ? left : SPEECH_PROMPT;
        TRY(run_rows(s, r, slot, at, at + count));
        at += count;
    }
    TRY(run_rows(s, r, slot, at, n));
    *no_speech = 0;
    if (r->start_at < at)
        return OK;
    TRY(choose_out(s, last, r->start_at - at));
    TRY(speech_run(s, SPEECH_SILENCE, 0, 1));
    *no_speech = *(volatile const float *)result_at(s, s->at.probs);
    return OK;
}

static struct k_speech grammar(const struct speech *s, const struct speech_request *r, uint32_t row)
{
    const struct whisper *w = &s->m->w;
    struct k_speech speech = {
        .never = s->state->addr + s->at.never,
        .logprobs = s->results->addr + s->at.logprobs + 4ull * SPEECH_MOST * row,
        .begin = r->n_prompt,
        .timed = r->timed,
        .time_0 = w->ids.time_0,
        .end = w->ids.end,
        .no_times = w->ids.no_times,
        .latest = 50, /* the first time is at most 1 s */
        .n_first = s->m->n_first,
    };
    memcpy(speech.not_first, s->m->not_first, sizeof speech.not_first);
    return speech;
}

/* Settings of all rows, whose first tokens are yet to be made. */
static enum status put_requests(const struct saying *y, uint32_t round)
{
    struct speech *s = y->s;
    const struct whisper *w = &s->m->w;
    struct k_seq seqs[K_MAX_OUT];
    struct k_speech speech[K_MAX_OUT];
    struct speech_rows windows = {.step = {.n_rows = K_MAX_OUT}};
    for (uint32_t i = 0; i < y->rows; i++) {
        const struct speech_request *r = request_of(y, i);
        uint64_t seed = r->seed + 0x9e3779b97f4a7c15u * (round + i % y->each);
        seqs[i] = (struct k_seq){
            .ring = s->results->addr + s->at.ring + 4ull * SPEECH_MOST * i,
            .history = s->state->addr + s->at.history + 4ull * w->text.n_ctx * i,
            .seed_lo = (uint32_t)seed,
            .seed_hi = (uint32_t)(seed >> 32),
            .n_left = r->endless ? w->text.n_ctx : most_of(r),
            .n_ctx = w->text.n_ctx,
            .ring_size = SPEECH_MOST,
            .temp = r->temp,
            .top_p = 1,
            .repeat = 1,
            .n_eog = !r->endless,
            .eog = {w->ids.end},
        };
        speech[i] = grammar(s, r, i);
        windows.row[i] = (struct k_row){.pos = w->audio.n_ctx - 1, .slot = r->window};
    }
    TRY(gpu_upload(s->gpu, s->state->addr + s->at.cross_step, &windows, sizeof windows));
    TRY(gpu_upload(s->gpu, s->state->addr + s->at.seqs, seqs, y->rows * sizeof *seqs));
    return gpu_upload(s->gpu, s->state->addr + s->at.speech, speech, y->rows * sizeof *speech);
}

enum status speech_language(struct speech *s, uint32_t *best, float *probs)
{
    const struct whisper_ids *ids = &s->m->w.ids;
    int32_t start = (int32_t)ids->start;
    struct speech_request r = {.prompt = &start, .n_prompt = 1, .n_most = 1};
    struct saying y = {.s = s, .r = &r, .n = 1, .each = 1, .rows = 1};
    TRY(put_requests(&y, 0));
    TRY(speech_hear(s, 0));
    TRY(run_rows(s, &r, 0, 0, 1));
    TRY(speech_run(s, SPEECH_LANGUAGE, 0, 1));
    *best = 0;
    for (uint32_t i = 0; i < ids->n_languages; i++) {
        probs[i] = ((volatile const float *)result_at(s, s->at.probs))[i];
        if (probs[i] > probs[*best])
            *best = i;
    }
    return OK;
}

/* ---- the likeliest token, or one that is drawn -------------------------------------------- */

/* The prompt of each request to its other slots. */
static enum status spread_prompts(const struct saying *y)
{
    struct speech_orders orders = {0};
    for (uint32_t i = 0; i < y->rows; i++) {
        const struct speech_request *r = request_of(y, i);
        if (i % y->each && r->n_prompt > 1)
            orders.forks[orders.n_forks++] =
                (struct k_fork){i / y->each * y->each, i, 0, r->n_prompt - 1};
    }
    if (!orders.n_forks)
        return OK;
    memcpy((char *)y->s->results->map + y->s->at.new_orders, &orders, sizeof orders);
    return speech_run(y->s, SPEECH_FORK, 0, 1);
}

/* Takes what the sampler made for a row; true if there is more to come. */
static bool collect(const struct saying *y, uint32_t row)
{
    struct speech *s = y->s;
    const struct speech_request *r = request_of(y, row);
    struct speech_answer *a = &s->tries[row];
    volatile const uint32_t *ring = result_at(s, s->at.ring + 4ull * SPEECH_MOST * row);
    volatile const float *logprobs = result_at(s, s->at.logprobs + 4ull * SPEECH_MOST * row);
    /* The last position gives one more token, which itself needs none. */
    const uint32_t room = s->m->w.text.n_ctx - r->n_prompt + 1;
    uint32_t most = most_of(r) < room ? most_of(r) : room;
    while (!a->ended && a->n < most && ring[a->n] != UINT32_MAX) {
        a->logprobs[a->n] = logprobs[a->n];
        a->sum_logprob += (double)a->logprobs[a->n];
        s->tokens++;
        a->ended = !r->endless && ring[a->n] == s->m->w.ids.end;
        if (a->ended)
            break;
        a->tokens[a->n] = (int32_t)ring[a->n];
        a->n++;
    }
    return !a->ended && a->n < most;
}

/* True if what row first .. first + y->each - 1 say is of no use; those that are on their way are
 * asked first, which is cheaper. */
static bool are_lost(const struct saying *y, const struct speech_request *r, uint32_t first)
{
    for (int ended = 0; ended < 2; ended++) {
        for (uint32_t i = first; i < first + y->each; i++) {
            const struct speech_answer *a = &y->s->tries[i];
            if (a->ended == ended && !r->is_lost(r->ctx, a))
                return false;
        }
    }
    return true;
}

/* Takes what was made for the rows of a request; true if there is more to come. */
static bool collect_request(const struct saying *y, uint32_t request)
{
    const struct speech_request *r = &y->r[request];
    uint32_t first = request * y->each;
    bool more = false;
    if (y->out[request].lost)
        return false;
    for (uint32_t i = first; i < first + y->each; i++)
        more |= collect(y, i);
    /* Among more texts than there are rows another may be better. */
    if (more && r->is_lost && (r->temp <= 0 || r->tries <= y->each))
        y->out[request].lost = are_lost(y, r, first);
    return more && !y->out[request].lost;
}

/* Steps until every row has ended. */
static enum status run_steps(const struct saying *y, bool *cancelled)
{
    struct speech *s = y->s;
    enum speech_plan plan = y->r->temp > 0 ? SPEECH_NEXT_DRAWN : SPEECH_NEXT;
    uint32_t left = 0;
    for (uint32_t i = 0; i < y->n; i++)
        left = most_of(&y->r[i]) > left ? most_of(&y->r[i]) : left;
    for (;;) {
        uint32_t steps = left < STEPS ? left : STEPS;
        bool more = false;
        double start = time_now();
        TRY(speech_run(s, plan, y->rows, steps));
        s->step_seconds += time_now() - start;
        left -= steps;
        for (uint32_t i = 0; i < y->n; i++)
            more |= collect_request(y, i);
        if (!more || !left)
            return OK;
        *cancelled = atomic_load(&s->cancelled);
        if (*cancelled)
            return OK;
    }
}

/* One text in each row; the best of each request's becomes its answer, unless an earlier one is
 * better. The prompts are there. */
static enum status say_rows(const struct saying *y, uint32_t round)
{
    struct speech *s = y->s;
    struct speech_rows rows = {.step = {.n_rows = y->rows, .n_out = y->rows}};
    bool cancelled = false;
    for (uint32_t i = 0; i < y->rows; i++) {
        const struct speech_request *r = request_of(y, i);
        rows.step.out_row[i] = i;
        rows.row[i] = (struct k_row){.token = (uint32_t)r->prompt[r->n_prompt - 1],
                                     .pos = r->n_prompt - 1,
                                     .slot = i,
                                     .next = i};
        struct speech_answer *a = &s->tries[i];
        a->n = 0;
        a->ended = a->lost = false;
        a->no_speech = y->out[i / y->each].no_speech;
        a->sum_logprob = 0;
    }
    memset((char *)s->results->map + s->at.ring, 0xff, 4ull * SPEECH_MOST * y->rows);
    TRY(put_requests(y, round));
    TRY(spread_prompts(y));
    TRY(gpu_upload(s->gpu, s->state->addr + s->at.step, &rows, sizeof rows));
    TRY(run_steps(y, &cancelled));
    for (uint32_t i = 0; i < y->rows; i++) {
        const struct speech_answer *a = &s->tries[i];
        struct speech_answer *best = &y->out[i / y->each];
        float penalty = request_of(y, i)->length_penalty;
        bool lost = best->lost;
        if ((round || i % y->each) && speech_score(a->sum_logprob, a->n, penalty) <=
                                          speech_score(best->sum_logprob, best->n, penalty))
            continue;
        *best = *a;
        best->lost = lost;
    }
    for (uint32_t i = 0; i < y->n; i++)
        y->out[i].cancelled = cancelled;
    return OK;
}

/* ---- beams -------------------------------------------------------------------------------- */

/* Writes what the next step is to do. */
static bool put_orders(const struct saying *y, struct beam **beams, struct speech_orders *orders)
{
    bool more = false;
    orders->step = (struct k_step){.n_rows = y->rows, .n_out = y->rows};
    for (uint32_t i = 0; i < y->n; i++) {
        more |= !beam_is_done(beams[i]);
        beam_rows(beams[i], &orders->rows[i * y->each]);
    }
    for (uint32_t i = 0; i < y->rows; i++) {
        orders->step.out_row[i] = i;
        orders->rows[i].next = i;
    }
    memcpy((char *)y->s->results->map + y->s->at.new_orders, orders, sizeof *orders);
    return more;
}

static enum status search(const struct saying *y, struct beam **beams)
{
    struct speech *s = y->s;
    struct speech_orders orders = {0};
    uint32_t steps = 0;
    struct k_candidate found[K_MAX_OUT * K_TOP_MOST];
    while (put_orders(y, beams, &orders)) {
        TRY(speech_run(s, SPEECH_BEAM, y->rows, 1));
        memcpy(found, (const char *)s->results->map + s->at.candidates, sizeof found);
        orders.n_forks = 0;
        steps++;
        for (uint32_t i = 0; i < y->n; i++) {
            if (beam_is_done(beams[i]))
                continue;
            const struct k_candidate *mine = &found[i * y->each * (y->rows + 1)];
            beam_take(beams[i], mine, y->rows + 1, orders.forks, &orders.n_forks);
            s->tokens++;
            if (steps % STEPS == 0 && y->r[i].is_lost && !beam_is_done(beams[i]))
                y->out[i].lost = beam_is_lost(beams[i], y->r[i].is_lost, y->r[i].ctx, &y->out[i]);
        }
        if (atomic_load(&s->cancelled)) {
            for (uint32_t i = 0; i < y->n; i++)
                y->out[i].cancelled = true;
            return OK;
        }
    }
    return OK;
}

static enum status say_beams(const struct saying *y)
{
    struct beam *beams[K_MAX_OUT] = {0};
    enum status s;
    TRY(put_requests(y, 0));
    for (uint32_t i = 0; i < y->n; i++) {
        const struct speech_request *r = &y->r[i];
        TRY_GOTO(beam_create(&(struct beam_params){.size = y->each,
                                                   .patience = r->patience,
                                                   .length_penalty = r->length_penalty,
                                                   .slot = i * y->each,
                                                   .last = r->prompt[r->n_prompt - 1],
                                                   .n_prompt = r->n_prompt,
                                                   .n_ctx = y->s->m->w.text.n_ctx,
                                                   .n_most = most_of(r),
                                                   .end = y->s->m->w.ids.end},
                             &beams[i]));
    }
    TRY_GOTO(search(y, beams));
    for (uint32_t i = 0; i < y->n; i++)
        beam_best(beams[i], &y->out[i]);
fail:
    for (uint32_t i = 0; i < y->n; i++)
        beam_destroy(&beams[i]);
    return s;
}

/* ---- requests ----------------------------------------------------------------------------- */

static enum status check_request(const struct speech *s, const struct speech_request *r)
{
    if (!r->n_prompt || r->n_prompt >= s->m->w.text.n_ctx || r->start_at >= r->n_prompt)
        return status_fail(ERR_USAGE,
                           "a prompt of %" PRIu32 " tokens; the model takes 1 to %" PRIu32,
                           r->n_prompt, s->m->w.text.n_ctx - 1);
    for (uint32_t i = 0; i < r->n_prompt; i++) {
        if ((uint32_t)r->prompt[i] >= s->m->w.n_vocab)
            return status_fail(ERR_USAGE,
                               "token %" PRIu32 " of the prompt is %" PRId32
                               "; the vocabulary has %" PRIu32,
                               i, r->prompt[i], s->m->w.n_vocab);
    }
    if (r->window >= s->windows || !r->n_most)
        return status_fail(ERR_USAGE, "window %" PRIu32 " of %" PRIu32 ", %" PRIu32 " tokens",
                           r->window, s->windows, r->n_most);
    return OK;
}

enum status speech_say(struct speech *s, const struct speech_request *requests, uint32_t n,
                       struct speech_answer *answers)
{
    double start = time_now();
    const struct speech_request *r = requests;
    uint32_t tries = r->temp > 0 && r->tries ? r->tries : 1;
    uint32_t beams = r->temp > 0 || !r->beams ? 1 : r->beams;
    struct saying y = {.s = s, .r = requests, .out = answers, .n = n};
    y.each = beams > 1 || n > s->rows ? beams : tries < s->rows / n ? tries : s->rows / n;
    y.rows = n * y.each;
    if (y.rows > s->rows)
        return status_fail(ERR_USAGE, "%" PRIu32 " texts at once in room for %" PRIu32, y.rows,
                           s->rows);
    for (uint32_t i = 0; i < n; i++) {
        TRY(check_request(s, &requests[i]));
        answers[i].n = 0;
        answers[i].ended = answers[i].cancelled = answers[i].lost = false;
        answers[i].sum_logprob = 0;
    }
    TRY(put_requests(&y, 0));
    for (uint32_t i = 0; i < n; i++)
        TRY(run_prompt(s, &requests[i], i * y.each, &answers[i].no_speech));
    if (beams > 1) {
        TRY(say_beams(&y));
    } else {
        for (uint32_t round = 0; round < tries && !answers->cancelled; round += y.each)
            TRY(say_rows(&y, round));
    }
    s->say_seconds += time_now() - start;
    return OK;
}
