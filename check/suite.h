/* suite.h - all random cases of all kernels: what check_kernels and `tawny verify` run.
 *
 * A line is a case family and, where it has them, a block type. Case number n of a line is the same
 * for a seed whatever else runs, so that one that failed can be run again alone.
 *
 *     suite_create -> suite_run -> suite_get_line ... -> suite_destroy */
#ifndef TAWNY_CHECK_SUITE_H
#define TAWNY_CHECK_SUITE_H

#include "case.h"
#include "peak.h"

struct suite;

/* A family and type, and what its cases gave so far. */
struct suite_line {
    const struct check_family *family;
    enum quant_type type;
    const char *type_name; /* "q4_k"; "-" where the family has no types */
    uint32_t cases;        /* run */
    uint32_t wrong;        /* of these: a mismatch, or a failure to run */
    uint32_t same_bits; /* of these: agreed in every bit with a reference in f32 or of integers */
    struct check_result worst;
    struct check_limit limit;
    double seconds; /* that its cases took, references and compiling included */
};

/* A step on the way from a device without capabilities to the device as it is: a size of
 * subgroups (1: no shuffles), and which matrix units. Of the capabilities only those are hidden
 * that kernels choose by. */
struct suite_step {
    uint64_t caps_off;
    bool matrix;   /* of use to families that may run on matrix units only */
    bool own;      /* what the device chooses, of the steps with matrix units or of those without */
    char text[48]; /* "subgroups of 8", "no shuffles, matrix units" */
};
enum { SUITE_MAX_STEPS = 24 };

/* The steps of a device with these capabilities, fewest first; returns how many. */
uint32_t suite_steps(uint64_t caps, struct suite_step out[SUITE_MAX_STEPS]);

/* A case that was run. */
struct suite_case {
    const struct suite_line *line;
    uint32_t number;
    const struct suite_step *step;  /* NULL: the device as it is */
    enum status status;             /* other than OK: it could not be run; message says why */
    const struct case_outcome *out; /* status OK: result.wrong counts what is wrong */
    char message[1024];
    char again[224]; /* options that run this case again */
};

struct suite_params {
    const char *device; /* as in gpu_params */
    const char *cache_dir;
    uint64_t caps_off;
    bool robust;
    bool no_device; /* only the lines are wanted; there may be none */

    const char *kernels; /* patterns, "matvec*,norm/-,qkv/q4_k"; NULL: all */
    const char *types;   /* patterns of block types; NULL: all */
    uint64_t seed;
    uint32_t cases;  /* of each line; a share of that where pipelines take long to compile */
    uint32_t inputs; /* cases of each shape, with other contents; more than 1: pipelines are
                        compiled once for so many, and no share is taken */
    int64_t only;    /* only the case of that number; negative: all */
    enum case_size size;
    bool peak;      /* measure what figures of CASE_BENCH are held against: suite_peak() */
    bool mixed;     /* with CASE_QUICK: cases of an odd number may take shapes of real models */
    bool variants;  /* each case at every step that makes other dispatches of it; where no matrix
                       units are used, all of them must give the same bits */
    bool rounds;    /* first case 0 of every line, then case 1 ...; else line after line */
    double seconds; /* with rounds: begin no case after so long, but for case 0 of the lines that
                       are not late; at the steps that the device would not choose block types, and
                       late kernels, take turns. Two fifths of it on a GPU; on the software
                       device another thread compiles ahead. 0: no end but `cases`, all steps */
    bool stop;      /* at the first case that is wrong */

    /* All may be NULL. */
    void (*on_start)(void *ctx, const struct suite_case *c); /* out: NULL */
    bool (*on_case)(void *ctx, const struct suite_case *c);  /* false stops the suite */
    void (*on_line)(void *ctx, const struct suite_line *l);  /* without rounds: a line is done */
    void *ctx;
};

/* Opens the device. ERR_USAGE: no line has such a name. The strings must outlive the suite. */
enum status suite_create(const struct suite_params *params, struct suite **out);
void suite_destroy(struct suite **s);

/* What it runs on; NULL with no_device. */
const struct gpu_info *suite_info(const struct suite *s);

/* With params.peak. */
const struct check_peak *suite_peak(const struct suite *s);

uint32_t suite_lines(const struct suite *s);
const struct suite_line *suite_get_line(const struct suite *s, uint32_t i);

/* How far suite_run() has come, 0 to 1. */
double suite_fraction(const struct suite *s);

/* Runs them; blocks. OK also where cases are wrong (suite_wrong() counts these). ERR_LOST: the
 * device is gone, and the rest was not run. */
enum status suite_run(struct suite *s);
uint32_t suite_wrong(const struct suite *s);
uint32_t suite_cases(const struct suite *s);

/* The variants that were behind what is wrong, "matvec/32", so far. */
uint32_t suite_failed(const struct suite *s);
const char *suite_get_failed(const struct suite *s, uint32_t i);

/* Every line has had a case. */
bool suite_complete(const struct suite *s);

/* Keeps what was found beside the pipeline cache, where gpu_open() finds it. `all`: nothing was
 * left out on purpose and nothing broke off. Then a suite that is complete replaces what was kept
 * before, and one that is not is kept where no complete one was. Otherwise what failed is added to
 * what was kept, and nothing is written where nothing did. So a variant that failed stays avoided
 * until its kernels were run again. ERR: it cannot be written. */
enum status suite_keep(const struct suite *s, bool all);

/* True if one of the patterns, which are separated by commas, matches one of the names. */
bool suite_matches(const char *patterns, const char *name, const char *other);

#endif
