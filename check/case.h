/* case.h - random cases for kernels: a case builds a plan through the k_* calls over memory of its
 * own, which is then run on the device and by the references.
 *
 * All memory of a case is one arena: buffers with 256 bytes of guard on either side, filled as the
 * generator likes (at first with NaNs). After the run, every byte of the arena that the references
 * did not write must be what it was. */
#ifndef TAWNY_CHECK_CASE_H
#define TAWNY_CHECK_CASE_H

#include "check.h"
#include "kernels/kernels.h"
#include "rand.h"

enum case_size {
    CASE_QUICK,    /* small shapes and the edges of tiles */
    CASE_THOROUGH, /* also the shapes of real models */
    CASE_BENCH,    /* only the shapes of real models */
};

/* Two stretches of the arena that must hold the same bits after the run. */
struct case_same {
    uint64_t a, b, bytes;
    const char *what;
};

enum { CASE_MAX_SAME = 64 };

struct check_case {
    struct gpu *g;
    struct plan *plan;
    struct check_rand rand; /* for shapes and whatever else decides which pipelines it takes */
    struct check_rand data; /* for what lies in memory, and where */
    enum case_size size;
    char text[320]; /* the case in words, for reports */

    uint64_t base;  /* device address of the arena */
    uint8_t *image; /* what is uploaded there before the run */
    uint64_t used;
    struct check_mem *mem; /* names of buffers */
    enum status status;    /* first failure of a case_ call */

    struct case_same same[CASE_MAX_SAME];
    uint32_t n_same;

    /* Dispatch by dispatch, each on what the device has, instead of the references one after the
     * other; then the recording once, which must give the same bits. For plans of many ops. */
    bool stepwise;

    /* What it takes at least, for figures; bytes 0: those of the plan's weights. */
    double bytes, flops;

    /* Runs something other than the plan, and writes to mem what it ought to give; NULL: the
     * plan, by its references. Called after the image is uploaded and mem is set up. */
    enum status (*run)(struct check_case *c);
    void *run_arg;
    struct check_limit limit; /* of `run` */
};

/* A family of cases: a line of the report, one for each block type if by_type is set (else `make`
 * is given QUANT_F32). `make` fills c (text, buffers, plan); every random choice comes from
 * c->rand or c->data. */
struct check_family {
    const char *name;
    bool by_type;
    uint32_t every; /* one case where so many are asked for: pipelines that take long to compile */
    enum status (*make)(struct check_case *c, enum quant_type type);
    bool matrix; /* may run on matrix units */
    bool late;   /* comes after the others where time is short, which check its kernels too */
};

/* All of them, ended by name NULL. */
extern const struct check_family check_families[];

/* ---- for generators ----------------------------------------------------------------------- */

/* A buffer of `bytes` at a multiple of 16 (256 with align256), holding NaNs; *addr is its device
 * address. The host pointer is to its place in the image. The tag must be static. Always succeeds;
 * an arena that became too small is grown and the case is made again. */
void *case_buf(struct check_case *c, uint64_t bytes, bool align256, const char *tag,
               uint64_t *addr);

/* A buffer of n floats: of one of several kinds (N(0, 1); one in 64 a thousand times larger; all
 * zero; large; small), times `scale`. */
uint64_t case_floats(struct check_case *c, uint64_t n, double scale, const char *tag);
/* The same of N(0, 1) only. */
uint64_t case_normals(struct check_case *c, uint64_t n, double scale, const char *tag);
/* The same as f16, `room` values of which the last room - n are no numbers. */
uint64_t case_halves(struct check_case *c, uint64_t n, uint64_t room, double scale,
                     const char *tag);
/* An output: n floats of NaN. */
uint64_t case_out(struct check_case *c, uint64_t n, const char *tag);
/* Zeros, U32[n]. */
uint64_t case_counters(struct check_case *c, uint64_t n, const char *tag);

/* n rows of k random weights of about N(0, 1 / k), in planes. `name` is static. */
struct k_weight case_weight(struct check_case *c, enum quant_type type, uint32_t n, uint32_t k,
                            const char *name);

/* A length of rows for weights of this type: a multiple of its granule, at most about `most`. */
uint32_t case_row_length(struct check_case *c, enum quant_type type, uint32_t most);
/* A number of outputs: 1, primes, one below and above powers of two; at most `most`, but for 4097
 * among the larger shapes where `most` is 300 or more. */
uint32_t case_count(struct check_case *c, uint32_t most);

/* The shape of a model's layer, for cases that use real ones. */
struct case_model {
    const char *name;
    uint32_t embed, heads, kv_heads, head_dim, ffn, vocab;
};
/* One of Qwen2.5-0.5B, Llama-3.2-1B, Llama-3.1-8B and Whisper tiny, small and large, whose row
 * lengths suit the type; NULL where the case should be small (always for CASE_QUICK). */
const struct case_model *case_model(struct check_case *c, enum quant_type type);

/* What a step header is to say. */
struct case_steps_params {
    uint32_t rows; /* room */
    uint32_t slots;
    uint32_t n_ctx; /* positions are below */
    uint32_t vocab;
    bool one_sequence; /* consecutive positions of one slot, all rows in use up to n_rows */
    uint32_t first;    /* then: the first position */
};
/* A step header with rows at random positions, distinct ones of each slot; some rows without slot,
 * sometimes fewer rows than room, and rubbish beyond them. */
struct k_steps case_steps(struct check_case *c, const struct case_steps_params *p);
/* Its contents in the image. */
struct k_step *case_step_header(struct check_case *c, const struct k_steps *steps);
struct k_row *case_step_rows(struct check_case *c, const struct k_steps *steps);

/* For kernels that may take picked rows: now and then *rows becomes some rows of *x_rows that
 * *steps picks, and true is returned; else *x_rows is *rows. */
bool case_pick_rows(struct check_case *c, uint32_t *rows, uint32_t *x_rows, struct k_steps *steps);

/* Pages for `slots` sequences of up to max_pages, in random order, all of NaN; heads, kv_heads and
 * head_dim as given. Table entries of pages that no row of `steps` reaches lead to a trap. */
struct k_kv case_kv(struct check_case *c, uint32_t heads, uint32_t kv_heads, uint32_t head_dim,
                    uint32_t slots, uint32_t max_pages, const struct k_steps *steps);
/* Random keys and values for all positions that rows of `steps` see. */
void case_fill_kv(struct check_case *c, const struct k_kv *kv, const struct k_steps *steps);

/* A RoPE table of n_ctx rows. */
struct k_rope case_rope(struct check_case *c, uint32_t n_ctx, uint32_t rot, bool neox);

/* [a, a + bytes) and [b, b + bytes) must be the same after the run; what: static. */
void case_same_bits(struct check_case *c, uint64_t a, uint64_t b, uint64_t bytes, const char *what);

/* Sets c->text. */
void case_text(struct check_case *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- running ------------------------------------------------------------------------------ */

struct check_runner;

struct check_runner_params {
    struct gpu *g;
    enum case_size size;
    bool twice; /* run each a second time: the same bits must come */
};
enum status check_runner_create(const struct check_runner_params *params,
                                struct check_runner **out);
void check_runner_destroy(struct check_runner **r);

enum { CASE_MAX_BLAMED = 8 };

struct case_outcome {
    struct check_result result;
    struct check_limit limit;
    uint64_t plan; /* a hash of pipelines and workgroups: the same where the same variants run */
    bool skipped;  /* the plan is one that was not to be run again */
    bool matrix;   /* matrix units add in an order of their own: other bits are no fault */
    /* The variants that are behind what is wrong, as far as that can be told. */
    uint32_t n_blamed;
    char blamed[CASE_MAX_BLAMED][GPU_VARIANT_TEXT];
    double seconds;  /* CASE_BENCH: median of the plan's dispatches */
    double bytes;    /* that it reads and writes at least, or those of its weights; 0: not known */
    double flops;    /* 0: not what it is about */
    uint64_t digest; /* of all bits that the references say something about */
    char text[320];
};

/* Makes, runs and compares one case. A mismatch is OK with out->result.wrong > 0; a status other
 * than OK is a failure to run it (a kernel that refuses the case, a device that is lost, an access
 * of a reference out of bounds). */
enum status check_runner_run(struct check_runner *r, const struct check_family *family,
                             enum quant_type type, uint64_t seed, struct case_outcome *out);

/* Shapes from now on; zero is that of the params. */
void check_runner_set_size(struct check_runner *r, enum case_size size);

/* From now on a case whose plan is one of these is not run (out->skipped). The numbers are not
 * copied. */
void check_runner_skip(struct check_runner *r, const uint64_t *plans, uint32_t n);

/* Starts compiling what a case takes, without waiting. */
enum status check_runner_warm(struct check_runner *r, const struct check_family *family,
                              enum quant_type type, uint64_t seed);

/* Adds the variant of an op to those that are behind what is wrong, unless it is there. */
void case_blame_op(struct case_outcome *out, const struct plan_op *op);

/* For a case that came out wrong (out->result) or did not run (`s`): names the variants behind it
 * in `out`. Runs the plan again, dispatch by dispatch, where it has several. */
void check_blame(struct check_case *c, enum status s, struct case_outcome *out);

/* The same with other contents for each `data`: pipelines are those of `seed`, and compiled once.
 */
enum status check_runner_run_with(struct check_runner *r, const struct check_family *family,
                                  enum quant_type type, uint64_t seed, uint64_t data,
                                  struct case_outcome *out);

#endif
