/* plan.h - a list of dispatches that declares what it touches.
 *
 * A model appends dispatches, each with the byte spans it reads and writes. From the spans follow
 * where scratch lies (by lifetime), where barriers stand, and what the hazard check proves. The
 * plan does not know what a dispatch computes.
 *
 *     plan_create -> plan_scratch / plan_add ... -> plan_seal -> plan_run, plan_run, ...
 *
 * Addresses. Every operand is a 64-bit device address. Scratch has no place until the plan is
 * sealed, so plan_scratch() gives a virtual address (top bit set); arithmetic on it inside its
 * size is fine. A push struct begins with its addresses (`n_addr` of them): plan_seal() replaces
 * the virtual ones there. 0 is the null address and is left alone. */
#ifndef TAWNY_PLAN_PLAN_H
#define TAWNY_PLAN_PLAN_H

#include "base/status.h"
#include "gpu/gpu.h"

struct plan;

struct plan_span {
    uint64_t addr;
    uint64_t bytes; /* 0: nothing; the span is skipped */
};

enum { PLAN_MAX_SPANS = 16 };

/* One dispatch. Everything is copied, except the strings, which must outlive the plan. */
struct plan_op {
    const char *name;  /* kernel, e.g. "qkv" */
    int layer;         /* -1: none */
    struct gpu_pipe_params pipe;
    const void *push;  /* pipe.push_bytes bytes; begins with n_addr addresses */
    uint32_t n_addr;
    uint32_t groups[3];
    struct plan_span reads[PLAN_MAX_SPANS], writes[PLAN_MAX_SPANS]; /* end at the first bytes = 0 */
    uint64_t weight_bytes; /* for bandwidth figures: bytes this must read at least */
};

struct plan_params {
    const char *name;  /* e.g. "decode 1x4" */
    bool check;        /* prove the absence of hazards when sealing (always with env
                          TAWNY_DEBUG=1, and in builds without optimisation) */
    bool timestamps;   /* one around each dispatch, for profiles */
};

/* With g NULL the plan can be built and placed, to know what scratch it takes, but not sealed. */
enum status plan_create(struct gpu *g, const struct plan_params *params, struct plan **out);
void plan_destroy(struct plan **p);

/* The device it is for: kernels choose their variants by its capabilities. */
struct gpu *plan_gpu(const struct plan *p);

/* Scratch of `bytes` that lives from its first to its last use in the plan; scratch whose lives
 * do not overlap shares memory. Undefined contents at first use. */
enum status plan_scratch(struct plan *p, uint64_t bytes, const char *tag, uint64_t *addr);

/* Appends. The layer given by plan_set_layer() (-1: none) is used where op->layer is 0, from the
 * first call of it on. ERR_USAGE, naming the op, for group counts over the device's limit, a span
 * that leaves its scratch, or a scratch address in the push data that no span declares. */
enum status plan_add(struct plan *p, const struct plan_op *op);
void plan_set_layer(struct plan *p, int layer);

/* Places scratch, puts barriers, records. With `scratch` given (a buffer of at least
 * plan_scratch_bytes()), plans that never run at the same time share it. */
enum status plan_place(struct plan *p);               /* lifetimes -> offsets; sets the size */
uint64_t plan_scratch_bytes(const struct plan *p);    /* valid after plan_place */
enum status plan_seal(struct plan *p, const struct gpu_buf *scratch);

/* Starts compiling the plan's pipelines without waiting for them; plan_seal() does so too, but with
 * several plans to seal it is faster to call this for all of them first. */
enum status plan_pipes(const struct plan *p);

/* Runs it `repeat` times without waiting. */
enum status plan_run(struct plan *p, uint32_t repeat, uint64_t *ticket);

/* The name it was created with. */
const char *plan_name(const struct plan *p);

/* What was recorded, in order; for verification, profiles and tests. Push data is as the GPU
 * sees it (after plan_seal). */
uint32_t plan_count(const struct plan *p);
const struct plan_op *plan_get(const struct plan *p, uint32_t i);
uint32_t plan_barriers(const struct plan *p);
bool plan_barrier_before(const struct plan *p, uint32_t i);

/* Replays the recording against an interval map of bytes and fails at the first RAW, WAR or WAW
 * hazard with both dispatches and the byte range. `without` (an index of an op, or UINT32_MAX)
 * leaves out the barrier before that op: tests use it to show that a missing one is caught. */
enum status plan_check_hazards(const struct plan *p, uint32_t without);

/* The same, with the two dispatches of the hazard; on OK they are UINT32_MAX. */
struct plan_hazard {
    uint32_t before, after;
};
enum status plan_find_hazard(const struct plan *p, uint32_t without, struct plan_hazard *out);

/* Seconds of dispatch i in the last finished run (needs .timestamps). */
enum status plan_elapsed(struct plan *p, uint32_t i, double *seconds);

#endif
