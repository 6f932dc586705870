/* tawny bench: tokens a second of prompts and of decoding. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bench.h"

static const char every_prompt[] = "512,2048";

static struct {
    const char *prompts, *gens;
    int64_t repeat, batch, ctx, windows;
    bool profile;
} opt = {.prompts = every_prompt, .gens = "128", .repeat = 5, .windows = 8};

static const struct option options[] = {
    {"-p --n-prompt", OPT_TEXT, &opt.prompts, "N,...", "lengths of prompts; 0: none (512,2048)"},
    {"-n --n-gen", OPT_TEXT, &opt.gens, "N,...", "tokens to make; 0: none (128)"},
    {"-r --repetitions", OPT_INT, &opt.repeat, "N", "runs, after one to warm up", 1, 1000},
    {"-b --batch-size", OPT_INT, &opt.batch, "N", "most prompt tokens in a step; 0: 512 to 2048", 0,
     1 << 16},
    {"-c --ctx-size", OPT_INT, &opt.ctx, "N", "context; 0: what the longest test needs", 0,
     1 << 24},
    {"-w --windows", OPT_INT, &opt.windows, "N", "of sound side by side, of a speech model", 1,
     TAWNY_MAX_BATCH},
    {"--profile", OPT_FLAG, &opt.profile, NULL, "time of each kernel of a step"},
    OPTION_DEVICE,
    OPTION_ANY_VARIANT,
    OPTION_NO_INT_DOT,
    OPTION_JSON,
    OPTION_STATS,
};

enum { MAX_TESTS = 32 };

struct test {
    uint32_t n_prompt, n_gen; /* one of them is 0 */
    struct bench_rate rate;   /* tokens a second */
};

struct tests {
    struct test all[MAX_TESTS];
    size_t n;
    uint32_t longest;
};

/* ---- options ------------------------------------------------------------------------------ */

static enum status add_tests(struct tests *t, const char *name, const char *list, bool prompt)
{
    for (const char *p = list;;) {
        char word[24];
        size_t len = strcspn(p, ",");
        int64_t n;
        snprintf(word, sizeof word, "%.*s", (int)(len < sizeof word ? len : sizeof word - 1), p);
        TRY(args_int(name, word, 0, 1 << 24, &n));
        if (n && t->n == MAX_TESTS)
            return status_fail(ERR_USAGE, "%s: more than %d tests", name, MAX_TESTS);
        if (n) {
            t->all[t->n].n_prompt = prompt ? (uint32_t)n : 0;
            t->all[t->n++].n_gen = prompt ? 0 : (uint32_t)n;
            /* A test of decoding begins with a prompt of one token. */
            uint32_t needs = (uint32_t)n + 1;
            t->longest = needs > t->longest ? needs : t->longest;
        }
        if (!p[len])
            return OK;
        p += len + 1;
    }
}

/* ---- measuring ---------------------------------------------------------------------------- */

static bool on_text(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    (void)text;
    (void)len;
    return !interrupted();
}

/* Random ids, the same in every run. */
static int32_t *random_ids(uint32_t n, uint32_t n_vocab)
{
    uint64_t x = 0x9e3779b97f4a7c15;
    int32_t *ids = mem_calloc(n, sizeof *ids);
    for (uint32_t i = 0; ids && i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        ids[i] = (int32_t)(x % n_vocab);
    }
    return ids;
}

static enum status run_once(const struct opened *o, const struct test *t, const int32_t *ids,
                            double *rate)
{
    struct tawny_result r;
    tawny_session_reset(o->session);
    TRY(from_api(tawny_generate(o->session,
                                &(struct tawny_generate_params){
                                    .tokens = ids,
                                    .n_tokens = t->n_prompt ? t->n_prompt : 1,
                                    .n_predict = t->n_gen + 1,
                                    .ignore_eog = true,
                                    .on_text = on_text,
                                },
                                &r)));
    *rate = t->n_prompt ? t->n_prompt / r.prompt_seconds : t->n_gen / r.made_seconds;
    tawny_free(r.text);
    tawny_free(r.ids);
    return interrupted() ? status_fail(ERR, "interrupted") : OK;
}

static enum status measure(const struct opened *o, struct test *t, const int32_t *ids)
{
    uint32_t n = (uint32_t)opt.repeat;
    double warm;
    TRY(bench_rate_init(&t->rate, n));
    TRY(run_once(o, t, ids, &warm));
    for (uint32_t i = 0; i < n; i++) {
        progress("measuring", i, n);
        TRY(run_once(o, t, ids, &t->rate.runs[i]));
    }
    progress_clear();
    bench_rate_done(&t->rate);
    return OK;
}

/* ---- results ------------------------------------------------------------------------------ */

static void test_name(char out[32], const struct test *t)
{
    snprintf(out, 32, "%s%" PRIu32, t->n_prompt ? "pp" : "tg",
             t->n_prompt ? t->n_prompt : t->n_gen);
}

static enum status print_table(const struct opened *o, const struct tests *tests)
{
    const struct tawny_model_info *m = &o->model_info;
    char size[SIZE_TEXT], name[32];
    TRY(out_printf("device   %s\ndriver   %s\nmodel    %s%s%s (%s, %s, %.2f M weights)\n"
                   "context  %" PRIu32 "\n\n",
                   o->device_info.name, o->device_info.driver, m->path, *m->name ? ", " : "",
                   m->name, m->architecture, size_text(size, m->weight_bytes),
                   (double)m->n_params / 1e6, o->n_ctx));
    TRY(out_printf("| %-8s | %12s | %10s |\n|----------|-------------:|-----------:|\n", "test",
                   "tokens/s", "+/-"));
    for (size_t i = 0; i < tests->n; i++) {
        const struct test *t = &tests->all[i];
        test_name(name, t);
        TRY(out_printf("| %-8s | %12.2f | %10.2f |\n", name, t->rate.median, t->rate.deviation));
    }
    return out_flush();
}

static json_t *tests_json(const struct tests *tests)
{
    json_t *all = json_array();
    for (size_t i = 0; i < tests->n; i++) {
        const struct test *t = &tests->all[i];
        char name[32];
        test_name(name, t);
        json_t *test = json_pack("{s:s, s:I, s:I}", "test", name, "n_prompt",
                                 (json_int_t)t->n_prompt, "n_gen", (json_int_t)t->n_gen);
        json_array_append_new(all, bench_rate_json(test, &t->rate));
    }
    return all;
}

static json_t *result_json(const struct opened *o, const struct tests *tests)
{
    const struct tawny_model_info *m = &o->model_info;
    json_t *out = json_pack("{s:s, s:o, s:o, s:s, s:I, s:I, s:I, s:o, s:o}", "version",
                            tawny_version(), "model", json_text(m->path, strlen(m->path)), "name",
                            json_text(m->name, strlen(m->name)), "architecture", m->architecture,
                            "weight_bytes", (json_int_t)m->weight_bytes, "weights",
                            (json_int_t)m->n_params, "context", (json_int_t)o->n_ctx, "device",
                            device_json(&o->device_info), "tests", tests_json(tests));
    if (out && global.stats)
        json_object_set_new(out, "stats", stats_json(o));
    return out;
}

/* ---- the verb ----------------------------------------------------------------------------- */

/* Times the kernels in a session that has just made tokens. */
static enum status profile(const struct opened *o, const int32_t *ids,
                           struct tawny_profile_line *lines, uint32_t *n)
{
    double rate;
    struct test t = {.n_gen = 4};
    TRY(run_once(o, &t, ids, &rate));
    TRY(from_api(tawny_profile(o->session, lines, BENCH_LINES, n)));
    return OK;
}

static enum status bench(struct opened *o, const char *model, struct tests *tests)
{
    struct tawny_profile_line lines[BENCH_LINES];
    uint32_t n_lines = 0;
    TRY(open_model(o, model, opt.profile));
    enum { LEAST_CTX = 16 };
    uint32_t longest = tests->longest > LEAST_CTX ? tests->longest : LEAST_CTX;
    TRY(open_session(o,
                     &(struct tawny_session_params){.n_ctx = opt.ctx ? (uint32_t)opt.ctx : longest,
                                                    .n_batch = (uint32_t)opt.batch}));
    int32_t *ids = random_ids(longest, o->model_info.n_vocab);
    enum status s = ids ? OK : ERR_MEMORY;
    for (size_t i = 0; i < tests->n && s == OK; i++)
        s = measure(o, &tests->all[i], ids);
    if (s == OK && opt.profile)
        s = profile(o, ids, lines, &n_lines);
    mem_free(ids);
    if (s != OK)
        return s;
    if (global.json) {
        json_t *out = result_json(o, tests);
        if (out && opt.profile)
            json_object_set_new(out, "profile", bench_profile_json(lines, n_lines));
        return out_json(out, true);
    }
    TRY(print_table(o, tests));
    if (opt.profile)
        TRY(bench_print_profile("a step", lines, n_lines));
    if (global.stats)
        stats_print(o);
    return OK;
}

static enum status run_speech(const char *path, const struct tests *tests)
{
    uint32_t tokens[MAX_TESTS], n = 0;
    if (opt.prompts != every_prompt || opt.ctx || opt.batch)
        return status_fail(ERR_USAGE, "%s: a speech model; -p, -b and -c are for models of text",
                           path);
    for (size_t i = 0; i < tests->n; i++) {
        if (tests->all[i].n_gen)
            tokens[n++] = tests->all[i].n_gen;
    }
    return bench_speech(path, &(struct bench_speech_params){
                                  .tokens = tokens,
                                  .n_tests = n,
                                  .repeat = (uint32_t)opt.repeat,
                                  .windows = (uint32_t)opt.windows,
                                  .profile = opt.profile,
                              });
}

static enum status run(char **operands, size_t n)
{
    (void)n;
    struct opened o = {0};
    struct tests tests = {0};
    bool speech;
    TRY(add_tests(&tests, "-p", opt.prompts, true));
    TRY(add_tests(&tests, "-n", opt.gens, false));
    TRY(look_at_model(operands[0], &speech));
    enum status s = speech ? run_speech(operands[0], &tests) : bench(&o, operands[0], &tests);
    progress_clear();
    close_all(&o);
    for (size_t i = 0; i < tests.n; i++)
        bench_rate_free(&tests.all[i].rate);
    return s;
}

const struct verb verb_bench = {
    .name = "bench",
    .operands = "MODEL",
    .summary = "Measures the speed of prompts (pp) and of decoding (tg)",
    .more =
        "Each figure is the median of the runs; prompts are random tokens. Of a speech model:\n"
        "listening to windows of 30 s (enc), one alone and several side by side, and tokens about\n"
        "them (tg); the sound is noise.",
    OPTIONS(options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
