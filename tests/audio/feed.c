/* Sound that a thread decodes ahead of its reader. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/feed.h"

enum { RATE = AUDIO_RATE };

static char folder[] = "/tmp/tawny-feed-XXXXXX";
static char path[64];

static void put32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

/* A wav file of 16 kHz mono, `bytes` a sample: noise for n_noise samples, then a hole. */
static const char *write_wav(const char *name, uint32_t bytes, uint64_t seconds, size_t n_noise)
{
    uint8_t head[44] = "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01";
    uint64_t size = seconds * RATE * bytes;
    put32(head + 4, (uint32_t)(size + 36));
    put32(head + 24, RATE);
    put32(head + 28, bytes * RATE);
    put32(head + 32, bytes | bytes << 19);
    memcpy(head + 36, "data", 4);
    put32(head + 40, (uint32_t)size);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(head, 1, sizeof head, f), sizeof head);
    for (size_t i = 0; i < n_noise; i++) {
        uint32_t v = (uint32_t)i * 2654435761u >> 16;
        assert_int_equal(fwrite(&v, 1, bytes, f), bytes);
    }
    assert_int_equal(ftruncate(fileno(f), (off_t)(size + sizeof head)), 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct feed *opened(const char *input, const atomic_bool *stop)
{
    struct feed *f;
    assert_int_equal(feed_open(&(struct audio_params){.path = input, .stop = stop}, &f), OK);
    return f;
}

/* Pieces of any size, longer than the ring: the samples that the reader alone gives. */
static void same_samples(void **state)
{
    (void)state;
    static float a[4 * RATE], b[4 * RATE];
    const char *wav = write_wav("same.wav", 2, 150, 150 * RATE);
    struct audio *plain;
    struct feed *f = opened(wav, NULL);
    size_t n_a, n_b = 1, total = 0;
    assert_int_equal(audio_open(&(struct audio_params){.path = wav}, &plain), OK);
    for (size_t want = 1; n_b; want = want * 3 % (4 * RATE) + 1) {
        assert_int_equal(audio_read(plain, a, want, &n_a), OK);
        assert_int_equal(feed_read(f, b, want, &n_b), OK);
        assert_int_equal(n_a, n_b);
        assert_memory_equal(a, b, n_b * sizeof *b);
        total += n_b;
    }
    assert_int_equal(total, 150 * RATE);
    assert_float_equal(feed_seconds(f), 150, 0.01);
    assert_int_equal(feed_read(f, b, 10, &n_b), OK);
    assert_int_equal(n_b, 0);
    audio_close(&plain);
    feed_close(&f);
}

/* What goes wrong in the thread is the reader's message. */
static void errors_are_sentences(void **state)
{
    (void)state;
    float v[16];
    size_t n;
    struct feed *f = opened("/nowhere/a.wav", NULL);
    assert_int_equal(feed_read(f, v, 16, &n), ERR);
    assert_non_null(strstr(status_message(), "/nowhere/a.wav: cannot open: No such file"));
    feed_close(&f);
    f = opened(folder, NULL);
    assert_int_equal(feed_read(f, v, 16, &n), ERR);
    assert_non_null(strstr(status_message(), "is a directory"));
    feed_close(&f);
    /* Later in the sound: what came before is given first. */
    const char *wav = write_wav("long.wav", 2, 3, 0);
    assert_int_equal(feed_open(&(struct audio_params){.path = wav, .max_seconds = 2}, &f), OK);
    enum status s = OK;
    size_t total = 0;
    while (s == OK && total < 4 * RATE) {
        s = feed_read(f, v, 16, &n);
        total += n;
    }
    assert_int_equal(s, ERR);
    assert_non_null(strstr(status_message(), "more than 2 seconds"));
    assert_true(total >= 2 * RATE);
    feed_close(&f);
}

/* A pipe that gives nothing, or that nobody has opened, holds up neither the reader nor the end. */
static void stops_at_once(void **state)
{
    (void)state;
    atomic_bool stop = false;
    float v[16];
    size_t n = 1;
    char pipe_path[64];
    snprintf(pipe_path, sizeof pipe_path, "%s/pipe", folder);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    for (int writer = -1, i = 0; i < 2; i++) {
        struct feed *f = opened(pipe_path, &stop);
        if (i) {
            writer = open(pipe_path, O_RDWR);
            assert_true(writer >= 0);
        }
        double start = now();
        feed_close(&f);
        assert_true(now() - start < 1);
        f = opened(pipe_path, &stop);
        atomic_store(&stop, true);
        start = now();
        assert_int_equal(feed_read(f, v, 16, &n), OK);
        assert_int_equal(n, 0);
        feed_close(&f);
        assert_true(now() - start < 1);
        atomic_store(&stop, false);
        if (writer >= 0)
            close(writer);
    }
    /* The ring is full, and the thread waits for room. */
    struct feed *f = opened(write_wav("full.wav", 2, 200, 0), NULL);
    assert_int_equal(feed_read(f, v, 16, &n), OK);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    double start = now();
    feed_close(&f);
    assert_true(now() - start < 1);
}

static long peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* Ten hours need what one minute does; sanitizers keep books of their own. */
static void memory_is_flat(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    static float v[RATE];
    const struct {
        uint64_t seconds;
        long most; /* KiB more than before */
    } parts[] = {{60, 1 << 20}, {36000, 2048}};
    for (int i = 0; i < 2; i++) {
        struct feed *f = opened(write_wav("flat.wav", 1, parts[i].seconds, 0), NULL);
        long before = peak_kib();
        uint64_t total = 0;
        for (size_t n = 1; n; total += n)
            assert_int_equal(feed_read(f, v, RATE, &n), OK);
        assert_int_equal(total, parts[i].seconds * RATE);
        feed_close(&f);
        assert_true(peak_kib() - before <= parts[i].most);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return !mkdtemp(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    char command[80];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_samples),
        cmocka_unit_test(errors_are_sentences),
        cmocka_unit_test(stops_at_once),
        cmocka_unit_test(memory_is_flat),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
