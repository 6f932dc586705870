/* The loop over families, block types and cases. */
#include "suite.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "kernels/kernels.h"
#include "kernels/shaders.h"

struct suite {
    struct suite_params p;
    struct gpu *g;
    struct check_runner *runner;
    struct suite_line *lines;
    uint32_t n_lines, wrong;
    struct suite_step steps[SUITE_MAX_STEPS];
    uint32_t n_steps; /* 0: the device as it is */
    uint32_t done;    /* cases of lines */
    double start;
    bool stopped;
    struct gpu_verified found;
    struct check_peak peak;
    atomic_uint at; /* the line that suite_run() is at, of its first round */
    atomic_bool over;
};

bool suite_matches(const char *patterns, const char *name, const char *other)
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

static bool asked_for(const struct suite_params *p, const struct check_family *family,
                      const char *type)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%s", family->name, type);
    if (p->kernels && !suite_matches(p->kernels, family->name, name))
        return false;
    return !p->types || !family->by_type || suite_matches(p->types, type, type);
}

static enum status make_lines(struct suite *s)
{
    uint32_t most = 0;
    for (const struct check_family *f = check_families; f->name; f++)
        most += f->by_type ? QUANT_COUNT : 1;
    s->lines = mem_calloc(most, sizeof *s->lines);
    if (!s->lines)
        return ERR_MEMORY;
    for (const struct check_family *f = check_families; f->name; f++) {
        for (int t = 0; t < (f->by_type ? QUANT_COUNT : 1); t++) {
            const char *type = f->by_type ? quant_info((enum quant_type)t)->stem : "-";
            if (asked_for(&s->p, f, type))
                s->lines[s->n_lines++] =
                    (struct suite_line){.family = f, .type = (enum quant_type)t, .type_name = type};
        }
    }
    if (!s->n_lines && !s->p.no_device)
        return status_fail(ERR_USAGE, "no kernel has a name like '%s'%s%s",
                           s->p.kernels ? s->p.kernels : "*", s->p.types ? " and types like " : "",
                           s->p.types ? s->p.types : "");
    return OK;
}

enum status suite_create(const struct suite_params *params, struct suite **out)
{
    enum status status = OK;
    *out = NULL;
    struct suite *s = mem_alloc(sizeof *s);
    if (!s)
        return ERR_MEMORY;
    s->p = *params;
    status = make_lines(s);
    if (status == OK && !params->no_device)
        status = gpu_open(&(struct gpu_params){.device = params->device,
                                               .cache_dir = params->cache_dir,
                                               .caps_off = params->caps_off,
                                               .robust = params->robust,
                                               .timestamps = true},
                          &s->g);
    if (status == OK && !params->no_device)
        status = check_runner_create(
            &(struct check_runner_params){
                .g = s->g, .size = params->size, .twice = params->size != CASE_BENCH},
            &s->runner);
    if (status == OK && params->peak)
        status = check_peak(s->g, &s->peak);
    if (status == OK && params->seconds > 0 && strcmp(suite_info(s)->kind, "software") != 0)
        s->p.seconds *= 0.4;
    if (status == OK && params->variants)
        s->n_steps = suite_steps(gpu_get_info(s->g)->caps, s->steps);
    if (status == OK)
        *out = s;
    else
        suite_destroy(&s);
    return status;
}

void suite_destroy(struct suite **suite)
{
    struct suite *s = *suite;
    *suite = NULL;
    if (!s)
        return;
    check_runner_destroy(&s->runner);
    gpu_close(&s->g);
    mem_free(s->lines);
    mem_free(s);
}

const struct gpu_info *suite_info(const struct suite *s)
{
    return s->g ? gpu_get_info(s->g) : NULL;
}

const struct check_peak *suite_peak(const struct suite *s)
{
    return &s->peak;
}

uint32_t suite_lines(const struct suite *s)
{
    return s->n_lines;
}

const struct suite_line *suite_get_line(const struct suite *s, uint32_t i)
{
    return &s->lines[i];
}

uint32_t suite_wrong(const struct suite *s)
{
    return s->wrong;
}

uint32_t suite_cases(const struct suite *s)
{
    return s->found.cases;
}

/* ---- what failed -------------------------------------------------------------------------- */

uint32_t suite_failed(const struct suite *s)
{
    return s->found.n_failed;
}

const char *suite_get_failed(const struct suite *s, uint32_t i)
{
    return s->found.failed[i];
}

static void add_failed(struct gpu_verified *v, const char *variant)
{
    for (uint32_t i = 0; i < v->n_failed; i++) {
        if (!strcmp(v->failed[i], variant))
            return;
    }
    if (v->n_failed < GPU_MAX_FAILED)
        snprintf(v->failed[v->n_failed++], GPU_VARIANT_TEXT, "%s", variant);
}

bool suite_complete(const struct suite *s)
{
    for (uint32_t i = 0; i < s->n_lines; i++) {
        if (!s->lines[i].cases)
            return false;
    }
    return true;
}

enum status suite_keep(const struct suite *s, bool all)
{
    char build[SHADER_BUILD_TEXT];
    struct gpu_verified v = s->found, before;
    shader_build(build);
    gpu_verified_read(suite_info(s), s->p.cache_dir, build, &before);
    v.when = time(NULL);
    v.wrong = s->wrong;
    v.complete = all && suite_complete(s);
    if (!v.complete && !v.n_failed && (!all || before.complete || before.n_failed))
        return OK;
    for (uint32_t i = 0; i < before.n_failed && !v.complete; i++)
        add_failed(&v, before.failed[i]);
    return gpu_verified_write(suite_info(s), s->p.cache_dir, build, &v);
}

static uint32_t cases_of(const struct suite *s, const struct suite_line *l)
{
    if (s->p.inputs > 1)
        return s->p.cases;
    return (s->p.cases + l->family->every - 1) / l->family->every;
}

double suite_fraction(const struct suite *s)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < s->n_lines; i++)
        total += s->p.only >= 0 || s->p.seconds > 0 ? 1 : cases_of(s, &s->lines[i]);
    double share = s->done < total ? s->done / (double)total : 1;
    if (s->p.seconds <= 0 || s->p.only >= 0)
        return share;
    /* It ends when case 0 of every line has been run and the time is over. */
    double over = (time_now() - s->start) / s->p.seconds;
    return share < over ? share : over < 1 ? over : 1;
}

/* ---- steps -------------------------------------------------------------------------------- */

/* As k_subgroup() does: 32 where there is that, else the largest. */
static void mark_own(struct suite_step *steps, uint32_t n, uint64_t caps)
{
    bool has_32 = (caps & GPU_CAP_SUBGROUP_32) && (caps & GPU_CAP_SHUFFLE);
    uint32_t last[2] = {0};
    for (uint32_t i = 0; i < n; i++) {
        if (!has_32 || !(steps[i].caps_off & GPU_CAP_SUBGROUP_32))
            last[steps[i].matrix] = i;
    }
    steps[last[0]].own = true;
    steps[last[1]].own = true;
}

uint32_t suite_steps(uint64_t caps, struct suite_step out[SUITE_MAX_STEPS])
{
    static const struct {
        uint64_t cap;
        const char *text;
    } sizes[] = {{0, "no shuffles"},
                 {GPU_CAP_SUBGROUP_8, "subgroups of 8"},
                 {GPU_CAP_SUBGROUP_16, "subgroups of 16"},
                 {GPU_CAP_SUBGROUP_32, "subgroups of 32"},
                 {GPU_CAP_SUBGROUP_64, "subgroups of 64"}},
      matrices[] = {{0, ""},
                    {GPU_CAP_COOPMAT, ", matrix units"},
                    {GPU_CAP_COOPMAT2, ", matrix units of workgroups"},
                    {GPU_CAP_COOPMAT_BF16, ", matrix units of bf16"}};
    uint64_t all_sizes = 0, all_matrices = 0, with = 0;
    uint32_t n = 0;
    for (size_t i = 1; i < sizeof sizes / sizeof *sizes; i++)
        all_sizes |= sizes[i].cap;
    for (size_t i = 1; i < sizeof matrices / sizeof *matrices; i++)
        all_matrices |= matrices[i].cap;
    for (size_t m = 0; m < sizeof matrices / sizeof *matrices; m++) {
        if (m && !(caps & matrices[m].cap))
            continue;
        with |= matrices[m].cap;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            if (i && (!(caps & sizes[i].cap) || !(caps & GPU_CAP_SHUFFLE)))
                continue;
            struct suite_step *step = &out[n++];
            step->caps_off = (all_sizes & ~sizes[i].cap) | (all_matrices & ~with);
            if (!i)
                step->caps_off |= GPU_CAP_SHUFFLE;
            step->matrix = m > 0;
            snprintf(step->text, sizeof step->text, "%s%s", sizes[i].text, matrices[m].text);
        }
    }
    mark_own(out, n, caps);
    return n;
}

/* ---- running ------------------------------------------------------------------------------ */

/* Numbers of cases that do not depend on which other kernels run. */
static uint64_t case_seed(const struct suite *s, const struct suite_line *l, uint32_t number)
{
    uint64_t h = s->p.seed * 0x9e3779b97f4a7c15u + number;
    for (const char *c = l->family->name; *c; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001b3u;
    for (const char *c = l->type_name; *c; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001b3u;
    return h;
}

/* How near to its limit a case came; cases of one line may be of kernels with other limits. */
static double share_of_limit(const struct check_result *r, struct check_limit limit)
{
    double nmse = limit.nmse > 0 ? r->nmse / limit.nmse : 0;
    double max = limit.max > 0 ? r->max / limit.max : 0;
    return nmse > max ? nmse : max;
}

static void add(struct suite_line *l, const struct case_outcome *o)
{
    l->worst.values += o->result.values;
    l->worst.same += o->result.same;
    l->same_bits += o->result.same || (o->limit.max <= 0 && o->limit.nmse <= 0);
    l->worst.exact += o->result.exact;
    if (l->cases > 1 && share_of_limit(&o->result, o->limit) < share_of_limit(&l->worst, l->limit))
        return;
    l->worst.nmse = o->result.nmse;
    l->worst.max = o->result.max;
    l->limit = o->limit;
}

/* The shapes of a case. */
static enum case_size size_of(const struct suite *s, uint32_t number)
{
    if (s->p.mixed && s->p.size == CASE_QUICK && number % 2)
        return CASE_THOROUGH;
    return s->p.size;
}

/* What the steps of one case gave so far. */
struct seen {
    uint64_t plans[SUITE_MAX_STEPS], digest;
    uint32_t n;
    const char *first; /* the step that gave the digest */
};

static void compare_steps(struct seen *seen, const struct suite_case *c, struct case_outcome *out)
{
    if (!c->step || out->matrix || out->result.wrong)
        return;
    if (!seen->first) {
        seen->first = c->step->text;
        seen->digest = out->digest;
    } else if (seen->digest != out->digest) {
        out->result.wrong = 1;
        snprintf(out->result.first, sizeof out->result.first,
                 "other bits with %s than with %s, each within its limit", c->step->text,
                 seen->first);
    }
}

static void describe_case(const struct suite *s, struct suite_case *c)
{
    char share[24] = "";
    if (s->p.inputs > 1)
        snprintf(share, sizeof share, " --inputs %" PRIu32, s->p.inputs);
    snprintf(c->again, sizeof c->again, "--kernel %s/%s --seed %" PRIu64 " --only %" PRIu32 "%s%s",
             c->line->family->name, c->line->type_name, s->p.seed, c->number, share,
             s->p.size == CASE_THOROUGH ? " --thorough"
             : s->p.size == CASE_BENCH  ? " --bench"
                                        : "");
}

/* A status: the device is gone. */
static enum status run_step(struct suite *s, struct suite_line *l, uint32_t number,
                            const struct suite_step *step, struct seen *seen)
{
    struct case_outcome out;
    struct suite_case c = {.line = l, .number = number, .step = step};
    uint32_t inputs = s->p.inputs ? s->p.inputs : 1;
    describe_case(s, &c);
    if (step)
        gpu_mask_caps(s->g, step->caps_off);
    if (s->p.on_start)
        s->p.on_start(s->p.ctx, &c);
    c.out = &out;
    check_runner_set_size(s->runner, size_of(s, number));
    check_runner_skip(s->runner, seen->plans, seen->n);
    c.status =
        check_runner_run_with(s->runner, l->family, l->type, case_seed(s, l, number / inputs),
                              ~case_seed(s, l, number), &out);
    check_runner_skip(s->runner, NULL, 0);
    if (out.skipped)
        return OK;
    seen->plans[seen->n++] = out.plan;
    if (c.status == OK)
        compare_steps(seen, &c, &out);
    else
        snprintf(c.message, sizeof c.message, "%s", status_message());
    bool wrong = c.status != OK || out.result.wrong;
    for (uint32_t i = 0; i < out.n_blamed; i++)
        add_failed(&s->found, out.blamed[i]);
    s->found.cases++;
    l->cases++;
    l->wrong += wrong;
    s->wrong += wrong;
    add(l, &out);
    if ((s->p.on_case && !s->p.on_case(s->p.ctx, &c)) || (wrong && s->p.stop))
        s->stopped = true;
    return gpu_check(s->g);
}

/* Families of few, large pipelines: they come last. */
static bool is_late(const struct suite *s, const struct suite_line *l)
{
    /* Kernels on matrices as small as the software device's are checked, but never chosen. */
    const struct gpu_info *info = suite_info(s);
    bool chosen = (info->caps & GPU_CAP_COOPMAT2) || k_matrices_pay(info);
    return l->family->late || (l->family->matrix && !chosen);
}

/* Whether case `number` of a line is run at step i. */
static bool has_turn(const struct suite *s, const struct suite_line *l, uint32_t number, uint32_t i)
{
    enum { TURNS = 8 };
    const struct suite_step *step = &s->steps[i];
    if (step->matrix && !l->family->matrix)
        return false;
    bool many = l->family->by_type || is_late(s, l);
    if (s->p.seconds <= 0 || s->p.only >= 0 || !many || step->own)
        return true;
    return ((uint32_t)l->type + number + s->p.seed) % TURNS == i % TURNS;
}

static bool time_is_over(const struct suite *s)
{
    return s->p.seconds > 0 && time_now() - s->start > s->p.seconds;
}

static enum status run_case(struct suite *s, struct suite_line *l, uint32_t number)
{
    struct seen seen = {0};
    double start = time_now();
    if (!s->n_steps)
        TRY(run_step(s, l, number, NULL, &seen));
    for (uint32_t i = 0; i < s->n_steps && !s->stopped; i++) {
        /* What is late may take seconds a step to compile: the device's own steps are enough. */
        if (is_late(s, l) && !s->steps[i].own && time_is_over(s))
            continue;
        if (has_turn(s, l, number, i))
            TRY(run_step(s, l, number, &s->steps[i], &seen));
    }
    l->seconds += time_now() - start;
    s->done++;
    return OK;
}

static enum status run_line(struct suite *s, struct suite_line *l)
{
    uint32_t cases = cases_of(s, l);
    if (s->p.only >= 0)
        TRY(run_case(s, l, (uint32_t)s->p.only));
    for (uint32_t i = 0; i < cases && s->p.only < 0 && !s->stopped; i++)
        TRY(run_case(s, l, i));
    if (s->p.on_line)
        s->p.on_line(s->p.ctx, l);
    return OK;
}

/* ---- rounds ------------------------------------------------------------------------------- */

enum { AHEAD = 8 }; /* lines whose pipelines are compiled at the same time */

static bool takes_part(const struct suite *s, const struct suite_line *l, uint32_t round, bool late)
{
    uint32_t every = s->p.inputs > 1 ? 1 : l->family->every;
    return is_late(s, l) == late && round % every == 0;
}

/* Starts compiling for the next lines that take part. What fails is said when it is run. */
static void warm(struct suite *s, uint32_t line, uint32_t round, bool late)
{
    for (uint32_t n = 0; line < s->n_lines && n < (late ? 1 : AHEAD); line++) {
        struct suite_line *l = &s->lines[line];
        if (!takes_part(s, l, round, late))
            continue;
        uint32_t number = round / l->family->every;
        check_runner_set_size(s->runner, size_of(s, number));
        for (uint32_t i = 0; i < s->n_steps; i++) {
            gpu_mask_caps(s->g, s->steps[i].caps_off);
            if (has_turn(s, l, number, i) && (!late || s->steps[i].own))
                check_runner_warm(s->runner, l->family, l->type, case_seed(s, l, number));
        }
        n++;
    }
}

/* *end: the time is over. */
static enum status run_round(struct suite *s, uint32_t round, bool late, bool *end)
{
    uint32_t ahead = 0;
    for (uint32_t i = 0; i < s->n_lines && !s->stopped; i++) {
        /* Not all that are late find time: which ones come first is the seed's choice. */
        uint32_t at =
            late && s->p.seconds > 0 ? (uint32_t)((i + s->p.seed % s->n_lines) % s->n_lines) : i;
        struct suite_line *l = &s->lines[at];
        if (!late)
            atomic_store(&s->at, at);
        if (!takes_part(s, l, round, late))
            continue;
        if ((round || late) && time_is_over(s)) {
            *end = true;
            return OK;
        }
        if (ahead == 0)
            warm(s, at, round, late);
        ahead = (ahead + 1) % (late ? 1 : AHEAD);
        TRY(run_case(s, l, round / (s->p.inputs > 1 ? 1 : l->family->every)));
    }
    return OK;
}

/* ---- the software device's other processors ------------------------------------------------- */

/* The software device compiles a pipeline when it first runs, one at a time, and that is most of
 * the time that a case takes; what it compiled is in the driver's cache from then on. So a second
 * suite, on a device of its own, goes through the same cases from the last to the first: what it
 * finds does not count. */
struct ahead {
    struct suite *suite, *of;
    pthread_t thread;
    bool running;
};

static void *run_ahead(void *ctx)
{
    struct ahead *a = ctx;
    for (int late = 0; late < 2; late++) {
        for (uint32_t i = a->suite->n_lines; i-- && !atomic_load(&a->of->over);) {
            if (!late && i <= atomic_load(&a->of->at))
                break;
            if (takes_part(a->suite, &a->suite->lines[i], 0, late))
                run_case(a->suite, &a->suite->lines[i], 0);
        }
    }
    return NULL;
}

static bool until_over(void *ctx, const struct suite_case *c)
{
    const struct suite *of = ctx;
    (void)c;
    return !atomic_load(&of->over);
}

static void start_ahead(struct ahead *a, struct suite *s)
{
    struct suite_params p = s->p;
    if (s->p.seconds <= 0 || s->p.only >= 0 || strcmp(suite_info(s)->kind, "software") != 0)
        return;
    p.device = suite_info(s)->uuid;
    p.on_start = NULL;
    p.on_line = NULL;
    p.on_case = until_over;
    p.ctx = s;
    a->of = s;
    /* Without it all is the same, and slower. */
    if (suite_create(&p, &a->suite) == OK)
        a->running = !pthread_create(&a->thread, NULL, run_ahead, a);
}

static void stop_ahead(struct ahead *a)
{
    if (a->running) {
        atomic_store(&a->of->over, true);
        pthread_join(a->thread, NULL);
    }
    suite_destroy(&a->suite);
}

/* ---- running ------------------------------------------------------------------------------- */

static enum status run_rounds(struct suite *s)
{
    bool end = false;
    for (uint32_t round = 0; round < s->p.cases && !s->stopped && !end; round++) {
        TRY(run_round(s, round, false, &end));
        if (!end)
            TRY(run_round(s, round, true, &end));
    }
    return OK;
}

enum status suite_run(struct suite *s)
{
    struct ahead ahead = {0};
    s->start = time_now();
    if (!s->p.rounds || s->p.only >= 0) {
        for (uint32_t i = 0; i < s->n_lines && !s->stopped; i++)
            TRY(run_line(s, &s->lines[i]));
        return OK;
    }
    start_ahead(&ahead, s);
    enum status status = run_rounds(s);
    stop_ahead(&ahead);
    return status;
}
