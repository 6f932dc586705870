/* The record of what verification found: read back as written, and nothing believed that was not
 * written so. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "gpu/gpu.h"

static char dir[64], path[256];
static int warnings;

static const struct gpu_info info = {.name = "Some GPU\nwith a line",
                                     .driver = "driver 1.2",
                                     .uuid = "01234567-89ab-cdef-0123-456789abcdef",
                                     .vendor = 1,
                                     .device = 2,
                                     .driver_version = 3};
static const struct gpu_verified found = {.when = 1763726400,
                                          .cases = 800,
                                          .wrong = 2,
                                          .complete = true,
                                          .n_failed = 2,
                                          .failed = {"matvec/8", "product_nv_bf16/32"}};

static void on_log(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    (void)text;
    warnings += level == LOG_WARN;
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/tawny-verified-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/0001-0002-00000003-%s.verified", dir, info.uuid);
    log_set(LOG_WARN, on_log, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    rmdir(path);
    return rmdir(dir);
}

static bool reads(const struct gpu_info *i, const char *build)
{
    struct gpu_verified v;
    warnings = 0;
    memset(&v, 0xee, sizeof v);
    gpu_verified_read(i, dir, build, &v);
    bool is = v.when == found.when && v.cases == 800 && v.wrong == 2 && v.complete &&
              v.n_failed == 2 && !strcmp(v.failed[0], "matvec/8") &&
              !strcmp(v.failed[1], "product_nv_bf16/32");
    assert_true(is || (!v.when && !v.n_failed && !v.cases));
    return is;
}

static void put(const char *text, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

static size_t get(char *text, size_t room)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(text, 1, room, f);
    fclose(f);
    return n;
}

static void read_back(void **state)
{
    (void)state;
    assert_false(reads(&info, "1-a"));
    assert_int_equal(gpu_verified_write(&info, dir, "1-a", &found), OK);
    assert_true(reads(&info, "1-a"));
    assert_int_equal(warnings, 0);
}

static void counts_for_one_device_driver_and_build(void **state)
{
    (void)state;
    assert_int_equal(gpu_verified_write(&info, dir, "1-a", &found), OK);
    assert_false(reads(&info, "1-b"));
    assert_false(reads(&info, "1"));
    struct gpu_info other = info;
    strcpy(other.driver, "driver 1.3");
    assert_false(reads(&other, "1-a"));
    other = info;
    strcpy(other.name, "Other GPU");
    assert_false(reads(&other, "1-a"));
    other = info;
    other.driver_version = 4;
    assert_false(reads(&other, "1-a"));
    assert_int_equal(warnings, 0);
    assert_true(reads(&info, "1-a"));
}

static void no_damage_is_believed(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(gpu_verified_write(&info, dir, "1-a", &found), OK);
    size_t n = get(text, sizeof text);
    for (size_t i = 0; i < n; i++) {
        put(text, i);
        assert_false(reads(&info, "1-a"));
        assert_int_equal(warnings, 1);
    }
    for (size_t i = 0; i < n; i++) {
        for (int bit = 1; bit < 256; bit <<= 1) {
            text[i] = (char)(text[i] ^ bit);
            put(text, n);
            assert_false(reads(&info, "1-a"));
            assert_int_equal(warnings, 1);
            text[i] = (char)(text[i] ^ bit);
        }
    }
    text[n] = '\n';
    put(text, n + 1);
    assert_false(reads(&info, "1-a"));
    put(text, n);
    assert_true(reads(&info, "1-a"));
}

/* With a checksum that is right. */
static void put_signed(const char *body)
{
    char text[65536];
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *c = body; *c; c++)
        h = (h ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    int n = snprintf(text, sizeof text, "%ssum %016llx\n", body, (unsigned long long)h);
    put(text, (size_t)n);
}

static void hostile_files(void **state)
{
    (void)state;
    const char *head = "tawny verify 1\nbuild 1-a\ndevice Some GPU with a line\n"
                       "driver driver 1.2\n";
    static const char *const tails[] = {
        "when 1\ncases 5\nwrong 6\ncomplete 1\n",
        "when 0\ncases 5\nwrong 0\ncomplete 1\n",
        "when -1\ncases 5\nwrong 0\ncomplete 1\n",
        "when 99999999999999999999\ncases 5\nwrong 0\ncomplete 1\n",
        "when 1\ncases 4294967296\nwrong 0\ncomplete 1\n",
        "when 1\ncases 5\nwrong 0\ncomplete 2\n",
        "when 1\ncases 5\nwrong 0\n",
        "when 1\ncases 5\nwrong 1\ncomplete 1\nfailed matvec\n",
        "when 1\ncases 5\nwrong 1\ncomplete 1\nfailed /8\n",
        "when 1\ncases 5\nwrong 1\ncomplete 1\nfailed a/\n",
        "when 1\ncases 5\nwrong 1\ncomplete 1\nfailed ../a/8\n",
        "when 1\ncases 5\nwrong 1\ncomplete 1\nfailed a%n/8\n",
        "when 1\ncases 5\nwrong 1\ncomplete 1\nfailed a/8x\n",
        "when 1\ncases 5\nwrong 1\ncomplete 1\nfailed a/8\nrubbish\n",
        "when 1\ncases 5\nwrong 1\ncomplete 1\n"
        "failed aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/8\n",
    };
    char body[32768];
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        snprintf(body, sizeof body, "%s%s", head, tails[i]);
        put_signed(body);
        assert_false(reads(&info, "1-a"));
        assert_int_equal(warnings, 1);
    }
    /* More entries than there is room for, and more bytes than a record has. */
    for (int many = GPU_MAX_FAILED + 1; many < 4000; many += 3000) {
        int n = snprintf(body, sizeof body, "%swhen 1\ncases 5\nwrong 1\ncomplete 1\n", head);
        for (int i = 0; i < many && n < 32000; i++)
            n += snprintf(body + n, sizeof body - (size_t)n, "failed a/8\n");
        put_signed(body);
        assert_false(reads(&info, "1-a"));
    }
}

static void no_regular_file(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(reads(&info, "1-a"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(reads(&info, "1-a"));
    assert_int_equal(gpu_verified_write(&info, dir, "1-a", &found), ERR);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("/dev/zero", path), 0);
    assert_false(reads(&info, "1-a"));
}

static void no_place(void **state)
{
    (void)state;
    struct gpu_verified v;
    assert_int_equal(gpu_verified_write(&info, "", "1-a", &found), ERR);
    assert_non_null(strstr(status_message(), "XDG_CACHE_HOME"));
    gpu_verified_read(&info, "", "1-a", &v);
    assert_int_equal(v.when, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(read_back),     TEST(counts_for_one_device_driver_and_build),
        TEST(hostile_files), TEST(no_damage_is_believed),
        TEST(no_place),      TEST(no_regular_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
