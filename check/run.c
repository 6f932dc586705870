/* Running ops by their references, and a plan on the device against them. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "exact.h"
#include "mem.h"
#include "poison.h"
#include "probe.h"

const struct check_ref *check_ref_find(const char *shader)
{
    const struct check_ref *best = NULL;
    size_t longest = 0;
    for (const struct check_ref *r = check_refs; r->kernel; r++) {
        size_t n = strlen(r->kernel);
        if (n <= longest || strncmp(shader, r->kernel, n) != 0)
            continue;
        if (shader[n] == '\0' || shader[n] == '_' || shader[n] == '.') {
            best = r;
            longest = n;
        }
    }
    return best;
}

static enum status run_by(check_run run, const struct plan_op *op, struct check_mem *mem)
{
    mem->op = op;
    mem->status = OK;
    enum status s = run(op, mem);
    mem->op = NULL;
    return mem->status != OK ? mem->status : s;
}

static enum status no_reference(const struct plan_op *op, const char *kind)
{
    return status_fail(ERR_VERIFY, "%s (layer %d): shader %s has no reference%s", op->name,
                       op->layer, op->pipe.shader->name, kind);
}

check_run check_ref_bits(const struct check_ref *ref)
{
    return m_fused ? ref->bits : NULL;
}

/* What gives the bits of an op; NULL: nothing. */
static check_run bits_of(const struct check_ref *ref)
{
    if (!ref)
        return NULL;
    return ref->limit.max > 0 ? check_ref_bits(ref) : ref->run;
}

enum status check_run_op(const struct plan_op *op, struct check_mem *mem)
{
    const struct check_ref *ref = check_ref_find(op->pipe.shader->name);
    return ref ? run_by(ref->run, op, mem) : no_reference(op, "");
}

enum status check_run_op_bits(const struct plan_op *op, struct check_mem *mem)
{
    check_run run = bits_of(check_ref_find(op->pipe.shader->name));
    return run ? run_by(run, op, mem) : no_reference(op, " in f32");
}

enum status check_run_plan(const struct plan *p, struct check_mem *mem)
{
    for (uint32_t i = 0; i < plan_count(p); i++)
        TRY(check_run_op(plan_get(p, i), mem));
    return OK;
}

enum status check_run_plan_bits(const struct plan *p, struct check_mem *mem)
{
    for (uint32_t i = 0; i < plan_count(p); i++)
        TRY(check_run_op_bits(plan_get(p, i), mem));
    return OK;
}

bool check_plan_has_bits(const struct plan *p)
{
    for (uint32_t i = 0; i < plan_count(p); i++) {
        if (!bits_of(check_ref_find(plan_get(p, i)->pipe.shader->name)))
            return false;
    }
    return plan_count(p) > 0;
}

enum status check_mem_add_spans(struct check_mem *mem, const struct plan_op *op)
{
    struct plan_span all[2 * PLAN_MAX_SPANS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < 2 * PLAN_MAX_SPANS; i++) {
        const struct plan_span *from = i < PLAN_MAX_SPANS ? op->reads : op->writes;
        struct plan_span s = from[i % PLAN_MAX_SPANS];
        if (s.bytes == 0) {
            i |= PLAN_MAX_SPANS - 1;
            continue;
        }
        uint32_t at = n++;
        for (; at > 0 && all[at - 1].addr > s.addr; at--)
            all[at] = all[at - 1];
        all[at] = s;
    }
    for (uint32_t i = 0; i < n;) {
        uint64_t addr = all[i].addr, end = addr + all[i].bytes;
        for (i++; i < n && all[i].addr < end; i++) {
            if (all[i].addr + all[i].bytes > end)
                end = all[i].addr + all[i].bytes;
        }
        TRY(check_mem_add(mem, addr, end - addr, NULL));
    }
    return OK;
}

static enum status run_on_device(struct gpu *g, const struct plan_op *op)
{
    enum status s = OK;
    const struct gpu_pipe *pipe = NULL;
    struct gpu_cmd *cmd = NULL;
    uint64_t ticket = 0;
    TRY_GOTO(gpu_pipe_get(g, &op->pipe, &pipe));
    TRY_GOTO(gpu_cmd_create(g, &(struct gpu_cmd_params){.name = "check"}, &cmd));
    TRY_GOTO(check_poison(g, cmd));
    TRY_GOTO(gpu_cmd_dispatch(cmd, pipe, op->push, op->groups[0], op->groups[1], op->groups[2],
                              op->name, op->layer));
    TRY_GOTO(gpu_cmd_end(cmd));
    TRY_GOTO(gpu_submit(g, cmd, 1, &ticket));
    TRY_GOTO(gpu_wait(g, ticket));
fail:
    gpu_cmd_destroy(g, &cmd);
    return s;
}

enum status check_plan_on_device(struct gpu *g, const struct plan *p,
                                 const struct check_plan_params *params)
{
    enum status s = OK, verdict = OK;
    struct check_mem *mem = NULL, *bits = NULL;
    TRY(check_probe(g));
    TRY_GOTO(check_mem_create(g, &mem));
    TRY_GOTO(check_mem_create(g, &bits));
    for (uint32_t i = 0; i < plan_count(p); i++) {
        const struct plan_op *op = plan_get(p, i);
        const struct check_ref *ref = check_ref_find(op->pipe.shader->name);
        struct check_result r = {0};
        check_mem_clear(mem);
        check_mem_clear(bits);
        TRY_GOTO(check_mem_add_spans(mem, op));
        TRY_GOTO(check_run_op(op, mem));
        if (check_ref_bits(ref)) {
            TRY_GOTO(check_mem_add_spans(bits, op));
            TRY_GOTO(check_run_op_bits(op, bits));
        }
        TRY_GOTO(run_on_device(g, op));
        TRY_GOTO(check_compare_written(mem, ref->limit, &r));
        if (check_ref_bits(ref))
            TRY_GOTO(check_compare_bits(bits, &r));
        if (params->report)
            params->report(params->ctx, i, op, mem, &r, ref->limit);
        if (r.wrong == 0)
            continue;
        if (verdict == OK)
            verdict = status_fail(ERR_VERIFY,
                                  "dispatch %" PRIu32 " (%s, layer %d) is wrong in %" PRIu64
                                  " of %" PRIu64 " values: %s",
                                  i, op->name, op->layer, r.wrong, r.values + r.exact, r.first);
        if (!params->keep_going)
            break;
    }
    s = verdict;
fail:
    check_mem_destroy(&mem);
    check_mem_destroy(&bits);
    return s;
}
