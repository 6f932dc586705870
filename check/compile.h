/* compile.h - what a driver's compiler makes of every pipeline that its GPU would pick, with no
 * GPU there: spilled registers, scratch, occupancy, and whether decode can keep up with memory.
 *
 * The pipelines are those of real plans: the shapes of three models by every block type, decode
 * of 1 to 16 rows, prompts, head and samplers, loading, and the kernels that no text model uses.
 * Which variants a plan takes follows from the capabilities of the device that is open.
 *
 * What is known of a pipeline comes from VK_KHR_pipeline_executable_properties in the words of
 * RADV; of another driver only what it names the same way.
 *
 * The predicted share of a card's bandwidth (matvec, glu and qkv; struct compile_row.share)
 *
 *     share = bytes / cycles * clock * SIMDs / bandwidth
 *
 *     cycles  = max(inverse, latency * 64 / subgroup / waves)
 *     bytes   = tiles * pair_bytes * 64 / lanes
 *     waves   = groups * 256 / subgroup / SIMDs, at most what the registers allow
 *     SIMDs   = 2 a compute unit
 *
 * `inverse` and `latency` are ACO's estimates (Mesa's compiler; the definitions are those of its
 * aco_statistics.cpp). Latency is the cycles from issue to end of one wave, a load being taken to
 * last 320 cycles; inverse throughput the cycles that a SIMD spends on 64 invocations when as many
 * waves as the registers allow hide one another's waits. ACO does not know how often a loop runs:
 * it takes a loop for 8 rounds, one inside it for 4, a branch that all lanes take alike for taken
 * half the time and any other for 3/4 of the time. So a matrix-vector kernel, whose loop over
 * tiles stands inside a branch ("is any tile mine?"), is costed for COMPILE_TILES tiles, in each of
 * which a team of `lanes` invocations reads `pair_bytes`: two rows, or with x not in registers
 * what COMPILE_ROUNDS rounds of the loop along the row read. Bytes are counted the same way, those
 * of weights alone.
 *
 * What it can tell: whether instructions and waits leave enough loads under way; two versions of a
 * kernel against each other. What it cannot: the ramp at the start and end of a dispatch, the
 * latency of memory under load, caches, how well addresses spread over channels; it has not been
 * held against a card. Above 1 the card's memory is the limit, not the kernel; below
 * COMPILE_LEAST_SHARE the kernel is.
 *
 * Some kernels of decode have fewer than COMPILE_LEAST_WAVES waves: those of 16 rows of x (ACO
 * keeps as many of their loads under way as registers allow: 240 or 256 of them, 4 to 6 waves), and
 * single rows of F32, Q5_K and Q6_K, where 144 to 192 registers hold the next weights. More waves
 * would not help: `inverse` is the larger term of cycles (11789 against 4154 for glu of 16 rows in
 * Q4_K on navi31) in all but three of F32, which are predicted 19 times the card's bandwidth. */
#ifndef TAWNY_CHECK_COMPILE_H
#define TAWNY_CHECK_COMPILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "gpu/gpu.h"

/* A card, for the prediction. */
struct compile_card {
    const char *part; /* of the device's name, as RADV gives it */
    const char *name;
    double bandwidth; /* bytes a second */
    uint32_t units;   /* compute units */
    double clock;     /* Hz */
};

/* The card that a device of this name is or stands for; NULL: not known. */
const struct compile_card *compile_card_find(const char *device);

/* Numbers are UINT32_MAX where the driver does not tell. */
struct compile_row {
    char name[256];     /* shader, constants, subgroup size, as in gpu_pipe_name() */
    const char *kernel; /* shader */
    char use[112];      /* where it was first picked: "Llama-3.2-1B Q4_K, decode of 1: glu" */
    enum status status; /* of compiling */
    char message[512];  /* if that is not OK */
    uint32_t number;    /* order in which they were picked */
    bool decode;        /* run at every token */
    uint32_t groups;    /* workgroups of that dispatch */
    uint32_t subgroup;
    uint32_t vgprs, sgprs, spilled_vgprs, spilled_sgprs, scratch, lds;
    uint32_t waves; /* of subgroups a SIMD holds, by registers and shared memory */
    uint32_t instructions, valu, vmem, latency, inverse;
    double share; /* predicted, of the card's bandwidth; negative: none */
    bool bad;     /* did not compile, or spills, or uses scratch */
};

enum {
    COMPILE_TILES = 4,  /* 8 rounds of the loop over tiles, half the time */
    COMPILE_ROUNDS = 4, /* of the loop along a row inside it */
};
#define COMPILE_LEAST_SHARE 0.85
enum { COMPILE_LEAST_WAVES = 8 };

struct compile_params {
    const char *device;  /* as in gpu_params */
    uint64_t caps_off;   /* likewise */
    const char *kernels; /* patterns of shader names, "matvec*,qkv"; NULL: all */
    bool all;            /* every model and number of rows; else a part that shows every kernel and
                            block type */
    bool (*on_pipe)(void *ctx, uint32_t done, uint32_t total); /* false stops; may be NULL */
    void *ctx;
};

/* What was compiled; owned by the caller. */
struct compile_report {
    char device[256], driver[256];
    const struct compile_card *card; /* NULL: no predictions */
    struct compile_row *rows;        /* by kernel, then in order of the plans */
    uint32_t n_rows, n_bad;
    bool complete; /* false: on_pipe stopped it */
    bool told;     /* the driver tells statistics */
};

/* Compiles; blocks for minutes with `all`. OK also where rows are bad. ERR_DEVICE: no such
 * device. */
enum status compile_run(const struct compile_params *params, struct compile_report *out);
void compile_report_free(struct compile_report *r);

/* The same for pipelines given one by one, on a gpu opened with compile_only: for tests. */
enum status compile_one(struct gpu *g, const struct gpu_pipe *pipe, struct compile_row *row);

#endif
