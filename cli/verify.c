/* tawny verify: does this device compute what it should? */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "check/suite.h"
#include "cli.h"
#include "verify_compile.h"
#include "verify_model.h"

static struct {
    const char *kernel;
    int64_t seed, cases, only;
    bool thorough, compile_only;
} opt = {.seed = -1, .cases = 4, .only = -1};

static struct verify_model_options with_model;

static const struct option options[] = {
    {"--kernel", OPT_TEXT, &opt.kernel, "PATTERN,...",
     "only these kernels, as in 'matvec*,qkv/q4_k'"},
    {"-s --seed", OPT_INT, &opt.seed, "N", "of the random inputs; -1: a new one", -1, 9e18},
    {"--cases", OPT_INT, &opt.cases, "N", "random cases of each kernel and block type", 1, 1e6},
    {"--only", OPT_INT, &opt.only, "N", "the case of that number alone; -1: all", -1, 1e6},
    {"--thorough", OPT_FLAG, &opt.thorough, NULL, "also the shapes of real models"},
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
    uint64_t seed;
    uint32_t done, total;
    double start;
    json_t *failures;
};

static const char *text_of_failure(const struct suite_case *c)
{
    return c->status == OK ? c->out->result.first : c->message;
}

static void add_failure(struct verify *v, const struct suite_case *c)
{
    if (!global.json) {
        progress_clear();
        say("%s/%s, case %" PRIu32 ": %s", c->line->family->name, c->line->type_name, c->number,
            c->out->text);
        say("  %s", text_of_failure(c));
        say("  again: tawny verify %s", c->again);
    }
    json_array_append_new(
        v->failures,
        json_pack("{s:s, s:s, s:i, s:o, s:o, s:I, s:I, s:s}", "kernel", c->line->family->name,
                  "type", c->line->type_name, "case", (int)c->number, "text",
                  json_text(c->out->text, strlen(c->out->text)), "first",
                  json_text(text_of_failure(c), strlen(text_of_failure(c))), "wrong",
                  (json_int_t)c->out->result.wrong, "values",
                  (json_int_t)(c->out->result.values + c->out->result.exact), "again", c->again));
}

static bool on_case(void *ctx, const struct suite_case *c)
{
    struct verify *v = ctx;
    v->done++;
    if (c->status != OK || c->out->result.wrong)
        add_failure(v, c);
    progress("verifying", v->done, v->total);
    return !interrupted();
}

/* ---- the result --------------------------------------------------------------------------- */

static bool same_bits(const struct suite_line *l)
{
    return l->limit.max == 0 && l->limit.nmse == 0;
}

/* All lines of a family as one. */
static struct suite_line merge(const struct suite *s, uint32_t *i)
{
    struct suite_line sum = *suite_get_line(s, *i);
    while (++*i < suite_lines(s) && suite_get_line(s, *i)->family == sum.family) {
        const struct suite_line *l = suite_get_line(s, *i);
        sum.cases += l->cases;
        sum.wrong += l->wrong;
        sum.worst.values += l->worst.values;
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
    TRY(out_printf("%-14s %6s  %s\n", "kernel", "cases", "result"));
    for (uint32_t i = 0; i < suite_lines(v->suite);) {
        struct suite_line l = merge(v->suite, &i);
        if (!l.cases)
            continue;
        TRY(out_printf("%-14s %6" PRIu32 "  ", l.family->name, l.cases));
        if (l.wrong)
            TRY(out_printf("WRONG in %" PRIu32 "\n", l.wrong));
        else if (same_bits(&l))
            TRY(out_printf("same bits\n"));
        else
            TRY(out_printf("within %.1e of %.0e\n", l.worst.max, l.limit.max));
    }
    return OK;
}

static json_t *lines_json(const struct verify *v)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < suite_lines(v->suite); i++) {
        const struct suite_line *l = suite_get_line(v->suite, i);
        if (l->cases)
            json_array_append_new(all, json_pack("{s:s, s:s, s:i, s:i, s:b, s:f, s:f, s:f, s:f}",
                                                 "kernel", l->family->name, "type", l->type_name,
                                                 "cases", (int)l->cases, "wrong", (int)l->wrong,
                                                 "same_bits", (int)same_bits(l), "max",
                                                 l->worst.max, "max_limit", l->limit.max, "nmse",
                                                 l->worst.nmse, "nmse_limit", l->limit.nmse));
    }
    return all;
}

static enum status print_result(struct verify *v)
{
    const struct gpu_info *info = suite_info(v->suite);
    uint32_t wrong = suite_wrong(v->suite);
    double seconds = time_now() - v->start;
    if (global.json)
        return out_json(json_pack("{s:s, s:o, s:o, s:I, s:i, s:i, s:f, s:o, s:O, s:b}", "version",
                                  tawny_version(), "device",
                                  json_text(info->name, strlen(info->name)), "driver",
                                  json_text(info->driver, strlen(info->driver)), "seed",
                                  (json_int_t)v->seed, "cases", (int)v->done, "wrong", (int)wrong,
                                  "seconds", seconds, "kernels", lines_json(v), "failures",
                                  v->failures, "complete", (int)(v->done == v->total)),
                        true);
    TRY(print_table(v));
    if (wrong)
        return out_printf("%s is WRONG in %" PRIu32 " of %" PRIu32 " cases (seed %" PRIu64
                          ", %.1f s)\n",
                          info->name, wrong, v->done, v->seed, seconds);
    return out_printf("%s is right in %s%" PRIu32 " cases (seed %" PRIu64 ", %.1f s)\n", info->name,
                      v->done == v->total ? "all of " : "", v->done, v->seed, seconds);
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

static enum status verify_kernels(void)
{
    struct verify v = {.start = time_now()};
    enum status s;
    TRY(new_seed(&v.seed));
    struct suite_params params = {
        .device = global.device,
        .kernels = opt.kernel,
        .seed = v.seed,
        .cases = (uint32_t)opt.cases,
        .only = opt.only,
        .size = opt.thorough ? CASE_THOROUGH : CASE_QUICK,
        .rounds = true,
        .on_case = on_case,
        .ctx = &v,
    };
    v.failures = json_array();
    TRY_GOTO(suite_create(&params, &v.suite));
    v.total = suite_total(v.suite);
    if (!global.json)
        TRY_GOTO(out_printf("%s, %s, tawny %s, seed %" PRIu64 "\n", suite_info(v.suite)->name,
                            suite_info(v.suite)->driver, tawny_version(), v.seed));
    s = suite_run(v.suite);
    progress_clear();
    if (s == OK || v.done)
        TRY_GOTO(print_result(&v));
    if (s == OK && suite_wrong(v.suite))
        s = status_fail(ERR_VERIFY, "%" PRIu32 " of %" PRIu32 " cases are wrong",
                        suite_wrong(v.suite), v.done);
fail:
    progress_clear();
    suite_destroy(&v.suite);
    json_decref(v.failures);
    return s;
}

static enum status run(char **operands, size_t n_operands)
{
    if (n_operands && (opt.compile_only || opt.kernel || opt.thorough || opt.only >= 0))
        return status_fail(ERR_USAGE, "verify: --kernel, --only, --thorough and --compile-only "
                                      "take no MODEL");
    if (n_operands)
        return verify_model(operands[0], &with_model);
    if (with_model.prompt || with_model.save || with_model.against || with_model.predict)
        return status_fail(ERR_USAGE, "verify: --prompt, --predict, --save and --against need a "
                                      "MODEL");
    if (opt.compile_only)
        return verify_compile(opt.kernel, opt.thorough);
    return verify_kernels();
}

const struct verb verb_verify = {
    .name = "verify",
    .operands = "[MODEL]",
    .summary = "Proves that the device computes what it should",
    .more =
        "Runs random cases of every kernel on the device and compares them with references in\n"
        "C. With MODEL, the model's own plans are run dispatch by dispatch instead, and what is\n"
        "wrong is named: an operation, a barrier, the weights. Exit code 7: something is wrong.",
    OPTIONS(options),
    .min_operands = 0,
    .max_operands = 1,
    .run = run,
};
