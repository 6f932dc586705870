#include "plan/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

static bool debugging(void)
{
    const char *e = getenv("TAWNY_DEBUG");
#ifdef __OPTIMIZE__
    return e && *e && strcmp(e, "0");
#else
    return !e || strcmp(e, "0");
#endif
}

enum status plan_create(struct gpu *g, const struct plan_params *params, struct plan **out)
{
    *out = NULL;
    struct plan *p = mem_alloc(sizeof *p);
    if (!p)
        return ERR_MEMORY;
    const char *name = params && params->name ? params->name : "plan";
    p->g = g;
    p->check = (params && params->check) || debugging();
    p->timestamps = params && params->timestamps;
    p->next_virtual = PLAN_VIRTUAL;
    p->name = arena_strndup(&p->arena, name, strlen(name));
    if (!p->name) {
        plan_destroy(&p);
        return ERR_MEMORY;
    }
    *out = p;
    return OK;
}

const char *plan_name(const struct plan *p)
{
    return p->name;
}

struct gpu *plan_gpu(const struct plan *p)
{
    return p->g;
}

void plan_destroy(struct plan **pp)
{
    struct plan *p = *pp;
    *pp = NULL;
    if (!p)
        return;
    gpu_cmd_destroy(p->g, &p->cmd);
    gpu_buf_destroy(p->g, &p->own);
    mem_free(p->ops);
    mem_free(p->barrier);
    mem_free(p->scratch);
    arena_free(&p->arena);
    mem_free(p);
}

const char *plan_op_text(const struct plan *p, uint32_t i, char *buf, size_t size)
{
    const struct plan_op *op = &p->ops[i];
    if (op->layer >= 0)
        snprintf(buf, size, "'%s' of layer %d (op %u of '%s')", op->name, op->layer, i, p->name);
    else
        snprintf(buf, size, "'%s' (op %u of '%s')", op->name, i, p->name);
    return buf;
}

/* ---- appending ---------------------------------------------------------------------------- */

enum status plan_scratch(struct plan *p, uint64_t bytes, const char *tag, uint64_t *addr)
{
    uint64_t next;
    if (p->placed)
        return status_fail(ERR_USAGE, "scratch '%s': '%s' has been placed already", tag, p->name);
    /* A gap behind each, so that running over the end never lands in the next. */
    if (!bytes || !align_ok(bytes, PLAN_ALIGN, &next) || bytes >> 48 ||
        !add_ok(next, 16 * PLAN_ALIGN, &next) || !add_ok(p->next_virtual, next, &next))
        return status_fail(ERR_USAGE, "scratch '%s' cannot have %" PRIu64 " bytes", tag, bytes);
    if (p->n_scratch == p->cap_scratch) {
        uint32_t cap = p->cap_scratch ? 2 * p->cap_scratch : 32;
        struct scratch *grown = mem_realloc(p->scratch, cap * sizeof *grown);
        if (!grown)
            return ERR_MEMORY;
        p->scratch = grown;
        p->cap_scratch = cap;
    }
    p->scratch[p->n_scratch++] = (struct scratch){
        .addr = p->next_virtual, .bytes = bytes, .tag = tag ? tag : "scratch", .first = UINT32_MAX};
    *addr = p->next_virtual;
    p->next_virtual = next;
    return OK;
}

struct scratch *plan_find_scratch(const struct plan *p, uint64_t addr, uint64_t bytes)
{
    uint32_t lo = 0, hi = p->n_scratch;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (p->scratch[mid].addr > addr)
            hi = mid;
        else
            lo = mid + 1;
    }
    struct scratch *s = lo ? &p->scratch[lo - 1] : NULL;
    return s && bytes <= s->bytes && addr - s->addr <= s->bytes - bytes ? s : NULL;
}

static enum status check_span(const struct plan *p, const struct plan_op *op,
                              const struct plan_span *s, const char *kind)
{
    if (s->addr == 0)
        return status_fail(ERR_USAGE, "'%s' (layer %d) %s %" PRIu64 " bytes at no address",
                           op->name, op->layer, kind, s->bytes);
    if ((s->addr & PLAN_VIRTUAL) && !plan_find_scratch(p, s->addr, s->bytes))
        return status_fail(ERR_USAGE,
                           "'%s' (layer %d) %s %" PRIu64 " bytes at 0x%" PRIx64
                           ", which is not inside one piece of scratch",
                           op->name, op->layer, kind, s->bytes, s->addr);
    return OK;
}

static bool has_span(const struct plan_op *op, const struct scratch *s)
{
    const struct plan_span *lists[] = {op->reads, op->writes};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < PLAN_MAX_SPANS && lists[k][i].bytes; i++)
            if (lists[k][i].addr >= s->addr && lists[k][i].addr < s->addr + s->bytes)
                return true;
    return false;
}

static enum status check_op(const struct plan *p, const struct plan_op *op)
{
    if (p->placed)
        return status_fail(ERR_USAGE, "'%s': '%s' has been placed already", op->name, p->name);
    if (op->pipe.push_bytes > GPU_MAX_PUSH || op->n_addr > op->pipe.push_bytes / 8)
        return status_fail(ERR_USAGE, "'%s' (layer %d): %u addresses in %u bytes of push data",
                           op->name, op->layer, op->n_addr, op->pipe.push_bytes);
    if (p->g) {
        const struct gpu_info *d = gpu_get_info(p->g);
        const uint32_t *max = d->max_groups;
        for (int i = 0; i < 3; i++)
            if (!op->groups[i] || op->groups[i] > max[i])
                return status_fail(ERR_USAGE,
                                   "'%s' (layer %d): %u x %u x %u groups; the limit of %s is "
                                   "%u x %u x %u",
                                   op->name, op->layer, op->groups[0], op->groups[1], op->groups[2],
                                   d->name, max[0], max[1], max[2]);
    }
    for (int i = 0; i < PLAN_MAX_SPANS && op->reads[i].bytes; i++)
        TRY(check_span(p, op, &op->reads[i], "reads"));
    for (int i = 0; i < PLAN_MAX_SPANS && op->writes[i].bytes; i++)
        TRY(check_span(p, op, &op->writes[i], "writes"));
    /* A scratch address without a span would be placed as if this op did not use it. */
    for (uint32_t i = 0; i < op->n_addr; i++) {
        uint64_t addr;
        memcpy(&addr, (const char *)op->push + (size_t)i * 8, 8);
        if (!(addr & PLAN_VIRTUAL))
            continue;
        const struct scratch *s = plan_find_scratch(p, addr, 1);
        if (!s || !has_span(op, s))
            return status_fail(ERR_USAGE,
                               "'%s' (layer %d): address %u of its push data is scratch%s%s%s",
                               op->name, op->layer, i, s ? " '" : "", s ? s->tag : " of nobody",
                               s ? "' without a span" : "");
    }
    return OK;
}

enum status plan_add(struct plan *p, const struct plan_op *given)
{
    struct plan_op op = *given;
    if (!op.name)
        op.name = op.pipe.shader ? op.pipe.shader->name : "?";
    if (op.layer == 0 && p->layer_set)
        op.layer = p->layer;
    TRY(check_op(p, &op));
    if (p->n_ops == p->cap_ops) {
        uint32_t cap = p->cap_ops ? 2 * p->cap_ops : 64;
        struct plan_op *grown = mem_realloc(p->ops, cap * sizeof *grown);
        if (!grown)
            return ERR_MEMORY;
        p->ops = grown;
        bool *barrier = mem_realloc(p->barrier, cap * sizeof *barrier);
        if (!barrier)
            return ERR_MEMORY;
        p->barrier = barrier;
        p->cap_ops = cap;
    }
    if (op.pipe.push_bytes) {
        void *copy = arena_alloc(&p->arena, op.pipe.push_bytes);
        if (!copy)
            return ERR_MEMORY;
        memcpy(copy, given->push, op.pipe.push_bytes);
        op.push = copy;
    }
    p->ops[p->n_ops] = op;
    p->barrier[p->n_ops++] = false;
    return OK;
}

void plan_set_layer(struct plan *p, int layer)
{
    p->layer_set = true;
    p->layer = layer;
}

/* ---- barriers ----------------------------------------------------------------------------- */

struct spans {
    struct plan_span *at;
    uint32_t n;
};

static bool meets(const struct spans *set, const struct plan_span *list)
{
    for (int i = 0; i < PLAN_MAX_SPANS && list[i].bytes; i++)
        for (uint32_t k = 0; k < set->n; k++)
            if (list[i].addr < set->at[k].addr + set->at[k].bytes &&
                set->at[k].addr < list[i].addr + list[i].bytes)
                return true;
    return false;
}

static void append(struct spans *set, const struct plan_span *list)
{
    for (int i = 0; i < PLAN_MAX_SPANS && list[i].bytes; i++)
        set->at[set->n++] = list[i];
}

enum status plan_put_barriers(struct plan *p)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < p->n_ops; i++)
        for (int k = 0; k < PLAN_MAX_SPANS; k++)
            most += (p->ops[i].reads[k].bytes ? 1u : 0u) + (p->ops[i].writes[k].bytes ? 1u : 0u);
    struct spans read = {mem_calloc(most + 1, sizeof *read.at), 0};
    struct spans written = {mem_calloc(most + 1, sizeof *written.at), 0};
    enum status s = read.at && written.at ? OK : ERR_MEMORY;
    p->n_barriers = 0;
    for (uint32_t i = 0; s == OK && i < p->n_ops; i++) {
        const struct plan_op *op = &p->ops[i];
        p->barrier[i] =
            meets(&written, op->reads) || meets(&written, op->writes) || meets(&read, op->writes);
        if (p->barrier[i]) {
            p->n_barriers++;
            read.n = written.n = 0;
        }
        append(&read, op->reads);
        append(&written, op->writes);
    }
    mem_free(read.at);
    mem_free(written.at);
    return s;
}

/* ---- sealing ------------------------------------------------------------------------------ */

static enum status patch(struct plan *p, uint64_t base)
{
    for (uint32_t i = 0; i < p->n_ops; i++) {
        struct plan_op *op = &p->ops[i];
        struct plan_span *lists[] = {op->reads, op->writes};
        char text[160];
        for (int k = 0; k < 2; k++) {
            for (int j = 0; j < PLAN_MAX_SPANS && lists[k][j].bytes; j++) {
                struct plan_span *s = &lists[k][j];
                const struct scratch *c = plan_find_scratch(p, s->addr, s->bytes);
                if (s->addr & PLAN_VIRTUAL)
                    s->addr = base + c->offset + (s->addr - c->addr);
                TRY(gpu_check_span(p->g, s->addr, s->bytes, plan_op_text(p, i, text, sizeof text)));
            }
        }
        for (uint32_t j = 0; j < op->n_addr; j++) {
            char *at = (char *)op->push + j * 8; /* the plan's own copy */
            uint64_t addr;
            memcpy(&addr, at, 8);
            if (!(addr & PLAN_VIRTUAL))
                continue;
            const struct scratch *c = plan_find_scratch(p, addr, 1);
            addr = base + c->offset + (addr - c->addr);
            memcpy(at, &addr, 8);
        }
    }
    return OK;
}

enum status plan_pipes(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_ops; i++) {
        const struct gpu_pipe *pipe;
        TRY(gpu_pipe_get(p->g, &p->ops[i].pipe, &pipe));
    }
    return OK;
}

enum status plan_record(struct plan *p)
{
    gpu_cmd_destroy(p->g, &p->cmd);
    struct gpu_cmd_params cp = {.name = p->name, .timestamps = p->timestamps ? p->n_ops + 1 : 0};
    TRY(gpu_cmd_create(p->g, &cp, &p->cmd));
    if (p->timestamps)
        TRY(gpu_cmd_timestamp(p->cmd, 0));
    for (uint32_t i = 0; i < p->n_ops; i++) {
        const struct plan_op *op = &p->ops[i];
        const struct gpu_pipe *pipe;
        TRY(gpu_pipe_get(p->g, &op->pipe, &pipe));
        if (p->barrier[i])
            TRY(gpu_cmd_barrier(p->cmd));
        TRY(gpu_cmd_dispatch(p->cmd, pipe, op->push, op->groups[0], op->groups[1], op->groups[2],
                             op->name, op->layer));
        if (p->timestamps)
            TRY(gpu_cmd_timestamp(p->cmd, i + 1));
    }
    return gpu_cmd_end(p->cmd);
}

enum status plan_seal(struct plan *p, const struct gpu_buf *scratch)
{
    if (p->sealed)
        return status_fail(ERR_USAGE, "'%s' has been sealed already", p->name);
    TRY(plan_place(p));
    TRY(plan_pipes(p));
    if (!scratch && p->scratch_bytes) {
        struct gpu_buf_params bp = {
            .bytes = p->scratch_bytes, .purpose = GPU_SCRATCH, .tag = p->name, .own_block = true};
        TRY(gpu_buf_create(p->g, &bp, &p->own));
        scratch = p->own;
    }
    if (p->scratch_bytes && scratch->bytes < p->scratch_bytes)
        return status_fail(ERR_USAGE,
                           "'%s' needs %" PRIu64 " bytes of scratch, the buffer has %" PRIu64,
                           p->name, p->scratch_bytes, scratch->bytes);
    p->sealed = true; /* also when something fails from here on: addresses are replaced once */
    TRY(patch(p, scratch ? scratch->addr : 0));
    TRY(plan_put_barriers(p));
    if (p->check)
        TRY(plan_check_hazards(p, UINT32_MAX));
    return plan_record(p);
}

enum status plan_run(struct plan *p, uint32_t repeat, uint64_t *ticket)
{
    if (!p->cmd)
        return status_fail(ERR_USAGE, "'%s' has not been sealed", p->name);
    return gpu_submit(p->g, p->cmd, repeat, ticket);
}

uint32_t plan_count(const struct plan *p)
{
    return p->n_ops;
}

const struct plan_op *plan_get(const struct plan *p, uint32_t i)
{
    return i < p->n_ops ? &p->ops[i] : NULL;
}

uint32_t plan_barriers(const struct plan *p)
{
    return p->n_barriers;
}

bool plan_barrier_before(const struct plan *p, uint32_t i)
{
    return i < p->n_ops && p->barrier[i];
}

enum status plan_elapsed(struct plan *p, uint32_t i, double *seconds)
{
    *seconds = 0;
    if (!p->cmd || !p->timestamps || i >= p->n_ops)
        return status_fail(ERR_USAGE, "'%s' has no time of op %u", p->name, i);
    return gpu_cmd_elapsed(p->cmd, i, i + 1, seconds);
}
