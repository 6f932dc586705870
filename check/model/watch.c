/* One run of a plan, dispatch by dispatch: each alone, and the references' chain. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "check/half.h"
#include "check/model/inside.h"
#include "check/parallel.h"
#include "check/spare.h"

/* Of NMSE: keys and values are rounded to f16, and an input that is a little off rounds another way
 * now and then. */
#define LEAST_CHAIN_LIMIT 1e-5

/* What the device has where an op wrote, range by range; got[i] lies like ranges[i].data. */
struct outputs {
    const struct check_mem *mem;
    uint8_t **got;
};

/* A dispatch under way. */
struct one_op {
    struct check_model *m;
    const struct plan *p;
    uint32_t run, i;
    const struct plan_op *op;
    const struct check_ref *ref;
    const struct check_mem *chain; /* where the chain's values are: m->chain or m->alone */
    struct outputs out;
    struct check_result result, bits;
    struct diff against; /* the chain */
};

/* ---- the chain's inputs ------------------------------------------------------------------- */

static enum status fetch_chain(void *ctx, uint64_t addr, uint64_t bytes, void *dst)
{
    struct check_model *m = ctx;
    TRY(gpu_download(m->gpu, dst, addr, bytes));
    overlay_apply(&m->overlay, addr, bytes, dst);
    return OK;
}

static bool writes_into(const struct plan_op *op, const struct check_range *r)
{
    for (uint32_t i = 0; i < PLAN_MAX_SPANS && op->writes[i].bytes; i++) {
        const struct plan_span *s = &op->writes[i];
        if (s->addr < r->addr + r->bytes && r->addr < s->addr + s->bytes)
            return true;
    }
    return false;
}

/* What is the same for all, weights above all, is read once. `o`: what `mem` has of its own. */
static void borrow(struct check_model *m, const struct plan_op *op, struct check_mem *mem,
                   const struct overlay *o)
{
    for (uint32_t i = 0; i < mem->n_ranges; i++) {
        struct check_range *c = &mem->ranges[i], *a = &m->alone->ranges[i];
        const struct plan_span all = {a->addr, a->bytes};
        if (writes_into(op, a) || (o && !overlay_same(o, &all)))
            continue;
        check_mem_borrow(c, a);
    }
}

/* On the device's inputs: by double sums, and in f32 where that gives the device's bits. */
static enum status run_alone(struct one_op *o)
{
    struct check_model *m = o->m;
    check_mem_clear(m->alone);
    TRY(check_mem_add_spans(m->alone, o->op));
    TRY(check_run_op(o->op, m->alone));
    if (!check_ref_bits(o->ref))
        return OK;
    check_mem_clear(m->bits);
    TRY(check_mem_add_spans(m->bits, o->op));
    borrow(m, o->op, m->bits, NULL);
    return check_run_op_bits(o->op, m->bits);
}

/* The op by its reference on the references' own inputs; where these have the device's bits, what
 * was computed on those is the answer. */
static enum status run_chain(struct one_op *o)
{
    struct check_model *m = o->m;
    bool same = true;
    o->chain = m->alone;
    for (uint32_t i = 0; same && i < PLAN_MAX_SPANS && o->op->reads[i].bytes; i++)
        same = overlay_same(&m->overlay, &o->op->reads[i]);
    if (same)
        return OK;
    check_mem_clear(m->chain);
    TRY(check_mem_add_spans(m->chain, o->op));
    borrow(m, o->op, m->chain, &m->overlay);
    TRY(check_run_op(o->op, m->chain));
    o->chain = m->chain;
    return OK;
}

/* ---- outputs ------------------------------------------------------------------------------ */

static void free_outputs(struct outputs *out)
{
    for (uint32_t i = 0; out->got && i < out->mem->n_ranges; i++) {
        spare_put(out->got[i], out->mem->ranges[i].bytes, false);
    }
    mem_free(out->got);
    out->got = NULL;
}

/* Fetches the pages that the reference wrote to. */
static enum status get_outputs(struct one_op *o)
{
    const struct check_mem *mem = o->m->alone;
    o->out = (struct outputs){mem, mem_calloc(mem->n_ranges + 1u, sizeof *o->out.got)};
    if (!o->out.got)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < mem->n_ranges; i++) {
        const struct check_range *r = &mem->ranges[i];
        if (!r->kind)
            continue;
        o->out.got[i] = spare_get(r->bytes, false);
        if (!o->out.got[i])
            return ERR_MEMORY;
        for (uint64_t at = 0, end; at < r->bytes; at = end) {
            end = at + CHECK_PAGE < r->bytes ? at + CHECK_PAGE : r->bytes;
            if (!r->written[at / CHECK_PAGE])
                continue;
            while (end < r->bytes && r->written[end / CHECK_PAGE])
                end = end + CHECK_PAGE < r->bytes ? end + CHECK_PAGE : r->bytes;
            TRY(gpu_download(o->m->gpu, o->out.got[i] + at, r->addr + at, end - at));
        }
    }
    return OK;
}

/* The stretch of bytes of one kind that begins at `at`, inside one page and before `end`. */
static uint64_t stretch(const struct check_range *r, uint64_t at, uint64_t end)
{
    uint64_t to = (at / CHECK_PAGE + 1) * CHECK_PAGE;
    if (to > end)
        to = end;
    if (!r->written[at / CHECK_PAGE])
        return to - at;
    const uint8_t *kind = r->kind + at;
    uint64_t n = 1, most = to - at;
    while (n + 64 <= most && !memcmp(kind + n, kind + n - 1, 64))
        n += 64;
    while (n < most && kind[n] == kind[0])
        n++;
    return n;
}

static enum check_kind kind_at(const struct check_range *r, uint64_t at)
{
    return r->written[at / CHECK_PAGE] ? (enum check_kind)r->kind[at] : CHECK_UNCHANGED;
}

static uint32_t value_bytes(enum check_kind kind)
{
    return kind == CHECK_F32 ? 4 : kind == CHECK_F16 ? 2 : 1;
}

static double value_at(enum check_kind kind, const uint8_t *p)
{
    float f;
    uint16_t h;
    if (kind == CHECK_F32) {
        memcpy(&f, p, sizeof f);
        return (double)f;
    }
    memcpy(&h, p, sizeof h);
    return kind == CHECK_F16 ? half_to_double(h) : (double)*p;
}

static void diff_stretch(struct diff *d, enum check_kind kind, const uint8_t *got,
                         const uint8_t *want, uint64_t bytes)
{
    uint32_t size = value_bytes(kind);
    if (kind != CHECK_F32 && kind != CHECK_F16)
        return;
    for (uint64_t i = 0; i + size <= bytes; i += size)
        diff_add(d, value_at(kind, got + i), value_at(kind, want + i),
                 !memcmp(got + i, want + i, size));
}

/* ---- the worst element -------------------------------------------------------------------- */

/* How far the value at `at` may be from what is wanted; exact: not at all. */
static double slack(const struct one_op *o, const struct check_range *r, uint64_t at, bool exact)
{
    double want = value_at(kind_at(r, at), r->data + at);
    if (exact || (kind_at(r, at) != CHECK_F32 && kind_at(r, at) != CHECK_F16))
        return 0;
    double s = o->ref->limit.max * (double)r->mag[at / 2];
    return kind_at(r, at) == CHECK_F16 ? s + fmax(fabs(want) * 0x1p-11, 0x1p-25) : s;
}

static void note_neighbours(struct check_element *e, const struct check_range *r,
                            const uint8_t *got, uint64_t at, uint64_t lo, uint64_t hi)
{
    enum check_kind kind = kind_at(r, at);
    uint32_t size = value_bytes(kind);
    uint64_t from = at, to = at + size;
    while (from >= lo + size && e->first < CHECK_NEIGHBOURS && kind_at(r, from - size) == kind) {
        from -= size;
        e->first++;
    }
    for (uint32_t i = 0; i < CHECK_NEIGHBOURS && to + size <= hi && kind_at(r, to) == kind; i++)
        to += size;
    for (; from < to; from += size, e->n++) {
        e->wants[e->n] = value_at(kind, r->data + from);
        e->gots[e->n] = value_at(kind, got + from);
    }
}

/* Looks through one written span for the value that is furthest beyond its limit; exact: for other
 * bits than in f32. */
static void worst_of_span(struct one_op *o, const struct plan_span *s, bool exact,
                          struct check_element *worst, double *share)
{
    for (uint32_t k = 0; k < o->out.mem->n_ranges; k++) {
        const struct check_range *r = exact ? &o->m->bits->ranges[k] : &o->out.mem->ranges[k];
        const uint8_t *got = o->out.got[k];
        if (!got || s->addr < r->addr || s->addr >= r->addr + r->bytes)
            continue;
        uint64_t lo = s->addr - r->addr, hi = lo + s->bytes;
        for (uint64_t at = lo, n; at < hi; at += n) {
            enum check_kind kind = kind_at(r, at);
            n = stretch(r, at, hi);
            if (kind == CHECK_UNCHANGED || kind == CHECK_ANY)
                continue;
            n = value_bytes(kind);
            double want = value_at(kind, r->data + at), have = value_at(kind, got + at);
            double off = fabs(have - want), limit = slack(o, r, at, exact);
            if (!memcmp(got + at, r->data + at, n) || (kind == CHECK_F32 && off <= (double)FLT_MIN))
                continue;
            double now = isfinite(off) ? off / fmax(limit, 1e-300) : INFINITY;
            if (*share >= 0 && !(now > *share))
                continue;
            *share = now;
            *worst = (struct check_element){.index = (at - lo) / n,
                                            .count = s->bytes / n,
                                            .want = want,
                                            .got = have,
                                            .off = off,
                                            .limit = limit};
            note_neighbours(worst, r, got, at, lo, hi);
        }
    }
}

/* The name of the weights that a dispatch reads, the largest; "" for none. */
static const char *tensor_of(const struct check_model *m, const struct plan_op *op)
{
    const char *name = "";
    uint64_t most = 0;
    for (uint32_t k = 0; k < PLAN_MAX_SPANS && op->reads[k].bytes; k++) {
        for (uint32_t i = 0; i < m->n_tensors; i++) {
            const struct k_weight *w = m->tensors[i].weight;
            if (w && w->addr == op->reads[k].addr && op->reads[k].bytes > most) {
                name = w->name;
                most = op->reads[k].bytes;
            }
        }
    }
    return name;
}

static void find_wrong(struct one_op *o, const char *message)
{
    char where[160];
    model_where(o->p, o->i, where, sizeof where);
    struct check_finding *f = model_find(o->m, CHECK_BLAME_OPERATION, o->p, o->i, "%s", where);
    o->m->report.n_wrong++;
    if (!f)
        return;
    f->run = o->run;
    snprintf(f->tensor, sizeof f->tensor, "%s", tensor_of(o->m, o->op));
    if (message) {
        snprintf(f->text, sizeof f->text, "%s: %s", where, message);
        return;
    }
    double share = -1;
    bool exact = !o->result.wrong;
    const struct check_result *r = exact ? &o->bits : &o->result;
    for (uint32_t i = 0; i < PLAN_MAX_SPANS && o->op->writes[i].bytes; i++)
        worst_of_span(o, &o->op->writes[i], exact, &f->element, &share);
    f->has_element = share >= 0;
    f->values = r->values + r->exact;
    f->wrong = r->wrong < f->values ? r->wrong : f->values; /* NMSE counts as one */
    snprintf(f->text, sizeof f->text, "%s %s: %" PRIu64 " of %" PRIu64 " values%s%s", where,
             exact ? "is within its limit but has other bits than its reference in f32"
                   : "is wrong on the inputs it had",
             f->wrong, f->values, f->has_element ? "" : ": ", f->has_element ? "" : r->first);
}

/* ---- comparing ---------------------------------------------------------------------------- */

/* One page of a range that was written, and what comparing it gives. */
struct page {
    uint64_t at;
    struct diff against;
    struct check_result result, bits;
};

/* The written pages of one range; on any thread. */
struct pages {
    const struct one_op *o;
    uint32_t range, n;
    struct page *all;
};

/* Device against references, alone and along the chain; into the overlay. */
static enum status compare_page(const struct pages *p, struct page *page)
{
    const struct one_op *o = p->o;
    const struct check_range *r = &o->out.mem->ranges[p->range], *c = &o->chain->ranges[p->range];
    const uint8_t *got = o->out.got[p->range];
    uint64_t left = r->bytes - page->at, bytes = left < CHECK_PAGE ? left : CHECK_PAGE;
    for (uint64_t at = page->at, n; at < page->at + bytes; at += n) {
        enum check_kind kind = kind_at(r, at);
        n = stretch(r, at, r->bytes);
        diff_stretch(&page->against, kind, got + at, c->data + at, n);
        if (kind != CHECK_UNCHANGED)
            TRY(overlay_put(&o->m->overlay, r->addr + at, n,
                            kind == CHECK_ANY ? NULL : c->data + at, got + at));
    }
    TRY(check_compare(o->m->alone, r->addr + page->at, bytes, got + page->at, o->ref->limit,
                      &page->result));
    if (check_ref_bits(o->ref))
        TRY(check_compare(o->m->bits, r->addr + page->at, bytes, got + page->at,
                          (struct check_limit){0}, &page->bits));
    return OK;
}

static enum status compare_pages(void *ctx, uint32_t from, uint32_t to)
{
    struct pages *p = ctx;
    for (uint32_t i = from; i < to; i++)
        TRY(compare_page(p, &p->all[i]));
    return OK;
}

static enum status find_pages(const struct check_range *r, struct pages *p)
{
    for (uint64_t at = 0; at < r->bytes; at += CHECK_PAGE)
        p->n += r->written[at / CHECK_PAGE];
    p->all = mem_calloc(p->n + 1u, sizeof *p->all);
    if (!p->all)
        return ERR_MEMORY;
    struct page *next = p->all;
    for (uint64_t at = 0; at < r->bytes; at += CHECK_PAGE) {
        if (r->written[at / CHECK_PAGE])
            next++->at = at;
    }
    return OK;
}

/* Everything over one range. */
static enum status compare_range(struct one_op *o, uint32_t k)
{
    enum status s = OK;
    struct pages p = {.o = o, .range = k};
    const struct check_range *r = &o->out.mem->ranges[k];
    TRY_GOTO(find_pages(r, &p));
    for (uint32_t i = 0; i < p.n; i++) {
        uint64_t left = r->bytes - p.all[i].at, bytes = left < CHECK_PAGE ? left : CHECK_PAGE;
        TRY_GOTO(overlay_room(&o->m->overlay, r->addr + p.all[i].at, bytes));
    }
    TRY_GOTO(check_parallel(p.n, CHECK_PAGE * 8ull, compare_pages, &p));
    for (uint32_t i = 0; i < p.n; i++) {
        diff_merge(&o->against, &p.all[i].against);
        check_merge(&p.all[i].result, &o->result);
        check_merge(&p.all[i].bits, &o->bits);
    }
fail:
    mem_free(p.all);
    return s;
}

/* What was written, in the order of the op's spans: its digest and where it lies. */
static enum status note_op(struct one_op *o, struct op_note *note)
{
    struct hash h;
    uint32_t cap = 0;
    hash_start(&h);
    for (uint32_t i = 0; i < PLAN_MAX_SPANS && o->op->writes[i].bytes; i++) {
        const struct plan_span *s = &o->op->writes[i];
        for (uint32_t k = 0; k < o->out.mem->n_ranges; k++) {
            const struct check_range *r = &o->out.mem->ranges[k];
            if (!o->out.got[k] || s->addr < r->addr || s->addr >= r->addr + r->bytes)
                continue;
            uint64_t lo = s->addr - r->addr;
            for (uint64_t at = lo, n; at < lo + s->bytes; at += n) {
                enum check_kind kind = kind_at(r, at);
                n = stretch(r, at, lo + s->bytes);
                if (kind == CHECK_UNCHANGED || kind == CHECK_ANY)
                    continue;
                hash_add(&h, o->out.got[k] + at, n);
                if (note->n_pieces == cap) {
                    struct plan_span *old = note->pieces;
                    cap = cap ? 2 * cap : 16;
                    note->pieces = arena_calloc(&o->m->arena, cap, sizeof *note->pieces);
                    if (!note->pieces)
                        return ERR_MEMORY;
                    if (old)
                        memcpy(note->pieces, old, note->n_pieces * sizeof *old);
                }
                note->pieces[note->n_pieces++] = (struct plan_span){r->addr + at, n};
            }
        }
    }
    note->digest = hash_end(&h);
    return OK;
}

/* The values of floats that an op wrote, in the order of its spans. */
static enum status floats_of(const struct one_op *o, const struct op_note *note, float **out,
                             uint64_t *n)
{
    uint64_t most = 0;
    *n = 0;
    for (uint32_t i = 0; i < note->n_pieces; i++)
        most += note->pieces[i].bytes / 2;
    *out = mem_calloc(most, sizeof **out);
    if (!*out)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < note->n_pieces; i++) {
        const struct plan_span *s = &note->pieces[i];
        for (uint32_t k = 0; k < o->out.mem->n_ranges; k++) {
            const struct check_range *r = &o->out.mem->ranges[k];
            if (s->addr < r->addr || s->addr >= r->addr + r->bytes)
                continue;
            enum check_kind kind = kind_at(r, s->addr - r->addr);
            if (kind != CHECK_F32 && kind != CHECK_F16)
                continue;
            const uint8_t *got = o->out.got[k] + (s->addr - r->addr);
            for (uint64_t at = 0; at < s->bytes; at += value_bytes(kind))
                (*out)[(*n)++] = (float)value_at(kind, got + at);
        }
    }
    return OK;
}

/* ---- one dispatch ------------------------------------------------------------------------- */

/* The chain may be off by what its dispatches may add up to. */
static void judge_chain(struct one_op *o)
{
    struct check_model *m = o->m;
    char where[160];
    double nmse = diff_nmse(&o->against);
    if (m->chain_limit < LEAST_CHAIN_LIMIT)
        m->chain_limit = LEAST_CHAIN_LIMIT;
    if (m->chain_limit < 50 * o->ref->limit.nmse)
        m->chain_limit = 50 * o->ref->limit.nmse;
    if (!o->against.n || m->drifted || m->report.n_wrong || nmse <= m->chain_limit)
        return;
    m->drifted = true;
    struct check_finding *f = model_find(
        m, CHECK_BLAME_DRIFT, o->p, o->i,
        "at %s the difference from the references' own chain grows beyond its limit (NMSE %.3g, "
        "limit %.3g), though every dispatch so far is within its own",
        model_where(o->p, o->i, where, sizeof where), nmse, m->chain_limit);
    if (f)
        f->run = o->run;
}

static void add_to_layer(const struct one_op *o, struct check_layer *l)
{
    double limit = o->ref ? o->ref->limit.max : 0;
    double share = limit > 0 ? o->result.max / limit : 0;
    l->count++;
    bool exact = o->ref && (check_ref_bits(o->ref) || !(limit > 0));
    l->wrong += o->result.wrong || o->bits.wrong;
    l->same_bits = l->same_bits && exact && !o->result.wrong && !o->bits.wrong;
    if (!l->alone_kernel || share > l->alone) {
        l->alone = share;
        l->alone_kernel = o->op->name;
    }
    if (!o->against.n)
        return;
    l->values = o->against.n;
    l->correlation = diff_correlation(&o->against);
    l->nmse = diff_nmse(&o->against);
    l->largest = o->against.largest;
    l->chain_same = o->against.other == 0;
    l->chain_limit = o->m->chain_limit;
}

static enum status forget_outputs(struct check_model *m, const struct plan_op *op)
{
    for (uint32_t i = 0; i < PLAN_MAX_SPANS && op->writes[i].bytes; i++) {
        if (overlay_meets(&m->overlay, op->writes[i].addr, op->writes[i].bytes))
            TRY(overlay_put(&m->overlay, op->writes[i].addr, op->writes[i].bytes, NULL, NULL));
    }
    return OK;
}

/* A kernel without a reference, or one whose reference leaves what the op declares. */
static enum status cannot_judge(struct one_op *o, enum status s)
{
    if (s != ERR_VERIFY)
        return s;
    find_wrong(o, status_message());
    o->result.wrong = 1;
    TRY(model_run_ops(o->m->gpu, &(struct run_ops){.plan = o->p, .from = o->i, .to = o->i + 1}));
    return forget_outputs(o->m, o->op);
}

static enum status check_op(struct one_op *o, struct check_layer *l, struct op_note *note,
                            bool last_of_layer)
{
    struct check_model *m = o->m;
    float *values = NULL;
    uint64_t n;
    enum status s = run_alone(o);
    if (s == OK)
        s = run_chain(o);
    if (s != OK) {
        TRY(cannot_judge(o, s));
        add_to_layer(o, l);
        return OK;
    }
    TRY(model_run_ops(m->gpu, &(struct run_ops){.plan = o->p, .from = o->i, .to = o->i + 1}));
    TRY_GOTO(get_outputs(o));
    for (uint32_t k = 0; k < o->out.mem->n_ranges; k++) {
        if (o->out.got[k])
            TRY_GOTO(compare_range(o, k));
    }
    if (o->result.wrong || o->bits.wrong)
        find_wrong(o, NULL);
    judge_chain(o);
    TRY_GOTO(note_op(o, note));
    add_to_layer(o, l);
    TRY_GOTO(save_op(m, o->p, o->run, o->i, note->digest));
    if (last_of_layer && m->save) {
        TRY_GOTO(floats_of(o, note, &values, &n));
        TRY_GOTO(save_layer(m, l, values, n));
    }
fail:
    mem_free(values);
    free_outputs(&o->out);
    return s;
}

/* ---- the run ------------------------------------------------------------------------------ */

static enum status begin_layer(struct check_model *m, const struct plan *p, uint32_t i,
                               struct check_layer **out)
{
    struct check_model_report *r = &m->report;
    if (r->n_layers == m->cap_layers) {
        uint32_t cap = m->cap_layers * 2 + 64;
        struct check_layer *grown = mem_realloc(r->layers, cap * sizeof *grown);
        if (!grown)
            return ERR_MEMORY;
        r->layers = grown;
        m->cap_layers = cap;
    }
    *out = &r->layers[r->n_layers++];
    **out = (struct check_layer){.plan = plan_name(p),
                                 .run = r->n_runs,
                                 .layer = plan_get(p, i)->layer,
                                 .first = i,
                                 .same_bits = true};
    return OK;
}

static enum status each_alone(struct check_model *m, const struct plan *p, struct op_note *notes)
{
    struct check_layer *l = NULL;
    uint32_t count = plan_count(p);
    uint64_t done = 0, total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += plan_get(p, i)->weight_bytes + 65536;
    for (uint32_t i = 0; i < count; i++) {
        struct one_op o = {.m = m, .p = p, .run = m->report.n_runs, .i = i, .op = plan_get(p, i)};
        bool last = i + 1 == count || plan_get(p, i + 1)->layer != o.op->layer;
        TRY(model_progress(m, plan_name(p), done, total));
        if (!l || l->layer != o.op->layer)
            TRY(begin_layer(m, p, i, &l));
        o.ref = check_ref_find(o.op->pipe.shader->name);
        TRY(check_op(&o, l, &notes[i], last));
        m->report.n_dispatches++;
        done += o.op->weight_bytes + 65536;
        if (last && m->params.on_layer)
            m->params.on_layer(m->params.ctx, l);
    }
    return OK;
}

enum status model_check_run(struct check_model *m, struct plan *p)
{
    enum status s = OK;
    struct image before = {0}, after = {0};
    struct op_note *notes = arena_calloc(&m->arena, plan_count(p) + 1u, sizeof *notes);
    if (!notes)
        return ERR_MEMORY;
    m->chain->fetch = fetch_chain;
    m->chain->fetch_ctx = m;
    double start = time_now();
    TRY_GOTO(overlay_absorb(&m->overlay, m->gpu));
    TRY_GOTO(image_take(m->gpu, p, &before));
    TRY_GOTO(each_alone(m, p, notes));
    m->report.alone_seconds += time_now() - start;
    const struct gpu_buf *state = m->e ? m->e->state : m->speech->state;
    m->report.n_other_choices += overlay_take(&m->overlay, state) > 0;
    overlay_take(&m->overlay, m->e ? m->e->ring : m->speech->results);
    /* What heads look at is divided by its deviation next, which makes small differences large. */
    if (m->speech && m->speech->looks)
        overlay_take(&m->overlay, m->speech->looks);
    start = time_now();
    TRY_GOTO(image_take(m->gpu, p, &after));
    TRY_GOTO(model_check_together(m, p, &before, &after, notes));
    m->report.together_seconds += time_now() - start;
    m->report.n_runs++;
fail:
    image_free(&before);
    image_free(&after);
    check_mem_clear(m->chain);
    check_mem_clear(m->bits);
    check_mem_clear(m->alone);
    arena_free(&m->arena);
    return s;
}
