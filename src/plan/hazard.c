/* The hazard check shares nothing with the placing of barriers: it keeps, for every byte that was
 * touched, who last wrote and who last read it and how many barriers stood before that. */
#include "plan/inside.h"

#include <inttypes.h>
#include <string.h>

enum { NOBODY = UINT32_MAX };

/* Bytes [from, to) with one history. */
struct piece {
    uint64_t from, to;
    uint32_t writer, reader;          /* ops */
    uint32_t write_epoch, read_epoch; /* barriers before them */
};

struct map {
    struct piece *at; /* by address, disjoint */
    uint32_t n, cap;
};

/* The first piece that ends behind `addr`. */
static uint32_t piece_at(const struct map *m, uint64_t addr)
{
    uint32_t lo = 0, hi = m->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (m->at[mid].to > addr)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static enum status insert(struct map *m, uint32_t i, struct piece q)
{
    if (m->n == m->cap) {
        uint32_t cap = m->cap ? 2 * m->cap : 256;
        struct piece *grown = mem_realloc(m->at, cap * sizeof *grown);
        if (!grown)
            return ERR_MEMORY;
        m->at = grown;
        m->cap = cap;
    }
    memmove(&m->at[i + 1], &m->at[i], (m->n - i) * sizeof *m->at);
    m->at[i] = q;
    m->n++;
    return OK;
}

/* Makes a border at `addr`, if a piece covers it. */
static enum status split(struct map *m, uint64_t addr)
{
    uint32_t i = piece_at(m, addr);
    if (i == m->n || m->at[i].from >= addr)
        return OK;
    struct piece head = m->at[i];
    head.to = addr;
    m->at[i].from = addr;
    return insert(m, i, head);
}

static enum status touch(struct map *m, const struct plan_span *s, uint32_t op, uint32_t epoch,
                         bool write)
{
    uint64_t at = s->addr, end = s->addr + s->bytes;
    TRY(split(m, at));
    TRY(split(m, end));
    for (uint32_t i = piece_at(m, at); at < end; i++) {
        if (i == m->n || m->at[i].from > at) {
            uint64_t to = i < m->n && m->at[i].from < end ? m->at[i].from : end;
            TRY(insert(m, i, (struct piece){at, to, NOBODY, NOBODY, 0, 0}));
        }
        struct piece *q = &m->at[i];
        if (write) {
            q->writer = op;
            q->write_epoch = epoch;
        } else {
            q->reader = op;
            q->read_epoch = epoch;
        }
        at = q->to;
    }
    return OK;
}

/* A check under way. */
struct walk {
    const struct plan *p;
    struct map m;
    struct plan_hazard *found;
};

static enum status report(struct walk *w, const char *kind, uint32_t before, uint32_t after,
                          const struct piece *q, const struct plan_span *s)
{
    const struct plan *p = w->p;
    *w->found = (struct plan_hazard){before, after};
    char a[160], b[160];
    uint64_t from = q->from > s->addr ? q->from : s->addr;
    uint64_t to = q->to < s->addr + s->bytes ? q->to : s->addr + s->bytes;
    return status_fail(ERR,
                       "%s hazard: %s and %s touch the same %" PRIu64 " bytes at 0x%" PRIx64
                       " with no barrier between them",
                       kind, plan_op_text(p, before, a, sizeof a),
                       plan_op_text(p, after, b, sizeof b), to - from, from);
}

static enum status check(struct walk *w, const struct plan_span *s, uint32_t op, uint32_t epoch,
                         bool write)
{
    const struct map *m = &w->m;
    for (uint32_t i = piece_at(m, s->addr); i < m->n && m->at[i].from < s->addr + s->bytes; i++) {
        const struct piece *q = &m->at[i];
        if (q->writer != NOBODY && q->write_epoch == epoch)
            return report(w, write ? "WAW" : "RAW", q->writer, op, q, s);
        if (write && q->reader != NOBODY && q->read_epoch == epoch)
            return report(w, "WAR", q->reader, op, q, s);
    }
    return OK;
}

static enum status walk(struct walk *w, uint32_t without)
{
    const struct plan *p = w->p;
    struct map *m = &w->m;
    uint32_t epoch = 0;
    for (uint32_t i = 0; i < p->n_ops; i++) {
        const struct plan_op *op = &p->ops[i];
        epoch += p->barrier[i] && i != without;
        /* All of an op is checked before any of it is noted: it may read what it writes. */
        for (int k = 0; k < PLAN_MAX_SPANS && op->reads[k].bytes; k++)
            TRY(check(w, &op->reads[k], i, epoch, false));
        for (int k = 0; k < PLAN_MAX_SPANS && op->writes[k].bytes; k++)
            TRY(check(w, &op->writes[k], i, epoch, true));
        for (int k = 0; k < PLAN_MAX_SPANS && op->reads[k].bytes; k++)
            TRY(touch(m, &op->reads[k], i, epoch, false));
        for (int k = 0; k < PLAN_MAX_SPANS && op->writes[k].bytes; k++)
            TRY(touch(m, &op->writes[k], i, epoch, true));
    }
    return OK;
}

enum status plan_find_hazard(const struct plan *p, uint32_t without, struct plan_hazard *out)
{
    struct walk w = {.p = p, .found = out};
    *out = (struct plan_hazard){NOBODY, NOBODY};
    enum status s = walk(&w, without);
    mem_free(w.m.at);
    return s;
}

enum status plan_check_hazards(const struct plan *p, uint32_t without)
{
    struct plan_hazard found;
    return plan_find_hazard(p, without, &found);
}
