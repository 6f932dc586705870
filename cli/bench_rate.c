/* Figures of the verb bench: see bench.h. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bench.h"

enum status bench_rate_init(struct bench_rate *r, uint32_t n)
{
    r->n = n;
    r->runs = mem_calloc(n, sizeof *r->runs);
    return r->runs ? OK : ERR_MEMORY;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_rate_done(struct bench_rate *r)
{
    uint32_t n = r->n;
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += r->runs[i];
    for (uint32_t i = 0; i < n; i++)
        squares += (r->runs[i] - sum / n) * (r->runs[i] - sum / n);
    r->deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
    qsort(r->runs, n, sizeof *r->runs, by_value);
    r->median = (r->runs[(n - 1) / 2] + r->runs[n / 2]) / 2;
}

void bench_rate_free(struct bench_rate *r)
{
    mem_free(r->runs);
    r->runs = NULL;
}

json_t *bench_rate_json(json_t *test, const struct bench_rate *r)
{
    json_t *runs = json_array();
    for (uint32_t i = 0; i < r->n; i++)
        json_array_append_new(runs, json_real(r->runs[i]));
    json_object_set_new(test, "median", json_real(r->median));
    json_object_set_new(test, "deviation", json_real(r->deviation));
    json_object_set_new(test, "runs", runs);
    return test;
}

/* ---- the profile -------------------------------------------------------------------------- */

static int by_seconds(const void *a, const void *b)
{
    double x = ((const struct tawny_profile_line *)a)->seconds;
    double y = ((const struct tawny_profile_line *)b)->seconds;
    return (x < y) - (x > y);
}

enum status bench_print_profile(const char *what, struct tawny_profile_line *lines, uint32_t n)
{
    double sum = 0;
    qsort(lines, n, sizeof *lines, by_seconds);
    for (uint32_t i = 0; i < n; i++)
        sum += lines[i].seconds;
    TRY(out_printf("\n| %-24s | %5s | %10s | %6s | %8s |\n"
                   "|--------------------------|------:|-----------:|-------:|---------:|\n",
                   "kernel", "count", "us", "%", "GB/s"));
    for (uint32_t i = 0; i < n; i++) {
        const struct tawny_profile_line *l = &lines[i];
        TRY(out_printf("| %-24s | %5" PRIu32 " | %10.1f | %6.1f | %8.1f |\n", l->name, l->count,
                       1e6 * l->seconds, sum > 0 ? 100 * l->seconds / sum : 0,
                       l->seconds > 0 ? (double)l->bytes / l->seconds / 1e9 : 0));
    }
    return out_printf("| %-24s | %5s | %10.1f | %6s | %8s |\n", what, "", 1e6 * sum, "", "");
}

json_t *bench_profile_json(struct tawny_profile_line *lines, uint32_t n)
{
    qsort(lines, n, sizeof *lines, by_seconds);
    json_t *all = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(all,
                              json_pack("{s:s, s:I, s:f, s:I}", "kernel", lines[i].name, "count",
                                        (json_int_t)lines[i].count, "seconds", lines[i].seconds,
                                        "weight_bytes", (json_int_t)lines[i].bytes));
    return all;
}
