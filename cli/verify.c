/* tawny verify: does this device compute what it should? */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "cli.h"
#include "verify_compile.h"
#include "verify_model.h"
#include "verify_report.h"

static struct {
    const char *kernel, *report;
    int64_t seed, cases, only;
    bool quick, thorough, bench, compile_only;
} opt = {.seed = -1, .only = -1};

static struct verify_model_options with_model;

static const struct option options[] = {
    {"--kernel", OPT_TEXT, &opt.kernel, "PATTERN,...",
     "only these kernels, as in 'matvec*,qkv/q4_k'"},
    {"-s --seed", OPT_INT, &opt.seed, "N", "of the random inputs; -1: a new one", -1, 9e18},
    {"--cases", OPT_INT, &opt.cases, "N", "cases of each kernel and block type; 0: as time allows",
     0, 1e6},
    {"--only", OPT_INT, &opt.only, "N", "the case of that number alone; -1: all", -1, 1e6},
    {"--quick", OPT_FLAG, &opt.quick, NULL, "one case of each, and only the best variants"},
    {"--thorough", OPT_FLAG, &opt.thorough, NULL, "shapes of real models in all cases, 16 of each"},
    {"--bench", OPT_FLAG, &opt.bench, NULL,
     "shapes of real models alone, checked and timed on the same inputs"},
    {"--report", OPT_TEXT, &opt.report, "FILE", "write the report also if nothing is wrong"},
    {"--compile-only", OPT_FLAG, &opt.compile_only, NULL,
     "run nothing: what the compiler makes of each pipeline"},
    {"-p --prompt", OPT_TEXT, &with_model.prompt, "TEXT",
     "with MODEL: what it is given; else a sentence of its own"},
    {"-n --predict", OPT_INT, &with_model.predict, "N",
     "with MODEL: tokens it makes after either text; 0: 2", 0, 64},
    {"--save", OPT_TEXT, &with_model.save, "DIR",
     "with MODEL: digests, and tensors at each layer's end"},
    {"--against", OPT_TEXT, &with_model.against, "DIR",
     "with MODEL: compare with what --save wrote, on another device, say"},
    OPTION_DEVICE,
    OPTION_JSON,
};

/* ---- while it runs ------------------------------------------------------------------------ */

struct verify {
    struct suite *suite;
    struct report report;
    uint64_t seed;
    double start;
    json_t *failures, *times;
};

/* A driver's compiler, or a shader on a software device, may take the program down: name the case.
 */
static char running[320];

static void on_crash(int number)
{
    ssize_t n = write(STDERR_FILENO, running, strlen(running));
    (void)n;
    signal(number, SIG_DFL);
    raise(number);
}

static void on_start(void *ctx, const struct suite_case *c)
{
    const struct verify *v = ctx;
    snprintf(running, sizeof running, "\ntawny: the driver crashed in: tawny verify %s%s%s%s\n",
             c->again, c->step ? " (" : "", c->step ? c->step->text : "", c->step ? ")" : "");
    progress("verifying", (uint64_t)(suite_fraction(v->suite) * 1000), 1000);
}

static json_t *around_json(const struct check_around *a)
{
    json_t *got = json_array(), *want = json_array();
    for (uint32_t i = 0; i < a->n; i++) {
        /* JSON knows no NaN. */
        json_array_append_new(got, isfinite(a->got[i]) ? json_real(a->got[i]) : json_null());
        json_array_append_new(want, isfinite(a->want[i]) ? json_real(a->want[i]) : json_null());
    }
    return json_pack("{s:s, s:i, s:o, s:o}", "kind", a->n ? a->kind : "", "here", (int)a->here,
                     "got", got, "expected", want);
}

static json_t *failure_json(const struct suite_case *c)
{
    json_t *variants = json_array();
    const char *why = case_failure(c);
    for (uint32_t i = 0; i < c->out->n_blamed; i++)
        json_array_append_new(variants, json_string(c->out->blamed[i]));
    return json_pack(
        "{s:s, s:s, s:i, s:s, s:o, s:o, s:o, s:I, s:I, s:o, s:s}", "kernel", c->line->family->name,
        "type", c->line->type_name, "case", (int)c->number, "step", c->step ? c->step->text : "",
        "text", json_text(c->out->text, strlen(c->out->text)), "first", json_text(why, strlen(why)),
        "variants", variants, "wrong", (json_int_t)c->out->result.wrong, "values",
        (json_int_t)(c->out->result.values + c->out->result.exact), "around",
        around_json(&c->out->result.around), "again", c->again);
}

static void say_failure(const struct suite_case *c)
{
    char name[64];
    progress_clear();
    say("%s, case %" PRIu32 "%s%s: %s", line_name(c->line, name), c->number, c->step ? ", " : "",
        c->step ? c->step->text : "", c->out->text);
    say("  %s", case_failure(c));
    say("  again: tawny verify %s", c->again);
}

/* 0: not known. */
static double share_of_peak(const struct check_peak *peak, const struct case_outcome *o)
{
    double flops = o->matrix ? peak->matrix_flops : peak->flops;
    if (o->flops > 0)
        return flops > 0 ? o->flops / o->seconds / flops : 0;
    return o->bytes / o->seconds / peak->read_bytes;
}

static enum status say_peak(const struct check_peak *peak)
{
    char matrix[64] = "";
    if (peak->matrix_flops > 0)
        snprintf(matrix, sizeof matrix, ", %.3f on matrix units", peak->matrix_flops * 1e-12);
    return out_printf("peak as measured: %.1f GB/s read, %.3f TFLOP/s in f32%s\n",
                      peak->read_bytes * 1e-9, peak->flops * 1e-12, matrix);
}

static void add_time(struct verify *v, const struct suite_case *c)
{
    const struct case_outcome *o = c->out;
    const struct check_peak *peak = suite_peak(v->suite);
    char name[64], rate[32] = "", part[32] = "";
    if (o->seconds <= 0)
        return;
    double share = share_of_peak(peak, o);
    json_array_append_new(v->times, json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:f}", "kernel",
                                              c->line->family->name, "type", c->line->type_name,
                                              "text", o->text, "seconds", o->seconds,
                                              "bytes_per_second", o->bytes / o->seconds, "flops",
                                              o->flops / o->seconds, "share_of_peak", share));
    if (global.json)
        return;
    if (o->flops > 0)
        snprintf(rate, sizeof rate, "%.3f TFLOP/s", o->flops / o->seconds * 1e-12);
    else if (o->bytes > 0)
        snprintf(rate, sizeof rate, "%.1f GB/s", o->bytes / o->seconds * 1e-9);
    if (share > 0)
        snprintf(part, sizeof part, "%.0f %%", share * 100);
    progress_clear();
    out_printf("%-18s %9.1f us  %14s  %5s  %s\n", line_name(c->line, name), o->seconds * 1e6, rate,
               part, o->text);
    out_flush();
}

static bool on_case(void *ctx, const struct suite_case *c)
{
    struct verify *v = ctx;
    if (opt.bench && c->status == OK)
        add_time(v, c);
    if (c->status == OK && !c->out->result.wrong)
        return !interrupted();
    if (c->line->wrong == 1)
        say_failure(c);
    report_case(&v->report, v->suite, c);
    json_array_append_new(v->failures, failure_json(c));
    if (c->out->n_blamed && suite_keep(v->suite, false) != OK && suite_wrong(v->suite) == 1)
        say("warning: %s", status_message());
    return !interrupted();
}

/* ---- the result --------------------------------------------------------------------------- */

/* All lines of a family as one. */
static struct suite_line merge(const struct suite *s, uint32_t *i)
{
    struct suite_line sum = *suite_get_line(s, *i);
    while (++*i < suite_lines(s) && suite_get_line(s, *i)->family == sum.family) {
        const struct suite_line *l = suite_get_line(s, *i);
        sum.cases += l->cases;
        sum.wrong += l->wrong;
        sum.worst.values += l->worst.values;
        sum.same_bits += l->same_bits;
        sum.worst.exact += l->worst.exact;
        sum.worst.max = fmax(sum.worst.max, l->worst.max);
        sum.worst.nmse = fmax(sum.worst.nmse, l->worst.nmse);
        sum.limit.max = fmax(sum.limit.max, l->limit.max);
        sum.limit.nmse = fmax(sum.limit.nmse, l->limit.nmse);
    }
    return sum;
}

static enum status print_table(const struct verify *v)
{
    char result[64];
    TRY(out_printf("%-14s %6s  %s\n", "kernel", "cases", "result"));
    for (uint32_t i = 0; i < suite_lines(v->suite);) {
        struct suite_line l = merge(v->suite, &i);
        TRY(out_printf("%-14s %6" PRIu32 "  %s\n", l.family->name, l.cases,
                       l.cases ? line_result(&l, result) : "not run"));
    }
    return OK;
}

static json_t *lines_json(const struct verify *v)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < suite_lines(v->suite); i++) {
        const struct suite_line *l = suite_get_line(v->suite, i);
        json_array_append_new(
            all, json_pack("{s:s, s:s, s:i, s:i, s:b, s:f, s:f, s:f, s:f, s:f}", "kernel",
                           l->family->name, "type", l->type_name, "cases", (int)l->cases, "wrong",
                           (int)l->wrong, "same_bits", (int)line_same_bits(l), "max", l->worst.max,
                           "max_limit", l->limit.max, "nmse", l->worst.nmse, "nmse_limit",
                           l->limit.nmse, "seconds", l->seconds));
    }
    return all;
}

/* Kernels and block types of which no case was run. */
static uint32_t not_run(const struct verify *v)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < suite_lines(v->suite); i++)
        n += !suite_get_line(v->suite, i)->cases;
    return n;
}

static void make_verdict(const struct verify *v, enum status s, char *out, size_t size)
{
    uint32_t wrong = suite_wrong(v->suite), cases = suite_cases(v->suite), left = not_run(v);
    const char *name = suite_info(v->suite)->name;
    double seconds = time_now() - v->start;
    char more[64] = "";
    if (s != OK)
        snprintf(more, sizeof more, "; the device was lost");
    else if (interrupted())
        snprintf(more, sizeof more, "; interrupted");
    else if (left)
        snprintf(more, sizeof more, "; no time for %" PRIu32 " kinds of cases", left);
    if (wrong)
        snprintf(out, size,
                 "%s is WRONG in %" PRIu32 " of %" PRIu32 " cases (seed %" PRIu64 ", %.1f s)%s",
                 name, wrong, cases, v->seed, seconds, more);
    else
        snprintf(out, size, "%s is right in all of %" PRIu32 " cases (seed %" PRIu64 ", %.1f s)%s",
                 name, cases, v->seed, seconds, more);
}

static enum status print_json(struct verify *v, const char *verdict, bool whole)
{
    const struct gpu_info *info = suite_info(v->suite);
    json_t *failed = json_array();
    for (uint32_t i = 0; i < suite_failed(v->suite); i++)
        json_array_append_new(failed, json_string(suite_get_failed(v->suite, i)));
    return out_json(
        json_pack(
            "{s:s, s:o, s:o, s:I, s:i, s:i, s:f, s:o, s:O, s:O, s:f, s:f, s:f, s:o, s:b, s:s}",
            "version", tawny_version(), "device", json_text(info->name, strlen(info->name)),
            "driver", json_text(info->driver, strlen(info->driver)), "seed", (json_int_t)v->seed,
            "cases", (int)suite_cases(v->suite), "wrong", (int)suite_wrong(v->suite), "seconds",
            time_now() - v->start, "kernels", lines_json(v), "failures", v->failures, "times",
            v->times, "peak_bytes_per_second", suite_peak(v->suite)->read_bytes, "peak_flops",
            suite_peak(v->suite)->flops, "peak_matrix_flops", suite_peak(v->suite)->matrix_flops,
            "avoided", failed, "whole", (int)whole, "verdict", verdict),
        true);
}

/* Prints and keeps what was found; `s` is how the run ended. */
static enum status conclude(struct verify *v, enum status s)
{
    char verdict[512];
    bool all = s == OK && !interrupted() && !opt.kernel && opt.only < 0 && !opt.bench;
    make_verdict(v, s, verdict, sizeof verdict);
    report_close(&v->report, v->suite, verdict);
    if (suite_keep(v->suite, all) != OK)
        say("warning: %s", status_message());
    if (global.json)
        return print_json(v, verdict, all && suite_complete(v->suite));
    TRY(print_table(v));
    for (uint32_t i = 0; i < suite_failed(v->suite); i++)
        TRY(out_printf("%s%s%s", i ? ", " : "from now on these variants are avoided here: ",
                       suite_get_failed(v->suite, i), i + 1 == suite_failed(v->suite) ? "\n" : ""));
    return out_printf("%s\n", verdict);
}

/* ---- without a model ---------------------------------------------------------------------- */

static enum status new_seed(uint64_t *seed)
{
    uint32_t random;
    *seed = (uint64_t)opt.seed;
    if (opt.seed >= 0)
        return OK;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return status_fail(ERR, "no random seed");
    *seed = random;
    return OK;
}

static struct suite_params make_params(struct verify *v)
{
    enum { THOROUGH_CASES = 16, MOST_CASES = 1000 };
    const double seconds = 30;
    struct suite_params p = {
        .device = global.device,
        .kernels = opt.kernel,
        .seed = v->seed,
        .cases = (uint32_t)opt.cases,
        .only = opt.only,
        .size = opt.bench      ? CASE_BENCH
                : opt.thorough ? CASE_THOROUGH
                               : CASE_QUICK,
        .mixed = true,
        .peak = opt.bench,
        .variants = !opt.quick && !opt.bench,
        .rounds = !opt.bench,
        .on_start = on_start,
        .on_case = on_case,
        .ctx = v,
    };
    if (!p.cases && (opt.quick || opt.bench)) {
        p.cases = 1;
    } else if (!p.cases && opt.thorough) {
        p.cases = THOROUGH_CASES;
    } else if (!p.cases) {
        p.cases = MOST_CASES;
        p.seconds = seconds;
    }
    return p;
}

static enum status verify_kernels(void)
{
    struct verify v = {.start = time_now(), .report.path = opt.report};
    enum status s, ran;
    TRY(new_seed(&v.seed));
    v.report.seed = v.seed;
    v.failures = json_array();
    v.times = json_array();
    struct suite_params params = make_params(&v);
    TRY_GOTO(suite_create(&params, &v.suite));
    TRY_GOTO(report_open(&v.report, v.suite));
    if (!global.json)
        TRY_GOTO(out_printf("%s, %s, tawny %s, seed %" PRIu64 "\n", suite_info(v.suite)->name,
                            suite_info(v.suite)->driver, tawny_version(), v.seed));
    if (opt.bench && !global.json)
        TRY_GOTO(say_peak(suite_peak(v.suite)));
    TRY_GOTO(out_flush());
    signal(SIGSEGV, on_crash);
    signal(SIGBUS, on_crash);
    signal(SIGABRT, on_crash);
    ran = suite_run(v.suite);
    char why[1024];
    snprintf(why, sizeof why, "%s", status_message());
    progress_clear();
    s = conclude(&v, ran);
    if (s == OK && ran != OK)
        s = status_fail(ran, "%s", why);
    else if (s == OK && suite_wrong(v.suite))
        s = status_fail(ERR_VERIFY, "%" PRIu32 " of %" PRIu32 " cases are wrong",
                        suite_wrong(v.suite), suite_cases(v.suite));
fail:
    suite_destroy(&v.suite);
    json_decref(v.failures);
    json_decref(v.times);
    return s;
}

static enum status run(char **operands, size_t n_operands)
{
    bool kernels_only = opt.compile_only || opt.kernel || opt.thorough || opt.only >= 0 ||
                        opt.quick || opt.bench || opt.report || opt.cases;
    if (n_operands && kernels_only)
        return status_fail(ERR_USAGE, "verify: --kernel, --cases, --only, --quick, --thorough, "
                                      "--bench, --report and --compile-only take no MODEL");
    if (n_operands)
        return verify_model(operands[0], &with_model);
    if (with_model.prompt || with_model.save || with_model.against || with_model.predict)
        return status_fail(ERR_USAGE, "verify: --prompt, --predict, --save and --against need a "
                                      "MODEL");
    if (opt.quick + opt.thorough + opt.bench > 1)
        return status_fail(ERR_USAGE, "--quick, --thorough and --bench exclude each other");
    if (opt.compile_only)
        return verify_compile(opt.kernel, opt.thorough);
    return verify_kernels();
}

const struct verb verb_verify = {
    .name = "verify",
    .operands = "[MODEL]",
    .summary = "Proves that the device computes what it should",
    .more =
        "Runs random cases of every kernel on the device and compares each value with a\n"
        "reference in C. Each variant is tried: every size of subgroups, with and without matrix\n"
        "units. What is wrong ends with exit code 7 and leaves a report for a bug tracker; the\n"
        "variants behind it are avoided by all verbs from then on.\n"
        "With MODEL, the model's own plans are run dispatch by dispatch instead, and what is\n"
        "wrong is named: an operation, a barrier, the weights.",
    OPTIONS(options),
    .min_operands = 0,
    .max_operands = 1,
    .run = run,
};
