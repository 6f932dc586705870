#include "ask.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"

const char *ask_stop_name(enum tawny_stop stop)
{
    static const char *const names[] = {"eog", "length", "context", "string", "cancelled"};
    return (unsigned)stop < sizeof names / sizeof *names ? names[stop] : "unknown";
}

/* ---- the answer as it comes --------------------------------------------------------------- */

struct writer {
    const struct ask *a;
    enum status status;
    char last; /* byte written; 0: none */
};

static bool on_text(void *ctx, const char *text, size_t len)
{
    struct writer *w = ctx;
    if (len && !global.json) {
        w->status = out_write(text, len);
        if (w->status == OK)
            w->status = out_flush();
        w->last = text[len - 1];
    }
    return w->status == OK && !interrupted();
}

static void on_prompt(void *ctx, size_t done, size_t total)
{
    struct writer *w = ctx;
    progress("reading", done, total);
    /* One that came before tawny_generate() began. */
    if (interrupted())
        tawny_cancel(w->a->o->session);
}

enum status ask(const struct ask *a, const struct tawny_message_part *messages, size_t n,
                const char *text, struct tawny_result *result)
{
    struct writer w = {.a = a};
    struct tawny_generate_params params = {
        .prompt = n ? NULL : text,
        .prompt_special = true,
        .messages = n ? messages : NULL,
        .n_messages = n,
        .n_predict = a->n_predict,
        .sampling = a->sampling,
        .ignore_eog = a->ignore_eog,
        .stop = a->stop.text,
        .n_stop = a->stop.n,
        .on_text = on_text,
        .on_prompt = on_prompt,
        .ctx = &w,
    };
    *result = (struct tawny_result){0};
    enum status s = from_api(tawny_generate(a->o->session, &params, result));
    progress_clear();
    if (s == OK)
        s = w.status;
    if (!global.json && w.last && w.last != '\n') {
        enum status newline = out_write("\n", 1);
        if (newline == OK)
            newline = out_flush();
        s = s == OK ? newline : s;
    }
    if (s != OK) {
        tawny_free(result->text);
        tawny_free(result->ids);
        *result = (struct tawny_result){0};
    }
    return s;
}

/* ---- figures ------------------------------------------------------------------------------ */

static double rate(double n, double seconds)
{
    return n > 0 && seconds > 0 ? n / seconds : 0;
}

static double prompt_rate(const struct tawny_result *r)
{
    return rate((double)(r->n_prompt - r->n_cached), r->prompt_seconds);
}

/* The first token comes out of the prompt's time. */
static double made_rate(const struct tawny_result *r)
{
    return rate((double)r->n_made - 1, r->made_seconds);
}

void ask_print_speed(const struct ask *a, const struct tawny_result *r)
{
    say("prompt: %zu tokens (%zu of them still there), %.3f s, %.1f tokens/s", r->n_prompt,
        r->n_cached, r->prompt_seconds, prompt_rate(r));
    say("made: %zu tokens, %.3f s, %.1f tokens/s; the first after %.3f s; ended by %s; seed "
        "%" PRIu64,
        r->n_made, r->made_seconds, made_rate(r), r->first_seconds, ask_stop_name(r->stop),
        a->sampling.seed);
}

static json_t *result_json(const struct ask *a, const struct tawny_result *r)
{
    json_t *timings =
        json_pack("{s:I, s:f, s:f, s:I, s:f, s:f, s:I, s:f, s:f}", "prompt_n",
                  (json_int_t)(r->n_prompt - r->n_cached), "prompt_ms", 1e3 * r->prompt_seconds,
                  "prompt_per_second", prompt_rate(r), "predicted_n", (json_int_t)r->n_made,
                  "predicted_ms", 1e3 * r->made_seconds, "predicted_per_second", made_rate(r),
                  "cache_n", (json_int_t)r->n_cached, "first_ms", 1e3 * r->first_seconds, "load_ms",
                  1e3 * a->o->model_info.load_seconds);
    const char *path = a->o->model_info.path;
    json_t *all =
        json_pack("{s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "text",
                  json_text(r->text, strlen(r->text)), "stop", ask_stop_name(r->stop), "seed",
                  (json_int_t)a->sampling.seed, "prompt_tokens", (json_int_t)r->n_prompt,
                  "cached_tokens", (json_int_t)r->n_cached, "made_tokens", (json_int_t)r->n_made,
                  "context", (json_int_t)a->o->n_ctx, "model", json_text(path, strlen(path)),
                  "timings", timings, "device", device_json(&a->o->device_info));
    if (all && global.stats)
        json_object_set_new(all, "stats", stats_json(a->o));
    return all;
}

/* ---- one prompt --------------------------------------------------------------------------- */

enum status ask_once(const struct ask *a, const char *prompt)
{
    struct tawny_message_part messages[2];
    struct tawny_result r;
    size_t n = 0;
    if (a->chat && a->system)
        messages[n++] = (struct tawny_message_part){"system", a->system};
    if (a->chat)
        messages[n++] = (struct tawny_message_part){"user", prompt};
    tawny_session_reset(a->o->session);
    TRY(ask(a, messages, n, prompt, &r));
    enum status s = OK;
    if (global.json)
        s = out_json(result_json(a, &r), false);
    if (global.stats)
        ask_print_speed(a, &r);
    if (s == OK && r.stop == TAWNY_STOP_CONTEXT)
        s = status_fail(ERR,
                        "the context of %" PRIu32 " tokens is full (%zu of the prompt, %zu made); "
                        "-c sets its size",
                        a->o->n_ctx, r.n_prompt, r.n_made);
    tawny_free(r.text);
    tawny_free(r.ids);
    return s;
}
