/* The shipped model as a whole: nothing that it runs touches memory beside its buffers.
 *
 * Each buffer has guards before and behind it, which must be as they were after a prefill, chunks
 * and decode steps of several sequences; and robust access to buffers, which makes what is read
 * beyond an allocation zero and drops what is written there, must change no bit. gpu_buf_create()
 * and gpu_buf_destroy() are wrapped by the linker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engine/engine.h"

enum { GUARD = 256, CANARY = 0xa5, SLOTS = 3, ROWS = 64, CONTEXT = 300, STEPS = 4, RUNS = 2 };

#define OKAY(call)                                                                                 \
    do {                                                                                           \
        enum status okay_ = (call);                                                                \
        if (okay_ != OK)                                                                           \
            print_error("%s\n", status_message());                                                 \
        assert_int_equal(okay_, OK);                                                               \
    } while (0)

/* ---- guards ------------------------------------------------------------------------------- */

/* A buffer as its user sees it, inside a larger one. */
struct guarded {
    struct gpu_buf pub;
    const struct gpu_buf *real;
    bool filled;
    char tag[64];
    struct guarded *next;
};
static struct guarded *all;

enum status __real_gpu_buf_create(struct gpu *, const struct gpu_buf_params *,
                                  const struct gpu_buf **);
enum status __wrap_gpu_buf_create(struct gpu *, const struct gpu_buf_params *,
                                  const struct gpu_buf **);
void __real_gpu_buf_destroy(struct gpu *, const struct gpu_buf **);
void __wrap_gpu_buf_destroy(struct gpu *, const struct gpu_buf **);

enum status __wrap_gpu_buf_create(struct gpu *g, const struct gpu_buf_params *params,
                                  const struct gpu_buf **out)
{
    struct gpu_buf_params p = *params;
    struct guarded *b = mem_alloc(sizeof *b);
    if (!b)
        return ERR_MEMORY;
    p.bytes += 2ull * GUARD;
    enum status s = __real_gpu_buf_create(g, &p, &b->real);
    if (s != OK) {
        mem_free(b);
        return s;
    }
    b->pub = (struct gpu_buf){b->real->addr + GUARD, params->bytes,
                              b->real->map ? (char *)b->real->map + GUARD : NULL, params->purpose};
    snprintf(b->tag, sizeof b->tag, "%s", params->tag ? params->tag : "buffer");
    b->next = all;
    all = b;
    *out = &b->pub;
    return OK;
}

void __wrap_gpu_buf_destroy(struct gpu *g, const struct gpu_buf **buf)
{
    if (!*buf)
        return;
    for (struct guarded **at = &all; *at; at = &(*at)->next) {
        struct guarded *b = *at;
        if (&b->pub != *buf)
            continue;
        *at = b->next;
        __real_gpu_buf_destroy(g, &b->real);
        mem_free(b);
        break;
    }
    *buf = NULL;
}

/* Reads or writes the guards of a buffer; the bytes behind it begin where it ends. */
static void move_guards(struct gpu *g, const struct guarded *b, bool write, uint8_t v[2][GUARD])
{
    const uint64_t at[2] = {b->pub.addr - GUARD, b->pub.addr + b->pub.bytes};
    for (int i = 0; i < 2; i++) {
        char *host = b->pub.map ? (char *)b->pub.map + (i ? (int64_t)b->pub.bytes : -GUARD) : NULL;
        if (host)
            memcpy(write ? (void *)host : v[i], write ? v[i] : (void *)host, GUARD);
        else if (write)
            OKAY(gpu_upload(g, at[i], v[i], GUARD));
        else
            OKAY(gpu_download(g, v[i], at[i], GUARD));
    }
}

/* Guards of all that has none yet. */
static uint32_t fill_guards(struct gpu *g)
{
    uint8_t v[2][GUARD];
    uint32_t n = 0;
    memset(v, CANARY, sizeof v);
    for (struct guarded *b = all; b; b = b->next, n++) {
        if (!b->filled)
            move_guards(g, b, true, v);
        b->filled = true;
    }
    return n;
}

/* How many guards have changed; `where` names the last one. */
static uint32_t changed_guards(struct gpu *g, char where[64])
{
    uint8_t v[2][GUARD];
    uint32_t n = 0;
    for (struct guarded *b = all; b; b = b->next) {
        if (!b->filled)
            continue;
        move_guards(g, b, false, v);
        for (int i = 0; i < 2; i++) {
            uint32_t k = 0;
            while (k < GUARD && v[i][k] == CANARY)
                k++;
            if (k == GUARD)
                continue;
            snprintf(where, 64, "%s", b->tag);
            n++;
        }
    }
    return n;
}

/* ---- the model ---------------------------------------------------------------------------- */

struct world {
    struct gpu *g;
    struct engine_model *em;
    struct engine *e;
    uint64_t digest; /* of all logits and tokens */
    uint32_t n_logits, n_tokens;
};

static void open_world(struct world *w, bool robust)
{
    char path[4096];
    const char *source = getenv("TAWNY_SOURCE");
    memset(w, 0, sizeof *w);
    w->digest = 0xcbf29ce484222325u;
    snprintf(path, sizeof path, "%s/share/tawny-guide-q8_0.gguf", source ? source : ".");
    OKAY(gpu_open(&(struct gpu_params){.robust = robust}, &w->g));
    OKAY(engine_model_load(w->g, &(struct engine_load_params){.path = path}, &w->em));
    OKAY(engine_open(
        w->em, &(struct engine_params){.slots = SLOTS, .n_ctx = CONTEXT, .n_batch = ROWS}, &w->e));
}

static void close_world(struct world *w)
{
    engine_close(&w->e);
    engine_model_unload(&w->em);
    gpu_close(&w->g);
    while (all) { /* the device's own went with it */
        struct guarded *next = all->next;
        mem_free(all);
        all = next;
    }
}

static void digest(struct world *w, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < bytes; i++)
        w->digest = (w->digest ^ p[i]) * 0x100000001b3u;
}

static bool on_logits(void *ctx, size_t i, const float *logits, uint32_t n_vocab)
{
    struct world *w = ctx;
    (void)i;
    digest(w, logits, n_vocab * sizeof *logits);
    w->n_logits++;
    return true;
}

static void take_all(struct world *w)
{
    int32_t token;
    for (uint32_t k = 0; k < SLOTS; k++) {
        while (engine_take(w->e, k, &token)) {
            digest(w, &token, sizeof token);
            w->n_tokens++;
        }
    }
}

/* A prefill and a chunk with their logits; then requests, greedy and sampled, that go on beside
 * each other over the end of a page. */
static void run_all(struct world *w)
{
    enum { LONGEST = 252 };
    static const uint32_t slots[SLOTS] = {0, 1, 2}, lengths[SLOTS] = {LONGEST, 40, 5};
    int32_t tokens[LONGEST];
    for (uint32_t i = 0; i < LONGEST; i++)
        tokens[i] = (int32_t)(i * 2654435761u >> 8) % (int32_t)w->em->model.hp.n_vocab;
    OKAY(engine_eval(
        w->e,
        &(struct engine_eval){
            .tokens = tokens, .n = ROWS + 9, .chunk = ROWS, .on_logits = on_logits, .ctx = w}));
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct engine_prompt r = {.slot = i, .tokens = tokens, .n = lengths[i]};
        r.sampling = (struct engine_sampling){.temp = i == 1 ? 1 : 0,
                                              .top_k = 40,
                                              .top_p = 0.9f,
                                              .repeat = 1.1f,
                                              .penalty_n = 64,
                                              .ignore_eog = true};
        OKAY(engine_prompt(w->e, &r));
    }
    take_all(w);
    for (uint32_t i = 0; i < RUNS; i++) {
        OKAY(engine_step(w->e, slots, SLOTS, STEPS));
        take_all(w);
    }
}

/* ---- tests -------------------------------------------------------------------------------- */

static void nothing_is_written_beside_a_buffer(void **state)
{
    (void)state;
    struct world w;
    char where[64] = "";
    open_world(&w, false);
    assert_true(fill_guards(w.g) > 80); /* a buffer a tensor, and more */
    run_all(&w);
    assert_int_equal(changed_guards(w.g, where), 0);

    /* One byte, by a copy that is too long, is seen. */
    const struct gpu_buf *bufs[] = {w.e->scratch, w.em->bufs[0], w.e->ring};
    const char *tags[3] = {"", "", ""};
    for (int i = 0; i < 3; i++) {
        struct guarded *b = all;
        while (&b->pub != bufs[i])
            b = b->next;
        tags[i] = b->tag;
        uint8_t v[2][GUARD];
        memset(v, CANARY, sizeof v);
        v[1][0] ^= 1;
        move_guards(w.g, b, true, v);
        assert_int_equal(changed_guards(w.g, where), 1);
        assert_string_equal(where, tags[i]);
        v[1][0] ^= 1;
        move_guards(w.g, b, true, v);
    }
    close_world(&w);
}

static void robust_access_changes_no_bit(void **state)
{
    (void)state;
    struct world plain, robust;
    open_world(&plain, false);
    run_all(&plain);
    close_world(&plain);
    open_world(&robust, true);
    run_all(&robust);
    close_world(&robust);
    assert_int_equal(plain.n_logits, ROWS + 9);
    assert_int_equal(plain.n_tokens, SLOTS * (1 + RUNS * STEPS));
    assert_int_equal(plain.n_tokens, robust.n_tokens);
    assert_true(plain.digest == robust.digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_written_beside_a_buffer),
        cmocka_unit_test(robust_access_changes_no_bit),
    };
    return cmocka_run_group_tests_name("check/whole", tests, NULL, NULL);
}
