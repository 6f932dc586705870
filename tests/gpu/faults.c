/* Every Vulkan call of a whole life, from listing to closing, is made to fail once in every way: a
 * clean error each time, nothing left behind, nothing that hangs. */
#include "common.h"

#include "base/log.h"

enum { OUT_OF_HOST = -1, OUT_OF_DEVICE = -2, INIT_FAILED = -3, LOST = -4, TIMEOUT = 2 };

static struct affine push_of(const struct gpu_buf *b)
{
    return (struct affine){b->addr, b->addr, 64, 1, 1, 0};
}

static enum status use(struct gpu *g)
{
    enum status s = OK;
    const struct gpu_buf *b = NULL, *h = NULL;
    const struct gpu_pipe *pipe;
    struct gpu_cmd *c = NULL;
    struct gpu_stream *st = NULL;
    uint32_t words[64] = {0};
    uint64_t t, addr;
    double seconds;
    void *host;
    struct gpu_pipe_params pp = affine_params();
    TRY_GOTO(gpu_buf_create(g, &(struct gpu_buf_params){.bytes = 4096, .tag = "one"}, &b));
    TRY_GOTO(gpu_buf_create(
        g, &(struct gpu_buf_params){.bytes = 4096, .memory = GPU_HOST, .tag = "two"}, &h));
    TRY_GOTO(gpu_fill(g, b->addr, 7, 4096));
    TRY_GOTO(gpu_upload(g, b->addr, words, sizeof words));
    TRY_GOTO(gpu_pipe_get(g, &pp, &pipe));
    TRY_GOTO(gpu_cmd_create(g, &(struct gpu_cmd_params){.name = "decode", .timestamps = 2}, &c));
    TRY_GOTO(gpu_cmd_timestamp(c, 0));
    for (int i = 0; i < 10; i++) {
        struct affine push = push_of(b);
        TRY_GOTO(gpu_cmd_dispatch(c, pipe, &push, 1, 1, 1, i < 5 ? "qkv" : "down", i));
        TRY_GOTO(gpu_cmd_barrier(c));
    }
    TRY_GOTO(gpu_cmd_timestamp(c, 1));
    TRY_GOTO(gpu_cmd_end(c));
    for (int i = 0; i < 3; i++) {
        TRY_GOTO(gpu_submit(g, c, 1, &t));
        gpu_done(g, t);
        TRY_GOTO(gpu_wait(g, t));
    }
    TRY_GOTO(gpu_cmd_elapsed(c, 0, 1, &seconds));
    TRY_GOTO(gpu_stream_create(g, &(struct gpu_stream_params){65536, 2}, &st));
    for (int i = 0; i < 3; i++) {
        TRY_GOTO(gpu_stream_next(st, &host, &addr));
        memset(host, i, 4096);
        struct affine push = {b->addr + 2048, addr, 64, 1, 0, 0};
        if (i == 1)
            TRY_GOTO(gpu_stream_dispatch(st, pipe, &push, 1, 1, 1));
        else
            TRY_GOTO(gpu_stream_copy(st, b->addr + 1024, 1024));
    }
    TRY_GOTO(gpu_stream_finish(st));
    TRY_GOTO(gpu_download(g, words, b->addr, sizeof words));
    for (int i = 0; i < 64; i++)
        assert_int_equal(words[i], 30);
fail:
    /* Whatever was left is usable or says why not; a lost device stays lost. */
    if (s == ERR_LOST) {
        char first[1024];
        assert_int_equal(gpu_check(g), ERR_LOST);
        snprintf(first, sizeof first, "%s", status_message());
        assert_int_equal(gpu_fill(g, 256, 0, 4), ERR_LOST);
        assert_string_equal(status_message(), first);
        assert_int_equal(gpu_wait(g, 1), ERR_LOST);
        assert_true(gpu_done(g, 1));
    } else {
        assert_int_equal(gpu_check(g), OK);
    }
    gpu_stream_destroy(&st);
    gpu_cmd_destroy(g, &c);
    gpu_buf_destroy(g, &b);
    gpu_buf_destroy(g, &h);
    return s;
}

static enum status life(void)
{
    struct gpu *g = NULL;
    struct gpu_params p = {.cache_dir = "", .timestamps = true, .wait_budget = 20};
    enum status s = gpu_open(&p, &g);
    if (s == OK)
        s = use(g);
    gpu_close(&g);
    return s;
}

static void every_call_once(int32_t result, enum status want)
{
    uint32_t tolerated = 0, n = 1;
    for (;; n++) {
        status_clear();
        gpu_test_fail(NULL, n, result, false);
        enum status s = life();
        uint32_t failed = gpu_test_fail_off();
        if (!failed) {
            OKAY(s);
            break;
        }
        const char *call = gpu_test_failed_call();
        if (gpu_test_objects())
            print_error("%s (call %u) leaves %d objects\n", call, n, (int)gpu_test_objects());
        assert_int_equal(gpu_test_objects(), 0);
        if (s == OK) {
            /* The loader's word for 'no driver' when listing, and the cache and the waits that go
             * on; anything else has to be said. */
            tolerated++;
            continue;
        }
        if (s != want && s != ERR_DEVICE)
            print_error("%s (call %u): %s: %s\n", call, n, status_name(s), status_message());
        assert_true(s == want || s == ERR_DEVICE);
        assert_true(strstr(status_message(), call) || strstr(status_message(), "no usable"));
    }
    print_message("# %u calls, %u tolerated\n", n - 1, tolerated);
    assert_true(n > 60);
    assert_true(tolerated <= 8);
}

static void out_of_device_memory(void **state)
{
    (void)state;
    every_call_once(OUT_OF_DEVICE, ERR_MEMORY);
}

static void out_of_host_memory(void **state)
{
    (void)state;
    every_call_once(OUT_OF_HOST, ERR_MEMORY);
}

static void initialization_failed(void **state)
{
    (void)state;
    every_call_once(INIT_FAILED, ERR_DEVICE);
}

static void device_lost(void **state)
{
    (void)state;
    every_call_once(LOST, ERR_LOST);
}

/* From one call on all fail, as on a device that is gone. */
static void device_stays_lost(void **state)
{
    (void)state;
    for (uint32_t n = 1;; n += 7) {
        gpu_test_fail(NULL, n, LOST, true);
        enum status s = life();
        uint32_t failed = gpu_test_fail_off();
        assert_int_equal(gpu_test_objects(), 0);
        if (!failed)
            break;
        assert_true(s == ERR_LOST || s == OK);
    }
}

/* ---- messages ----------------------------------------------------------------------------- */

static struct gpu *open_one(double budget, bool breadcrumbs)
{
    struct gpu *g = NULL;
    OKAY(gpu_open(
        &(struct gpu_params){.cache_dir = "", .wait_budget = budget, .breadcrumbs = breadcrumbs},
        &g));
    return g;
}

static struct gpu_cmd *layers(struct gpu *g, const struct gpu_buf *b)
{
    struct gpu_cmd *c;
    const struct gpu_pipe *pipe;
    struct gpu_pipe_params pp = affine_params();
    struct affine push = push_of(b);
    static const char *const names[] = {"qkv", "attention", "out", "gate+up", "down"};
    OKAY(gpu_pipe_get(g, &pp, &pipe));
    OKAY(gpu_cmd_create(g, &(struct gpu_cmd_params){.name = "decode 1x1"}, &c));
    for (int i = 0; i < 15; i++) {
        OKAY(gpu_cmd_dispatch(c, pipe, &push, 1, 1, 1, names[i % 5], i / 5));
        OKAY(gpu_cmd_barrier(c));
    }
    OKAY(gpu_cmd_end(c));
    return c;
}

static void loss_names_operation_and_layer(void **state)
{
    (void)state;
    struct gpu *g = open_one(0, false);
    const struct gpu_buf *b = device_buf(g, 4096);
    struct gpu_cmd *c = layers(g, b);
    uint64_t t;
    OKAY(gpu_submit(g, c, 1, &t));
    gpu_test_fail("vkWaitSemaphores", 1, LOST, false);
    FAILS(ERR_LOST, gpu_wait(g, t), "VK_ERROR_DEVICE_LOST", "vkWaitSemaphores", "layer 0",
          "decode 1x1", gpu_get_info(g)->name);
    gpu_test_fail_off();
    FAILS(ERR_LOST, gpu_submit(g, c, 1, &t), "VK_ERROR_DEVICE_LOST", "layer 0");
    gpu_cmd_destroy(g, &c);
    gpu_buf_destroy(g, &b);
    gpu_close(&g);
    assert_int_equal(gpu_test_objects(), 0);
}

static void breadcrumbs_name_the_last(void **state)
{
    (void)state;
    struct gpu *g = open_one(0, true);
    const struct gpu_buf *b = device_buf(g, 4096);
    struct gpu_cmd *c = layers(g, b);
    uint64_t t;
    OKAY(gpu_fill(g, b->addr, 0, 4096));
    OKAY(gpu_submit(g, c, 1, &t));
    OKAY(gpu_wait(g, t));
    uint32_t v;
    OKAY(gpu_download(g, &v, b->addr, 4));
    assert_int_equal(v, 15);
    gpu_test_fail("vkQueueSubmit2", 1, LOST, false);
    FAILS(ERR_LOST, gpu_submit(g, c, 1, &t), "last to finish was 'down' of layer 2",
          "vkQueueSubmit2");
    gpu_test_fail_off();
    gpu_close(&g);
    assert_int_equal(gpu_test_objects(), 0);
}

static void a_hang_is_reported(void **state)
{
    (void)state;
    struct gpu *g = open_one(0.6, false);
    const struct gpu_buf *b = device_buf(g, 4096);
    struct gpu_cmd *c = layers(g, b);
    uint64_t t;
    OKAY(gpu_submit(g, c, 1, &t));
    gpu_test_fail("vkWaitSemaphores", 1, TIMEOUT, true);
    double t0 = time_now();
    FAILS(ERR_LOST, gpu_wait(g, t), "no answer for", "queued", "memory in use", "layer");
    assert_true(time_now() - t0 < 5);
    assert_true(gpu_test_fail_off() >= 2);
    FAILS(ERR_LOST, gpu_check(g), "no answer for");
    /* The device did finish, so that all can be freed. */
    gpu_close(&g);
    assert_int_equal(gpu_test_objects(), 0);
}

static void one_late_answer_is_no_hang(void **state)
{
    (void)state;
    struct gpu *g = open_one(5, false);
    const struct gpu_buf *b = device_buf(g, 4096);
    struct gpu_cmd *c = layers(g, b);
    uint64_t t;
    OKAY(gpu_submit(g, c, 1, &t));
    gpu_test_fail("vkWaitSemaphores", 1, TIMEOUT, false);
    OKAY(gpu_wait(g, t));
    assert_int_equal(gpu_test_fail_off(), 1);
    gpu_close(&g);
    assert_int_equal(gpu_test_objects(), 0);
}

static void memory_message_has_the_figures(void **state)
{
    (void)state;
    struct gpu *g = open_one(0, false);
    const struct gpu_buf *b = NULL;
    struct gpu_buf_params p = {
        .bytes = 123456789, .purpose = GPU_KV, .tag = "kv of 4 sequences", .own_block = true};
    gpu_test_fail("vkAllocateMemory", 1, OUT_OF_DEVICE, false);
    FAILS(ERR_MEMORY, gpu_buf_create(g, &p, &b), "kv of 4 sequences", "123456789", "free", "in use",
          "weights", "VK_ERROR_OUT_OF_DEVICE_MEMORY", "vkAllocateMemory");
    gpu_test_fail_off();
    assert_null(b);
    /* The device is as good as before. */
    p.bytes = 4096;
    OKAY(gpu_buf_create(g, &p, &b));
    OKAY(gpu_fill(g, b->addr, 1, 4096));
    gpu_close(&g);
    assert_int_equal(gpu_test_objects(), 0);
}

static void a_failed_pipeline_can_be_asked_again(void **state)
{
    (void)state;
    struct gpu *g = open_one(0, false);
    struct gpu_pipe_params p = {
        .shader = &spec_shader, .push_bytes = 8, .n_spec = 2, .spec = {5, 6}};
    const struct gpu_pipe *a, *b;
    gpu_test_fail("vkCreateComputePipelines", 1, OUT_OF_HOST, false);
    OKAY(gpu_pipe_get(g, &p, &a));
    FAILS(ERR_MEMORY, gpu_pipes_wait(g), "spec(5,6)", "vkCreateComputePipelines");
    gpu_test_fail_off();
    OKAY(gpu_pipe_get(g, &p, &b));
    assert_ptr_equal(a, b);
    OKAY(gpu_pipes_wait(g));
    gpu_close(&g);
    assert_int_equal(gpu_test_objects(), 0);
}

static void quiet(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    (void)level;
    (void)text;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_device_memory),
        cmocka_unit_test(out_of_host_memory),
        cmocka_unit_test(initialization_failed),
        cmocka_unit_test(device_lost),
        cmocka_unit_test(device_stays_lost),
        cmocka_unit_test(loss_names_operation_and_layer),
        cmocka_unit_test(breadcrumbs_name_the_last),
        cmocka_unit_test(a_hang_is_reported),
        cmocka_unit_test(one_late_answer_is_no_hang),
        cmocka_unit_test(memory_message_has_the_figures),
        cmocka_unit_test(a_failed_pipeline_can_be_asked_again),
    };
    log_set(LOG_WARN, quiet, NULL);
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
