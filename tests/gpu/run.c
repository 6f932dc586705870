/* Recording and replaying. */
#include "common.h"

#include "base/log.h"

static uint32_t read_word(struct gpu *g, uint64_t addr)
{
    uint32_t v;
    OKAY(gpu_download(g, &v, addr, 4));
    return v;
}

/* A chain of `n` dispatches, each dst = dst + 1 over `words` words. */
static struct gpu_cmd *chain(struct gpu *g, uint64_t addr, uint32_t words, uint32_t n)
{
    struct gpu_cmd *c;
    const struct gpu_pipe *pipe;
    struct gpu_pipe_params pp = affine_params();
    OKAY(gpu_pipe_get(g, &pp, &pipe));
    OKAY(gpu_cmd_create(g, &(struct gpu_cmd_params){.name = "chain"}, &c));
    struct affine push = {addr, addr, words, 1, 1, 0};
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            OKAY(gpu_cmd_barrier(c));
        OKAY(gpu_cmd_dispatch(c, pipe, &push, (words + 63) / 64, 1, 1, "step", (int)(i / 5)));
    }
    OKAY(gpu_cmd_end(c));
    return c;
}

static void replays(void **state)
{
    struct gpu *g = *state;
    enum { WORDS = 5000, N = 100 };
    const struct gpu_buf *b = device_buf(g, WORDS * 4);
    struct gpu_cmd *c = chain(g, b->addr, WORDS, N);
    struct gpu_counters c0, c1;
    uint64_t t;
    uint32_t want = 0, out[WORDS];
    gpu_get_counters(g, &c0);
    OKAY(gpu_fill(g, b->addr, 0, WORDS * 4));
    static const uint32_t repeats[] = {1, 1, 1, 3, 16, 0, 1};
    for (size_t i = 0; i < sizeof repeats / sizeof *repeats; i++) {
        OKAY(gpu_submit(g, c, repeats[i], &t));
        want += N * repeats[i];
        if (i % 2)
            OKAY(gpu_wait(g, t));
    }
    OKAY(gpu_wait(g, t));
    assert_true(gpu_done(g, t));
    OKAY(gpu_download(g, out, b->addr, sizeof out));
    for (int i = 0; i < WORDS; i++)
        assert_int_equal(out[i], want);
    gpu_get_counters(g, &c1);
    assert_int_equal(c1.dispatches - c0.dispatches, want);
    assert_int_equal(c1.barriers - c0.barriers, want / N * (N - 1));
    gpu_cmd_destroy(g, &c);
    assert_null(c);
    gpu_buf_destroy(g, &b);
}

/* Once a recording has been measured, a submit is one call of the driver and takes no memory. */
static void steady_submits_are_cheap(void **state)
{
    struct gpu *g = *state;
    enum { TIMES = 200 };
    const struct gpu_buf *b = device_buf(g, 256);
    struct gpu_cmd *c = chain(g, b->addr, 64, 100);
    struct gpu_counters c0, c1;
    uint64_t t;
    for (int i = 0; i < 3; i++) {
        OKAY(gpu_submit(g, c, 1, &t));
        OKAY(gpu_wait(g, t));
    }
    gpu_get_counters(g, &c0);
    uint64_t allocs = mem_alloc_count();
    double spent = 0;
    for (int i = 0; i < TIMES; i++) {
        double t0 = time_now();
        OKAY(gpu_submit(g, c, 1, &t));
        spent += time_now() - t0;
        OKAY(gpu_wait(g, t));
    }
    assert_int_equal(mem_alloc_count(), allocs);
    gpu_get_counters(g, &c1);
    assert_int_equal(c1.submits - c0.submits, TIMES);
    print_message("# a submit of 100 dispatches: %.1f us\n", spent / TIMES * 1e6);
    gpu_cmd_destroy(g, &c);
    gpu_buf_destroy(g, &b);
}

/* An engine that keeps submits in flight all the time gets there too. */
static void joins_while_in_flight(void **state)
{
    struct gpu *g = *state;
    const struct gpu_buf *b = device_buf(g, 256);
    struct gpu_cmd *c = chain(g, b->addr, 64, 50);
    struct gpu_counters c0, c1;
    uint64_t t[2] = {0, 0};
    OKAY(gpu_fill(g, b->addr, 0, 256));
    for (uint32_t i = 0; i < 40; i++) {
        gpu_get_counters(g, &c0);
        OKAY(gpu_submit(g, c, 1, &t[i % 2]));
        gpu_get_counters(g, &c1);
        OKAY(gpu_wait(g, t[(i + 1) % 2]));
    }
    assert_int_equal(c1.submits - c0.submits, 1);
    assert_int_equal(read_word(g, b->addr), 40 * 50);
    gpu_cmd_destroy(g, &c);
    gpu_buf_destroy(g, &b);
}

static void many_in_flight(void **state)
{
    struct gpu *g = *state;
    const struct gpu_buf *b = device_buf(g, 256);
    struct gpu_cmd *c = chain(g, b->addr, 1, 40);
    uint64_t t = 0, last = 0;
    OKAY(gpu_fill(g, b->addr, 0, 256));
    /* More submits than the room keeps notes of. */
    for (int i = 0; i < 1500; i++) {
        OKAY(gpu_submit(g, c, 1, &t));
        assert_true(t > last);
        last = t;
    }
    assert_int_equal(read_word(g, b->addr), 1500 * 40);
    assert_true(gpu_done(g, t));
    FAILS(ERR_USAGE, gpu_wait(g, t + 1000), "only");
    gpu_cmd_destroy(g, &c);
    gpu_buf_destroy(g, &b);
}

/* A recording of many slow dispatches goes in pieces, none much longer than half a second. */
static void long_work_is_cut(void **state)
{
    struct gpu *g = *state;
    enum { N = 48 };
    const struct gpu_buf *b = device_buf(g, 256);
    const struct gpu_pipe *pipe;
    struct gpu_pipe_params pp = {.shader = &slow_shader, .push_bytes = sizeof(struct slow)};
    struct slow push = {b->addr, 1000, 0};
    struct gpu_cmd *c;
    uint64_t t;
    double each = 0;
    OKAY(gpu_fill(g, b->addr, 0, 256));
    OKAY(gpu_pipe_get(g, &pp, &pipe));
    /* How many rounds take 15 to 30 ms? */
    for (push.rounds = 1 << 18; each < 0.015 && push.rounds < UINT32_MAX / 4;) {
        push.rounds *= 2;
        OKAY(gpu_cmd_create(g, NULL, &c));
        OKAY(gpu_cmd_dispatch(c, pipe, &push, 1, 1, 1, "slow", -1));
        OKAY(gpu_cmd_end(c));
        double t0 = time_now();
        OKAY(gpu_submit(g, c, 1, &t));
        OKAY(gpu_wait(g, t));
        each = time_now() - t0;
        gpu_cmd_destroy(g, &c);
    }
    OKAY(gpu_fill(g, b->addr, 0, 256));
    OKAY(gpu_cmd_create(g, &(struct gpu_cmd_params){.name = "long"}, &c));
    for (int i = 0; i < N; i++) {
        OKAY(gpu_cmd_dispatch(c, pipe, &push, 1, 1, 1, "slow", i));
        OKAY(gpu_cmd_barrier(c));
    }
    OKAY(gpu_cmd_end(c));
    double first = 0;
    for (uint32_t run = 1; run <= 2; run++) {
        struct gpu_counters c0, c1;
        gpu_get_counters(g, &c0);
        double t0 = time_now();
        OKAY(gpu_submit(g, c, 1, &t));
        OKAY(gpu_wait(g, t));
        double took = time_now() - t0;
        gpu_get_counters(g, &c1);
        uint32_t submits = (uint32_t)(c1.submits - c0.submits);
        print_message("# run %u: %.2f s in %u submits\n", run, took, submits);
        if (run == 1) /* nothing is known yet: small pieces */
            assert_true(submits >= N / 8);
        else if (first > 0.6)
            assert_true(submits >= 2 && (first / submits < 0.5 || submits == N / 4));
        first = took;
        assert_int_equal(read_word(g, b->addr), run * N);
    }
    gpu_cmd_destroy(g, &c);
    gpu_buf_destroy(g, &b);
}

static void timestamps_grow(void **state)
{
    struct gpu *g = NULL;
    (void)state;
    OKAY(gpu_open(&(struct gpu_params){.cache_dir = "", .timestamps = true}, &g));
    if (!(gpu_get_info(g)->caps & GPU_CAP_TIMESTAMPS)) {
        gpu_close(&g);
        skip();
    }
    const struct gpu_buf *b = device_buf(g, 256);
    const struct gpu_pipe *pipe;
    struct gpu_pipe_params pp = {.shader = &slow_shader, .push_bytes = sizeof(struct slow)};
    struct slow push = {b->addr, 1 << 20, 0};
    struct gpu_cmd *c;
    uint64_t t;
    double first, second, all;
    OKAY(gpu_pipe_get(g, &pp, &pipe));
    OKAY(gpu_cmd_create(g, &(struct gpu_cmd_params){.timestamps = 3}, &c));
    FAILS(ERR_USAGE, gpu_cmd_timestamp(c, 3), "3 of 3");
    OKAY(gpu_cmd_timestamp(c, 0));
    OKAY(gpu_cmd_dispatch(c, pipe, &push, 1, 1, 1, "slow", -1));
    OKAY(gpu_cmd_timestamp(c, 1));
    OKAY(gpu_cmd_barrier(c));
    OKAY(gpu_cmd_dispatch(c, pipe, &push, 1, 1, 1, "slow", -1));
    OKAY(gpu_cmd_timestamp(c, 2));
    OKAY(gpu_cmd_end(c));
    FAILS(ERR_USAGE, gpu_cmd_elapsed(c, 0, 1, &all), "no time");
    for (int i = 0; i < 2; i++) {
        OKAY(gpu_submit(g, c, 2, &t));
        OKAY(gpu_wait(g, t));
        OKAY(gpu_cmd_elapsed(c, 0, 1, &first));
        OKAY(gpu_cmd_elapsed(c, 1, 2, &second));
        OKAY(gpu_cmd_elapsed(c, 0, 2, &all));
        assert_true(first > 0 && second > 0 && all > 0 && all < 10);
        assert_true(first + second < all * 1.001 + 1e-6);
    }
    gpu_cmd_destroy(g, &c);
    gpu_buf_destroy(g, &b);
    gpu_close(&g);
}

static void refuses_wrong_use(void **state)
{
    struct gpu *g = *state;
    const uint32_t *max = gpu_get_info(g)->max_groups;
    const struct gpu_buf *b = device_buf(g, 256);
    const struct gpu_pipe *pipe;
    struct gpu_pipe_params pp = affine_params();
    struct affine push = {b->addr, 0, 1, 1, 1, 0};
    struct gpu_cmd *c;
    uint64_t t;
    OKAY(gpu_pipe_get(g, &pp, &pipe));
    OKAY(gpu_cmd_create(g, &(struct gpu_cmd_params){.name = "wrong"}, &c));
    FAILS(ERR_USAGE, gpu_cmd_dispatch(c, pipe, &push, 1, max[1] + 1, 1, "rope", 7), "'rope'",
          "layer 7", "limit");
    FAILS(ERR_USAGE, gpu_cmd_dispatch(c, pipe, &push, 0, 1, 1, "rope", 7), "0 x 1 x 1");
    FAILS(ERR_USAGE, gpu_cmd_copy(c, b->addr, 512, 4), "source of a copy");
    FAILS(ERR_USAGE, gpu_cmd_fill(c, b->addr + 1, 0, 4), "words");
    FAILS(ERR_USAGE, gpu_cmd_timestamp(c, 0), "without");
    FAILS(ERR_USAGE, gpu_submit(g, c, 1, &t), "recorded");
    OKAY(gpu_cmd_end(c));
    FAILS(ERR_USAGE, gpu_cmd_barrier(c), "nothing can be added");
    FAILS(ERR_USAGE, gpu_cmd_end(c), "already");
    OKAY(gpu_submit(g, c, 1, &t));
    OKAY(gpu_wait(g, t));
    gpu_cmd_destroy(g, &c);
    gpu_buf_destroy(g, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replays),           cmocka_unit_test(steady_submits_are_cheap),
        cmocka_unit_test(many_in_flight),    cmocka_unit_test(joins_while_in_flight),
        cmocka_unit_test(long_work_is_cut),  cmocka_unit_test(timestamps_grow),
        cmocka_unit_test(refuses_wrong_use),
    };
    return cmocka_run_group_tests_name("running", tests, open_device, close_device);
}
