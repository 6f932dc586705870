/* Recordings as a whole: they must give the bits that their dispatches give one by one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "check/model/inside.h"

/* ---- images ------------------------------------------------------------------------------- */

static void join(struct image *im, struct plan_span s)
{
    uint32_t i = im->n;
    while (i > 0 && im->spans[i - 1].addr > s.addr)
        i--;
    memmove(&im->spans[i + 1], &im->spans[i], (im->n - i) * sizeof s);
    im->spans[i] = s;
    im->n++;
    uint32_t k = 0;
    for (uint32_t j = 1; j < im->n; j++) {
        struct plan_span *a = &im->spans[k], b = im->spans[j];
        /* Those that only touch may be of two memory blocks. */
        if (b.addr < a->addr + a->bytes) {
            if (b.addr + b.bytes > a->addr + a->bytes)
                a->bytes = b.addr + b.bytes - a->addr;
        } else {
            im->spans[++k] = b;
        }
    }
    im->n = k + 1;
}

enum status image_take(struct gpu *g, const struct plan *p, struct image *out)
{
    enum status s = OK;
    uint64_t most = 1, at = 0;
    for (uint32_t i = 0; i < plan_count(p); i++) {
        for (uint32_t k = 0; k < PLAN_MAX_SPANS && plan_get(p, i)->writes[k].bytes; k++)
            most++;
    }
    *out = (struct image){.spans = mem_calloc(most, sizeof *out->spans)};
    if (!out->spans)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < plan_count(p); i++) {
        for (uint32_t k = 0; k < PLAN_MAX_SPANS && plan_get(p, i)->writes[k].bytes; k++)
            join(out, plan_get(p, i)->writes[k]);
    }
    for (uint32_t i = 0; i < out->n; i++)
        out->bytes += out->spans[i].bytes;
    out->data = mem_alloc(out->bytes);
    if (!out->data) {
        image_free(out);
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; s == OK && i < out->n; i++) {
        s = gpu_download(g, out->data + at, out->spans[i].addr, out->spans[i].bytes);
        at += out->spans[i].bytes;
    }
    return s;
}

enum status image_put(struct gpu *g, const struct image *im)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < im->n; i++) {
        TRY(gpu_upload(g, im->spans[i].addr, im->data + at, im->spans[i].bytes));
        at += im->spans[i].bytes;
    }
    return OK;
}

void image_free(struct image *im)
{
    mem_free(im->spans);
    mem_free(im->data);
    *im = (struct image){0};
}

/* ---- running ops -------------------------------------------------------------------------- */

static enum status add_op(struct gpu *g, struct gpu_cmd *cmd, const struct plan_op *op)
{
    const struct gpu_pipe *pipe;
    TRY(gpu_pipe_get(g, &op->pipe, &pipe));
    return gpu_cmd_dispatch(cmd, pipe, op->push, op->groups[0], op->groups[1], op->groups[2],
                            op->name, op->layer);
}

enum status model_run_ops(struct gpu *g, const struct run_ops *r)
{
    enum status s = OK;
    struct gpu_cmd *cmd = NULL;
    uint64_t ticket = 0;
    TRY_GOTO(gpu_cmd_create(g, &(struct gpu_cmd_params){.name = plan_name(r->plan)}, &cmd));
    for (uint32_t i = r->from, end; i < r->to; i = end) {
        end = i + 1;
        while (!r->alone && end < r->to && !plan_barrier_before(r->plan, end))
            end++;
        if (i > r->from)
            TRY_GOTO(gpu_cmd_barrier(cmd));
        for (uint32_t k = 0; k < end - i; k++)
            TRY_GOTO(add_op(g, cmd, plan_get(r->plan, r->reversed ? end - 1 - k : i + k)));
    }
    TRY_GOTO(gpu_cmd_end(cmd));
    TRY_GOTO(gpu_submit(g, cmd, 1, &ticket));
    TRY_GOTO(gpu_wait(g, ticket));
fail:
    gpu_cmd_destroy(g, &cmd);
    return s;
}

/* ---- whole recordings --------------------------------------------------------------------- */

/* A way of running the plan's first dispatches. */
struct way {
    struct check_model *m;
    struct plan *p;
    const struct image *before;
    const struct op_note *notes;
    bool recording, reversed; /* recording: as it was recorded, all of it */
    uint32_t repeat;
};

/* Runs dispatches [0, count) from the beginning. */
static enum status run_first(const struct way *w, uint32_t count)
{
    uint64_t ticket = 0;
    TRY(image_put(w->m->gpu, w->before));
    if (!w->recording)
        return model_run_ops(w->m->gpu,
                             &(struct run_ops){.plan = w->p, .to = count, .reversed = w->reversed});
    TRY(plan_run(w->p, 1, &ticket));
    return gpu_wait(w->m->gpu, ticket);
}

/* The digest of what an op wrote, from what the device has now. */
static enum status digest_now(struct check_model *m, const struct plan_op *op,
                              const struct op_note *note, uint64_t *digest)
{
    struct hash h;
    hash_start(&h);
    check_mem_clear(m->alone);
    TRY(check_mem_add_spans(m->alone, op));
    for (uint32_t i = 0; i < note->n_pieces; i++) {
        const void *now = check_in(m->alone, note->pieces[i].addr, note->pieces[i].bytes);
        if (!now)
            return m->alone->status;
        hash_add(&h, now, note->pieces[i].bytes);
    }
    *digest = hash_end(&h);
    return OK;
}

/* True if ops [from, to) have left on the device what they did one by one. */
static enum status as_alone(struct way *w, uint32_t from, uint32_t to, bool *same)
{
    for (*same = true; *same && from < to; from++) {
        const struct op_note *note = &w->notes[from];
        uint64_t digest = 0;
        if (!note->n_pieces)
            continue;
        TRY(digest_now(w->m, plan_get(w->p, from), note, &digest));
        *same = digest == note->digest;
    }
    return OK;
}

/* The first dispatch with which its stage, the run of dispatches between two barriers, leaves other
 * bits than one by one; plan_count() if there is none. It need not be its own output: a dispatch
 * that comes too early may spoil what one before it reads. */
static enum status first_other(struct way *w, uint32_t *out)
{
    uint32_t n = plan_count(w->p), stage = 0;
    w->recording = false;
    for (*out = 0; *out < n; ++*out) {
        if (plan_barrier_before(w->p, *out))
            stage = *out;
        TRY(model_progress(w->m, "looking for a missing barrier", *out, n));
        for (uint32_t k = 0; k < w->repeat; k++) {
            bool same;
            TRY(run_first(w, *out + 1));
            TRY(as_alone(w, stage, *out + 1, &same));
            if (!same)
                return OK;
        }
    }
    return OK;
}

static enum status find_barrier(struct way *w, uint64_t bytes)
{
    char where[160];
    uint32_t i;
    bool recording = w->recording;
    TRY(first_other(w, &i));
    const char *how = w->reversed ? "beside its neighbours, these in reverse order"
                                  : "together with those before it";
    struct check_finding *f;
    if (i < plan_count(w->p))
        f = model_find(w->m, CHECK_BLAME_BARRIER, w->p, i,
                       "%s is right alone and gives other bits %s: a missing barrier or a race "
                       "before it",
                       model_where(w->p, i, where, sizeof where), how);
    else
        f = model_find(w->m, CHECK_BLAME_BARRIER, w->p, UINT32_MAX,
                       "%s, run %s, gives other bits (%" PRIu64
                       " bytes) than its dispatches one by one; no beginning of it did when it was "
                       "run again: a race that is not there every time",
                       plan_name(w->p), recording ? "as recorded" : "in stages", bytes);
    if (f)
        f->run = w->m->report.n_runs;
    return OK;
}

enum status model_check_together(struct check_model *m, struct plan *p, const struct image *before,
                                 const struct image *after, const struct op_note *notes)
{
    struct way w = {.m = m, .p = p, .before = before, .notes = notes, .recording = true};
    uint64_t bytes = 0, first;
    w.repeat = m->params.repeat ? m->params.repeat : 3;
    for (uint32_t k = 0; k <= w.repeat && !bytes; k++) {
        w.recording = k < w.repeat;
        w.reversed = !w.recording;
        TRY(model_progress(m, "running the recording", k, w.repeat + 1));
        TRY(run_first(&w, plan_count(p)));
        TRY(overlay_changed(&m->overlay, m->gpu, &bytes, &first));
        m->report.n_together++;
    }
    if (bytes)
        TRY(find_barrier(&w, bytes));
    return image_put(m->gpu, after);
}

/* ---- the plan ----------------------------------------------------------------------------- */

static const char *layer_text(const struct plan_op *op, char *buf, size_t size)
{
    snprintf(buf, size, op->layer < 0 ? "%s" : "%s, layer %d", op->name, op->layer);
    return buf;
}

/* What of an op is not as the model asks for; "" if all is. */
static void other_op(const struct plan_op *a, const struct plan_op *b, char *buf, size_t size)
{
    char x[64], y[64];
    *buf = 0;
    if (strcmp(a->name, b->name) != 0 || a->layer != b->layer) {
        snprintf(buf, size, "it is (%s), not (%s)", layer_text(a, x, sizeof x),
                 layer_text(b, y, sizeof y));
    } else if (a->pipe.shader != b->pipe.shader || a->pipe.n_spec != b->pipe.n_spec ||
               memcmp(a->pipe.spec, b->pipe.spec, sizeof a->pipe.spec) != 0 ||
               a->pipe.subgroup != b->pipe.subgroup) {
        char v[320];
        model_variant(b, v, sizeof v);
        snprintf(buf, size, "its constants are not %s", v);
    } else if (memcmp(a->groups, b->groups, sizeof a->groups) != 0) {
        snprintf(buf, size, "%u x %u x %u groups, not %u x %u x %u", a->groups[0], a->groups[1],
                 a->groups[2], b->groups[0], b->groups[1], b->groups[2]);
    } else if (memcmp(a->reads, b->reads, sizeof a->reads) != 0 ||
               memcmp(a->writes, b->writes, sizeof a->writes) != 0) {
        snprintf(buf, size, "other spans are declared");
    } else {
        const uint8_t *pa = a->push, *pb = b->push;
        for (uint32_t i = 0; i < a->pipe.push_bytes && i < b->pipe.push_bytes; i++) {
            if (pa[i] == pb[i])
                continue;
            uint32_t va, vb, at = i & ~3u;
            memcpy(&va, pa + at, 4);
            memcpy(&vb, pb + at, 4);
            snprintf(buf, size, "the push constant at byte %u is 0x%08x, not 0x%08x%s", at, va, vb,
                     at < 8 * a->n_addr ? " (an address)" : "");
            return;
        }
    }
}

static void compare_plans(struct check_model *m, const struct plan *p, const struct plan *again)
{
    char where[160], text[512];
    uint32_t n = plan_count(p);
    if (n != plan_count(again))
        model_find(m, CHECK_BLAME_PLAN, p, UINT32_MAX,
                   "%s has %u dispatches; the model asks for %u", plan_name(p), n,
                   plan_count(again));
    for (uint32_t i = 0; i < n && i < plan_count(again); i++) {
        other_op(plan_get(p, i), plan_get(again, i), text, sizeof text);
        if (*text)
            model_find(m, CHECK_BLAME_PLAN, p, i,
                       "%s is recorded otherwise than the model asks: %s",
                       model_where(p, i, where, sizeof where), text);
    }
}

enum status model_check_plan(struct check_model *m, const struct plan *p)
{
    struct plan_hazard h;
    struct plan *again;
    char where[160];
    if (!m->params.no_hazards && plan_find_hazard(p, UINT32_MAX, &h) != OK) {
        if (h.after == UINT32_MAX)
            return ERR_MEMORY;
        struct check_finding *f = model_find(m, CHECK_BLAME_BARRIER, p, h.after, "%s",
                                             model_where(p, h.after, where, sizeof where));
        if (f)
            snprintf(f->text, sizeof f->text, "%s lacks a barrier before it: %s", where,
                     status_message());
        if (f)
            f->run = m->report.n_runs;
    }
    TRY(m->e ? engine_plan_again(m->e, p, &again) : speech_plan_again(m->speech, p, &again));
    compare_plans(m, p, again);
    plan_destroy(&again);
    return OK;
}
