/* Runs random cases on the device and by the references. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/mem.h"
#include "case.h"
#include "half.h"
#include "mem.h"
#include "kernels/shaders.h"
#include "poison.h"
#include "probe.h"

/* Room for the image of the largest case; taken only as far as it is touched. */
#define IMAGE_BYTES (1ull << 36)

enum { BENCH_RUNS = 15 };

struct check_runner {
    struct check_runner_params params;
    const struct gpu_buf *arena;
    struct gpu_cmd *poison;
    struct check_case c;
    struct check_mem *bits; /* for the references in f32 */
    struct gpu_buf scratch; /* of the plan */
    const uint64_t *skip;
    uint32_t n_skip;
    uint8_t *got, *again;
    uint64_t got_bytes;
};

enum status check_runner_create(const struct check_runner_params *params, struct check_runner **out)
{
    enum status s = OK;
    struct check_runner *r = mem_alloc(sizeof *r);
    if (!r)
        return ERR_MEMORY;
    r->params = *params;
    r->c.image = mmap(NULL, IMAGE_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (r->c.image == MAP_FAILED) {
        r->c.image = NULL;
        s = status_fail(ERR_MEMORY, "check: no address space for cases");
        goto fail;
    }
    TRY_GOTO(check_probe(params->g));
    TRY_GOTO(check_mem_create(params->g, &r->c.mem));
    TRY_GOTO(gpu_cmd_create(params->g, &(struct gpu_cmd_params){.name = "poison"}, &r->poison));
    TRY_GOTO(check_poison(params->g, r->poison));
    TRY_GOTO(gpu_cmd_end(r->poison));
    TRY_GOTO(check_mem_create(params->g, &r->bits));
    *out = r;
    return OK;
fail:
    check_runner_destroy(&r);
    return s;
}

void check_runner_destroy(struct check_runner **runner)
{
    struct check_runner *r = *runner;
    if (!r)
        return;
    plan_destroy(&r->c.plan);
    gpu_cmd_destroy(r->params.g, &r->poison);
    gpu_buf_destroy(r->params.g, &r->arena);
    check_mem_destroy(&r->c.mem);
    check_mem_destroy(&r->bits);
    if (r->c.image)
        munmap(r->c.image, IMAGE_BYTES);
    mem_free(r->got);
    mem_free(r->again);
    mem_free(r);
    *runner = NULL;
}

static enum status grow_arena(struct check_runner *r, uint64_t bytes)
{
    gpu_buf_destroy(r->params.g, &r->arena);
    mem_free(r->got);
    mem_free(r->again);
    r->got_bytes = bytes + bytes / 2;
    r->got = mem_alloc(r->got_bytes);
    r->again = mem_alloc(r->got_bytes);
    if (!r->got || !r->again)
        return ERR_MEMORY;
    return gpu_buf_create(
        r->params.g,
        &(struct gpu_buf_params){
            .bytes = r->got_bytes, .tag = "check arena", .purpose = GPU_STATE, .own_block = true},
        &r->arena);
}

/* The generator, plan_place and scratch, with the arena as it is. */
static enum status make_once(struct check_runner *r, const struct check_family *family,
                             enum quant_type type, const uint64_t seed[2])
{
    struct check_case *c = &r->c;
    plan_destroy(&c->plan);
    check_mem_clear(c->mem);
    *c = (struct check_case){
        .g = r->params.g,
        .rand = {seed[0]},
        .data = {seed[1]},
        .size = r->params.size,
        .image = c->image,
        .mem = c->mem,
        .base = r->arena->addr,
    };
    TRY(plan_create(c->g,
                    &(struct plan_params){
                        .name = family->name, .check = true, .timestamps = c->size == CASE_BENCH},
                    &c->plan));
    TRY(family->make(c, type));
    TRY(c->status);
    if (c->run)
        return OK;
    TRY(plan_place(c->plan));
    r->scratch.bytes = plan_scratch_bytes(c->plan);
    case_buf(c, r->scratch.bytes + 4, true, "scratch", &r->scratch.addr);
    return c->status;
}

static enum status make(struct check_runner *r, const struct check_family *family,
                        enum quant_type type, const uint64_t seed[2])
{
    struct check_case *c = &r->c;
    r->scratch = (struct gpu_buf){0};
    if (!r->arena)
        TRY(grow_arena(r, 8u << 20));
    TRY(make_once(r, family, type, seed));
    if (c->used > r->got_bytes) {
        TRY(grow_arena(r, c->used));
        TRY(make_once(r, family, type, seed));
    }
    return OK;
}

void check_runner_set_size(struct check_runner *r, enum case_size size)
{
    r->params.size = size;
}

void check_runner_skip(struct check_runner *r, const uint64_t *plans, uint32_t n)
{
    r->skip = plans;
    r->n_skip = n;
}

enum status check_runner_warm(struct check_runner *r, const struct check_family *family,
                              enum quant_type type, uint64_t seed)
{
    TRY(make(r, family, type, (const uint64_t[2]){seed, ~seed}));
    return r->c.run ? OK : plan_pipes(r->c.plan);
}

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
    for (const unsigned char *p = data; n; n--)
        h = (h ^ *p++) * 0x100000001b3u;
    return h;
}

/* What is run, apart from where it lies. */
static void describe_plan(const struct plan *p, struct case_outcome *out)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (uint32_t i = 0; i < plan_count(p); i++) {
        const struct plan_op *op = plan_get(p, i);
        const struct gpu_pipe_params *pipe = &op->pipe;
        h = mix(h, pipe->shader->name, strlen(pipe->shader->name) + 1);
        h = mix(h, pipe->spec, pipe->n_spec * sizeof *pipe->spec);
        h = mix(h, &pipe->subgroup, sizeof pipe->subgroup);
        h = mix(h, op->groups, sizeof op->groups);
        out->matrix |= shader_uses_matrices(pipe->shader);
    }
    out->plan = h;
}

static enum status run_plan(struct check_runner *r, uint8_t *got)
{
    struct check_case *c = &r->c;
    uint64_t ticket = 0;
    TRY(gpu_upload(c->g, c->base, c->image, c->used));
    TRY(gpu_submit(c->g, r->poison, 1, &ticket));
    TRY(plan_run(c->plan, 1, &ticket));
    TRY(gpu_wait(c->g, ticket));
    return gpu_download(c->g, got, c->base, c->used);
}

static struct check_limit limit_of(const struct plan *p)
{
    struct check_limit limit = {0};
    for (uint32_t i = 0; i < plan_count(p); i++) {
        const struct check_ref *ref = check_ref_find(plan_get(p, i)->pipe.shader->name);
        if (ref && ref->limit.nmse > limit.nmse)
            limit.nmse = ref->limit.nmse;
        if (ref && ref->limit.max > limit.max)
            limit.max = ref->limit.max;
    }
    return limit;
}

/* True if byte i of what the references wrote is the last one of a float, that of the sign. */
static bool holds_sign(const struct check_runner *r, uint64_t i)
{
    const struct check_range *range = &r->c.mem->ranges[0];
    uint64_t at = range->addr + i;
    uint8_t kind = range->kind ? range->kind[i] : CHECK_UNCHANGED;
    return (kind == CHECK_F32 && at % 4 == 3) || (kind == CHECK_F16 && at % 2 == 1);
}

/* True if byte i of the arena ends a float that is zero, of either sign: compilers may take
 * fma(a, b, 0) for a product, whose zero can be negative where the sum's is not. */
static bool ends_zero(const struct check_runner *r, const uint8_t *got, uint64_t i)
{
    uint64_t size = r->c.mem->ranges[0].kind[i] == CHECK_F32 ? 4 : 2;
    uint8_t all = got[i] & 0x7f;
    for (uint64_t k = 1; k < size; k++)
        all |= got[i - k];
    return all == 0;
}

/* The first of `bytes` bytes from a and from b on that differs, apart from the signs of zeros. */
static uint64_t first_other(const struct check_runner *r, uint64_t a, uint64_t b, uint64_t bytes)
{
    uint64_t at = 0;
    for (; at < bytes; at++) {
        if (r->got[a + at] == r->got[b + at])
            continue;
        if (!holds_sign(r, a + at) || !holds_sign(r, b + at) || !ends_zero(r, r->got, a + at) ||
            !ends_zero(r, r->got, b + at))
            break;
    }
    return at;
}

static void compare_pairs(struct check_runner *r, struct check_result *result)
{
    const struct check_case *c = &r->c;
    char where[128];
    for (uint32_t i = 0; i < c->n_same; i++) {
        const struct case_same *s = &c->same[i];
        uint64_t at = first_other(r, s->a - c->base, s->b - c->base, s->bytes);
        result->exact += s->bytes;
        if (at == s->bytes)
            continue;
        result->wrong++;
        if (!result->around.addr)
            result->around.addr = s->a + at;
        if (!result->first[0])
            snprintf(result->first, sizeof result->first,
                     "%s: other bits at %s than %" PRIu64 " bytes into the other", s->what,
                     check_mem_where(c->mem, s->a + at, where, sizeof where), at);
    }
}

static bool same_page(const struct check_runner *r, uint64_t from)
{
    uint64_t bytes = r->c.used - from < CHECK_PAGE ? r->c.used - from : CHECK_PAGE;
    return !memcmp(r->got + from, r->again + from, bytes);
}

/* Everything that a reference says something about must be the same in a second run. */
static void compare_runs(struct check_runner *r, struct check_result *result)
{
    const struct check_case *c = &r->c;
    const struct check_range *range = &c->mem->ranges[0];
    char where[128];
    for (uint64_t i = 0; i < c->used; i++) {
        if (i % CHECK_PAGE == 0 && same_page(r, i)) {
            i += CHECK_PAGE - 1;
            continue;
        }
        if (r->got[i] == r->again[i] || (range->kind && range->kind[i] == CHECK_ANY))
            continue;
        result->wrong++;
        if (!result->around.addr)
            result->around.addr = c->base + i;
        if (!result->first[0])
            snprintf(result->first, sizeof result->first, "a second run gave other bits at %s",
                     check_mem_where(c->mem, c->base + i, where, sizeof where));
    }
}

/* FNV-1a over what was written, wherever it lies; zeros count as positive. */
static uint64_t digest(const struct check_runner *r)
{
    const struct check_range *range = &r->c.mem->ranges[0];
    uint64_t h = 0xcbf29ce484222325u;
    for (uint64_t i = 0; i < r->c.used && range->kind; i++) {
        if (!range->written[i / CHECK_PAGE]) {
            i |= CHECK_PAGE - 1;
            continue;
        }
        if (range->kind[i] == CHECK_ANY || range->kind[i] == CHECK_UNCHANGED)
            continue;
        bool zero = r->got[i] == 0x80 && holds_sign(r, i) && ends_zero(r, r->got, i);
        h = (h ^ (zero ? 0 : r->got[i])) * 0x100000001b3u;
    }
    return h;
}

struct stepwise {
    struct check_runner *runner;
    struct case_outcome *out;
    uint8_t
        *any; /* a byte of the arena: not 0 where the op that wrote it last may write anything */
};

/* Which bytes the references leave open: lists that are in the order of atomics, for one. */
static void note_any(const struct stepwise *s, const struct check_mem *wrote)
{
    const struct check_case *c = &s->runner->c;
    for (uint32_t i = 0; i < wrote->n_ranges; i++) {
        const struct check_range *r = &wrote->ranges[i];
        if (!r->kind || r->addr < c->base || r->addr - c->base + r->bytes > c->used)
            continue;
        uint8_t *any = s->any + (r->addr - c->base);
        for (uint64_t at = 0; at < r->bytes; at++) {
            if (!r->written[at / CHECK_PAGE])
                at |= CHECK_PAGE - 1;
            else if (r->kind[at] != CHECK_UNCHANGED)
                any[at] = r->kind[at] == CHECK_ANY;
        }
    }
}

/* The worst op so far, by how near it comes to its own limit. */
static void note_op(void *ctx, uint32_t index, const struct plan_op *op,
                    const struct check_mem *wrote, const struct check_result *r,
                    struct check_limit limit)
{
    const struct stepwise *stepwise = ctx;
    struct case_outcome *out = stepwise->out;
    (void)index;
    note_any(stepwise, wrote);
    if (r->wrong && !out->result.wrong)
        case_blame_op(out, op);
    if (r->wrong && !out->result.first[0]) {
        memcpy(out->result.first, r->first, sizeof r->first);
        out->result.around = r->around;
    }
    out->result.values += r->values;
    out->result.exact += r->exact;
    out->result.same += r->same;
    out->result.wrong += r->wrong;
    if (limit.max > 0 && r->max / limit.max >= out->result.max / fmax(out->limit.max, 1e-300)) {
        out->result.max = r->max;
        out->result.nmse = r->nmse;
        out->limit = limit;
    }
}

/* Both ways; every byte of the arena that a reference does not leave open must come out the
 * same. */
static enum status run_stepwise(struct check_runner *r, struct case_outcome *out)
{
    enum status s = OK;
    struct check_case *c = &r->c;
    struct stepwise ctx = {r, out, mem_calloc(c->used, 1)};
    struct check_plan_params params = {.report = note_op, .ctx = &ctx};
    char where[128];
    if (!ctx.any)
        return ERR_MEMORY;
    out->limit = (struct check_limit){0};
    TRY_GOTO(gpu_upload(c->g, c->base, c->image, c->used));
    TRY_GOTO(check_plan_on_device(c->g, c->plan, &params));
    TRY_GOTO(gpu_download(c->g, r->got, c->base, c->used));
    TRY_GOTO(run_plan(r, r->again));
    for (uint64_t i = 0; i < c->used && s == OK; i++) {
        if (r->got[i] != r->again[i] && !ctx.any[i])
            s = status_fail(ERR_VERIFY,
                            "the recording gives other bits than its dispatches one by one, "
                            "first at %s",
                            check_mem_where(c->mem, c->base + i, where, sizeof where));
    }
fail:
    mem_free(ctx.any);
    return s;
}

/* What the device gave against the references in f32, where all ops have one. */
static enum status compare_bits(struct check_runner *r, struct check_result *result)
{
    struct check_case *c = &r->c;
    struct check_result bits = {0};
    if (!check_plan_has_bits(c->plan))
        return OK;
    check_mem_clear(r->bits);
    TRY(check_mem_add(r->bits, c->base, c->used, c->image));
    TRY(check_mem_name_as(r->bits, c->mem));
    TRY(check_run_plan_bits(c->plan, r->bits));
    TRY(check_compare(r->bits, c->base, c->used, r->got, (struct check_limit){0}, &bits));
    check_add_bits(&bits, result);
    return OK;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum status measure(struct check_runner *r, struct case_outcome *out)
{
    struct check_case *c = &r->c;
    double seconds[BENCH_RUNS];
    for (int i = 0; i < BENCH_RUNS; i++) {
        uint64_t ticket = 0;
        seconds[i] = 0;
        TRY(plan_run(c->plan, 1, &ticket));
        TRY(gpu_wait(c->g, ticket));
        for (uint32_t j = 0; j < plan_count(c->plan); j++) {
            double one = 0;
            TRY(plan_elapsed(c->plan, j, &one));
            seconds[i] += one;
        }
    }
    qsort(seconds, BENCH_RUNS, sizeof *seconds, by_size);
    out->seconds = seconds[BENCH_RUNS / 2];
    out->flops = c->flops;
    out->bytes = c->bytes;
    for (uint32_t j = 0; j < plan_count(c->plan) && c->bytes <= 0; j++)
        out->bytes += (double)plan_get(c->plan, j)->weight_bytes;
    return OK;
}

/* Runs and compares the case that was made. */
static enum status run_made(struct check_runner *r, struct case_outcome *out)
{
    struct check_case *c = &r->c;
    TRY(check_mem_add(c->mem, c->base, c->used, c->image));
    out->limit = limit_of(c->plan);
    if (c->stepwise)
        return run_stepwise(r, out);
    if (c->run) {
        out->limit = c->limit;
        TRY(gpu_upload(c->g, c->base, c->image, c->used));
        TRY(c->run(c));
        TRY(gpu_download(c->g, r->got, c->base, c->used));
    } else {
        TRY(check_run_plan(c->plan, c->mem));
        TRY(run_plan(r, r->got));
    }
    TRY(check_compare(c->mem, c->base, c->used, r->got, out->limit, &out->result));
    if (!c->run)
        TRY(compare_bits(r, &out->result));
    compare_pairs(r, &out->result);
    out->digest = digest(r);
    if (r->params.twice && !c->run) {
        TRY(run_plan(r, r->again));
        compare_runs(r, &out->result);
    }
    if (c->size == CASE_BENCH && !c->run)
        TRY(measure(r, out));
    return OK;
}

enum status check_runner_run(struct check_runner *r, const struct check_family *family,
                             enum quant_type type, uint64_t seed, struct case_outcome *out)
{
    return check_runner_run_with(r, family, type, seed, ~seed, out);
}

enum status check_runner_run_with(struct check_runner *r, const struct check_family *family,
                                  enum quant_type type, uint64_t seed, uint64_t data,
                                  struct case_outcome *out)
{
    struct check_case *c = &r->c;
    *out = (struct case_outcome){0};
    enum status s = make(r, family, type, (const uint64_t[2]){seed, data});
    memcpy(out->text, c->text, sizeof out->text);
    TRY(s);
    describe_plan(c->plan, out);
    for (uint32_t i = 0; i < r->n_skip; i++)
        out->skipped |= r->skip[i] == out->plan;
    if (out->skipped)
        return OK;
    log_debug("%s/%s: %s", family->name, quant_info(type)->stem, c->text);
    s = c->run ? OK : plan_seal(c->plan, &r->scratch);
    if (s == OK)
        s = run_made(r, out);
    if (s != OK || out->result.wrong)
        check_blame(c, s, out);
    return s;
}
