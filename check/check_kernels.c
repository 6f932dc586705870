/* check_kernels - runs random cases of every kernel on a device and by its reference.
 *
 * One line a kernel and block type: how many cases, the worst errors and their limits; the first
 * wrong value of each that fails, and how to run that case again. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "kernels/shaders.h"
#include "mutate.h"
#include "suite.h"

/* A shader that leaves its memory may take a software device down with it: name the case. */
static char running[512];

static void on_crash(int signal)
{
    ssize_t n = write(STDERR_FILENO, running, strlen(running));
    (void)n;
    _exit(128 + signal);
}

struct options {
    const char *pattern, *types, *mutant, *shaders;
    uint64_t seed;
    long cases, only, inputs;
    struct gpu_params gpu;
    bool thorough, bench, reverse, list, quiet, digests, mutants, stop;
};

static const char usage[] =
    "usage: check_kernels [OPTION...]\n"
    "  --kernel A,B...   only these, as in 'matvec*,norm' or 'matvec/q4_k'\n"
    "  --seed N          of the random cases (default 1)\n"
    "  --cases N         of each kernel and block type (default 4); a share of that where\n"
    "                    pipelines take long to compile\n"
    "  --inputs N        so many cases of each shape, so that fewer pipelines are compiled; then\n"
    "                    no share is taken (default 1)\n"
    "  --types A,B...    only these block types, as in 'f32,q4_k'\n"
    "  --only N          only the case of that number\n"
    "  --device NAME     index, name or UUID\n"
    "  --caps-off MASK   capability bits to hide (enum gpu_cap)\n"
    "  --robust          with robust buffer access\n"
    "  --reverse         shaders with the order of invocations turned around\n"
    "  --mutants         how many ways there are to break each module\n"
    "  --mutant NAME:N   with the module of that name broken in the N-th way\n"
    "  --shaders DIR     with modules of the files DIR/NAME.spv in place of its own\n"
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
    OPT_INPUTS,
    OPT_ONLY,
    OPT_DEVICE,
    OPT_CAPS_OFF,
    OPT_ROBUST,
    OPT_REVERSE,
    OPT_MUTANTS,
    OPT_MUTANT,
    OPT_SHADERS,
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
    {"inputs", required_argument, NULL, OPT_INPUTS},
    {"only", required_argument, NULL, OPT_ONLY},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"caps-off", required_argument, NULL, OPT_CAPS_OFF},
    {"robust", no_argument, NULL, OPT_ROBUST},
    {"reverse", no_argument, NULL, OPT_REVERSE},
    {"mutants", no_argument, NULL, OPT_MUTANTS},
    {"mutant", required_argument, NULL, OPT_MUTANT},
    {"shaders", required_argument, NULL, OPT_SHADERS},
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
        if (opt == OPT_SEED || opt == OPT_CASES || opt == OPT_INPUTS || opt == OPT_ONLY ||
            opt == OPT_CAPS_OFF)
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
        case OPT_INPUTS:
            o->inputs = n ? (long)n : 1;
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
        case OPT_SHADERS:
            o->shaders = optarg;
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

static void print_line(void *ctx, const struct suite_line *l)
{
    const struct options *o = ctx;
    if (o->quiet && !l->wrong)
        return;
    printf("%-12s %-5s %-4s %4" PRIu32 " cases", l->family->name, l->type_name,
           l->wrong ? "FAIL" : "ok", l->cases);
    if (l->wrong)
        printf(", %" PRIu32 " wrong", l->wrong);
    if (l->worst.values)
        printf("  nmse %.1e of %.0e  max %.1e of %.0e%s", l->worst.nmse, l->limit.nmse,
               l->worst.max, l->limit.max, l->worst.same ? "  same bits as in f32" : "");
    else
        printf("  bit for bit");
    putchar('\n');
    fflush(stdout);
}

static void on_start(void *ctx, const struct suite_case *c)
{
    (void)ctx;
    snprintf(running, sizeof running, "check_kernels: crashed in %s\n", c->again);
}

static bool on_case(void *ctx, const struct suite_case *c)
{
    const struct options *o = ctx;
    const struct case_outcome *out = c->out;
    bool ran = c->status == OK;
    if ((!ran || out->result.wrong) && c->line->wrong == 1) {
        printf("    case %" PRIu32 ": %s\n    %s\n", c->number, out->text,
               ran ? out->result.first : c->message);
        if (ran)
            printf("    %" PRIu64 " wrong of %" PRIu64 "\n", out->result.wrong,
                   out->result.values + out->result.exact);
        printf("    again: %s\n", c->again);
    }
    if (o->digests && ran)
        printf("digest %s/%s %" PRIu32 " %016" PRIx64 "\n", c->line->family->name,
               c->line->type_name, c->number, out->digest);
    if (o->bench && ran)
        printf("    %-70s %9.1f us %8.1f GB/s\n", out->text, out->seconds * 1e6,
               out->seconds > 0 ? out->bytes / out->seconds * 1e-9 : 0);
    return true;
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
    struct suite *suite = NULL;
    enum status s = OK;
    uint32_t wrong = 0;
    double start = time_now();
    const struct suite_params params = {
        .device = o->gpu.device,
        .caps_off = o->gpu.caps_off,
        .robust = o->gpu.robust,
        .no_device = o->list,
        .kernels = o->pattern,
        .types = o->types,
        .seed = o->seed,
        .cases = (uint32_t)o->cases,
        .only = o->only,
        .inputs = (uint32_t)o->inputs,
        .size = o->bench      ? CASE_BENCH
                : o->thorough ? CASE_THOROUGH
                              : CASE_QUICK,
        .stop = o->stop,
        .on_start = on_start,
        .on_case = on_case,
        .on_line = print_line,
        .ctx = (void *)o,
    };
    if (o->reverse)
        shader_use_table(&shader_table_reversed);
    if (o->mutant)
        TRY_GOTO(use_mutant(o));
    if (o->shaders)
        TRY_GOTO(
            check_mutate_load(o->reverse ? &shader_table_reversed : &shader_table, o->shaders));
    for (size_t i = 0; o->mutants && i < shader_table.count; i++)
        printf("%s %" PRIu32 "\n", shader_table.shaders[i].name,
               check_mutate_sites(&shader_table.shaders[i]));
    if (o->mutants)
        return OK;
    TRY_GOTO(suite_create(&params, &suite));
    for (uint32_t i = 0; o->list && i < suite_lines(suite); i++)
        printf("%s/%s\n", suite_get_line(suite, i)->family->name,
               suite_get_line(suite, i)->type_name);
    if (!o->list) {
        const struct gpu_info *info = suite_info(suite);
        printf("%s, %s, capabilities 0x%" PRIx64 ", seed %" PRIu64 "%s%s\n", info->name,
               info->driver, info->caps, o->seed, o->reverse ? ", reversed" : "",
               o->gpu.robust ? ", robust" : "");
        TRY_GOTO(suite_run(suite));
        wrong = suite_wrong(suite);
        printf("%" PRIu32 " wrong, %.1f s\n", wrong, time_now() - start);
    }
    if (wrong)
        s = status_fail(ERR_VERIFY, "%" PRIu32 " cases are wrong", wrong);
fail:
    suite_destroy(&suite);
    return s;
}

int main(int argc, char **argv)
{
    struct options o = {
        .seed = 1, .cases = 4, .only = -1, .inputs = 1, .gpu = {.timestamps = true}};
    signal(SIGSEGV, on_crash);
    signal(SIGBUS, on_crash);
    enum status s = parse(argc, argv, &o);
    if (s == OK)
        s = run(&o);
    if (s != OK)
        fprintf(stderr, "check_kernels: %s\n", status_message());
    return (int)s;
}
