/* check_kernels - runs random cases of every kernel on a device and by its reference.
 *
 * One line a kernel and block type: how many cases, the worst errors and their limits; the first
 * wrong value of each that fails, and how to run that case again. */
#include <fnmatch.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "case.h"
#include "kernels/shaders.h"
#include "mutate.h"

/* A shader that leaves its memory may take a software device down with it: name the case. */
static char running[512];

static void on_crash(int signal)
{
    ssize_t n = write(STDERR_FILENO, running, strlen(running));
    (void)n;
    _exit(128 + signal);
}

struct options {
    const char *pattern, *types, *mutant;
    uint64_t seed;
    long cases, only;
    struct gpu_params gpu;
    bool thorough, bench, reverse, list, quiet, digests, mutants, stop;
};

static const char usage[] =
    "usage: check_kernels [OPTION...]\n"
    "  --kernel A,B...   only these, as in 'matvec*,norm' or 'matvec/q4_k'\n"
    "  --seed N          of the random cases (default 1)\n"
    "  --cases N         of each kernel and block type (default 4); a share of that where\n"
    "                    pipelines take long to compile\n"
    "  --types A,B...    only these block types, as in 'f32,q4_k'\n"
    "  --only N          only the case of that number\n"
    "  --device NAME     index, name or UUID\n"
    "  --caps-off MASK   capability bits to hide (enum gpu_cap)\n"
    "  --robust          with robust buffer access\n"
    "  --reverse         shaders with the order of invocations turned around\n"
    "  --mutants         how many ways there are to break each module\n"
    "  --mutant NAME:N   with the module of that name broken in the N-th way\n"
    "  --thorough        also the shapes of real models\n"
    "  --bench           only those, with times\n"
    "  --digests         a number for the bits that each case gave\n"
    "  --stop            at the first case that fails\n"
    "  --quiet           only lines that fail, and the last\n"
    "  --verbose         each case before it runs\n"
    "  --list            names of the kernels\n";

enum {
    OPT_KERNEL = 256,
    OPT_TYPES,
    OPT_SEED,
    OPT_CASES,
    OPT_ONLY,
    OPT_DEVICE,
    OPT_CAPS_OFF,
    OPT_ROBUST,
    OPT_REVERSE,
    OPT_MUTANTS,
    OPT_MUTANT,
    OPT_THOROUGH,
    OPT_BENCH,
    OPT_DIGESTS,
    OPT_STOP,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_LIST,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"kernel", required_argument, NULL, OPT_KERNEL},
    {"types", required_argument, NULL, OPT_TYPES},
    {"seed", required_argument, NULL, OPT_SEED},
    {"cases", required_argument, NULL, OPT_CASES},
    {"only", required_argument, NULL, OPT_ONLY},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"caps-off", required_argument, NULL, OPT_CAPS_OFF},
    {"robust", no_argument, NULL, OPT_ROBUST},
    {"reverse", no_argument, NULL, OPT_REVERSE},
    {"mutants", no_argument, NULL, OPT_MUTANTS},
    {"mutant", required_argument, NULL, OPT_MUTANT},
    {"thorough", no_argument, NULL, OPT_THOROUGH},
    {"bench", no_argument, NULL, OPT_BENCH},
    {"digests", no_argument, NULL, OPT_DIGESTS},
    {"stop", no_argument, NULL, OPT_STOP},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"list", no_argument, NULL, OPT_LIST},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

static enum status number(const char *text, uint64_t *out)
{
    char *end;
    *out = strtoull(text, &end, 0);
    if (end == text || *end)
        return status_fail(ERR_USAGE, "'%s' is not a number", text);
    return OK;
}

static enum status parse(int argc, char **argv, struct options *o)
{
    int opt;
    while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        uint64_t n = 0;
        if (opt == OPT_SEED || opt == OPT_CASES || opt == OPT_ONLY || opt == OPT_CAPS_OFF)
            TRY(number(optarg, &n));
        switch (opt) {
        case OPT_KERNEL:
            o->pattern = optarg;
            break;
        case OPT_TYPES:
            o->types = optarg;
            break;
        case OPT_SEED:
            o->seed = n;
            break;
        case OPT_CASES:
            o->cases = (long)n;
            break;
        case OPT_ONLY:
            o->only = (long)n;
            break;
        case OPT_DEVICE:
            o->gpu.device = optarg;
            break;
        case OPT_CAPS_OFF:
            o->gpu.caps_off = n;
            break;
        case OPT_ROBUST:
            o->gpu.robust = true;
            break;
        case OPT_REVERSE:
            o->reverse = true;
            break;
        case OPT_MUTANTS:
            o->mutants = true;
            break;
        case OPT_MUTANT:
            o->mutant = optarg;
            break;
        case OPT_THOROUGH:
            o->thorough = true;
            break;
        case OPT_BENCH:
            o->bench = true;
            break;
        case OPT_DIGESTS:
            o->digests = true;
            break;
        case OPT_STOP:
            o->stop = true;
            break;
        case OPT_QUIET:
            o->quiet = true;
            break;
        case OPT_VERBOSE:
            log_set(LOG_DEBUG, NULL, NULL);
            break;
        case OPT_LIST:
            o->list = true;
            break;
        case OPT_HELP:
            fputs(usage, stdout);
            exit(0);
        default:
            return status_fail(ERR_USAGE, "see check_kernels --help");
        }
    }
    if (optind < argc)
        return status_fail(ERR_USAGE, "'%s' is no option; see check_kernels --help", argv[optind]);
    return OK;
}

/* What one line of the report adds up. */
struct tally {
    long cases, wrong;
    struct check_result worst;
    struct check_limit limit;
};

static void print_line(const char *kernel, const char *type, const struct tally *t)
{
    printf("%-12s %-5s %-4s %4ld cases", kernel, type, t->wrong ? "FAIL" : "ok", t->cases);
    if (t->wrong)
        printf(", %ld wrong", t->wrong);
    if (t->worst.values)
        printf("  nmse %.1e of %.0e  max %.1e of %.0e", t->worst.nmse, t->limit.nmse, t->worst.max,
               t->limit.max);
    else
        printf("  bit for bit");
    putchar('\n');
    fflush(stdout);
}

static void add(struct tally *t, const struct case_outcome *o)
{
    t->worst.values += o->result.values;
    t->worst.exact += o->result.exact;
    if (o->result.nmse > t->worst.nmse)
        t->worst.nmse = o->result.nmse;
    if (o->result.max > t->worst.max)
        t->worst.max = o->result.max;
    t->limit = o->limit;
}

static void report_wrong(const struct options *o, const char *kernel, const char *type, long i,
                         const struct case_outcome *out, enum status s)
{
    const char *why = s == OK ? out->result.first : status_message();
    printf("    case %ld: %s\n    %s\n", i, out->text, why);
    if (s == OK)
        printf("    %" PRIu64 " wrong of %" PRIu64 "\n", out->result.wrong,
               out->result.values + out->result.exact);
    printf("    again: --kernel %s/%s --seed %" PRIu64 " --only %ld%s\n", kernel, type, o->seed, i,
           o->thorough ? " --thorough" : "");
}

/* Numbers of cases that do not depend on which other kernels run. */
static uint64_t case_seed(const struct options *o, const char *kernel, const char *type, long i)
{
    uint64_t h = o->seed * 0x9e3779b97f4a7c15u + (uint64_t)i;
    for (const char *s = kernel; *s; s++)
        h = (h ^ (uint8_t)*s) * 0x100000001b3u;
    for (const char *s = type; *s; s++)
        h = (h ^ (uint8_t)*s) * 0x100000001b3u;
    return h;
}

/* True if one of the patterns, which are separated by commas, matches one of the names. */
static bool matches(const char *patterns, const char *name, const char *other)
{
    char pattern[128];
    for (const char *p = patterns; *p;) {
        size_t n = strcspn(p, ",");
        snprintf(pattern, sizeof pattern, "%.*s", (int)n, p);
        if (!fnmatch(pattern, name, 0) || !fnmatch(pattern, other, 0))
            return true;
        p += n + (p[n] == ',');
    }
    return false;
}

static bool asked_for(const struct options *o, const struct check_family *family, const char *type)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%s", family->name, type);
    if (o->pattern && !matches(o->pattern, family->name, name))
        return false;
    return !o->types || !family->by_type || matches(o->types, type, type);
}

/* All cases of a kernel and type. *wrong grows by those that failed; a status: the device is gone.
 */
static enum status check_line(const struct options *o, struct check_runner *r, const struct gpu *g,
                              const struct check_family *family, enum quant_type type, long *wrong)
{
    const char *type_name = family->by_type ? quant_info(type)->stem : "-";
    struct tally t = {0};
    if (!asked_for(o, family, type_name))
        return OK;
    if (o->list) {
        printf("%s/%s\n", family->name, type_name);
        return OK;
    }
    long cases = (o->cases + family->every - 1) / family->every;
    for (long i = o->only >= 0 ? o->only : 0; i < cases || i == o->only; i++) {
        struct case_outcome out;
        snprintf(running, sizeof running,
                 "check_kernels: crashed in --kernel %s/%s --seed %" PRIu64 " --only %ld\n",
                 family->name, type_name, o->seed, i);
        uint64_t seed = case_seed(o, family->name, type_name, i);
        enum status s = check_runner_run(r, family, type, seed, &out);
        t.cases++;
        add(&t, &out);
        if (s != OK || out.result.wrong) {
            if (t.wrong++ == 0)
                report_wrong(o, family->name, type_name, i, &out, s);
            TRY(gpu_check(g));
        }
        if (o->digests && s == OK)
            printf("digest %s/%s %ld %016" PRIx64 "\n", family->name, type_name, i, out.digest);
        if (o->bench && s == OK)
            printf("    %-70s %9.1f us %8.1f GB/s\n", out.text, out.seconds * 1e6,
                   out.seconds > 0 ? out.bytes / out.seconds * 1e-9 : 0);
        if (o->only >= 0 || (o->stop && t.wrong))
            break;
    }
    if (!o->quiet || t.wrong)
        print_line(family->name, type_name, &t);
    *wrong += t.wrong;
    return OK;
}

/* Breaks the module that NAME:N names. */
static enum status use_mutant(const struct options *o)
{
    const struct shader_table *table = o->reverse ? &shader_table_reversed : &shader_table;
    const char *colon = strchr(o->mutant, ':');
    char name[64], what[64];
    uint64_t site;
    if (!colon || (size_t)(colon - o->mutant) >= sizeof name)
        return status_fail(ERR_USAGE, "'%s' is not NAME:N", o->mutant);
    snprintf(name, sizeof name, "%.*s", (int)(colon - o->mutant), o->mutant);
    TRY(number(colon + 1, &site));
    TRY(check_mutate_use(table, name, (uint32_t)site, what));
    printf("%s: %s\n", o->mutant, what);
    return OK;
}

static enum status run(const struct options *o)
{
    struct gpu *g = NULL;
    struct check_runner *r = NULL;
    enum status s = OK;
    long wrong = 0;
    double start = time_now();
    struct check_runner_params params = {.twice = !o->bench};
    params.size = o->bench ? CASE_BENCH : o->thorough ? CASE_THOROUGH : CASE_QUICK;
    if (o->reverse)
        shader_use_table(&shader_table_reversed);
    if (o->mutant)
        TRY_GOTO(use_mutant(o));
    for (size_t i = 0; o->mutants && i < shader_table.count; i++)
        printf("%s %" PRIu32 "\n", shader_table.shaders[i].name,
               check_mutate_sites(&shader_table.shaders[i]));
    if (o->mutants)
        return OK;
    if (!o->list) {
        TRY_GOTO(gpu_open(&o->gpu, &g));
        const struct gpu_info *info = gpu_get_info(g);
        printf("%s, %s, capabilities 0x%" PRIx64 ", seed %" PRIu64 "%s%s\n", info->name,
               info->driver, info->caps, o->seed, o->reverse ? ", reversed" : "",
               o->gpu.robust ? ", robust" : "");
        params.g = g;
        TRY_GOTO(check_runner_create(&params, &r));
    }
    for (const struct check_family *f = check_families; f->name; f++) {
        for (int type = 0; type < (f->by_type ? QUANT_COUNT : 1) && !(o->stop && wrong); type++)
            TRY_GOTO(check_line(o, r, g, f, (enum quant_type)type, &wrong));
    }
    if (!o->list)
        printf("%ld wrong, %.1f s\n", wrong, time_now() - start);
    if (wrong)
        s = status_fail(ERR_VERIFY, "%ld cases are wrong", wrong);
fail:
    check_runner_destroy(&r);
    gpu_close(&g);
    return s;
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1, .cases = 4, .only = -1, .gpu = {.timestamps = true}};
    signal(SIGSEGV, on_crash);
    signal(SIGBUS, on_crash);
    enum status s = parse(argc, argv, &o);
    if (s == OK)
        s = run(&o);
    if (s != OK)
        fprintf(stderr, "check_kernels: %s\n", status_message());
    return (int)s;
}
