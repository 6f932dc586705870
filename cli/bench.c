/* tawny bench: tokens a second of prompts and of decoding. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli.h"

static struct {
    const char *prompts, *gens;
    int64_t repeat, batch, ctx;
    bool profile;
} opt = {.prompts = "512,2048", .gens = "128", .repeat = 5};

static const struct option options[] = {
    {"-p --n-prompt", OPT_TEXT, &opt.prompts, "N,...", "lengths of prompts; 0: none (512,2048)"},
    {"-n --n-gen", OPT_TEXT, &opt.gens, "N,...", "tokens to make; 0: none (128)"},
    {"-r --repetitions", OPT_INT, &opt.repeat, "N", "runs, after one to warm up", 1, 1000},
    {"-b --batch-size", OPT_INT, &opt.batch, "N", "most prompt tokens in a step; 0: 512", 0,
     1 << 16},
    {"-c --ctx-size", OPT_INT, &opt.ctx, "N", "context; 0: what the longest test needs", 0,
     1 << 24},
    {"--profile", OPT_FLAG, &opt.profile, NULL, "time of each kernel of a decode step"},
    OPTION_DEVICE,
    OPTION_ANY_VARIANT,
    OPTION_JSON,
    OPTION_STATS,
};

enum { MAX_TESTS = 32, MAX_LINES = 128 };

struct test {
    uint32_t n_prompt, n_gen; /* one of them is 0 */
    double median, deviation; /* tokens a second */
    double *runs;             /* opt.repeat of them, sorted */
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

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum status measure(const struct opened *o, struct test *t, const int32_t *ids)
{
    size_t n = (size_t)opt.repeat;
    double sum = 0, squares = 0, warm;
    t->runs = mem_calloc(n, sizeof *t->runs);
    if (!t->runs)
        return ERR_MEMORY;
    TRY(run_once(o, t, ids, &warm));
    for (size_t i = 0; i < n; i++) {
        progress("measuring", i, n);
        TRY(run_once(o, t, ids, &t->runs[i]));
        sum += t->runs[i];
    }
    progress_clear();
    for (size_t i = 0; i < n; i++)
        squares += (t->runs[i] - sum / (double)n) * (t->runs[i] - sum / (double)n);
    t->deviation = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
    qsort(t->runs, n, sizeof *t->runs, by_value);
    t->median = (t->runs[(n - 1) / 2] + t->runs[n / 2]) / 2;
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
        TRY(out_printf("| %-8s | %12.2f | %10.2f |\n", name, t->median, t->deviation));
    }
    return out_flush();
}

static json_t *tests_json(const struct tests *tests)
{
    json_t *all = json_array();
    for (size_t i = 0; i < tests->n; i++) {
        const struct test *t = &tests->all[i];
        char name[32];
        json_t *runs = json_array();
        for (int64_t k = 0; k < opt.repeat; k++)
            json_array_append_new(runs, json_real(t->runs[k]));
        test_name(name, t);
        json_array_append_new(all, json_pack("{s:s, s:I, s:I, s:f, s:f, s:o}", "test", name,
                                             "n_prompt", (json_int_t)t->n_prompt, "n_gen",
                                             (json_int_t)t->n_gen, "median", t->median, "deviation",
                                             t->deviation, "runs", runs));
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

/* ---- the profile -------------------------------------------------------------------------- */

static int by_seconds(const void *a, const void *b)
{
    double x = ((const struct tawny_profile_line *)a)->seconds;
    double y = ((const struct tawny_profile_line *)b)->seconds;
    return (x < y) - (x > y);
}

static enum status print_profile(const struct tawny_profile_line *lines, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += lines[i].seconds;
    TRY(out_printf("\n| %-24s | %5s | %10s | %6s | %8s |\n"
                   "|--------------------------|------:|-----------:|-------:|---------:|\n",
                   "kernel", "count", "us", "%", "GB/s"));
    for (uint32_t i = 0; i < n; i++) {
        const struct tawny_profile_line *l = &lines[i];
        TRY(out_printf("| %-24s | %5" PRIu32 " | %10.1f | %6.1f | %8.1f |\n", l->name, l->count,
                       1e6 * l->seconds, sum > 0 ? 100 * l->seconds / sum : 0,
                       l->seconds > 0 ? (double)l->bytes / l->seconds / 1e9 : 0));
    }
    return out_printf("| %-24s | %5s | %10.1f | %6s | %8s |\n", "a step", "", 1e6 * sum, "", "");
}

static json_t *profile_json(const struct tawny_profile_line *lines, uint32_t n)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(all,
                              json_pack("{s:s, s:I, s:f, s:I}", "kernel", lines[i].name, "count",
                                        (json_int_t)lines[i].count, "seconds", lines[i].seconds,
                                        "weight_bytes", (json_int_t)lines[i].bytes));
    return all;
}

/* Times the kernels in a session that has just made tokens. */
static enum status profile(const struct opened *o, const int32_t *ids,
                           struct tawny_profile_line *lines, uint32_t *n)
{
    double rate;
    struct test t = {.n_gen = 4};
    TRY(run_once(o, &t, ids, &rate));
    TRY(from_api(tawny_profile(o->session, lines, MAX_LINES, n)));
    qsort(lines, *n, sizeof *lines, by_seconds);
    return OK;
}

/* ---- the verb ----------------------------------------------------------------------------- */

static enum status bench(struct opened *o, const char *model, struct tests *tests)
{
    struct tawny_profile_line lines[MAX_LINES];
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
            json_object_set_new(out, "profile", profile_json(lines, n_lines));
        return out_json(out, true);
    }
    TRY(print_table(o, tests));
    if (opt.profile)
        TRY(print_profile(lines, n_lines));
    if (global.stats)
        stats_print(o);
    return OK;
}

static enum status run(char **operands, size_t n)
{
    (void)n;
    struct opened o = {0};
    struct tests tests = {0};
    TRY(add_tests(&tests, "-p", opt.prompts, true));
    TRY(add_tests(&tests, "-n", opt.gens, false));
    enum status s = bench(&o, operands[0], &tests);
    progress_clear();
    close_all(&o);
    for (size_t i = 0; i < tests.n; i++)
        mem_free(tests.all[i].runs);
    return s;
}

const struct verb verb_bench = {
    .name = "bench",
    .operands = "MODEL",
    .summary = "Measures the speed of prompts (pp) and of decoding (tg)",
    .more = "Each figure is the median of the runs; prompts are random tokens.",
    OPTIONS(options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
