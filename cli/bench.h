/* bench.h - what the sources of the verb bench share. */
#ifndef TAWNY_CLI_BENCH_H
#define TAWNY_CLI_BENCH_H

#include "cli.h"

enum { BENCH_LINES = 128 }; /* of a profile, at most */

/* Figures of one test, all in the same unit. */
struct bench_rate {
    double median, deviation;
    double *runs; /* n of them, sorted by bench_rate_done() */
    uint32_t n;
};
enum status bench_rate_init(struct bench_rate *r, uint32_t n);
/* When runs[0] to runs[n - 1] are there. */
void bench_rate_done(struct bench_rate *r);
void bench_rate_free(struct bench_rate *r);
/* Adds median, deviation and runs to a test, which it returns. */
json_t *bench_rate_json(json_t *test, const struct bench_rate *r);

/* Sorts them; `what`: what all of them together are. */
enum status bench_print_profile(const char *what, struct tawny_profile_line *lines,
                                uint32_t n);
json_t *bench_profile_json(struct tawny_profile_line *lines, uint32_t n);

/* Of a speech model. */
struct bench_speech_params {
    const uint32_t *tokens; /* n_tests numbers of tokens; none: only listening is measured */
    uint32_t n_tests, repeat;
    uint32_t windows;       /* side by side, beside one alone; 1: only that */
    bool profile;
};
enum status bench_speech(const char *path, const struct bench_speech_params *params);

#endif
