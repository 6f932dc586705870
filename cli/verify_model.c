#include "verify_model.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "check/model/model.h"

/* ---- while it runs ------------------------------------------------------------------------ */

struct watching {
    const struct check_model_report *report;
    bool begun;       /* the first line is out */
    const char *what; /* of the bar */
    double since;
    const char *plan; /* of the last line */
    uint32_t run, lines;
    bool against;
    enum status status; /* of printing */
};

static bool on_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    static char text[128];
    struct watching *w = ctx;
    double now = time_now();
    if (w->what != what || !done) {
        w->what = what;
        w->since = now;
    }
    double left = done ? (now - w->since) * (double)(total - done) / (double)done : 0;
    if (left >= 2)
        snprintf(text, sizeof text, "%s, %.0f:%02.0f left", what, floor(left / 60),
                 floor(fmod(left, 60)));
    else
        snprintf(text, sizeof text, "%s", what);
    progress(text, done, total);
    return !interrupted() && w->status == OK;
}

static enum status print_title(struct watching *w)
{
    const struct check_model_report *r = w->report;
    if (w->begun)
        return OK;
    w->begun = true;
    return out_printf("%s (%s) on %s, %s, tawny %s\n", r->model, r->architecture, r->device,
                      r->driver, tawny_version());
}

static enum status print_head(struct watching *w)
{
    TRY(print_title(w));
    TRY(out_printf("\n%-14s %5s %4s  %-22s  %s\n", "", "", "",
                   "each dispatch alone:", "the references' chain and the GPU:"));
    return out_printf("%-14s %5s %4s  %-22s  %-11s %-8s %-8s%s\n", "plan", "layer", "",
                      "of its limit", "correlation", "NMSE", "largest",
                      w->against ? "   other bits" : "");
}

static enum status print_layer(struct watching *w, const struct check_layer *l)
{
    char alone[48], chain[64] = "", layer[16] = "-";
    if (!w->lines++)
        TRY(print_head(w));
    bool first = w->plan != l->plan || w->run != l->run;
    w->plan = l->plan;
    w->run = l->run;
    if (l->layer >= 0)
        snprintf(layer, sizeof layer, "%d", l->layer);
    if (l->wrong)
        snprintf(alone, sizeof alone, "WRONG in %" PRIu32, l->wrong);
    else if (l->same_bits)
        snprintf(alone, sizeof alone, "same bits");
    else
        snprintf(alone, sizeof alone, "%.4f (%s)", l->alone, l->alone_kernel);
    if (l->values && l->chain_same)
        snprintf(chain, sizeof chain, "same bits");
    else if (l->values)
        snprintf(chain, sizeof chain, "%-11.8f %-8.1e %-8.1e%s", l->correlation, l->nmse,
                 l->largest, l->nmse <= l->chain_limit ? "" : " BEYOND");
    TRY(out_printf("%-14s %5s %4" PRIu32 "  %-22s  %s", first ? l->plan : "", layer, l->count,
                   alone, chain));
    if (l->compared && l->other_bits)
        TRY(out_printf("   %" PRIu64 " values, NMSE %.1e, largest %.1e", l->other_bits,
                       l->other_nmse, l->other_largest));
    else if (l->compared)
        TRY(out_printf("   none"));
    return out_printf("\n");
}

static void on_layer(void *ctx, const struct check_layer *l)
{
    struct watching *w = ctx;
    if (global.json)
        return;
    progress_clear();
    if (w->status == OK)
        w->status = print_layer(w, l);
    if (w->status == OK)
        w->status = out_flush();
}

/* ---- the result, for people --------------------------------------------------------------- */

static enum status print_element(const struct check_element *e)
{
    TRY(out_printf("  value %" PRIu64 " of %" PRIu64
                   ": expected %.9g, got %.9g, off by %.3g, limit "
                   "%.3g; values from %" PRIu64 " on:\n",
                   e->index, e->count, e->want, e->got, e->off, e->limit, e->index - e->first));
    for (int row = 0; row < 2; row++) {
        TRY(out_printf("    %-8s", row ? "got" : "expected"));
        for (uint32_t i = 0; i < e->n; i++)
            TRY(out_printf(i == e->first ? " [%.6g]" : " %.6g", row ? e->gots[i] : e->wants[i]));
        TRY(out_printf("\n"));
    }
    return OK;
}

static enum status print_finding(const struct check_finding *f)
{
    TRY(out_printf("%s: %s\n", check_blame_name(f->blame), f->text));
    if (*f->variant)
        TRY(out_printf("  %s%s%s\n", f->variant, *f->tensor ? "; weights " : "",
                       *f->tensor ? f->tensor : ""));
    return f->has_element ? print_element(&f->element) : OK;
}

static enum status print_report(const struct check_model_report *r)
{
    enum { MOST = 5 };
    char size[SIZE_TEXT];
    TRY(out_printf("\n"));
    for (uint32_t i = 0; i < r->n_findings && i < MOST; i++)
        TRY(print_finding(&r->findings[i]));
    if (r->n_findings > MOST)
        TRY(out_printf("... and %" PRIu32 "%s more\n", r->n_findings - MOST,
                       r->n_findings == CHECK_MAX_FINDINGS ? " or" : ""));
    if (r->n_tensors)
        TRY(out_printf("weights: %" PRIu32 " tensors, %s, in %.1f s\n", r->n_tensors,
                       size_text(size, r->weight_bytes), r->weights_seconds));
    TRY(out_printf("plans: %" PRIu32 " dispatches alone in %.1f s, %" PRIu32
                   " runs of whole recordings in %.1f s\n",
                   r->n_dispatches, r->alone_seconds, r->n_together, r->together_seconds));
    if (r->n_other_choices)
        TRY(out_printf("the references' chain chose another token in %" PRIu32 " of %" PRIu32
                       " steps\n",
                       r->n_other_choices, r->n_runs));
    if (r->against && r->same)
        TRY(out_printf("the bits are those of the saved folder\n"));
    else if (r->against)
        TRY(out_printf("other than in the saved folder: %s\n", r->against_text));
    return OK;
}

static enum status print_verdict(const struct check_model_report *r, const char *path)
{
    const struct check_finding *f = check_model_verdict(r);
    if (f)
        return out_printf("%s is WRONG with %s: %s\n", r->device, path, f->text);
    if (!r->complete)
        return out_printf("not all was checked\n");
    return out_printf("%s is right with %s\n", r->device, path);
}

/* ---- the result, as JSON ------------------------------------------------------------------ */

/* JSON has no infinities. */
static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *numbers(const double *v, uint32_t n)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(all, number(v[i]));
    return all;
}

static json_t *finding_json(const struct check_finding *f)
{
    json_t *j =
        json_pack("{s:s, s:o, s:s, s:i, s:i, s:s, s:s, s:i, s:s, s:I, s:I}", "blame",
                  check_blame_name(f->blame), "text", json_text(f->text, strlen(f->text)), "plan",
                  f->plan, "run", (int)f->run, "dispatch", (int)f->dispatch, "kernel", f->kernel,
                  "variant", f->variant, "layer", f->layer, "tensor", f->tensor, "wrong",
                  (json_int_t)f->wrong, "values", (json_int_t)f->values);
    const struct check_element *e = &f->element;
    if (f->has_element)
        json_object_set_new(j, "worst",
                            json_pack("{s:I, s:I, s:o, s:o, s:o, s:I, s:o, s:o}", "index",
                                      (json_int_t)e->index, "of", (json_int_t)e->count, "expected",
                                      number(e->want), "got", number(e->got), "limit",
                                      number(e->limit), "first", (json_int_t)(e->index - e->first),
                                      "expected_values", numbers(e->wants, e->n), "got_values",
                                      numbers(e->gots, e->n)));
    return j;
}

static json_t *layer_json(const struct check_layer *l)
{
    json_t *j = json_pack(
        "{s:s, s:i, s:i, s:i, s:i, s:i, s:b, s:o, s:s, s:I, s:b, s:o, s:o, s:o, s:o}", "plan",
        l->plan, "run", (int)l->run, "layer", l->layer, "first", (int)l->first, "dispatches",
        (int)l->count, "wrong", (int)l->wrong, "same_bits", (int)l->same_bits, "of_limit",
        number(l->alone), "kernel", l->alone_kernel ? l->alone_kernel : "", "values",
        (json_int_t)l->values, "chain_same_bits", (int)l->chain_same, "correlation",
        number(l->correlation), "nmse", number(l->nmse), "largest", number(l->largest),
        "nmse_limit", number(l->chain_limit));
    if (l->compared)
        json_object_set_new(j, "against",
                            json_pack("{s:I, s:o, s:o, s:o}", "other_bits",
                                      (json_int_t)l->other_bits, "correlation",
                                      number(l->other_correlation), "nmse", number(l->other_nmse),
                                      "largest", number(l->other_largest)));
    return j;
}

static json_t *verify_model_json(const struct check_model_report *r)
{
    json_t *findings = json_array(), *layers = json_array();
    char digest[20];
    const struct check_finding *f = check_model_verdict(r);
    for (uint32_t i = 0; i < r->n_findings; i++)
        json_array_append_new(findings, finding_json(&r->findings[i]));
    for (uint32_t i = 0; i < r->n_layers; i++)
        json_array_append_new(layers, layer_json(&r->layers[i]));
    snprintf(digest, sizeof digest, "%016" PRIx64, r->weights_digest);
    json_t *j = json_pack("{s:s, s:o, s:o, s:o, s:s, s:b, s:b, s:s, s:o}", "version",
                          tawny_version(), "device", json_text(r->device, strlen(r->device)),
                          "driver", json_text(r->driver, strlen(r->driver)), "model",
                          json_text(r->model, strlen(r->model)), "architecture", r->architecture,
                          "complete", (int)r->complete, "right", !f && r->complete ? 1 : 0, "blame",
                          f ? check_blame_name(f->blame) : "", "findings", findings);
    json_object_set_new(j, "counts",
                        json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "tensors",
                                  (int)r->n_tensors, "prompt_tokens", (int)r->n_prompt,
                                  "more_tokens", (int)r->n_more, "made_tokens", (int)r->n_made,
                                  "plan_runs", (int)r->n_runs, "dispatches", (int)r->n_dispatches,
                                  "wrong", (int)r->n_wrong, "recordings", (int)r->n_together,
                                  "other_choices", (int)r->n_other_choices));
    json_object_set_new(j, "seconds",
                        json_pack("{s:f, s:f, s:f, s:f}", "load", r->load_seconds, "weights",
                                  r->weights_seconds, "alone", r->alone_seconds, "together",
                                  r->together_seconds));
    json_object_set_new(j, "weights_digest", json_string(digest));
    json_object_set_new(j, "layers", layers);
    if (r->against)
        json_object_set_new(
            j, "against",
            json_pack("{s:b, s:s}", "same_bits", (int)r->same, "text", r->against_text));
    return j;
}

/* ---- the verb's other half ---------------------------------------------------------------- */

/* A file that is missing or bad is refused before any driver is loaded. */
static enum status look_at_file(const char *path)
{
    struct tawny_file *file;
    struct tawny_memory_plan plan;
    TRY(from_api(tawny_file_open(path, &file)));
    enum status s = from_api(tawny_file_plan(file, NULL, NULL, &plan));
    tawny_file_close(&file);
    return s;
}

static enum status print_all(struct watching *w, const char *path)
{
    const struct check_model_report *r = w->report;
    progress_clear();
    if (global.json)
        return out_json(verify_model_json(r), true);
    TRY(print_title(w));
    TRY(print_report(r));
    TRY(print_verdict(r, path));
    return out_flush();
}

enum status verify_model(const char *path, const struct verify_model_options *o)
{
    struct watching w = {.against = o->against != NULL};
    struct check_model *m = NULL;
    struct check_model_params params = {
        .path = path,
        .device = global.device,
        .prompt = o->prompt,
        .n_predict = (uint32_t)o->predict,
        .save = o->save,
        .against = o->against,
        .on_progress = on_progress,
        .on_layer = on_layer,
        .ctx = &w,
    };
    enum status s;
    TRY(look_at_file(path));
    TRY_GOTO(check_model_open(&params, &m));
    const struct check_model_report *r = check_model_report(m);
    w.report = r;
    s = check_model_run(m);
    if (w.status != OK)
        s = w.status;
    const struct check_finding *f = check_model_verdict(r);
    if (s == OK || r->n_dispatches || r->n_findings) {
        char message[1024];
        snprintf(message, sizeof message, "%s", status_message());
        enum status printed = print_all(&w, path);
        if (s != OK)
            status_fail(s, "%s", message);
        else
            s = printed;
    }
    if (s == OK && f)
        s = status_fail(ERR_VERIFY, "%s", f->text);
fail:
    progress_clear();
    check_model_close(&m);
    return s;
}
