/* Placing, barriers, sealing, replaying, and the hazard check. */
#include "../gpu/common.h"

#include "plan/plan.h"

enum { N = 256, BYTES = N * 4 };

static uint64_t rng = 1;

static uint32_t draw(uint32_t below)
{
    rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(rng >> 33) % below;
}

/* dst = a * src + b over N words. */
static struct plan_op affine_op(const char *name, uint64_t dst, uint64_t src, uint32_t a,
                                uint32_t b, struct affine *push)
{
    *push = (struct affine){dst, src, N, a, b, 0};
    struct plan_op op = {.name = name,
                         .layer = -1,
                         .pipe = affine_params(),
                         .push = push,
                         .n_addr = 2,
                         .groups = {N / 64, 1, 1},
                         .writes = {{dst, BYTES}}};
    if (src)
        op.reads[0] = (struct plan_span){src, BYTES};
    return op;
}

static void add(struct plan *p, const char *name, uint64_t dst, uint64_t src, uint32_t a,
                uint32_t b)
{
    struct affine push;
    struct plan_op op = affine_op(name, dst, src, a, b, &push);
    OKAY(plan_add(p, &op));
}

static uint64_t scratch(struct plan *p, uint64_t bytes)
{
    uint64_t addr;
    OKAY(plan_scratch(p, bytes, "s", &addr));
    return addr;
}

static struct plan *plan_for(struct gpu *g, const char *name)
{
    struct plan *p;
    OKAY(plan_create(g, &(struct plan_params){.name = name, .check = true}, &p));
    return p;
}

/* ---- scratch ------------------------------------------------------------------------------ */

static void a_chain_takes_two_pieces(void **state)
{
    struct gpu *g = *state;
    struct plan *p = plan_for(g, "chain");
    const struct gpu_buf *out = device_buf(g, BYTES);
    uint64_t s = scratch(p, BYTES), next, t;
    scratch(p, 1 << 20); /* never used: takes nothing */
    add(p, "first", s, 0, 1, 7);
    for (int i = 0; i < 20; i++) {
        next = scratch(p, BYTES);
        add(p, "step", next, s, 1, 1);
        s = next;
    }
    add(p, "last", out->addr, s, 2, 0);
    OKAY(plan_place(p));
    assert_int_equal(plan_scratch_bytes(p), 2 * BYTES);
    OKAY(plan_seal(p, NULL));
    assert_int_equal(plan_barriers(p), 21);
    for (int i = 0; i < 3; i++) {
        uint32_t w[N];
        OKAY(gpu_fill(g, out->addr, 0, BYTES));
        OKAY(plan_run(p, 2, &t));
        OKAY(gpu_wait(g, t));
        OKAY(gpu_download(g, w, out->addr, BYTES));
        for (uint32_t k = 0; k < N; k++)
            assert_int_equal(w[k], 2 * (k + 7 + 20));
    }
    plan_destroy(&p);
    plan_destroy(&p);
    gpu_buf_destroy(g, &out);
}

static void scratch_of_one_stage_is_apart(void **state)
{
    struct gpu *g = *state;
    struct plan *p = plan_for(g, "fan");
    const struct gpu_buf *out = device_buf(g, 16 * BYTES);
    uint64_t s[16];
    for (int i = 0; i < 16; i++) {
        s[i] = scratch(p, BYTES);
        add(p, "fan out", s[i], 0, 1, (uint32_t)i);
    }
    for (int i = 0; i < 16; i++)
        add(p, "fan in", out->addr + (uint64_t)i * BYTES, s[i], 1, 0);
    OKAY(plan_seal(p, NULL));
    assert_int_equal(plan_scratch_bytes(p), 16 * BYTES);
    assert_int_equal(plan_barriers(p), 1);
    assert_true(plan_barrier_before(p, 16));
    plan_destroy(&p);
    gpu_buf_destroy(g, &out);
}

static void plans_share_scratch(void **state)
{
    struct gpu *g = *state;
    const struct gpu_buf *out = device_buf(g, BYTES), *small = device_buf(g, 256), *shared;
    struct plan *p[2];
    for (int i = 0; i < 2; i++) {
        p[i] = plan_for(g, i ? "two" : "one");
        uint64_t s = scratch(p[i], BYTES * (uint64_t)(i + 1));
        add(p[i], "in", s, 0, 1, 10 * (uint32_t)(i + 1));
        add(p[i], "out", out->addr, s, 1, 0);
        OKAY(plan_place(p[i]));
    }
    assert_int_equal(plan_scratch_bytes(p[1]), 2 * BYTES);
    shared = device_buf(g, plan_scratch_bytes(p[1]));
    for (int i = 0; i < 2; i++)
        OKAY(plan_seal(p[i], shared));
    for (int i = 0; i < 2; i++) {
        uint64_t t;
        uint32_t w[N];
        assert_int_equal(plan_get(p[i], 0)->writes[0].addr, shared->addr);
        uint64_t in_push;
        memcpy(&in_push, plan_get(p[i], 0)->push, 8);
        assert_int_equal(in_push, shared->addr);
        OKAY(plan_run(p[i], 1, &t));
        OKAY(gpu_download(g, w, out->addr, BYTES));
        assert_int_equal(w[3], 3 + 10 * (i + 1));
    }
    FAILS(ERR_USAGE, plan_seal(p[0], shared), "already");
    struct plan *q = plan_for(g, "big");
    add(q, "in", scratch(q, BYTES), 0, 1, 1);
    FAILS(ERR_USAGE, plan_seal(q, small), "'big'", "1024", "256");
    plan_destroy(&q);
    plan_destroy(&p[0]);
    plan_destroy(&p[1]);
    gpu_buf_destroy(g, &small);
    gpu_buf_destroy(g, &shared);
    gpu_buf_destroy(g, &out);
}

/* ---- barriers and hazards ----------------------------------------------------------------- */

static void barriers_follow_from_spans(void **state)
{
    struct gpu *g = *state;
    const struct gpu_buf *b = device_buf(g, 8 * BYTES);
    struct plan *p = plan_for(g, "spans");
    uint64_t a[8];
    for (int i = 0; i < 8; i++)
        a[i] = b->addr + (uint64_t)i * BYTES;
    plan_set_layer(p, 4);
    add(p, "0 w0", a[0], 0, 1, 0);
    add(p, "1 w1", a[1], 0, 1, 0);
    add(p, "2 r0 w2", a[2], a[0], 1, 0);  /* RAW with 0 */
    add(p, "3 r1 w3", a[3], a[1], 1, 0);  /* 1 lies before the barrier */
    add(p, "4 r0 w4", a[4], a[0], 1, 0);  /* two readers are no hazard */
    add(p, "5 w1", a[1], 0, 1, 0);        /* WAR with 3 */
    add(p, "6 w1", a[1], 0, 1, 0);        /* WAW with 5 */
    add(p, "7 r2 w2", a[2], a[2], 1, 0);  /* in place, alone */
    add(p, "8 w3+", a[3] + 512, 0, 1, 0); /* reaches into a[4]; nobody there since */
    add(p, "9 r4 w7", a[7], a[4], 1, 0);  /* RAW with the half that 8 wrote */
    OKAY(plan_seal(p, NULL));
    static const bool want[] = {0, 0, 1, 0, 0, 1, 1, 0, 0, 1};
    for (uint32_t i = 0; i < plan_count(p); i++)
        assert_int_equal(plan_barrier_before(p, i), want[i]);
    assert_int_equal(plan_barriers(p), 4);
    assert_null(plan_get(p, 10));
    assert_int_equal(plan_get(p, 3)->layer, -1);
    OKAY(plan_check_hazards(p, UINT32_MAX));
    FAILS(ERR, plan_check_hazards(p, 2), "RAW", "'0 w0'", "'2 r0 w2'", "1024 bytes");
    FAILS(ERR, plan_check_hazards(p, 5), "WAR", "'3 r1 w3'", "'5 w1'");
    FAILS(ERR, plan_check_hazards(p, 6), "WAW", "'5 w1'", "'6 w1'");
    FAILS(ERR, plan_check_hazards(p, 9), "RAW", "'8 w3+'", "'9 r4 w7'", "512 bytes");
    OKAY(plan_check_hazards(p, 3)); /* there was none before op 3 */
    plan_destroy(&p);
    gpu_buf_destroy(g, &b);
}

/* A random plan over `places` of a buffer and over scratch; spans in 256-byte steps, so that they
 * overlap in part. What each op does is followed on the host. */
struct shadow {
    uint32_t *words; /* of the buffer */
    uint32_t pieces[64][N];
};

static void random_plan(struct plan *p, const struct gpu_buf *b, uint32_t ops, struct shadow *w)
{
    uint64_t s[64];
    uint32_t n_scratch = 0, places = (uint32_t)(b->bytes - BYTES) / 256;
    for (uint32_t i = 0; i < ops; i++) {
        struct affine push;
        uint32_t mul = draw(5) + 1, plus = draw(100), src = draw(3), in[N];
        uint64_t from = 0, to;
        uint32_t *into;
        if (src == 1) {
            uint32_t at = draw(places);
            from = b->addr + at * UINT64_C(256);
            memcpy(in, w->words + at * 64, sizeof in);
        } else if (src == 2 && n_scratch) {
            uint32_t k = draw(n_scratch);
            from = s[k];
            memcpy(in, w->pieces[k], sizeof in);
        } else {
            for (uint32_t k = 0; k < N; k++)
                in[k] = k;
        }
        if (draw(2) && n_scratch < 64) {
            s[n_scratch] = scratch(p, BYTES);
            to = s[n_scratch];
            into = w->pieces[n_scratch++];
        } else {
            uint32_t at = draw(places);
            to = b->addr + at * UINT64_C(256);
            into = w->words + at * 64;
            /* A kernel that reads and writes overlapping, different spans races with itself. */
            if (from && from != to && from < to + BYTES && to < from + BYTES) {
                from = to;
                memcpy(in, into, sizeof in);
            }
        }
        struct plan_op op = affine_op("op", to, from, mul, plus, &push);
        op.layer = (int)i;
        OKAY(plan_add(p, &op));
        for (uint32_t k = 0; k < N; k++)
            into[k] = mul * in[k] + plus;
    }
}

static void random_plans_hold(void **state)
{
    struct gpu *g = *state;
    enum { PLANS = 40, OPS = 60, WIDE = 48 * 256 };
    const struct gpu_buf *b = device_buf(g, WIDE);
    struct shadow *w = mem_alloc(sizeof *w);
    uint32_t *out = mem_alloc(WIDE), removed = 0;
    w->words = mem_alloc(WIDE);
    for (int round = 0; round < PLANS; round++) {
        struct plan *p = plan_for(g, "random");
        uint64_t t;
        memset(w->words, 0, WIDE);
        OKAY(gpu_fill(g, b->addr, 0, WIDE));
        random_plan(p, b, OPS, w);
        OKAY(plan_seal(p, NULL));
        OKAY(plan_check_hazards(p, UINT32_MAX));
        for (uint32_t i = 0; i < plan_count(p); i++) {
            if (!plan_barrier_before(p, i))
                continue;
            FAILS(ERR, plan_check_hazards(p, i), "hazard");
            removed++;
        }
        OKAY(plan_run(p, 1, &t));
        OKAY(gpu_wait(g, t));
        OKAY(gpu_download(g, out, b->addr, WIDE));
        assert_memory_equal(out, w->words, WIDE);
        plan_destroy(&p);
    }
    print_message("# %u barriers were left out, and each was missed\n", removed);
    assert_true(removed > PLANS * 10);
    mem_free(w->words);
    mem_free(w);
    mem_free(out);
    gpu_buf_destroy(g, &b);
}

/* The decode step's shape: five dependent stages a layer, scratch shared, a cache appended to. */
static void layers_have_five_stages(void **state)
{
    struct gpu *g = *state;
    enum { LAYERS = 12 };
    const struct gpu_buf *kv = device_buf(g, LAYERS * BYTES), *x = device_buf(g, BYTES);
    struct plan *p = plan_for(g, "decode");
    for (int l = 0; l < LAYERS; l++) {
        uint64_t q = scratch(p, BYTES), att = scratch(p, BYTES), up = scratch(p, 4 * BYTES);
        struct affine push;
        plan_set_layer(p, l);
        struct plan_op op = affine_op("qkv", q, x->addr, 1, 1, &push);
        op.layer = 0;
        op.writes[1] = (struct plan_span){kv->addr + (uint64_t)l * BYTES, BYTES};
        OKAY(plan_add(p, &op));
        op = affine_op("attention", att, q, 1, 1, &push);
        op.layer = 0;
        op.reads[1] = (struct plan_span){kv->addr + (uint64_t)l * BYTES, BYTES};
        OKAY(plan_add(p, &op));
        op = affine_op("out", x->addr, att, 1, 1, &push);
        op.layer = 0;
        op.reads[1] = op.writes[0];
        OKAY(plan_add(p, &op));
        op = affine_op("gate+up", up, x->addr, 1, 1, &push);
        op.layer = 0;
        op.writes[0].bytes = 4 * BYTES;
        OKAY(plan_add(p, &op));
        op = affine_op("down", x->addr, up, 1, 1, &push);
        op.layer = 0;
        op.reads[0].bytes = 4 * BYTES;
        op.reads[1] = op.writes[0];
        OKAY(plan_add(p, &op));
    }
    OKAY(plan_seal(p, NULL));
    assert_int_equal(plan_barriers(p), 5 * LAYERS - 1);
    assert_int_equal(plan_scratch_bytes(p), 4 * BYTES);
    for (uint32_t i = 1; i < plan_count(p); i++)
        assert_int_not_equal(plan_check_hazards(p, i), OK);
    assert_int_equal(plan_get(p, 26)->layer, 5);
    plan_destroy(&p);
    gpu_buf_destroy(g, &kv);
    gpu_buf_destroy(g, &x);
}

/* ---- errors ------------------------------------------------------------------------------- */

static void refuses_wrong_ops(void **state)
{
    struct gpu *g = *state;
    const struct gpu_buf *b = device_buf(g, BYTES);
    struct plan *p = plan_for(g, "wrong");
    uint64_t s = scratch(p, BYTES), other = scratch(p, BYTES), none, t;
    struct affine push;
    struct plan_op op = affine_op("rope", s, 0, 1, 1, &push);
    op.layer = 9;
    op.groups[1] = gpu_get_info(g)->max_groups[1] + 1;
    FAILS(ERR_USAGE, plan_add(p, &op), "'rope'", "layer 9", "limit");
    op = affine_op("rope", s, 0, 1, 1, &push);
    op.writes[0].bytes = BYTES + 1;
    FAILS(ERR_USAGE, plan_add(p, &op), "'rope'", "1025", "one piece of scratch");
    op.writes[0] = (struct plan_span){s + BYTES, 4};
    FAILS(ERR_USAGE, plan_add(p, &op), "one piece of scratch");
    op.writes[0] = (struct plan_span){other, 4};
    FAILS(ERR_USAGE, plan_add(p, &op), "address 0", "without a span");
    op.writes[0] = (struct plan_span){0, 4};
    FAILS(ERR_USAGE, plan_add(p, &op), "no address");
    op = affine_op("rope", s, 0, 1, 1, &push);
    op.n_addr = 5;
    FAILS(ERR_USAGE, plan_add(p, &op), "5 addresses");
    FAILS(ERR_USAGE, plan_scratch(p, 0, "empty", &none), "empty");
    FAILS(ERR_USAGE, plan_run(p, 1, &t), "sealed");
    assert_int_equal(plan_count(p), 0);
    add(p, "fine", s, 0, 1, 1);
    OKAY(plan_place(p));
    FAILS(ERR_USAGE, plan_scratch(p, 4, "late", &none), "placed");
    op = affine_op("late", b->addr, 0, 1, 1, &push);
    FAILS(ERR_USAGE, plan_add(p, &op), "placed");
    plan_destroy(&p);
    /* A span over the end of a memory block is found when sealing. */
    p = plan_for(g, "outside");
    struct affine far = {b->addr, 0, N, 1, 1, 0};
    op = affine_op("far", b->addr, 0, 1, 1, &push);
    op.push = &far;
    op.writes[0].bytes = UINT64_C(1) << 40;
    OKAY(plan_add(p, &op));
    FAILS(ERR_USAGE, plan_seal(p, NULL), "'far'", "cross");
    plan_destroy(&p);
    gpu_buf_destroy(g, &b);
}

static void places_without_a_gpu(void **state)
{
    (void)state;
    struct plan *p;
    OKAY(plan_create(NULL, NULL, &p));
    uint64_t s = scratch(p, 1100), u = scratch(p, 5000);
    add(p, "a", s, 0, 1, 1);
    struct affine push;
    struct plan_op op = affine_op("b", u, 0, 1, 1, &push);
    OKAY(plan_add(p, &op));
    OKAY(plan_place(p));
    assert_int_equal(plan_scratch_bytes(p), 1280 + 5120);
    plan_destroy(&p);
}

/* ---- replaying ---------------------------------------------------------------------------- */

static void replays_and_times(void **state)
{
    (void)state;
    struct gpu *g;
    struct plan *p;
    uint64_t t;
    OKAY(gpu_open(&(struct gpu_params){.cache_dir = "", .timestamps = true}, &g));
    const struct gpu_buf *b = device_buf(g, BYTES);
    bool stamps = gpu_get_info(g)->caps & GPU_CAP_TIMESTAMPS;
    OKAY(plan_create(g, &(struct plan_params){.name = "timed", .timestamps = stamps}, &p));
    for (int i = 0; i < 30; i++)
        add(p, "step", b->addr, b->addr, 1, 1);
    OKAY(plan_pipes(p));
    OKAY(plan_seal(p, NULL));
    OKAY(gpu_fill(g, b->addr, 0, BYTES));
    for (int i = 0; i < 3; i++) {
        OKAY(plan_run(p, 1, &t));
        OKAY(gpu_wait(g, t));
    }
    uint64_t allocs = mem_alloc_count();
    struct gpu_counters c0, c1;
    gpu_get_counters(g, &c0);
    for (int i = 0; i < 20; i++) {
        OKAY(plan_run(p, 16, &t));
        OKAY(gpu_wait(g, t));
    }
    gpu_get_counters(g, &c1);
    assert_int_equal(mem_alloc_count(), allocs);
    assert_int_equal(c1.submits - c0.submits, 20);
    assert_int_equal(c1.dispatches - c0.dispatches, 20 * 16 * 30);
    assert_int_equal(c1.bytes_up + c1.bytes_down, c0.bytes_up + c0.bytes_down);
    uint32_t w[N];
    OKAY(gpu_download(g, w, b->addr, BYTES));
    for (int i = 0; i < N; i++)
        assert_int_equal(w[i], 30 * (3 + 20 * 16));
    for (uint32_t i = 0; stamps && i < 30; i++) {
        double seconds;
        OKAY(plan_elapsed(p, i, &seconds));
        assert_true(seconds >= 0 && seconds < 1);
    }
    double none;
    FAILS(ERR_USAGE, plan_elapsed(p, 30, &none), "no time");
    plan_destroy(&p);
    gpu_buf_destroy(g, &b);
    gpu_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_takes_two_pieces), cmocka_unit_test(scratch_of_one_stage_is_apart),
        cmocka_unit_test(plans_share_scratch),      cmocka_unit_test(barriers_follow_from_spans),
        cmocka_unit_test(random_plans_hold),        cmocka_unit_test(layers_have_five_stages),
        cmocka_unit_test(refuses_wrong_ops),        cmocka_unit_test(places_without_a_gpu),
        cmocka_unit_test(replays_and_times),
    };
    return cmocka_run_group_tests_name("plan", tests, open_device, close_device);
}
