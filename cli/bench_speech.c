/* tawny bench of a speech model: see bench.h. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "bench.h"

/* Windows heard, or tokens made about so many windows, a second. */
struct speech_test {
    uint32_t windows, tokens; /* tokens 0: listening */
    struct bench_rate rate;
};

struct speech_profile {
    char what[32];
    struct tawny_profile_line lines[BENCH_LINES];
    uint32_t n;
};

enum { MAX_TESTS = 2 * 33, MAX_PROFILES = 4 };

struct speech_bench {
    const struct bench_speech_params *p;
    struct opened o;
    struct tawny_speech_info model;
    struct speech_test tests[MAX_TESTS];
    uint32_t n_tests;
    struct speech_profile profiles[MAX_PROFILES];
    uint32_t n_profiles;
};

/* ---- measuring ---------------------------------------------------------------------------- */

static enum status add_test(struct speech_bench *b, uint32_t windows, uint32_t tokens,
                            struct bench_rate **out)
{
    struct speech_test *t = &b->tests[b->n_tests++];
    *t = (struct speech_test){.windows = windows, .tokens = tokens};
    *out = &t->rate;
    return bench_rate_init(&t->rate, b->p->repeat);
}

/* Listening to so many windows, and tokens about them; tokens 0: only the former. */
static enum status measure(struct speech_bench *b, uint32_t windows, uint32_t tokens, bool listens)
{
    struct bench_rate *heard = NULL, *said = NULL;
    struct tawny_speech_timing t;
    uint32_t make = tokens ? tokens : 1;
    if (listens)
        TRY(add_test(b, windows, 0, &heard));
    if (tokens)
        TRY(add_test(b, windows, tokens, &said));
    TRY(from_api(tawny_speech_time(b->o.speech, windows, make, &t)));
    for (uint32_t i = 0; i < b->p->repeat; i++) {
        progress("measuring", i, b->p->repeat);
        TRY(from_api(tawny_speech_time(b->o.speech, windows, make, &t)));
        if (interrupted())
            return status_fail(ERR, "interrupted");
        if (heard)
            heard->runs[i] = windows / t.listen_seconds;
        if (said)
            said->runs[i] = windows / t.step_seconds;
    }
    progress_clear();
    if (heard)
        bench_rate_done(heard);
    if (said)
        bench_rate_done(said);
    return OK;
}

static enum status profile(struct speech_bench *b, bool listening, uint32_t windows)
{
    struct speech_profile *p = &b->profiles[b->n_profiles++];
    snprintf(p->what, sizeof p->what, "%s of %" PRIu32, listening ? "listening" : "a step",
             windows);
    return from_api(
        tawny_speech_profile(b->o.speech, listening, windows, p->lines, BENCH_LINES, &p->n));
}

static enum status measure_all(struct speech_bench *b)
{
    const uint32_t windows[] = {1, b->p->windows};
    for (uint32_t w = 0; w < (b->p->windows > 1 ? 2 : 1); w++) {
        for (uint32_t i = 0; i < b->p->n_tests || !i; i++)
            TRY(measure(b, windows[w], b->p->n_tests ? b->p->tokens[i] : 0, !i));
        if (b->p->profile) {
            TRY(profile(b, true, windows[w]));
            TRY(profile(b, false, windows[w]));
        }
    }
    return OK;
}

/* ---- results ------------------------------------------------------------------------------ */

static void test_name(char out[32], const struct speech_test *t)
{
    if (t->tokens)
        snprintf(out, 32, "tg%" PRIu32 " x %" PRIu32, t->tokens, t->windows);
    else
        snprintf(out, 32, "enc x %" PRIu32, t->windows);
}

/* Milliseconds of a window, or of a step. */
static double ms(const struct speech_test *t)
{
    return 1e3 / t->rate.median * (t->tokens ? t->windows : 1);
}

static enum status print(struct speech_bench *b)
{
    char size[SIZE_TEXT], name[32];
    TRY(out_printf("device   %s\ndriver   %s\nmodel    %s (%s, %.2f M weights)\n\n",
                   b->o.device_info.name, b->o.device_info.driver, b->model.path,
                   size_text(size, b->model.weight_bytes), (double)b->model.n_params / 1e6));
    TRY(out_printf("| %-10s | %12s | %10s | %9s |\n|------------|-------------:|-----------:|"
                   "----------:|\n",
                   "test", "a second", "+/-", "ms"));
    for (uint32_t i = 0; i < b->n_tests; i++) {
        const struct speech_test *t = &b->tests[i];
        test_name(name, t);
        TRY(out_printf("| %-10s | %12.2f | %10.2f | %9.3f |\n", name, t->rate.median,
                       t->rate.deviation, ms(t)));
    }
    for (uint32_t i = 0; i < b->n_profiles; i++)
        TRY(bench_print_profile(b->profiles[i].what, b->profiles[i].lines, b->profiles[i].n));
    return out_flush();
}

static enum status print_json(struct speech_bench *b)
{
    json_t *tests = json_array(), *profiles = json_object();
    for (uint32_t i = 0; i < b->n_tests; i++) {
        const struct speech_test *t = &b->tests[i];
        char name[32];
        test_name(name, t);
        json_t *test =
            json_pack("{s:s, s:I, s:I, s:f}", "test", name, "windows", (json_int_t)t->windows,
                      "n_gen", (json_int_t)t->tokens, "ms", ms(t));
        json_array_append_new(tests, bench_rate_json(test, &t->rate));
    }
    for (uint32_t i = 0; i < b->n_profiles; i++)
        json_object_set_new(profiles, b->profiles[i].what,
                            bench_profile_json(b->profiles[i].lines, b->profiles[i].n));
    json_t *out =
        json_pack("{s:s, s:o, s:I, s:I, s:o, s:o}", "version", tawny_version(), "model",
                  json_text(b->model.path, strlen(b->model.path)), "weight_bytes",
                  (json_int_t)b->model.weight_bytes, "weights", (json_int_t)b->model.n_params,
                  "device", device_json(&b->o.device_info), "tests", tests);
    if (out && b->p->profile)
        json_object_set(out, "profile", profiles);
    json_decref(profiles);
    return out_json(out, true);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static enum status bench(struct speech_bench *b, const char *path)
{
    TRY(open_device(&b->o, b->p->profile));
    TRY(open_speech(&b->o, path));
    tawny_speech_get_info(b->o.speech, &b->model);
    interrupt_speech(b->o.speech);
    TRY(measure_all(b));
    return global.json ? print_json(b) : print(b);
}

enum status bench_speech(const char *path, const struct bench_speech_params *params)
{
    struct speech_bench *b = mem_alloc(sizeof *b);
    if (!b)
        return ERR_MEMORY;
    b->p = params;
    enum status s = bench(b, path);
    progress_clear();
    close_all(&b->o);
    for (uint32_t i = 0; i < b->n_tests; i++)
        bench_rate_free(&b->tests[i].rate);
    mem_free(b);
    return s;
}
