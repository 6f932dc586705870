/* The loop over families, block types and cases. */
#include "suite.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct suite {
    struct suite_params p;
    struct gpu *g;
    struct check_runner *runner;
    struct suite_line *lines;
    uint32_t n_lines, wrong;
    bool stopped;
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

static uint32_t cases_of(const struct suite *s, const struct suite_line *l)
{
    if (s->p.inputs > 1)
        return s->p.cases;
    return (s->p.cases + l->family->every - 1) / l->family->every;
}

uint32_t suite_total(const struct suite *s)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < s->n_lines; i++)
        total += s->p.only >= 0 ? 1 : cases_of(s, &s->lines[i]);
    return total;
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

static void add(struct suite_line *l, const struct case_outcome *o)
{
    l->worst.values += o->result.values;
    l->worst.same += o->result.same;
    l->worst.exact += o->result.exact;
    if (o->result.nmse > l->worst.nmse)
        l->worst.nmse = o->result.nmse;
    if (o->result.max > l->worst.max)
        l->worst.max = o->result.max;
    l->limit = o->limit;
}

/* A status: the device is gone. */
static enum status run_case(struct suite *s, struct suite_line *l, uint32_t number)
{
    struct case_outcome out;
    struct suite_case c = {.line = l, .number = number};
    uint32_t inputs = s->p.inputs ? s->p.inputs : 1;
    char share[24] = "";
    if (inputs > 1)
        snprintf(share, sizeof share, " --inputs %" PRIu32, inputs);
    snprintf(c.again, sizeof c.again, "--kernel %s/%s --seed %" PRIu64 " --only %" PRIu32 "%s%s",
             l->family->name, l->type_name, s->p.seed, number, share,
             s->p.size == CASE_THOROUGH ? " --thorough"
             : s->p.size == CASE_BENCH  ? " --bench"
                                        : "");
    if (s->p.on_start)
        s->p.on_start(s->p.ctx, &c);
    c.out = &out;
    c.status =
        check_runner_run_with(s->runner, l->family, l->type, case_seed(s, l, number / inputs),
                              ~case_seed(s, l, number), &out);
    if (c.status != OK)
        snprintf(c.message, sizeof c.message, "%s", status_message());
    bool wrong = c.status != OK || out.result.wrong;
    l->cases++;
    l->wrong += wrong;
    s->wrong += wrong;
    add(l, &out);
    if ((s->p.on_case && !s->p.on_case(s->p.ctx, &c)) || (wrong && s->p.stop))
        s->stopped = true;
    return gpu_check(s->g);
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

enum status suite_run(struct suite *s)
{
    if (!s->p.rounds || s->p.only >= 0) {
        for (uint32_t i = 0; i < s->n_lines && !s->stopped; i++)
            TRY(run_line(s, &s->lines[i]));
        return OK;
    }
    for (uint32_t round = 0; round < s->p.cases && !s->stopped; round++) {
        for (uint32_t i = 0; i < s->n_lines && !s->stopped; i++) {
            uint32_t every = s->p.inputs > 1 ? 1 : s->lines[i].family->every;
            if (round % every == 0)
                TRY(run_case(s, &s->lines[i], round / every));
        }
    }
    return OK;
}
