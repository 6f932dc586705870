/* check.h - the references: what every kernel ought to compute, in plain C.
 *
 * A reference takes what the kernel takes - push struct, constants, group counts, as they stand in
 * a plan_op - and runs on the host over a `check_mem`, a copy of device memory. Sums are double.
 * The references know params.h and nothing of the shaders. They serve the tests (check_kernels)
 * and the verify command; the engine library does not contain them.
 *
 * A reference reads with check_in() and friends and writes with check_out_*(). Every access must
 * lie inside memory that the check_mem knows and inside a span that the op declares; else the
 * run fails with ERR_VERIFY naming kernel, address and bytes. So a reference also proves the
 * declared spans, on which barriers stand.
 *
 * With each value it writes, a reference gives the magnitude `mag` that its error is measured
 * against: for a sum the root of the sum of squares of its terms. It equals |value| where nothing
 * cancels, and does not vanish where the terms do. */
#ifndef TAWNY_CHECK_CHECK_H
#define TAWNY_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "gpu/gpu.h"
#include "plan/plan.h"

/* ---- a copy of device memory -------------------------------------------------------------- */

struct check_mem;

/* Empty. `g` is where contents are fetched from when needed; NULL if every range comes with its
 * contents. Owned by the caller. */
enum status check_mem_create(struct gpu *g, struct check_mem **out);
void check_mem_destroy(struct check_mem **mem);

/* Makes a range known. image NULL: contents are read from the device at first touch, in pages of
 * 64 KiB, at an address and size that are multiples of 2; else they are copied from image. Ranges
 * must not overlap. */
enum status check_mem_add(struct check_mem *mem, uint64_t addr, uint64_t bytes, const void *image);

/* Names a part of a range for messages. The tag must outlive mem. */
enum status check_mem_name(struct check_mem *mem, uint64_t addr, uint64_t bytes, const char *tag);

/* Names all that `from` names. */
enum status check_mem_name_as(struct check_mem *mem, const struct check_mem *from);

/* Forgets all ranges, names and contents. */
void check_mem_clear(struct check_mem *mem);

/* ---- for references ----------------------------------------------------------------------- */

/* The contents of [addr, addr + bytes), valid until the range is dropped; NULL after a failure
 * (status_message() says what). */
const void *check_in(struct check_mem *mem, uint64_t addr, uint64_t bytes);

/* One value; 0 after a failure, which check_run_op() then reports. */
uint32_t check_in_u32(struct check_mem *mem, uint64_t addr);
uint64_t check_in_u64(struct check_mem *mem, uint64_t addr);
float check_in_f32(struct check_mem *mem, uint64_t addr);

/* The value that the kernel ought to write, compared under the kernel's limit. */
void check_out_f32(struct check_mem *mem, uint64_t addr, double value, double mag);
/* n of them side by side. */
void check_out_f32s(struct check_mem *mem, uint64_t addr, const double *values, const double *mags,
                    uint32_t n);
/* Rounded to nearest even as f16; beyond 65504 either infinity or 65504 will do. */
void check_out_f16(struct check_mem *mem, uint64_t addr, double value, double mag);
/* n of them side by side, each its own magnitude. */
void check_out_f16s(struct check_mem *mem, uint64_t addr, const double *values, uint32_t n);
/* Compared bit for bit. */
void check_out_u32(struct check_mem *mem, uint64_t addr, uint32_t value);
void check_out_bytes(struct check_mem *mem, uint64_t addr, const void *data, uint64_t bytes);
/* May be written by the kernel, with anything (unused rows, partial results). */
void check_out_any(struct check_mem *mem, uint64_t addr, uint64_t bytes);

#define CHECK_IN(pointer, mem, addr, bytes)                                                        \
    do {                                                                                           \
        (pointer) = check_in(mem, addr, bytes);                                                    \
        if (!(pointer))                                                                            \
            return ERR_VERIFY;                                                                     \
    } while (0)

/* ---- running ------------------------------------------------------------------------------ */

/* How far a kernel may be from its reference: sum of squared errors over sum of squared
 * magnitudes (of less than some hundred values more: 1 + 64 / n times that), and the largest error
 * over its magnitude. Zeros: bit for bit. */
struct check_limit {
    double nmse, max;
};

typedef enum status (*check_run)(const struct plan_op *op, struct check_mem *mem);

struct check_ref {
    const char *kernel; /* shader name, or its beginning up to a '_' (the longest one counts) */
    check_run run;
    struct check_limit limit;
    /* In f32, with the kernel's own order of additions: every bit must agree (bits/bits.h). NULL
     * where `run` asks for that already (limit zero), and where a device's matrix units fix the
     * order. */
    check_run bits;
};

/* NULL: this kernel has none. */
const struct check_ref *check_ref_find(const char *shader);

/* ref->bits; NULL also where the device that check_probe() saw last rounds fma() twice. */
check_run check_ref_bits(const struct check_ref *ref);

/* All of them, ended by kernel NULL. */
extern const struct check_ref check_refs[];

/* Runs one op by its reference, over mem. ERR_VERIFY: an access out of bounds or out of the
 * op's declared spans, or a kernel without a reference. */
enum status check_run_op(const struct plan_op *op, struct check_mem *mem);

/* The same by its reference in f32; ERR_VERIFY also if it has none. What it writes is to be
 * compared under a limit of zero. */
enum status check_run_op_bits(const struct plan_op *op, struct check_mem *mem);

/* Runs all ops of a plan after plan_seal(), in order, over mem. */
enum status check_run_plan(const struct plan *p, struct check_mem *mem);

/* The same in f32. */
enum status check_run_plan_bits(const struct plan *p, struct check_mem *mem);

/* Every op of the plan agrees with its reference in every bit: it has one in f32, or its limit is
 * zero. */
bool check_plan_has_bits(const struct plan *p);

/* ---- comparing ---------------------------------------------------------------------------- */

/* The first wrong value with up to 8 others on either side; n 0: there is none, or it is not a
 * value that a reference gave. */
struct check_around {
    uint64_t addr;    /* of the wrong one */
    const char *kind; /* "f32", "f16", "u32", "u8" */
    uint32_t n, here; /* which of them is the wrong one */
    double got[17], want[17];
};

struct check_result {
    uint64_t values;  /* compared under a limit */
    uint64_t exact;   /* bytes compared bit for bit */
    uint64_t same;    /* of `values`, those that also had to be the bits of the f32 reference */
    uint64_t wrong;   /* values, or bytes, that are wrong */
    double nmse, max; /* as in check_limit */
    char first[512];  /* the first wrong one in words; "" if none */
    struct check_around around;
};

/* Compares `got`, the bytes now at [addr, addr + bytes) on the device, with what the references
 * wrote to mem; bytes that they did not write must be what they were. Adds to `r` (nmse and max:
 * the worst so far). */
enum status check_compare(struct check_mem *mem, uint64_t addr, uint64_t bytes, const void *got,
                          struct check_limit limit, struct check_result *r);

/* Adds what was found in another part. */
void check_merge(const struct check_result *part, struct check_result *r);

/* The same for all 64 KiB pages that references wrote to, fetched from the device. */
enum status check_compare_written(struct check_mem *mem, struct check_limit limit,
                                  struct check_result *r);

/* The same after references in f32, under a limit of zero; what is wrong is added to `r`. */
enum status check_compare_bits(struct check_mem *mem, struct check_result *r);
void check_add_bits(const struct check_result *bits, struct check_result *r);

/* ---- a whole plan on the device, dispatch by dispatch ------------------------------------- */

struct check_plan_params {
    bool keep_going; /* go on after a wrong dispatch, to find more */
    /* Called after each dispatch; may be NULL. wrote: what its reference wrote. */
    void (*report)(void *ctx, uint32_t index, const struct plan_op *op,
                   const struct check_mem *wrote, const struct check_result *r,
                   struct check_limit limit);
    void *ctx;
};

/* Runs a sealed plan once, one dispatch at a time: each is run by its reference on the inputs
 * that the device has at that moment, then on the device, and compared. So an error does not
 * spread: the dispatch that is named is the wrong one. ERR_VERIFY names index, kernel and layer
 * of the first. Blocks; takes host memory for what one dispatch touches. */
enum status check_plan_on_device(struct gpu *g, const struct plan *p,
                                 const struct check_plan_params *params);

#endif
