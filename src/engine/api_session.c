/* Sessions and generation: see tawny.h. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "engine/api.h"
#include "engine/plans.h"

struct engine_params api_engine_params(const struct tawny_session_params *p)
{
    struct engine_params out = {.slots = 1};
    if (p) {
        out.n_ctx = p->n_ctx;
        out.n_batch = p->n_batch;
        out.steps = p->steps;
    }
    return out;
}

enum tawny_status tawny_session_open(struct tawny_model *model,
                                     const struct tawny_session_params *params,
                                     struct tawny_session **out)
{
    *out = NULL;
    struct engine_params p = api_engine_params(params);
    struct tawny_session *s = mem_alloc(sizeof *s);
    if (!s)
        return TAWNY_ERROR_MEMORY;
    s->model = model;
    enum status st = engine_open(model->em, &p, &s->e);
    if (st == OK)
        *out = s;
    else
        mem_free(s);
    return api_status(st);
}

void tawny_session_close(struct tawny_session **session)
{
    struct tawny_session *s = *session;
    *session = NULL;
    if (!s)
        return;
    engine_close(&s->e);
    mem_free(s);
}

void tawny_session_reset(struct tawny_session *session)
{
    engine_truncate(session->e, 0, 0);
}

void tawny_cancel(struct tawny_session *session)
{
    atomic_store(&session->e->cancelled, true);
}

/* ---- the prompt --------------------------------------------------------------------------- */

struct ids {
    int32_t *ids;
    size_t n;
};

static enum status encode_messages(const struct engine_model *em,
                                   const struct tawny_generate_params *p, struct ids *out)
{
    char *text = NULL;
    struct chat_part *parts = NULL;
    size_t n_parts = 0;
    enum status s;
    struct chat_message *messages = mem_calloc(p->n_messages, sizeof *messages);
    if (!messages)
        return ERR_MEMORY;
    for (size_t i = 0; i < p->n_messages; i++) {
        messages[i].role = p->messages[i].role;
        messages[i].content = p->messages[i].content;
    }
    TRY_GOTO(chat_format(em->chat, messages, p->n_messages, true, &text, &parts, &n_parts));
    struct tok_encode_params how = {.parts = parts, .n_parts = n_parts, .no_eos = true};
    s = tok_encode(em->tok, text, strlen(text), &how, &out->ids, &out->n);
fail:
    mem_free(messages);
    mem_free(text);
    mem_free(parts);
    return s;
}

static enum status encode_prompt(const struct engine_model *em,
                                 const struct tawny_generate_params *p, struct ids *out)
{
    *out = (struct ids){0};
    if ((p->prompt != NULL) + (p->tokens != NULL) + (p->messages != NULL) != 1)
        return status_fail(ERR_USAGE, "give one of prompt, tokens and messages");
    if (p->messages)
        return encode_messages(em, p, out);
    if (p->prompt) {
        struct tok_encode_params how = {.special = p->prompt_special, .no_eos = true};
        return tok_encode(em->tok, p->prompt, strlen(p->prompt), &how, &out->ids, &out->n);
    }
    if (p->n_tokens > UINT32_MAX)
        return status_fail(ERR_USAGE, "%zu tokens", p->n_tokens);
    out->ids = mem_calloc(p->n_tokens, sizeof *out->ids);
    if (!out->ids)
        return ERR_MEMORY;
    memcpy(out->ids, p->tokens, p->n_tokens * sizeof *out->ids);
    out->n = p->n_tokens;
    return OK;
}

static struct engine_sampling sampling_of(const struct tawny_generate_params *p)
{
    const struct tawny_sampling *s = &p->sampling;
    enum { DEFAULT_PENALTY_N = 64 };
    return (struct engine_sampling){
        .temp = s->temperature,
        .top_k = s->top_k,
        .top_p = s->top_p,
        .min_p = s->min_p,
        .repeat = s->repeat_penalty,
        .presence = s->presence_penalty,
        .frequency = s->frequency_penalty,
        .penalty_n = s->penalty_last_n ? s->penalty_last_n : DEFAULT_PENALTY_N,
        .seed = s->seed,
        .bias_ids = s->bias_ids,
        .bias = s->bias,
        .n_bias = s->n_bias,
        .n_predict = p->n_predict,
        .ignore_eog = p->ignore_eog,
    };
}

/* ---- the answer --------------------------------------------------------------------------- */

/* Text on its way to the caller. What could be the beginning of a stop string is held back. */
struct output {
    const struct tawny_generate_params *p;
    struct tok_stream stream;
    char *text; /* everything that was made, without stop strings */
    size_t len, room;
    size_t shown; /* of it, what the caller has seen */
    int32_t *ids;
    size_t n_ids, room_ids;
    bool stopped; /* the caller's callback said so */
    bool matched; /* a stop string appeared */
};

static enum status reserve(struct output *o, size_t more)
{
    if (o->len + more + 1 > o->room) {
        size_t room = 2 * (o->len + more) + 256;
        char *text = mem_realloc(o->text, room);
        if (!text)
            return ERR_MEMORY;
        o->text = text;
        o->room = room;
    }
    if (o->n_ids + more / 8 + 1 > o->room_ids) {
        size_t room = 2 * (o->n_ids + more / 8) + 64;
        int32_t *ids = mem_realloc(o->ids, room * sizeof *ids);
        if (!ids)
            return ERR_MEMORY;
        o->ids = ids;
        o->room_ids = room;
    }
    return OK;
}

/* Finds the first stop string in the text from `from` on; true cuts the text there. */
static bool find_stop(struct output *o, size_t from)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < o->p->n_stop; i++) {
        size_t n = strlen(o->p->stop[i]);
        for (size_t at = from; n && at + n <= o->len && at < best; at++) {
            if (!memcmp(o->text + at, o->p->stop[i], n))
                best = at;
        }
    }
    if (best == SIZE_MAX)
        return false;
    o->len = best;
    o->text[best] = 0;
    return true;
}

/* How many bytes at the end of the text may be the beginning of a stop string. */
static size_t held_back(const struct output *o)
{
    size_t most = 0;
    for (size_t i = 0; i < o->p->n_stop; i++) {
        size_t n = strlen(o->p->stop[i]);
        for (size_t k = n && n - 1 < o->len - o->shown ? n - 1 : o->len - o->shown; k > most; k--) {
            if (k < n && !memcmp(o->text + o->len - k, o->p->stop[i], k))
                most = k;
        }
    }
    return most;
}

static void show(struct output *o, size_t end)
{
    if (end > o->shown && o->p->on_text && !o->stopped &&
        !o->p->on_text(o->p->ctx, o->text + o->shown, end - o->shown))
        o->stopped = true;
    if (end > o->shown)
        o->shown = end;
}

static void appended(struct output *o, size_t before)
{
    size_t longest = 0;
    for (size_t i = 0; i < o->p->n_stop; i++)
        longest = strlen(o->p->stop[i]) > longest ? strlen(o->p->stop[i]) : longest;
    size_t from = before > longest ? before - longest : 0;
    if (o->p->n_stop && find_stop(o, from > o->shown ? from : o->shown))
        o->matched = true;
    show(o, o->matched ? o->len : o->len - held_back(o));
}

static enum status put_token(struct output *o, int32_t id)
{
    size_t piece = TOK_STREAM_ROOM(tok_piece(o->stream.tok, id, false).len), before = o->len;
    TRY(reserve(o, piece));
    o->ids[o->n_ids++] = id;
    o->len += tok_stream_push(&o->stream, id, o->text + o->len, piece);
    o->text[o->len] = 0;
    appended(o, before);
    return OK;
}

static enum status finish_text(struct output *o)
{
    TRY(reserve(o, 32));
    if (!o->matched) {
        size_t before = o->len;
        o->len += tok_stream_finish(&o->stream, o->text + o->len, 32);
        o->text[o->len] = 0;
        appended(o, before);
    }
    show(o, o->len);
    return OK;
}

/* ---- generating --------------------------------------------------------------------------- */

/* Takes what is finished; false when the answer has ended. */
static enum status take_tokens(struct engine *e, struct output *o, bool *more)
{
    int32_t id;
    while (*more && engine_take(e, 0, &id)) {
        bool end = tok_is_eog(e->em->tok, id) && !o->p->ignore_eog;
        if (end) {
            TRY(reserve(o, 1));
            o->ids[o->n_ids++] = id;
        } else {
            TRY(put_token(o, id));
        }
        *more = !end && !o->matched && !o->stopped && e->slots[0].n_left;
    }
    return OK;
}

/* Tokens for the next submit: few at first, then as many as take about 50 ms, so that text appears
 * smoothly on slow devices and the host is out of the way on fast ones. */
static uint32_t steps_now(const struct engine *e, uint32_t under_way)
{
    const double aim = 0.05;
    uint32_t left = e->slots[0].n_left, steps = 1;
    if (e->step_seconds > 0)
        steps = (uint32_t)(aim / e->step_seconds);
    steps = steps < 1 ? 1 : steps > e->params.steps ? e->params.steps : steps;
    if (left <= under_way)
        return 0;
    return steps < left - under_way ? steps : left - under_way;
}

/* The decode loop: two submits under way, so that the GPU need not wait for the host. */
static enum status decode(struct engine *e, struct output *o)
{
    struct {
        uint64_t ticket;
        uint32_t steps;
    } queue[2];
    uint32_t queued = 0, under_way = 0;
    bool more = e->slots[0].n_left > 0;
    enum status s = OK;
    /* Room for all of the answer, as far as that is known, so that steps allocate nothing. */
    TRY(reserve(o, 8ull * (e->slots[0].n_left < 8192 ? e->slots[0].n_left : 8192)));
    struct engine_mark mark = engine_mark(e);
    double last = mark.time;
    TRY(take_tokens(e, o, &more));
    while (s == OK && (more || queued)) {
        bool go_on = more && !atomic_load(&e->cancelled);
        while (go_on && queued < 2) {
            uint32_t steps = steps_now(e, under_way);
            if (!steps)
                break;
            TRY_GOTO(engine_submit(e, steps, &queue[queued].ticket));
            queue[queued++].steps = steps;
            under_way += steps;
            if (!(e->step_seconds > 0))
                break;
        }
        if (!queued)
            break;
        TRY_GOTO(gpu_wait(e->gpu, queue[0].ticket));
        double now = time_now();
        e->step_seconds = (now - last) / queue[0].steps;
        last = now;
        under_way -= queue[0].steps;
        queue[0] = queue[1];
        queued--;
        TRY_GOTO(take_tokens(e, o, &more));
        if (go_on && more && !queued && !e->slots[0].n_left)
            more = false;
        if (!go_on)
            more = false;
    }
fail:
    engine_count(e, &mark, &e->made);
    return s;
}

static enum tawny_stop reason(const struct engine *e, const struct output *o, bool cancelled)
{
    if (o->matched)
        return TAWNY_STOP_STRING;
    if (o->n_ids && !o->p->ignore_eog && tok_is_eog(e->em->tok, o->ids[o->n_ids - 1]))
        return TAWNY_STOP_EOG;
    if (cancelled || o->stopped)
        return TAWNY_STOP_CANCELLED;
    if (o->p->n_predict && o->n_ids >= o->p->n_predict)
        return TAWNY_STOP_LENGTH;
    return TAWNY_STOP_CONTEXT;
}

enum tawny_status tawny_generate(struct tawny_session *session,
                                 const struct tawny_generate_params *params,
                                 struct tawny_result *result)
{
    struct engine *e = session->e;
    struct tawny_result r = {0};
    struct output o = {.p = params};
    struct ids ids;
    enum status s;
    double start = time_now(), first;
    atomic_store(&e->cancelled, false);
    TRY_GOTO(encode_prompt(e->em, params, &ids));
    tok_stream_init(&o.stream, e->em->tok, false);
    struct engine_prompt prompt = {
        .tokens = ids.ids,
        .n = ids.n < UINT32_MAX ? (uint32_t)ids.n : UINT32_MAX,
        .sampling = sampling_of(params),
        .on_prompt = params->on_prompt,
        .ctx = params->ctx,
    };
    TRY_GOTO(engine_prompt(e, &prompt));
    first = time_now();
    if (!prompt.cancelled)
        TRY_GOTO(decode(e, &o));
    TRY_GOTO(finish_text(&o));
    r.stop = reason(e, &o, prompt.cancelled || atomic_load(&e->cancelled));
    r.n_prompt = prompt.n;
    r.n_cached = prompt.cached;
    r.n_made = o.n_ids;
    r.prompt_seconds = r.first_seconds = first - start;
    r.made_seconds = time_now() - first;
    if (result) {
        r.text = o.text;
        r.ids = o.ids;
        o.text = NULL;
        o.ids = NULL;
        *result = r;
    }
fail:
    mem_free(ids.ids);
    mem_free(o.text);
    mem_free(o.ids);
    return api_status(s);
}

enum tawny_status tawny_eval(struct tawny_session *session, const struct tawny_eval_params *params)
{
    if (params->n_tokens > UINT32_MAX || params->first > params->n_tokens || !params->on_logits)
        return api_status(status_fail(ERR_USAGE, "logits of %zu tokens from position %zu on",
                                      params->n_tokens, params->first));
    atomic_store(&session->e->cancelled, false);
    return api_status(engine_eval(session->e, &(struct engine_eval){
                                                  .tokens = params->tokens,
                                                  .n = (uint32_t)params->n_tokens,
                                                  .chunk = params->chunk,
                                                  .first = (uint32_t)params->first,
                                                  .on_logits = params->on_logits,
                                                  .ctx = params->ctx,
                                              }));
}

/* ---- figures ------------------------------------------------------------------------------ */

static uint64_t bytes_a_token(const struct model *m)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m->n_tensors; i++) {
        const struct k_weight *w = m->tensors[i].weight;
        if (w && (w != &m->embd || m->tied))
            sum += quant_row_bytes(w->type, w->k) * w->n;
    }
    return sum;
}

void tawny_session_get_stats(const struct tawny_session *session, struct tawny_stats *out)
{
    const struct engine *e = session->e;
    *out = (struct tawny_stats){
        .prompt_tokens = e->prompt.tokens,
        .made_tokens = e->made.tokens,
        .prompt_seconds = e->prompt.seconds,
        .made_seconds = e->made.seconds,
        .prompt_submits = e->prompt.submits,
        .made_submits = e->made.submits,
        .prompt_dispatches = e->prompt.dispatches,
        .made_dispatches = e->made.dispatches,
        .made_bytes_up = e->made.bytes_up,
        .made_bytes_down = e->made.bytes_down,
        .weight_bytes_token = bytes_a_token(&e->em->model),
        .host_allocs_made = e->made.host_allocs,
        .memory = api_memory(e->gpu),
        .int_dot = k_glu_takes_int8(e->gpu, &e->em->model.layers[0].gate),
    };
}

enum status api_profile(struct plan *p, struct tawny_profile_line *out, uint32_t max,
                        uint32_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < plan_count(p); i++) {
        const struct plan_op *op = plan_get(p, i);
        uint32_t line = 0;
        double seconds;
        TRY(plan_elapsed(p, i, &seconds));
        while (line < *count && strcmp(out[line].name, op->name))
            line++;
        if (line == max)
            continue;
        if (line == *count)
            out[(*count)++] = (struct tawny_profile_line){.name = op->name};
        out[line].count++;
        out[line].seconds += seconds;
        out[line].bytes += op->weight_bytes;
    }
    return OK;
}

enum tawny_status tawny_profile(struct tawny_session *session, struct tawny_profile_line *out,
                                uint32_t max, uint32_t *count)
{
    *count = 0;
    if (!session->model->device->profile)
        return api_status(status_fail(ERR_USAGE, "a profile needs a device opened with `profile`"));
    struct plan *p;
    enum status s = engine_profile(session->e, &p);
    return api_status(s == OK ? api_profile(p, out, max, count) : s);
}
