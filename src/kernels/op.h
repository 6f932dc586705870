/* op.h - what the C sides of the kernels share: building one dispatch, and refusing one.
 *
 *     struct k_op o;
 *     k_op_begin(&o, "norm", "norm", &push, sizeof push, 4);
 *     o.op.pipe.spec[K_NORM_K] = k; ...
 *     k_reads(&o, addr, bytes); k_writes(&o, addr, bytes); ...
 *     return k_op_add(p, &o);
 *
 * Only the kernels' own sources include this. */
#ifndef TAWNY_KERNELS_OP_H
#define TAWNY_KERNELS_OP_H

#include "base/checked.h"
#include "kernels/kernels.h"

struct k_op {
    struct plan_op op;
    const char *module;
    uint32_t n_reads, n_writes; /* as asked for, which may be more than there is room for */
};

/* Begins a dispatch: `name` for messages and profiles (must outlive the plan), `module` as in
 * meson.build, a push struct that begins with n_addr addresses; one workgroup, no constants. */
void k_op_begin(struct k_op *o, const char *name, const char *module, const void *push,
                uint32_t push_bytes, uint32_t n_addr);

/* Declares a span; addr 0 or bytes 0 declares nothing. */
void k_reads(struct k_op *o, uint64_t addr, uint64_t bytes);
void k_writes(struct k_op *o, uint64_t addr, uint64_t bytes);

/* Declares all of a matrix of weights, and counts its bytes into weight_bytes. */
void k_reads_weight(struct k_op *o, const struct k_weight *w);

/* Appends. ERR: no such module, or more spans than a dispatch can have. */
enum status k_op_add(struct plan *p, const struct k_op *o);

/* ERR_MODEL unless w is there, is not empty, and has rows of whole granules of its type. `op`
 * names the operation. */
enum status k_weight_check(const char *op, const struct k_weight *w);

/* The subgroup size that a module is built for: 32 where the device has it, else the largest there
 * is up to 64; 1 without shuffles. A size with which the module failed verification is passed over
 * while there is another. Results do not depend on it. */
uint32_t k_subgroup(const struct gpu *g, const char *module);

/* True if this build has the module and it did not fail verification in all of its sizes. */
bool k_usable(const struct gpu *g, const char *module);

/* Bytes of a matrix of weights. */
uint64_t k_weight_bytes(const struct k_weight *w);

/* ERR_MODEL unless heads is a multiple of kv_heads (both > 0) and head_dim one of 8, 16 ... 256. */
enum status k_kv_check(const char *op, const struct k_kv *kv);

/* ERR_MODEL unless rot is even and at most head_dim. */
enum status k_rope_check(const char *op, const struct k_rope *rope, uint32_t head_dim);

#endif
