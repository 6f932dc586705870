#include "kernels/op.h"

#include <inttypes.h>
#include <string.h>

#include "kernels/shaders.h"

void k_op_begin(struct k_op *o, const char *name, const char *module, const void *push,
                uint32_t push_bytes, uint32_t n_addr)
{
    memset(o, 0, sizeof *o);
    o->module = module;
    o->op.name = name;
    o->op.push = push;
    o->op.pipe.push_bytes = push_bytes;
    o->op.n_addr = n_addr;
    o->op.groups[0] = o->op.groups[1] = o->op.groups[2] = 1;
}

static void add_span(struct plan_span *spans, uint32_t *count, uint64_t addr, uint64_t bytes)
{
    if (!addr || !bytes)
        return;
    if (*count < PLAN_MAX_SPANS)
        spans[*count] = (struct plan_span){addr, bytes};
    ++*count;
}

void k_reads(struct k_op *o, uint64_t addr, uint64_t bytes)
{
    add_span(o->op.reads, &o->n_reads, addr, bytes);
}

void k_writes(struct k_op *o, uint64_t addr, uint64_t bytes)
{
    add_span(o->op.writes, &o->n_writes, addr, bytes);
}

void k_reads_weight(struct k_op *o, const struct k_weight *w)
{
    k_reads(o, w->addr, k_weight_bytes(w));
    o->op.weight_bytes += k_weight_bytes(w);
}

enum status k_op_add(struct plan *p, const struct k_op *o)
{
    struct plan_op op = o->op;
    if (o->n_reads > PLAN_MAX_SPANS || o->n_writes > PLAN_MAX_SPANS)
        return status_fail(ERR, "%s: %" PRIu32 " spans read and %" PRIu32 " written; at most %d",
                           op.name, o->n_reads, o->n_writes, PLAN_MAX_SPANS);
    op.pipe.shader = shader_find(o->module);
    if (!op.pipe.shader)
        return status_fail(ERR, "%s: no shader module '%s' in this build", op.name, o->module);
    /* Whole subgroups of a known size: the number of an invocation is built from theirs. */
    uint32_t subgroup = k_subgroup(plan_gpu(p), o->module);
    if (!op.pipe.subgroup && subgroup > 1)
        op.pipe.subgroup = subgroup;
    if (gpu_avoids(plan_gpu(p), o->module, op.pipe.subgroup))
        return status_fail(ERR_VERIFY,
                           "%s: tawny verify found every variant of shader %s wrong on %s; "
                           "--no-verified-variants runs it nevertheless",
                           op.name, o->module, gpu_get_info(plan_gpu(p))->name);
    return plan_add(p, &op);
}

uint64_t k_weight_bytes(const struct k_weight *w)
{
    return quant_row_bytes(w->type, w->k) * w->n;
}

enum status k_weight_check(const char *op, const struct k_weight *w)
{
    const char *name = w->name ? w->name : "weights";
    if (!w->addr || !w->n || !w->k)
        return status_fail(ERR_MODEL, "%s: %s [%" PRIu32 ", %" PRIu32 "]%s", op, name, w->n, w->k,
                           w->addr ? ": empty" : ": absent");
    if (w->type >= QUANT_COUNT)
        return status_fail(ERR_MODEL, "%s: %s [%" PRIu32 ", %" PRIu32 "]: block type %d unknown",
                           op, name, w->n, w->k, (int)w->type);
    const struct quant *q = quant_info(w->type);
    if (w->k % q->granule)
        return status_fail(ERR_MODEL,
                           "%s: %s [%" PRIu32 ", %" PRIu32 "] %s: row length %" PRIu32
                           " is no multiple of %" PRIu32,
                           op, name, w->n, w->k, q->name, w->k, q->granule);
    return OK;
}

enum status k_kv_check(const char *op, const struct k_kv *kv)
{
    if (!kv->heads || !kv->kv_heads || kv->heads % kv->kv_heads)
        return status_fail(ERR_MODEL,
                           "%s: %" PRIu32 " heads over %" PRIu32
                           " KV heads: the first must be a multiple of the second",
                           op, kv->heads, kv->kv_heads);
    if (!kv->head_dim || kv->head_dim % 8 || kv->head_dim > 256)
        return status_fail(ERR_MODEL,
                           "%s: head size %" PRIu32 ": must be a multiple of 8, at most 256", op,
                           kv->head_dim);
    return OK;
}

enum status k_rope_check(const char *op, const struct k_rope *rope, uint32_t head_dim)
{
    if (rope->rot % 2 || rope->rot > head_dim)
        return status_fail(ERR_MODEL,
                           "%s: %" PRIu32 " rotated dimensions of a head of %" PRIu32
                           ": must be even and no more than the head",
                           op, rope->rot, head_dim);
    if (rope->rot && !rope->table)
        return status_fail(ERR_MODEL, "%s: %" PRIu32 " rotated dimensions and no table", op,
                           rope->rot);
    return OK;
}

/* The sizes that a module can be built for, best first; returns how many. */
static uint32_t subgroup_sizes(const struct gpu *g, uint32_t out[5])
{
    static const struct {
        uint64_t cap;
        uint32_t size;
    } order[] = {{GPU_CAP_SUBGROUP_32, 32},
                 {GPU_CAP_SUBGROUP_64, 64},
                 {GPU_CAP_SUBGROUP_16, 16},
                 {GPU_CAP_SUBGROUP_8, 8}};
    uint64_t caps = gpu_get_info(g)->caps;
    uint32_t n = 0;
    for (size_t i = 0; (caps & GPU_CAP_SHUFFLE) && i < sizeof order / sizeof *order; i++) {
        if (caps & order[i].cap)
            out[n++] = order[i].size;
    }
    out[n++] = 1;
    return n;
}

uint32_t k_subgroup(const struct gpu *g, const char *module)
{
    uint32_t sizes[5], n = subgroup_sizes(g, sizes);
    for (uint32_t i = 0; i < n; i++) {
        if (!gpu_avoids(g, module, sizes[i]))
            return sizes[i];
    }
    return sizes[0];
}

bool k_usable(const struct gpu *g, const char *module)
{
    return shader_find(module) && !gpu_avoids(g, module, k_subgroup(g, module));
}
