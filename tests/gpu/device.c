/* Choice of device, memory, copies, pipelines and their cache. */
#include "common.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static char cache_dir[64];

/* ---- choice ------------------------------------------------------------------------------- */

static void lists_devices(void **state)
{
    (void)state;
    struct gpu_info d[16];
    uint32_t n = 0, all = 0;
    OKAY(gpu_list(NULL, 0, &all));
    OKAY(gpu_list(d, 16, &n));
    assert_int_equal(n, all);
    assert_true(n >= 1);
    for (uint32_t i = 0; i < n && i < 16; i++) {
        assert_int_equal(d[i].index, i);
        assert_true(strlen(d[i].name) > 0);
        assert_true(strlen(d[i].kind) > 0);
        if (d[i].unusable)
            continue;
        assert_int_equal(strlen(d[i].uuid), 36);
        assert_true(d[i].subgroup_min <= d[i].subgroup_default);
        assert_true(d[i].subgroup_default <= d[i].subgroup_max);
        assert_true(d[i].shared_bytes >= 16384);
        assert_true(d[i].max_groups[0] >= 65535);
        assert_true(d[i].units >= 1);
        assert_true(d[i].memory_total > 0 && d[i].memory_free > 0);
        assert_true(d[i].max_allocation >= 1u << 30);
    }
    assert_int_equal(gpu_test_objects(), 0);
}

static void opens(const char *device, enum status want, const char *part)
{
    struct gpu *g = NULL;
    struct gpu_params p = {.device = device, .cache_dir = ""};
    if (want == OK) {
        OKAY(gpu_open(&p, &g));
        assert_non_null(g);
    } else {
        FAILS(want, gpu_open(&p, &g), part);
        assert_null(g);
    }
    gpu_close(&g);
    assert_null(g);
    assert_int_equal(gpu_test_objects(), 0);
}

static void chooses_device(void **state)
{
    (void)state;
    struct gpu_info d[16];
    uint32_t n = 0, use = UINT32_MAX;
    char text[300];
    OKAY(gpu_list(d, 16, &n));
    for (uint32_t i = 0; i < n && i < 16; i++)
        if (!d[i].unusable)
            use = i;
    assert_int_not_equal(use, UINT32_MAX);
    snprintf(text, sizeof text, "%u", d[use].index);
    opens(text, OK, NULL);
    opens(d[use].uuid, OK, NULL);
    snprintf(text, sizeof text, "%.13s", d[use].uuid);
    for (char *c = text; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'f' ? *c - 32 : *c);
    opens(text, OK, NULL);
    opens("no such device", ERR_DEVICE, d[0].name);
    opens("999", ERR_DEVICE, "'999'");
    if (n == 1) {
        snprintf(text, sizeof text, "%.6s", d[0].name);
        opens(text, OK, NULL);
    }
    setenv("TAWNY_DEVICE", "nonsense", 1);
    opens(NULL, ERR_DEVICE, "TAWNY_DEVICE");
    snprintf(text, sizeof text, "%u", d[use].index);
    setenv("TAWNY_DEVICE", text, 1);
    opens(NULL, OK, NULL);
    unsetenv("TAWNY_DEVICE");
    opens(NULL, OK, NULL);
}

static void refuses_devices_without_features(void **state)
{
    (void)state;
    struct gpu_info d[16];
    uint32_t n;
    static const char *const needed[] = {"bufferDeviceAddress", "shaderInt64",
                                         "vulkanMemoryModelDeviceScope", "maintenance4"};
    for (int i = 0; i < 4; i++) {
        gpu_test_lack(needed[i]);
        OKAY(gpu_list(d, 16, &n));
        assert_non_null(d[0].unusable);
        assert_non_null(strstr(d[0].unusable, needed[i]));
        opens("0", ERR_DEVICE, needed[i]);
        opens(NULL, ERR_DEVICE, needed[i]);
    }
    gpu_test_lack(NULL);
    opens(NULL, OK, NULL);
}

struct heard {
    enum log_level level;
    char text[1024];
};

static void hear(void *ctx, enum log_level level, const char *text)
{
    struct heard *h = ctx;
    if (strlen(h->text))
        return;
    h->level = level;
    snprintf(h->text, sizeof h->text, "%s", text);
}

static void says_which_device(void **state)
{
    (void)state;
    struct gpu *g = NULL;
    struct heard unasked = {0}, asked = {0};
    char name[256];
    bool software;
    log_set(LOG_INFO, hear, &unasked);
    OKAY(gpu_open(&(struct gpu_params){.cache_dir = ""}, &g));
    snprintf(name, sizeof name, "%s", gpu_get_info(g)->name);
    software = !strcmp(gpu_get_info(g)->kind, "software");
    gpu_close(&g);
    assert_non_null(strstr(unasked.text, name));
    assert_int_equal(unasked.level, software ? LOG_WARN : LOG_INFO);
    log_set(LOG_INFO, hear, &asked);
    OKAY(gpu_open(&(struct gpu_params){.device = "0", .cache_dir = ""}, &g));
    gpu_close(&g);
    assert_int_equal(asked.level, LOG_INFO);
    log_set(LOG_WARN, NULL, NULL);
}

static void hides_capabilities(void **state)
{
    (void)state;
    struct gpu *g = NULL;
    OKAY(gpu_open(&(struct gpu_params){.cache_dir = "", .caps_off = ~UINT64_C(0)}, &g));
    assert_int_equal(gpu_get_info(g)->caps, 0);
    assert_int_equal(gpu_get_info(g)->coop_m, 0);
    struct gpu_pipe_params p = {.shader = &spec_shader, .push_bytes = 8, .subgroup = 32};
    const struct gpu_pipe *pipe;
    FAILS(ERR_DEVICE, gpu_pipe_get(g, &p, &pipe), "subgroups of 32");
    gpu_close(&g);
}

/* ---- memory ------------------------------------------------------------------------------- */

static void memory_is_accounted(void **state)
{
    struct gpu *g = *state;
    struct gpu_usage u;
    enum { N = 200 };
    const struct gpu_buf *b[N];
    uint64_t total = 0;
    for (int i = 0; i < N; i++) {
        struct gpu_buf_params p = {
            .bytes = 1000u + 7777u * (unsigned)(i * i % 97), .purpose = GPU_WEIGHTS, .tag = "w"};
        OKAY(gpu_buf_create(g, &p, &b[i]));
        assert_int_equal(b[i]->addr % 256, 0);
        assert_int_equal(b[i]->bytes, p.bytes);
        assert_null(b[i]->map);
        total += p.bytes;
        for (int k = 0; k < i; k++)
            assert_true(b[k]->addr + b[k]->bytes <= b[i]->addr ||
                        b[i]->addr + b[i]->bytes <= b[k]->addr);
    }
    gpu_get_usage(g, &u);
    assert_int_equal(u.live[GPU_WEIGHTS], total);
    assert_true(u.buffers >= N);
    assert_true(u.allocated >= total);
    assert_true(u.allocated <= total + total / 32 + (64u << 20));
    for (int i = 0; i < N; i += 2)
        gpu_buf_destroy(g, &b[i]);
    /* The holes are used again: nothing more is allocated. */
    uint64_t before = u.allocated;
    for (int i = 0; i < N; i += 2)
        OKAY(gpu_buf_create(
            g, &(struct gpu_buf_params){.bytes = 1000, .purpose = GPU_WEIGHTS, .tag = "w"}, &b[i]));
    gpu_get_usage(g, &u);
    assert_true(u.allocated <= before);
    for (int i = 0; i < N; i++) {
        gpu_buf_destroy(g, &b[i]);
        assert_null(b[i]);
    }
    gpu_get_usage(g, &u);
    assert_int_equal(u.live[GPU_WEIGHTS], 0);
    gpu_buf_destroy(g, &b[0]);
}

/* Sizes as of an 8-billion-parameter model, each a 32nd as large. */
static void blocks_waste_little(void **state)
{
    struct gpu *g = *state;
    static const uint32_t layer[] = {8192,      33558528,  8388608,   8388608, 33554432,
                                     117440512, 117440512, 117440512, 8192};
    const struct gpu_buf *b[400];
    struct gpu_usage u;
    uint32_t n = 0;
    uint64_t live = 0, before;
    gpu_get_usage(g, &u);
    before = u.allocated;
    for (int l = 0; l < 32; l++) {
        for (size_t i = 0; i < sizeof layer / sizeof *layer; i++) {
            struct gpu_buf_params p = {
                .bytes = layer[i] / 32 + 1, .purpose = GPU_WEIGHTS, .tag = "w"};
            OKAY(gpu_buf_create(g, &p, &b[n++]));
            live += p.bytes;
        }
    }
    gpu_get_usage(g, &u);
    print_message("# %.1f MiB in blocks of %.1f MiB\n", (double)live / 1048576,
                  (double)(u.allocated - before) / 1048576);
    assert_true(u.allocated - before <= live + live * 3 / 100 + (16u << 20));
    while (n)
        gpu_buf_destroy(g, &b[--n]);
    gpu_get_usage(g, &u);
    assert_int_equal(u.allocated, before);
}

static void refuses_too_much(void **state)
{
    struct gpu *g = *state;
    const struct gpu_buf *b = NULL;
    struct gpu_usage before, after;
    gpu_get_usage(g, &before);
    uint64_t most = gpu_get_info(g)->max_allocation;
    struct gpu_buf_params p = {.bytes = 0, .tag = "nothing"};
    FAILS(ERR_USAGE, gpu_buf_create(g, &p, &b), "nothing");
    p = (struct gpu_buf_params){.bytes = most + 1, .tag = "blk.0.ffn_up.weight"};
    FAILS(ERR_MEMORY, gpu_buf_create(g, &p, &b), "blk.0.ffn_up.weight", "largest");
    p.bytes = UINT64_MAX;
    FAILS(ERR_USAGE, gpu_buf_create(g, &p, &b), "blk.0.ffn_up.weight");
    assert_null(b);
    gpu_get_usage(g, &after);
    assert_memory_equal(&before, &after, sizeof before);
}

static void copies_any_size(void **state)
{
    struct gpu *g = *state;
    static const struct {
        uint64_t offset, bytes;
    } cases[] = {{0, 1},       {1, 1},        {3, 5},       {255, 257},   {4096, 65537},
                 {7, 4194304}, {13, 4194305}, {1, 8388607}, {2, 8388609}, {0, 12582913}};
    const struct gpu_buf *b = device_buf(g, 16 << 20);
    unsigned char *up = mem_alloc(16 << 20), *down = mem_alloc(16 << 20);
    struct gpu_counters c0, c1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t n = cases[i].bytes, at = cases[i].offset;
        OKAY(gpu_fill(g, b->addr, 0xa5a5a5a5, b->bytes));
        for (uint64_t k = 0; k < n; k++)
            up[k] = (unsigned char)(k * 31 + i + (k >> 11));
        gpu_get_counters(g, &c0);
        OKAY(gpu_upload(g, b->addr + at, up, n));
        memset(down, 0, n);
        OKAY(gpu_download(g, down, b->addr + at, n));
        gpu_get_counters(g, &c1);
        assert_memory_equal(up, down, n);
        assert_int_equal(c1.bytes_up - c0.bytes_up, n);
        assert_int_equal(c1.bytes_down - c0.bytes_down, n);
        /* The neighbours are untouched. */
        if (at) {
            OKAY(gpu_download(g, down, b->addr, at));
            for (uint64_t k = 0; k < at; k++)
                assert_int_equal(down[k], 0xa5);
        }
        OKAY(gpu_download(g, down, b->addr + at + n, 64));
        for (uint64_t k = 0; k < 64; k++)
            assert_int_equal(down[k], 0xa5);
    }
    OKAY(gpu_upload(g, b->addr, up, 0));
    FAILS(ERR_USAGE, gpu_upload(g, 256, up, 4), "in no buffer");
    FAILS(ERR_USAGE, gpu_download(g, down, b->addr + b->bytes - 4, UINT64_C(1) << 40), "cross");
    FAILS(ERR_USAGE, gpu_fill(g, b->addr + 2, 0, 4), "words");
    FAILS(ERR_USAGE, gpu_fill(g, b->addr, 0, 6), "words");
    mem_free(up);
    mem_free(down);
    gpu_buf_destroy(g, &b);
}

static void host_memory_is_mapped(void **state)
{
    struct gpu *g = *state;
    const struct gpu_buf *h, *d = device_buf(g, 4096);
    OKAY(gpu_buf_create(g,
                        &(struct gpu_buf_params){
                            .bytes = 4096, .memory = GPU_HOST, .purpose = GPU_STATE, .tag = "host"},
                        &h));
    assert_non_null(h->map);
    uint32_t *w = h->map;
    for (uint32_t i = 0; i < 1024; i++)
        w[i] = i * 3;
    struct gpu_cmd *c;
    uint64_t t;
    OKAY(gpu_cmd_create(g, NULL, &c));
    OKAY(gpu_cmd_copy(c, d->addr, h->addr, 4096));
    OKAY(gpu_cmd_barrier(c));
    OKAY(gpu_cmd_fill(c, d->addr + 400, 77, 4));
    OKAY(gpu_cmd_barrier(c));
    OKAY(gpu_cmd_copy(c, h->addr, d->addr, 2048));
    OKAY(gpu_cmd_end(c));
    OKAY(gpu_submit(g, c, 1, &t));
    OKAY(gpu_wait(g, t));
    assert_int_equal(w[99], 297);
    assert_int_equal(w[100], 77);
    assert_int_equal(w[101], 303);
    gpu_cmd_destroy(g, &c);
    gpu_buf_destroy(g, &h);
    gpu_buf_destroy(g, &d);
}

/* ---- streams ------------------------------------------------------------------------------ */

static void streams(void **state)
{
    struct gpu *g = *state;
    enum { BYTES = 3 << 20, SLICE = 256 << 10 };
    const struct gpu_buf *b = device_buf(g, BYTES);
    struct gpu_stream *s;
    const struct gpu_pipe *pipe;
    struct gpu_pipe_params pp = affine_params();
    OKAY(gpu_pipe_get(g, &pp, &pipe));
    OKAY(gpu_stream_create(g, &(struct gpu_stream_params){.slice_bytes = SLICE, .slices = 3}, &s));
    FAILS(ERR_USAGE, gpu_stream_copy(s, b->addr, 4), "without a slice");
    uint32_t word = 0;
    for (uint64_t at = 0, i = 0; at < BYTES; i++) {
        void *host;
        uint64_t addr;
        OKAY(gpu_stream_next(s, &host, &addr));
        uint64_t n = i % 3 == 2 ? SLICE / 2 : SLICE;
        n = BYTES - at < n ? BYTES - at : n;
        bool kernel = i % 2;
        for (uint64_t k = 0; k < n / 4; k++)
            ((uint32_t *)host)[k] = kernel ? word++ - 5 : word++;
        if (kernel) {
            struct affine push = {b->addr + at, addr, (uint32_t)(n / 4), 1, 5, 0};
            OKAY(gpu_stream_dispatch(s, pipe, &push, (uint32_t)(n / 256), 1, 1));
        } else {
            OKAY(gpu_stream_copy(s, b->addr + at, n));
        }
        at += n;
    }
    void *host;
    OKAY(gpu_stream_next(s, &host, NULL));
    FAILS(ERR_USAGE, gpu_stream_copy(s, b->addr, SLICE + 4), "larger");
    OKAY(gpu_stream_finish(s));
    uint32_t *down = mem_alloc(BYTES);
    OKAY(gpu_download(g, down, b->addr, BYTES));
    for (uint32_t i = 0; i < BYTES / 4; i++)
        assert_int_equal(down[i], i);
    mem_free(down);
    gpu_stream_destroy(&s);
    gpu_stream_destroy(&s);
    gpu_buf_destroy(g, &b);
}

/* ---- pipelines ---------------------------------------------------------------------------- */

static void pipelines_are_shared(void **state)
{
    struct gpu *g = *state;
    const struct gpu_pipe *a, *b, *c;
    struct gpu_pipe_params p = {
        .shader = &spec_shader, .push_bytes = 8, .n_spec = 3, .spec = {10, 20, 64}};
    OKAY(gpu_pipe_get(g, &p, &a));
    OKAY(gpu_pipe_get(g, &p, &b));
    assert_ptr_equal(a, b);
    p.spec[1]++;
    OKAY(gpu_pipe_get(g, &p, &c));
    assert_ptr_not_equal(a, c);
    assert_string_equal(gpu_pipe_name(c), "spec(10,21,64)");
    assert_int_equal(gpu_pipe_params_of(c)->spec[1], 21);
    OKAY(gpu_pipes_wait(g));
    p.n_spec = GPU_MAX_SPEC + 1;
    FAILS(ERR_USAGE, gpu_pipe_get(g, &p, &c), "33 constants");
    p.n_spec = 0;
    p.push_bytes = 132;
    FAILS(ERR_USAGE, gpu_pipe_get(g, &p, &c), "132");
}

static void constants_reach_shaders(void **state)
{
    struct gpu *g = *state;
    static const uint32_t sizes[] = {0, 8, 16, 32, 64};
    const struct gpu_buf *b = device_buf(g, 256);
    for (int i = 0; i < 5; i++) {
        struct gpu_pipe_params p = {.shader = &spec_shader,
                                    .push_bytes = 8,
                                    .n_spec = 32,
                                    .spec = {11, 22, 64},
                                    .subgroup = sizes[i]};
        p.spec[31] = 33;
        const struct gpu_pipe *pipe;
        if (sizes[i] && !(gpu_get_info(g)->caps & (uint64_t)GPU_CAP_SUBGROUP_8 << (i - 1))) {
            FAILS(ERR_DEVICE, gpu_pipe_get(g, &p, &pipe), "subgroups");
            continue;
        }
        struct gpu_cmd *c;
        uint64_t t;
        uint32_t out[5];
        OKAY(gpu_pipe_get(g, &p, &pipe));
        OKAY(gpu_cmd_create(g, NULL, &c));
        OKAY(gpu_cmd_dispatch(c, pipe, &b->addr, 1, 1, 1, "spec", -1));
        OKAY(gpu_cmd_end(c));
        OKAY(gpu_submit(g, c, 1, &t));
        OKAY(gpu_download(g, out, b->addr, sizeof out));
        assert_int_equal(out[0], 11);
        assert_int_equal(out[1], 22);
        assert_int_equal(out[2], 33);
        assert_int_equal(out[3], 64);
        if (sizes[i])
            assert_int_equal(out[4], sizes[i]);
        gpu_cmd_destroy(g, &c);
    }
    gpu_buf_destroy(g, &b);
}

static char *cache_file(void)
{
    static char path[400];
    DIR *d = opendir(cache_dir);
    path[0] = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            snprintf(path, sizeof path, "%s/%s", cache_dir, e->d_name);
    if (d)
        closedir(d);
    return path;
}

static void run_with_cache(const char *dir)
{
    struct gpu *g;
    OKAY(gpu_open(&(struct gpu_params){.cache_dir = dir}, &g));
    const struct gpu_pipe *pipe;
    for (uint32_t i = 0; i < 4; i++) {
        struct gpu_pipe_params p = {
            .shader = &spec_shader, .push_bytes = 8, .n_spec = 1, .spec = {i}};
        OKAY(gpu_pipe_get(g, &p, &pipe));
    }
    OKAY(gpu_pipes_wait(g));
    gpu_close(&g);
}

static long file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) ? -1 : (long)st.st_size;
}

static void cache_on_disk(void **state)
{
    (void)state;
    char deep[128];
    snprintf(cache_dir, sizeof cache_dir, "/tmp/tawny-cache-%ld", (long)getpid());
    run_with_cache(cache_dir);
    char *path = cache_file();
    long whole = file_size(path);
    assert_true(whole > 0);
    run_with_cache(cache_dir);
    assert_true(file_size(path) > 0);
    /* Damaged in every part, cut, empty: tolerated and replaced. */
    for (int i = 0; i < 6; i++) {
        FILE *f = fopen(path, "r+b");
        assert_non_null(f);
        static const long where[] = {0, 9, 30, 44, 60, -1};
        fseek(f, i < 5 ? where[i] : whole - 1, SEEK_SET);
        int ch = fgetc(f);
        fseek(f, i < 5 ? where[i] : whole - 1, SEEK_SET);
        fputc(ch ^ 0x55, f);
        fclose(f);
        run_with_cache(cache_dir);
        assert_int_equal(file_size(path), whole);
    }
    assert_int_equal(truncate(path, whole / 2), 0);
    run_with_cache(cache_dir);
    assert_int_equal(file_size(path), whole);
    assert_int_equal(truncate(path, 0), 0);
    run_with_cache(cache_dir);
    assert_int_equal(file_size(path), whole);
    unlink(path);
    /* A folder that cannot be made: said, and no more. */
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fclose(f);
    snprintf(deep, sizeof deep, "%s/x", path);
    run_with_cache(deep);
    unlink(path);
    rmdir(cache_dir);
    assert_int_equal(gpu_test_objects(), 0);
}

/* ---- the group ---------------------------------------------------------------------------- */

int main(void)
{
    const struct CMUnitTest choice[] = {
        cmocka_unit_test(lists_devices),     cmocka_unit_test(chooses_device),
        cmocka_unit_test(says_which_device), cmocka_unit_test(hides_capabilities),
        cmocka_unit_test(cache_on_disk),     cmocka_unit_test(refuses_devices_without_features),
    };
    const struct CMUnitTest use[] = {
        cmocka_unit_test(memory_is_accounted),   cmocka_unit_test(blocks_waste_little),
        cmocka_unit_test(refuses_too_much),      cmocka_unit_test(copies_any_size),
        cmocka_unit_test(host_memory_is_mapped), cmocka_unit_test(streams),
        cmocka_unit_test(pipelines_are_shared),  cmocka_unit_test(constants_reach_shaders),
    };
    unsetenv("TAWNY_DEVICE");
    int failed = cmocka_run_group_tests_name("choice of device", choice, NULL, NULL);
    return failed + cmocka_run_group_tests_name("use of a device", use, open_device, close_device);
}
