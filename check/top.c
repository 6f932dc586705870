/* Reference of top: k_top_push. It sorts what the kernel looks for round by round, in f32. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "kernels/params.h"
#include "refs.h"

static float logit(float l)
{
    if (fabsf(l) < FLT_MIN)
        return 0;
    return l >= -1e30f ? fminf(l, 1e30f) : -1e30f;
}

static int by_rank(const void *x, const void *y)
{
    const struct k_candidate *a = x, *b = y;
    if (a->logprob != b->logprob)
        return a->logprob < b->logprob ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

/* The first of the sorted ones, and nothing behind them. */
static void put(struct check_mem *mem, uint64_t at, const struct k_candidate *all, uint32_t n,
                uint32_t count, float less)
{
    for (uint32_t r = 0; r < count; r++) {
        struct k_candidate c = {K_NO_TOKEN, -INFINITY};
        if (r < n && all[r].id != K_NO_TOKEN)
            c = (struct k_candidate){all[r].id, all[r].logprob - less};
        check_out_bytes(mem, at + 8ull * r, &c, sizeof c);
    }
}

static enum status one_slice(struct check_mem *mem, const struct k_top_push *p, uint32_t slice,
                             uint32_t j)
{
    struct k_candidate all[K_TOP_SLICE];
    uint32_t first = slice * K_TOP_SLICE, n = p->vocab - first;
    const float *l;
    if (n > K_TOP_SLICE)
        n = K_TOP_SLICE;
    CHECK_IN(l, mem, p->logits + 4 * ((uint64_t)j * p->vocab + first), 4ull * n);
    for (uint32_t i = 0; i < n; i++)
        all[i] = (struct k_candidate){first + i, logit(l[i])};
    qsort(all, n, sizeof *all, by_rank);
    put(mem, p->part + 8ull * (j * p->slices + slice) * p->count, all, n, p->count, 0);
    return OK;
}

static enum status merge(struct check_mem *mem, const struct k_top_push *p, uint32_t j,
                         float log_sum)
{
    uint32_t n = p->slices * p->count;
    const struct k_candidate *parts;
    CHECK_IN(parts, mem, p->part + 8ull * j * n, 8ull * n);
    struct k_candidate *all = mem_calloc(n, sizeof *all);
    if (!all)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < n; i++)
        all[i] = parts[i];
    qsort(all, n, sizeof *all, by_rank);
    put(mem, p->dst + 8ull * j * p->count, all, n, p->count, log_sum);
    mem_free(all);
    return OK;
}

enum status check_top(const struct plan_op *op, struct check_mem *mem)
{
    const struct k_top_push *p = op->push;
    bool merges = op->pipe.spec[K_TOP_MERGE];
    for (uint32_t j = 0; j < op->groups[1]; j++) {
        const struct k_note *note;
        CHECK_IN(note, mem, p->notes + 16ull * j, sizeof *note);
        for (uint32_t s = 0; note->slot != K_NO_SLOT && s < op->groups[0]; s++)
            TRY(merges ? merge(mem, p, j, note->log_sum) : one_slice(mem, p, s, j));
    }
    return OK;
}
