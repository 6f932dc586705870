/* Faults planted one by one in what runs the models that ship with tawny: `verify MODEL` must name
 * the dispatch, or the tensor.
 *
 * All faults with TAWNY_BISECT=all (make check-bisect), with TAWNY_BISECT=PATTERN those of such a
 * name; without it one of each kind of the text model, and of the speech model what is quick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "check/model/inside.h"
#include "check/mutate.h"
#include "kernels/params.h"
#include "plan/inside.h"

#define SHORT "Which GPUs are there?"
#define LONG                                                                                       \
    "How do I see which of the GPUs I have is used, and how much memory does it have "             \
    "left?"

enum { LONGEST = 60 }; /* seconds a fault may take, on 2 cores; a window of sound takes longer */

enum kind { KERNEL, TENSOR, PUSH, BARRIER, RACE };

enum shipped { TEXT, SPEECH };

static const struct {
    const char *file;
    uint32_t n_tensors, n_dispatches, n_layers; /* at least so many of the latter */
} models[] = {
    [TEXT] = {"tawny-guide-q8_0.gguf", 74, 100, 20},
    [SPEECH] = {"tawny-speech-q5_0.bin", 168, 600, 60},
};

/* One fault. */
struct fault {
    enum kind kind;
    bool always; /* also without TAWNY_BISECT */
    enum shipped model;
    const char *prompt; /* of a text model */
    const char *only;   /* NULL, or the beginning of the names of plans that are checked */
    /* KERNEL: a module. TENSOR: its name. Else an op's name, in the plan and layer that follow. */
    const char *what;
    const char *how; /* KERNEL: the mutation; else the beginning of the plan's name */
    int layer;
    int64_t at;    /* TENSOR: the byte, from the end if negative; PUSH: offset of a 32-bit value */
    uint32_t flip; /* TENSOR, PUSH: bits that change */
    uint32_t nth;  /* which op of that name in the layer, or dispatch of the module, from 0 */
    bool first;    /* KERNEL: it shows in that dispatch */
};

#define OF_TEXT(prompt_)      .model = TEXT, .prompt = (prompt_)
#define OF_SPEECH(only_)      .model = SPEECH, .only = (only_)
#define PUSHED(kernel, field) .at = offsetof(struct k_##kernel##_push, field)

/* A kernel's fault may not write outside of its buffers: on lavapipe these lie in the test's own
 * memory. */
static const struct fault faults[] = {
    {KERNEL, false, OF_TEXT(LONG), .what = "norm", .how = "IMul to IAdd"},
    {KERNEL, false, OF_TEXT(LONG), .what = "matmul", .how = "FAdd to FSub"},
    {KERNEL, false, OF_TEXT(LONG), .what = "rope", .how = "FMul to FAdd"},
    {KERNEL, false, OF_TEXT(LONG), .what = "flash", .how = "FMul to FAdd"},
    {KERNEL, false, OF_TEXT(LONG), .what = "silu", .how = "FMul to FAdd"},
    {KERNEL, false, OF_TEXT(SHORT), .what = "qkv", .how = "FAdd to FSub"},
    {KERNEL, true, OF_TEXT(SHORT), .what = "attn", .how = "FMul to FAdd"},
    {KERNEL, false, OF_TEXT(SHORT), .what = "glu", .how = "UMod to UDiv"},
    {KERNEL, false, OF_TEXT(SHORT), .what = "sample_prepare", .how = "FMul to FAdd"},
    {TENSOR, false, OF_TEXT(SHORT), .what = "blk.0.attn_norm.weight", .at = 401, .flip = 0x40},
    {TENSOR, true, OF_TEXT(SHORT), .what = "blk.2.ffn_up.weight", .at = 77777, .flip = 1},
    {TENSOR, false, OF_TEXT(SHORT), .what = "blk.5.attn_q.bias", .at = 3, .flip = 0x80},
    {TENSOR, false, OF_TEXT(SHORT), .what = "token_embd.weight", .at = -1, .flip = 0x10},
    {PUSH, false, OF_TEXT(LONG), .what = "norm", .how = "prefill", .layer = 3, PUSHED(norm, eps),
     .flip = 0x00800000},
    {PUSH, false, OF_TEXT(LONG), .what = "rope", .how = "prefill", .layer = 2,
     PUSHED(rope, kv_offset), .flip = 0x400},
    {PUSH, true, OF_TEXT(SHORT), .what = "attn", .how = "decode", .layer = 4, PUSHED(attn, scale),
     .flip = 0x00400000},
    {BARRIER, false, OF_TEXT(LONG), .what = "down", .how = "prefill", .layer = 1},
    {BARRIER, true, OF_TEXT(SHORT), .what = "glu", .how = "decode", .layer = 5},
    {RACE, false, OF_TEXT(LONG), .what = "flash", .how = "prefill", .layer = 3},
    {RACE, true, OF_TEXT(SHORT), .what = "o", .how = "decode", .layer = 2},
    {KERNEL, false, OF_SPEECH("listen"), .what = "unfold", .how = "UMod to UDiv", .first = true},
    {KERNEL, false, OF_SPEECH("listen"), .what = "mel", .how = "FMul to FAdd", .first = true},
    {KERNEL, false, OF_SPEECH("listen"), .what = "gelu", .how = "FMul to FAdd", .first = true},
    {KERNEL, false, OF_SPEECH("listen"), .what = "layernorm", .how = "FAdd to FSub", .first = true},
    {KERNEL, false, OF_SPEECH("prompt of 4"), .what = "attn", .how = "FMul to FAdd"},
    /* The first dispatch of the rules subtracts nothing. */
    {KERNEL, true, OF_SPEECH("next"), .what = "rules", .how = "FSub to FAdd", .nth = 1,
     .first = true},
    {KERNEL, false, OF_SPEECH("next"), .what = "logprob", .how = "FSub to FAdd", .first = true},
    {KERNEL, false, OF_SPEECH("silence"), .what = "probs", .how = "FSub to FAdd", .first = true},
    {KERNEL, false, OF_SPEECH("beam"), .what = "top", .how = "FSub to FAdd"},
    {KERNEL, false, OF_SPEECH("fork"), .what = "fork", .how = "IAdd to ISub", .first = true},
    {KERNEL, false, OF_SPEECH("look"), .what = "align_weights", .how = "FMul to FAdd",
     .first = true},
    {KERNEL, false, OF_SPEECH("align"), .what = "align_mean", .how = "FAdd to FSub", .first = true},
    {TENSOR, true, OF_SPEECH("listen"), .what = "encoder.conv2.weight", .at = 40001, .flip = 2},
    {TENSOR, false, OF_SPEECH("listen"), .what = "mel_filters", .at = 6, .flip = 0x40},
    {TENSOR, false, OF_SPEECH("listen"), .what = "decoder.blocks.3.cross_attn.key.weight", .at = -1,
     .flip = 0x10},
    {PUSH, false, OF_SPEECH("listen"), .what = "unfold", .how = "listen", .layer = -1,
     PUSHED(unfold, rows), .flip = 1, .nth = 2},
    {PUSH, false, OF_SPEECH("listen"), .what = "flash", .how = "listen", .layer = 1,
     PUSHED(flash, scale), .flip = 0x00400000},
    /* The keys and values of the sound, as layer 2 of the decoder wants them. */
    {PUSH, true, OF_SPEECH("listen"), .what = "rope", .how = "listen", .layer = 2,
     PUSHED(rope, kv_offset), .flip = 0x400, .nth = 1},
    {PUSH, false, OF_SPEECH("next"), .what = "attn", .how = "next", .layer = 3,
     PUSHED(attn, splits), .flip = 1, .nth = 1},
    {PUSH, false, OF_SPEECH("next"), .what = "rules", .how = "next", .layer = -1,
     PUSHED(rules, vocab), .flip = 1},
    {BARRIER, true, OF_SPEECH("listen"), .what = "gelu", .how = "listen", .layer = -1, .nth = 1},
    {BARRIER, false, OF_SPEECH("next"), .what = "cross q", .how = "next", .layer = 1},
    {RACE, false, OF_SPEECH("listen"), .what = "mel", .how = "listen", .layer = -1, .nth = 1},
    {RACE, false, OF_SPEECH("next"), .what = "cross o", .how = "next", .layer = 2},
};

static bool all_of_them(void)
{
    return getenv("TAWNY_BISECT");
}

static const char *model_path(enum shipped model)
{
    static char path[4096];
    const char *root = getenv("TAWNY_SOURCE");
    snprintf(path, sizeof path, "%s/share/%s", root ? root : ".", models[model].file);
    return path;
}

/* ---- planting ----------------------------------------------------------------------------- */

/* What should be named, filled in while planting. */
struct planted {
    const struct fault *fault;
    char plan[64];
    uint32_t dispatch;
    bool done;
};

static bool is_op(const struct fault *f, const struct plan *p, uint32_t i)
{
    return !strncmp(p->name, f->how, strlen(f->how)) && p->ops[i].layer == f->layer &&
           !strcmp(p->ops[i].name, f->what);
}

static bool uses_module(const struct fault *f, const struct plan *p, uint32_t i)
{
    return !strcmp(p->ops[i].pipe.shader->name, f->what);
}

static enum status change(const struct fault *f, struct plan *p, uint32_t i)
{
    uint32_t v;
    if (f->kind == KERNEL)
        return OK;
    if (f->kind == PUSH) {
        char *at = (char *)p->ops[i].push + f->at;
        memcpy(&v, at, sizeof v);
        v ^= f->flip;
        memcpy(at, &v, sizeof v);
    } else {
        p->barrier[i] = false;
        p->n_barriers--;
    }
    return plan_record(p);
}

static enum status plant(void *ctx, struct plan *p)
{
    struct planted *t = ctx;
    const struct fault *f = t->fault;
    uint32_t nth = 0;
    for (uint32_t i = 0; i < p->n_ops && !t->done && f->kind != TENSOR; i++) {
        if (!(f->kind == KERNEL ? uses_module(f, p, i) : is_op(f, p, i)) || nth++ < f->nth)
            continue;
        /* Where the barrier is that the op stands behind. */
        while ((f->kind == BARRIER || f->kind == RACE) && !p->barrier[i])
            i--;
        t->done = true;
        t->dispatch = i;
        snprintf(t->plan, sizeof t->plan, "%s", p->name);
        return change(f, p, i);
    }
    return OK;
}

/* Changes a byte of a tensor in GPU memory. */
static void spoil_tensor(struct check_model *m, const struct fault *f)
{
    uint64_t addr = 0, bytes = 0;
    uint32_t word;
    struct weights *w;
    assert_int_equal(weights_open(model_path(f->model), &w), OK);
    struct model text = {0};
    struct whisper speech = {0};
    assert_int_equal(m->sm ? whisper_load(w, &speech) : model_load(w, &text), OK);
    const struct model_tensor *described = m->sm ? speech.tensors : text.tensors;
    for (uint32_t i = 0; i < m->n_tensors; i++) {
        if (strcmp(described[i].file->name, f->what) != 0)
            continue;
        addr = m->tensors[i].weight ? m->tensors[i].weight->addr : *m->tensors[i].vector;
        bytes = described[i].file->bytes;
    }
    assert_true(addr);
    uint64_t at = f->at < 0 ? bytes - (uint64_t)-f->at : (uint64_t)f->at;
    addr += at / 4 * 4;
    assert_int_equal(gpu_download(m->gpu, &word, addr, 4), OK);
    word ^= f->flip << 8 * (at % 4);
    assert_int_equal(gpu_upload(m->gpu, addr, &word, 4), OK);
    model_unload(&text);
    whisper_unload(&speech);
    weights_close(&w);
}

/* Uses the first site of a module with this mutation. */
static void use_mutation(const struct fault *f)
{
    char what[64];
    uint32_t site = 0;
    while (check_mutate_use(&shader_table, f->what, site, what) == OK && strcmp(what, f->how) != 0)
        site++;
    assert_string_equal(what, f->how);
}

/* ---- naming ------------------------------------------------------------------------------- */

/* A file of the build folder. */
static const char *build_file(const char *name)
{
    static char path[2][4096];
    static int k;
    const char *build = getenv("TAWNY_BUILD");
    k = !k;
    snprintf(path[k], sizeof path[k], "%s/%s", build ? build : ".", name);
    return path[k];
}

static struct check_model *open_it(const struct fault *f, const char *save, const char *against)
{
    struct check_model *m = NULL;
    static char cache[4096];
    snprintf(cache, sizeof cache, "%s", build_file("bisect-cache"));
    struct check_model_params params = {.path = model_path(f->model),
                                        .cache_dir = cache,
                                        .prompt = f->prompt,
                                        .n_predict = 1,
                                        .repeat = 1,
                                        .no_hazards = f->kind == RACE,
                                        .save = save,
                                        .against = against};
    if (check_model_open(&params, &m) != OK)
        fail_msg("%s", status_message());
    m->only = f->only;
    return m;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* Where a sound model's digests lie for the same requests; made at the first call. */
static const char *sound_folder(const struct fault *f)
{
    static struct {
        struct fault of;
        char path[4096];
    } made[8];
    static size_t n;
    char name[32];
    for (size_t i = 0; i < n; i++) {
        const struct fault *of = &made[i].of;
        if (of->model == f->model && same_text(of->prompt, f->prompt) &&
            same_text(of->only, f->only))
            return made[i].path;
    }
    assert_true(n < sizeof made / sizeof *made);
    made[n].of = (struct fault){.model = f->model, .prompt = f->prompt, .only = f->only};
    snprintf(name, sizeof name, "bisect-%zu", n);
    snprintf(made[n].path, sizeof made[n].path, "%s", build_file(name));
    shader_use_table(NULL);
    struct check_model *m = open_it(&made[n].of, made[n].path, NULL);
    assert_int_equal(check_model_run(m), OK);
    assert_int_equal(check_model_report(m)->n_findings, 0);
    check_model_close(&m);
    return made[n++].path;
}

static bool named(const struct planted *t, const struct check_finding *f)
{
    static const enum check_blame blames[] = {CHECK_BLAME_OPERATION, CHECK_BLAME_WEIGHTS,
                                              CHECK_BLAME_PLAN, CHECK_BLAME_BARRIER,
                                              CHECK_BLAME_BARRIER};
    if (!f || f->blame != blames[t->fault->kind])
        return false;
    if (t->fault->kind == TENSOR)
        return !strcmp(f->tensor, t->fault->what);
    return t->done && f->dispatch == t->dispatch && !strcmp(f->plan, t->plan);
}

/* A fault in a kernel is first seen where the bits are not those of the sound kernel, which need
 * not be the first dispatch of that kernel. */
static void expect_first_other(struct planted *t, const struct check_model_report *r)
{
    assert_true(t->done);
    snprintf(t->plan, sizeof t->plan, "%s", r->against_plan);
    t->dispatch = r->against_dispatch;
}

/* A window of sound takes long: enough is known with the first finding. */
static bool nothing_yet(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    struct check_model **m = ctx;
    (void)what, (void)done, (void)total;
    return !*m || (*m)->report.n_findings == 0;
}

static void the_fault_is_named(void **state)
{
    const struct fault *f = *state;
    struct planted t = {.fault = f};
    const char *sound = f->kind == KERNEL && !f->first ? sound_folder(f) : NULL;
    bool brief = f->model == SPEECH && !sound && f->kind != RACE;
    if (f->kind == KERNEL)
        use_mutation(f);
    struct check_model *m = open_it(f, NULL, sound);
    if (f->kind == TENSOR)
        spoil_tensor(m, f);
    m->on_plan = plant;
    m->on_plan_ctx = &t;
    if (brief) {
        m->params.on_progress = nothing_yet;
        m->params.ctx = &m;
    }
    double start = time_now();
    enum status s = check_model_run(m);
    double seconds = time_now() - start;
    if (s != OK && !brief)
        fail_msg("%s", status_message());
    const struct check_model_report *r = check_model_report(m);
    const struct check_finding *found = check_model_verdict(r);
    if (sound)
        expect_first_other(&t, r);
    bool right = named(&t, found);
    print_message("# %s, %.1f s: %s\n", right ? "named" : "NOT named", seconds,
                  found ? found->text : "nothing found");
    if (!right && f->kind != TENSOR)
        print_message("# planted: dispatch %u of %s\n", t.dispatch, t.plan);
    assert_true(right);
    assert_true(r->complete || brief);
    assert_true(f->kind != KERNEL || found->has_element);
    assert_true(seconds < (f->model == SPEECH ? 5 : 1) * LONGEST);
    check_model_close(&m);
}

static int restore(void **state)
{
    (void)state;
    shader_use_table(NULL);
    return 0;
}

/* ---- a sound model ------------------------------------------------------------------------ */

static void nothing_is_found(enum shipped model, const char *prompt)
{
    struct check_model *m = open_it(&(struct fault){.model = model, .prompt = prompt}, NULL, NULL);
    assert_int_equal(check_model_run(m), OK);
    const struct check_model_report *r = check_model_report(m);
    for (uint32_t i = 0; i < r->n_findings; i++)
        print_message("# %s\n", r->findings[i].text);
    assert_int_equal(r->n_findings, 0);
    assert_true(r->complete);
    assert_int_equal(r->n_tensors, models[model].n_tensors);
    assert_true(r->n_dispatches > models[model].n_dispatches);
    assert_true(r->n_layers > models[model].n_layers);
    assert_true(r->n_together >= 2 * r->n_runs);
    assert_true(model != TEXT || r->n_other_choices == 0);
    check_model_close(&m);
}

static void nothing_is_found_in_a_sound_model(void **state)
{
    (void)state;
    nothing_is_found(TEXT, SHORT);
}

static void nothing_is_found_in_a_sound_model_of_speech(void **state)
{
    (void)state;
    nothing_is_found(SPEECH, NULL);
}

int main(void)
{
    enum { MOST = sizeof faults / sizeof *faults };
    struct CMUnitTest tests[MOST + 2] = {
        cmocka_unit_test(nothing_is_found_in_a_sound_model),
    };
    static char names[MOST][128];
    static const char *const kinds[] = {"a kernel", "a tensor", "a push constant", "a barrier",
                                        "a race"};
    size_t n = 1;
    if (all_of_them())
        tests[n++] =
            (struct CMUnitTest)cmocka_unit_test(nothing_is_found_in_a_sound_model_of_speech);
    for (size_t i = 0; i < MOST; i++) {
        const struct fault *f = &faults[i];
        if (!f->always && !all_of_them())
            continue;
        snprintf(names[i], sizeof names[i], "%s: %s %s", kinds[f->kind], f->what,
                 f->how ? f->how : "");
        tests[n++] = (struct CMUnitTest){names[i], the_fault_is_named, NULL, restore, (void *)f};
    }
    const char *pattern = getenv("TAWNY_BISECT");
    if (pattern && strcmp(pattern, "all"))
        cmocka_set_test_filter(pattern);
    return _cmocka_run_group_tests("check/bisect", tests, n, NULL, NULL);
}
