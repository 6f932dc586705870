/* Scratch that is not used at the same time shares memory. Time is counted in stages, the runs of
 * ops between two barriers: ops of one stage run side by side, so that pieces used in one stage
 * must not share, and pieces used in different stages have a barrier between them already.
 * Sharing therefore never costs a barrier. */
#include "plan/inside.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"

static void find_lives(struct plan *p)
{
    uint32_t stage = 0;
    for (uint32_t i = 0; i < p->n_scratch; i++) {
        p->scratch[i].first = UINT32_MAX;
        p->scratch[i].last = 0;
    }
    for (uint32_t i = 0; i < p->n_ops; i++) {
        stage += p->barrier[i];
        const struct plan_span *lists[] = {p->ops[i].reads, p->ops[i].writes};
        for (int k = 0; k < 2; k++) {
            for (int j = 0; j < PLAN_MAX_SPANS && lists[k][j].bytes; j++) {
                if (!(lists[k][j].addr & PLAN_VIRTUAL))
                    continue;
                struct scratch *s = plan_find_scratch(p, lists[k][j].addr, lists[k][j].bytes);
                if (s->first == UINT32_MAX)
                    s->first = stage;
                s->last = stage;
            }
        }
    }
}

static int larger_first(const void *a, const void *b)
{
    const struct scratch *x = *(struct scratch *const *)a, *y = *(struct scratch *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int lower_first(const void *a, const void *b)
{
    const struct scratch *x = *(struct scratch *const *)a, *y = *(struct scratch *const *)b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The smallest gap that fits between those of `placed` (by offset) that live at the same time. */
static uint64_t best_gap(struct scratch *const *placed, uint32_t n, const struct scratch *s)
{
    uint64_t need = align_up(s->bytes, PLAN_ALIGN), end = 0, best = UINT64_MAX, at = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct scratch *o = placed[i];
        if (o->first > s->last || o->last < s->first)
            continue;
        if (o->offset > end && o->offset - end >= need && o->offset - end < best) {
            best = o->offset - end;
            at = end;
        }
        uint64_t o_end = o->offset + align_up(o->bytes, PLAN_ALIGN);
        end = o_end > end ? o_end : end;
    }
    return best == UINT64_MAX ? end : at;
}

enum status plan_place(struct plan *p)
{
    if (p->placed)
        return OK;
    TRY(plan_put_barriers(p));
    find_lives(p);
    struct scratch **order = mem_calloc((size_t)p->n_scratch + 1, sizeof *order);
    struct scratch **placed = mem_calloc((size_t)p->n_scratch + 1, sizeof *placed);
    if (!order || !placed) {
        mem_free(order);
        mem_free(placed);
        return ERR_MEMORY;
    }
    uint32_t n = 0, used = 0;
    for (uint32_t i = 0; i < p->n_scratch; i++)
        if (p->scratch[i].first <= p->scratch[i].last)
            order[used++] = &p->scratch[i];
    qsort(order, used, sizeof *order, larger_first);
    p->scratch_bytes = 0;
    for (; n < used; n++) {
        struct scratch *s = order[n];
        s->offset = best_gap(placed, n, s);
        uint64_t end = s->offset + align_up(s->bytes, PLAN_ALIGN);
        p->scratch_bytes = end > p->scratch_bytes ? end : p->scratch_bytes;
        placed[n] = s;
        qsort(placed, n + 1, sizeof *placed, lower_first);
    }
    mem_free(order);
    mem_free(placed);
    p->placed = true;
    return OK;
}

uint64_t plan_scratch_bytes(const struct plan *p)
{
    return p->scratch_bytes;
}
