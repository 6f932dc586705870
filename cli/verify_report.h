/* verify_report.h - the file for a bug tracker: what was run on what, and every case that failed.
 *
 * It holds nothing of the user's: no paths, no names of people or machines, no serial numbers.
 * Whatever is written is on the disk at once, so that a run that is stopped or dies leaves what it
 * had found. */
#ifndef TAWNY_CLI_VERIFY_REPORT_H
#define TAWNY_CLI_VERIFY_REPORT_H

#include <stdio.h>

#include "check/suite.h"

struct report {
    FILE *file;       /* NULL: none yet */
    const char *path; /* as the user gave it, or NULL: report_path() in the current folder, and
                         only if something fails */
    char own_path[64];
    uint64_t seed;
    bool refused; /* it could not be made, which has been said */
};

/* Where --report was given, makes the file. ERR: it cannot be. */
enum status report_open(struct report *r, const struct suite *s);

/* A case that failed. A file that cannot be made is a warning. */
void report_case(struct report *r, const struct suite *s, const struct suite_case *c);

/* The results of all kernels, and `verdict`. */
void report_close(struct report *r, const struct suite *s, const char *verdict);

/* "matvec/q4_k" */
const char *line_name(const struct suite_line *l, char out[64]);
/* What failed, in words. */
const char *case_failure(const struct suite_case *c);

/* Every value agreed in every bit. */
bool line_same_bits(const struct suite_line *l);
/* "same bits", "within 2.3e-07 of 1e-04", "WRONG in 3" */
const char *line_result(const struct suite_line *l, char out[64]);

#endif
