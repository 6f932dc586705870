/* Faults planted one by one in what runs the model that ships with tawny: `verify MODEL` must name
 * the dispatch, or the tensor.
 *
 * All faults with TAWNY_BISECT=all (make check-bisect); without it one of each kind. */
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

enum { LONGEST = 60 }; /* seconds a fault may take */

enum kind { KERNEL, TENSOR, PUSH, BARRIER, RACE };

/* One fault. */
struct fault {
    enum kind kind;
    bool always; /* also without TAWNY_BISECT */
    const char *prompt;
    /* KERNEL: a module. TENSOR: its name. Else an op's name, in the plan and layer that follow. */
    const char *what;
    const char *how; /* KERNEL: the mutation; else the beginning of the plan's name */
    int layer;
    int64_t at;    /* TENSOR: the byte, from the end if negative; PUSH: offset of a 32-bit value */
    uint32_t flip; /* TENSOR, PUSH: bits that change */
};

static const struct fault faults[] = {
    {KERNEL, false, LONG, "norm", "IMul to IAdd"},
    {KERNEL, false, LONG, "matmul", "FAdd to FSub"},
    {KERNEL, false, LONG, "rope", "FMul to FAdd"},
    {KERNEL, false, LONG, "flash", "FMul to FAdd"},
    {KERNEL, false, LONG, "silu", "FMul to FAdd"},
    {KERNEL, false, SHORT, "qkv", "FAdd to FSub"},
    {KERNEL, true, SHORT, "attn", "FMul to FAdd"},
    {KERNEL, false, SHORT, "glu", "FAdd to FSub"},
    {KERNEL, false, SHORT, "sample_prepare", "FMul to FAdd"},
    {TENSOR, false, SHORT, "blk.0.attn_norm.weight", .at = 401, .flip = 0x40},
    {TENSOR, true, SHORT, "blk.2.ffn_up.weight", .at = 77777, .flip = 1},
    {TENSOR, false, SHORT, "blk.5.attn_q.bias", .at = 3, .flip = 0x80},
    {TENSOR, false, SHORT, "token_embd.weight", .at = -1, .flip = 0x10},
    {PUSH, false, LONG, "norm", "prefill", 3, offsetof(struct k_norm_push, eps), 0x00800000},
    {PUSH, false, LONG, "rope", "prefill", 2, offsetof(struct k_rope_push, kv_offset), 0x400},
    {PUSH, true, SHORT, "attn", "decode", 4, offsetof(struct k_attn_push, scale), 0x00400000},
    {BARRIER, false, LONG, "down", "prefill", 1},
    {BARRIER, true, SHORT, "glu", "decode", 5},
    {RACE, false, LONG, "flash", "prefill", 3},
    {RACE, true, SHORT, "o", "decode", 2},
};

static bool all_of_them(void)
{
    const char *e = getenv("TAWNY_BISECT");
    return e && !strcmp(e, "all");
}

static const char *model_path(void)
{
    static char path[4096];
    const char *root = getenv("TAWNY_SOURCE");
    snprintf(path, sizeof path, "%s/share/tawny-guide-q8_0.gguf", root ? root : ".");
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
    for (uint32_t i = 0; i < p->n_ops && !t->done && f->kind != TENSOR; i++) {
        if (!(f->kind == KERNEL ? uses_module(f, p, i) : is_op(f, p, i)))
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
    struct weights *w;
    struct model model = {0};
    uint32_t i = 0, word;
    assert_int_equal(weights_open(model_path(), &w), OK);
    assert_int_equal(model_load(w, &model), OK);
    while (i < model.n_tensors && strcmp(model.tensors[i].file->name, f->what) != 0)
        i++;
    assert_true(i < model.n_tensors);
    uint64_t at = f->at < 0 ? model.tensors[i].file->bytes - (uint64_t)-f->at : (uint64_t)f->at;
    uint64_t addr = m->em->bufs[i]->addr + at / 4 * 4;
    assert_int_equal(gpu_download(m->gpu, &word, addr, 4), OK);
    word ^= f->flip << 8 * (at % 4);
    assert_int_equal(gpu_upload(m->gpu, addr, &word, 4), OK);
    model_unload(&model);
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
    struct check_model_params params = {.path = model_path(),
                                        .cache_dir = cache,
                                        .prompt = f->prompt,
                                        .n_predict = 1,
                                        .repeat = 1,
                                        .no_hazards = f->kind == RACE,
                                        .save = save,
                                        .against = against};
    if (check_model_open(&params, &m) != OK)
        fail_msg("%s", status_message());
    return m;
}

/* Where a sound model's digests lie for this prompt; made at the first call. */
static const char *sound_folder(const char *prompt)
{
    static bool made[2];
    static char path[2][4096];
    int k = !strcmp(prompt, LONG);
    if (made[k])
        return path[k];
    struct fault none = {.prompt = prompt};
    snprintf(path[k], sizeof path[k], "%s", build_file(k ? "bisect-long" : "bisect-short"));
    shader_use_table(NULL);
    struct check_model *m = open_it(&none, path[k], NULL);
    assert_int_equal(check_model_run(m), OK);
    assert_int_equal(check_model_report(m)->n_findings, 0);
    check_model_close(&m);
    made[k] = true;
    return path[k];
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

static void the_fault_is_named(void **state)
{
    const struct fault *f = *state;
    struct planted t = {.fault = f};
    const char *sound = f->kind == KERNEL ? sound_folder(f->prompt) : NULL;
    if (f->kind == KERNEL)
        use_mutation(f);
    struct check_model *m = open_it(f, NULL, sound);
    if (f->kind == TENSOR)
        spoil_tensor(m, f);
    m->on_plan = plant;
    m->on_plan_ctx = &t;
    double start = time_now();
    enum status s = check_model_run(m);
    double seconds = time_now() - start;
    if (s != OK)
        fail_msg("%s", status_message());
    const struct check_model_report *r = check_model_report(m);
    const struct check_finding *found = check_model_verdict(r);
    if (f->kind == KERNEL)
        expect_first_other(&t, r);
    bool right = named(&t, found);
    print_message("# %s, %.1f s: %s\n", right ? "named" : "NOT named", seconds,
                  found ? found->text : "nothing found");
    if (!right && f->kind != TENSOR)
        print_message("# planted: dispatch %u of %s\n", t.dispatch, t.plan);
    assert_true(right);
    assert_true(r->complete);
    assert_true(f->kind != KERNEL || found->has_element);
    assert_true(seconds < LONGEST);
    check_model_close(&m);
}

static int restore(void **state)
{
    (void)state;
    shader_use_table(NULL);
    return 0;
}

/* ---- a sound model ------------------------------------------------------------------------ */

static void nothing_is_found_in_a_sound_model(void **state)
{
    static const struct fault none = {.prompt = SHORT};
    (void)state;
    struct check_model *m = open_it(&none, NULL, NULL);
    assert_int_equal(check_model_run(m), OK);
    const struct check_model_report *r = check_model_report(m);
    for (uint32_t i = 0; i < r->n_findings; i++)
        print_message("# %s\n", r->findings[i].text);
    assert_int_equal(r->n_findings, 0);
    assert_true(r->complete);
    assert_int_equal(r->n_tensors, 74);
    assert_true(r->n_dispatches > 100 && r->n_layers > 20 && r->n_together >= 2 * r->n_runs);
    assert_int_equal(r->n_other_choices, 0);
    check_model_close(&m);
}

int main(void)
{
    enum { MOST = sizeof faults / sizeof *faults };
    struct CMUnitTest tests[MOST + 1] = {
        cmocka_unit_test(nothing_is_found_in_a_sound_model),
    };
    static char names[MOST][128];
    static const char *const kinds[] = {"a kernel", "a tensor", "a push constant", "a barrier",
                                        "a race"};
    size_t n = 1;
    for (size_t i = 0; i < MOST; i++) {
        const struct fault *f = &faults[i];
        if (!f->always && !all_of_them())
            continue;
        snprintf(names[i], sizeof names[i], "%s: %s %s", kinds[f->kind], f->what,
                 f->how ? f->how : "");
        tests[n++] = (struct CMUnitTest){names[i], the_fault_is_named, NULL, restore, (void *)f};
    }
    return _cmocka_run_group_tests("check/bisect", tests, n, NULL, NULL);
}
