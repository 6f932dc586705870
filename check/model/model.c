#include "check/model/inside.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "check/probe.h"

static const char own_prompt[] =
    "A proof is a list of small steps, each of which anyone can check: the first 12 are easy, and "
    "the last one is where it ends.";
static const char own_more[] = " So what is next?";

/* Room beyond the texts: tokens that are made after either. */
enum { DEFAULT_PREDICT = 2, MOST_PREDICT = 64, MORE_TOKENS = 16 };

/* ---- findings ----------------------------------------------------------------------------- */

const char *check_blame_name(enum check_blame b)
{
    static const char *const names[] = {"", "weights", "plan", "operation", "barrier", "drift"};
    return names[b];
}

const struct check_finding *check_model_verdict(const struct check_model_report *r)
{
    const struct check_finding *best = NULL;
    for (uint32_t i = 0; i < r->n_findings; i++) {
        if (!best || r->findings[i].blame < best->blame)
            best = &r->findings[i];
    }
    return best;
}

const char *model_where(const struct plan *p, uint32_t i, char *buf, size_t size)
{
    const struct plan_op *op = plan_get(p, i);
    if (op->layer < 0)
        snprintf(buf, size, "dispatch %" PRIu32 " of %s (%s)", i, plan_name(p), op->name);
    else
        snprintf(buf, size, "dispatch %" PRIu32 " of %s (%s, layer %d)", i, plan_name(p), op->name,
                 op->layer);
    return buf;
}

struct check_finding *model_find(struct check_model *m, enum check_blame blame,
                                 const struct plan *p, uint32_t i, const char *fmt, ...)
{
    struct check_model_report *r = &m->report;
    if (r->n_findings == CHECK_MAX_FINDINGS)
        return NULL;
    struct check_finding *f = &r->findings[r->n_findings++];
    *f = (struct check_finding){.blame = blame, .layer = -1, .dispatch = i};
    va_list args;
    va_start(args, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, args);
    va_end(args);
    if (p)
        snprintf(f->plan, sizeof f->plan, "%s", plan_name(p));
    const struct plan_op *op = p ? plan_get(p, i) : NULL;
    if (op) {
        f->layer = op->layer;
        f->run = r->n_runs;
        snprintf(f->kernel, sizeof f->kernel, "%s", op->name);
        model_variant(op, f->variant, sizeof f->variant);
    }
    return f;
}

enum status model_progress(struct check_model *m, const char *what, uint64_t done, uint64_t total)
{
    if (m->params.on_progress && !m->params.on_progress(m->params.ctx, what, done, total))
        return status_fail(ERR, "interrupted");
    return OK;
}

/* ---- opening ------------------------------------------------------------------------------ */

static bool on_load(void *ctx, uint64_t done, uint64_t total)
{
    struct check_model *m = ctx;
    return model_progress(m, "loading", done, total) == OK;
}

static void describe(struct check_model *m)
{
    struct check_model_report *r = &m->report;
    const struct gpu_info *g = gpu_get_info(m->gpu);
    snprintf(r->device, sizeof r->device, "%s", g->name);
    snprintf(r->driver, sizeof r->driver, "%s", g->driver);
    snprintf(r->architecture, sizeof r->architecture, "%s",
             m->sm ? "whisper" : m->em->model.arch->name);
    snprintf(r->name, sizeof r->name, "%s", m->sm ? "" : m->em->name);
    r->weight_bytes = m->sm ? m->sm->weight_bytes : m->em->weight_bytes;
    r->load_seconds = m->sm ? m->sm->load_seconds : m->em->load_seconds;
}

/* A model of text or of speech. */
static enum status load(struct check_model *m)
{
    struct weights *file;
    struct engine_load_params how = {.path = m->params.path, .on_progress = on_load, .ctx = m};
    TRY(weights_open(m->params.path, &file));
    bool speech = whisper_is(file);
    weights_close(&file);
    if (speech) {
        TRY(speech_model_load(m->gpu, &how, &m->sm));
        m->tensors = m->sm->w.tensors;
        m->n_tensors = m->sm->w.n_tensors;
    } else {
        TRY(engine_model_load(m->gpu, &how, &m->em));
        m->tensors = m->em->model.tensors;
        m->n_tensors = m->em->model.n_tensors;
    }
    return OK;
}

enum status check_model_open(const struct check_model_params *params, struct check_model **out)
{
    *out = NULL;
    enum status s;
    struct check_model *m = mem_alloc(sizeof *m);
    if (!m)
        return ERR_MEMORY;
    m->params = *params;
    if (!m->params.n_predict)
        m->params.n_predict = DEFAULT_PREDICT;
    if (m->params.n_predict > MOST_PREDICT)
        m->params.n_predict = MOST_PREDICT;
    snprintf(m->report.model, sizeof m->report.model, "%s", params->path);
    TRY_GOTO(gpu_open(&(struct gpu_params){.device = params->device,
                                           .cache_dir = params->cache_dir,
                                           .caps_off = params->caps_off},
                      &m->gpu));
    TRY_GOTO(load(m));
    TRY_GOTO(check_probe(m->gpu));
    TRY_GOTO(check_mem_create(m->gpu, &m->alone));
    TRY_GOTO(check_mem_create(m->gpu, &m->bits));
    TRY_GOTO(check_mem_create(m->gpu, &m->chain));
    describe(m);
    *out = m;
    return OK;
fail:
    check_model_close(&m);
    return s;
}

void check_model_close(struct check_model **pm)
{
    struct check_model *m = *pm;
    *pm = NULL;
    if (!m)
        return;
    save_close(m, false);
    engine_close(&m->e);
    engine_model_unload(&m->em);
    speech_close(&m->speech);
    speech_model_unload(&m->sm);
    check_mem_destroy(&m->chain);
    check_mem_destroy(&m->bits);
    check_mem_destroy(&m->alone);
    overlay_free(&m->overlay);
    while (m->seen) {
        struct seen_plan *next = m->seen->next;
        mem_free(m->seen);
        m->seen = next;
    }
    arena_free(&m->arena);
    mem_free(m->report.layers);
    gpu_close(&m->gpu);
    mem_free(m);
}

const struct check_model_report *check_model_report(const struct check_model *m)
{
    return &m->report;
}

/* ---- the requests ------------------------------------------------------------------------- */

static enum status look_at(struct check_model *m, struct plan *p)
{
    for (const struct seen_plan *s = m->seen; s; s = s->next) {
        if (s->plan == p)
            return OK;
    }
    struct seen_plan *now = mem_alloc(sizeof *now);
    if (!now)
        return ERR_MEMORY;
    *now = (struct seen_plan){p, m->seen};
    m->seen = now;
    if (m->on_plan)
        TRY(m->on_plan(m->on_plan_ctx, p));
    return model_check_plan(m, p);
}

static enum status on_run(void *ctx, struct plan *p, uint32_t repeat)
{
    struct check_model *m = ctx;
    if (m->only && strncmp(plan_name(p), m->only, strlen(m->only)) != 0) {
        uint64_t ticket;
        TRY(plan_run(p, repeat, &ticket));
        return gpu_wait(m->gpu, ticket);
    }
    TRY(look_at(m, p));
    for (uint32_t i = 0; i < repeat; i++)
        TRY(model_check_run(m, p));
    return OK;
}

/* Settings that make the sampler do all it can. */
static struct engine_sampling sampled(void)
{
    return (struct engine_sampling){.temp = 0.8f,
                                    .top_k = 40,
                                    .top_p = 0.95f,
                                    .min_p = 0.01f,
                                    .repeat = 1.1f,
                                    .presence = 0.1f,
                                    .frequency = 0.1f,
                                    .penalty_n = 64,
                                    .seed = 1,
                                    .ignore_eog = true};
}

/* The tokens so far and those of a text, and n_predict tokens after them; *ids holds all of them in
 * the end. */
static enum status request(struct check_model *m, int32_t **ids, size_t *n,
                           const struct engine_sampling *how)
{
    struct engine_prompt r = {.tokens = *ids, .n = (uint32_t)*n, .sampling = *how};
    TRY(engine_prompt(m->e, &r));
    for (uint32_t i = 0;; i++) {
        int32_t token;
        uint64_t ticket;
        if (engine_take(m->e, 0, &token)) {
            int32_t *grown = mem_realloc(*ids, (*n + 1) * sizeof *grown);
            if (!grown)
                return ERR_MEMORY;
            *ids = grown;
            grown[(*n)++] = token;
            m->report.n_made++;
        }
        if (i == m->params.n_predict)
            return OK;
        TRY(engine_submit(m->e, 1, &ticket));
        TRY(gpu_wait(m->gpu, ticket));
    }
}

/* The texts as tokens: [0, n_prompt) and, at *more, n_more. */
static enum status encode(struct check_model *m, int32_t **ids, size_t *n, int32_t **more,
                          size_t *n_more)
{
    const char *text = m->params.prompt ? m->params.prompt : own_prompt;
    struct engine_params p = {.slots = 1};
    uint32_t most = m->em->model.hp.n_ctx_train;
    TRY(tok_encode(m->em->tok, text, strlen(text), &(struct tok_encode_params){.special = true},
                   ids, n));
    TRY(tok_encode(m->em->tok, own_more, strlen(own_more),
                   &(struct tok_encode_params){.no_bos = true}, more, n_more));
    if (*n_more > MORE_TOKENS)
        *n_more = MORE_TOKENS;
    uint64_t need = *n + *n_more + 2ull * m->params.n_predict + 4;
    if (!*n)
        return status_fail(ERR_USAGE, "the prompt has no tokens");
    if (need > most)
        return status_fail(ERR_USAGE,
                           "a prompt of %zu tokens needs a context of %" PRIu64
                           "; the model was trained for %" PRIu32,
                           *n, need, most);
    m->report.n_prompt = (uint32_t)*n;
    m->report.n_more = (uint32_t)*n_more;
    p.n_ctx = (uint32_t)need;
    TRY(engine_open(m->em, &p, &m->e));
    m->e->on_run = on_run;
    m->e->on_run_ctx = m;
    return save_open(m, *ids, (uint32_t)*n);
}

static enum status run_requests(struct check_model *m, int32_t **ids, size_t *n,
                                const int32_t *more, size_t n_more)
{
    TRY(request(m, ids, n, &(struct engine_sampling){.ignore_eog = true}));
    int32_t *grown = mem_realloc(*ids, (*n + n_more) * sizeof *grown);
    if (!grown)
        return ERR_MEMORY;
    *ids = grown;
    memcpy(grown + *n, more, n_more * sizeof *more);
    *n += n_more;
    struct engine_sampling how = sampled();
    return request(m, ids, n, &how);
}

/* Sliding tones with pauses: f32 as a window takes them. */
static void make_sound(float *out, uint32_t n)
{
    double phase = 0;
    for (uint32_t i = 0; i < n; i++) {
        phase += (300 + 200 * sin(i * 1e-4)) * 2 * M_PI / WHISPER_RATE;
        bool silent = i / 8000 % 4 == 3;
        out[i] = silent ? 0 : (float)(0.3 * sin(phase) + 0.1 * sin(5.1 * phase));
    }
}

enum { TEXTS = 2, EARLIER = 14 }; /* at once; tokens of the text before */

/* What a speech model is asked to go on from. */
struct start {
    int32_t text[EARLIER]; /* of an earlier window */
    uint32_t n_text;
    int32_t ids[1 + EARLIER + 3];
    uint32_t n, at; /* at: <|startoftranscript|> */
};

static enum status make_start(const struct check_model *m, bool earlier, struct start *out)
{
    const struct whisper_ids *ids = &m->sm->w.ids;
    int32_t *all = NULL;
    size_t n = 0, most = m->sm->w.text.n_ctx / 4;
    TRY(tok_encode(m->sm->tok, own_prompt, strlen(own_prompt),
                   &(struct tok_encode_params){.no_bos = true}, &all, &n));
    most = most < EARLIER ? most : EARLIER;
    *out = (struct start){.n_text = (uint32_t)(n < most ? n : most)};
    memcpy(out->text, all, out->n_text * sizeof *all);
    mem_free(all);
    if (earlier) {
        out->ids[out->n++] = (int32_t)ids->start_prev;
        memcpy(out->ids + 1, out->text, out->n_text * sizeof *all);
        out->n += out->n_text;
    }
    out->at = out->n;
    out->ids[out->n++] = (int32_t)ids->start;
    if (m->sm->w.multilingual) {
        out->ids[out->n++] = (int32_t)ids->language_0;
        out->ids[out->n++] = (int32_t)ids->transcribe;
    }
    return OK;
}

/* Some tokens about the sound: the likeliest, drawn (after an earlier text) or searched for. */
static enum status say(struct check_model *m, float temp, uint32_t beams)
{
    struct start start;
    TRY(make_start(m, temp > 0, &start));
    struct speech_answer *answer = mem_alloc(sizeof *answer);
    if (!answer)
        return ERR_MEMORY;
    if (start.n > m->report.n_prompt)
        m->report.n_prompt = start.n;
    enum status s = speech_say(m->speech,
                               &(struct speech_request){.prompt = start.ids,
                                                        .n_prompt = start.n,
                                                        .start_at = start.at,
                                                        .n_most = m->params.n_predict + 1,
                                                        .timed = true,
                                                        .temp = temp,
                                                        .seed = 1,
                                                        .tries = TEXTS,
                                                        .beams = beams},
                               1, answer);
    m->report.n_made += answer->n;
    mem_free(answer);
    return s;
}

/* When the words of a text are said. */
static enum status align(struct check_model *m)
{
    struct start start;
    uint32_t frames = m->sm->w.audio.n_ctx;
    float probs[EARLIER];
    TRY(make_start(m, false, &start));
    float *looks = mem_calloc((start.n_text + 1ull) * frames, sizeof *looks);
    if (!looks)
        return ERR_MEMORY;
    enum status s = speech_align(m->speech,
                                 &(struct speech_aligning){.start = start.ids,
                                                           .n_start = start.n,
                                                           .text = start.text,
                                                           .n_text = start.n_text,
                                                           .frames = frames / 2},
                                 looks, probs);
    mem_free(looks);
    return s;
}

/* A window of sound, and text about it. */
static enum status run_speech(struct check_model *m)
{
    const struct whisper *w = &m->sm->w;
    float *sound = mem_calloc(whisper_samples(w), sizeof *sound), probs[WHISPER_MAX_LANGUAGES];
    enum status s = ERR_MEMORY;
    uint32_t language;
    if (!sound)
        return ERR_MEMORY;
    make_sound(sound, whisper_samples(w));
    uint32_t used = whisper_frames(w) / 2;
    s = speech_listen(m->speech, 0, 1, sound, &used);
    mem_free(sound);
    TRY(s);
    if (w->multilingual)
        TRY(speech_language(m->speech, &language, probs));
    TRY(say(m, 0, 1));
    TRY(say(m, 0.8f, 1));
    TRY(say(m, 0, TEXTS));
    return m->speech->aligns ? align(m) : OK;
}

static enum status check_speech(struct check_model *m)
{
    int32_t start = (int32_t)m->sm->w.ids.start;
    double before = time_now();
    TRY(speech_open(m->sm, &(struct speech_params){.rows = TEXTS, .aligns = m->sm->w.n_heads > 0},
                    &m->speech));
    m->speech->on_run = on_run;
    m->speech->on_run_ctx = m;
    TRY(save_open(m, &start, 1));
    if (!m->params.no_weights) {
        TRY(model_check_weights(m));
        m->report.weights_seconds = time_now() - before;
    }
    TRY(run_speech(m));
    TRY(save_close(m, true));
    m->report.complete = true;
    return OK;
}

enum status check_model_run(struct check_model *m)
{
    if (m->sm)
        return check_speech(m);
    enum status s = OK;
    int32_t *ids = NULL, *more = NULL;
    size_t n = 0, n_more = 0;
    double start = time_now();
    TRY_GOTO(encode(m, &ids, &n, &more, &n_more));
    if (!m->params.no_weights) {
        TRY_GOTO(model_check_weights(m));
        m->report.weights_seconds = time_now() - start;
    }
    TRY_GOTO(run_requests(m, &ids, &n, more, n_more));
    TRY_GOTO(save_close(m, true));
    m->report.complete = true;
fail:
    mem_free(ids);
    mem_free(more);
    return s;
}
