/* inside.h - what the files of this room share. */
#ifndef TAWNY_PLAN_INSIDE_H
#define TAWNY_PLAN_INSIDE_H

#include "base/mem.h"
#include "plan/plan.h"

enum { PLAN_ALIGN = 256 };
#define PLAN_VIRTUAL (UINT64_C(1) << 63)

struct scratch {
    uint64_t addr, bytes; /* virtual */
    const char *tag;
    uint32_t first, last; /* stages of use; first > last: never used */
    uint64_t offset;
};

struct plan {
    struct gpu *g;
    struct arena arena;
    const char *name;
    bool check, timestamps;
    bool layer_set;
    int layer;
    struct plan_op *ops;
    bool *barrier; /* before op i */
    uint32_t n_ops, cap_ops, n_barriers;
    struct scratch *scratch;
    uint32_t n_scratch, cap_scratch;
    uint64_t next_virtual, scratch_bytes;
    bool placed, sealed;
    const struct gpu_buf *own; /* scratch of its own */
    struct gpu_cmd *cmd;
};

/* The scratch that holds all of [addr, addr + bytes), or NULL. */
struct scratch *plan_find_scratch(const struct plan *p, uint64_t addr, uint64_t bytes);

/* Puts the barriers that the spans call for, as they stand now. */
enum status plan_put_barriers(struct plan *p);

/* Records the ops and barriers as they stand now, in place of what was recorded. */
enum status plan_record(struct plan *p);

/* "'qkv' of layer 3 (op 17)" */
const char *plan_op_text(const struct plan *p, uint32_t i, char *buf, size_t size);

#endif
