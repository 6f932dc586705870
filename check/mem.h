/* mem.h - inside of check_mem, for what compares, and for model/. */
#ifndef TAWNY_CHECK_MEM_H
#define TAWNY_CHECK_MEM_H

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

enum { CHECK_PAGE = 65536 };

/* How the bytes of a value are compared; one a byte. */
enum check_kind {
    CHECK_UNCHANGED = 0,
    CHECK_ANY,
    CHECK_EXACT,
    CHECK_F32,
    CHECK_F16,
};

/* Big arrays are reserved whole and get memory where they are touched (spare.h). */
struct check_range {
    uint64_t addr, bytes;
    uint8_t *data;
    atomic_bool *here;       /* a page: data holds it */
    atomic_bool *written;    /* a page: some kind in it is set */
    _Atomic(uint8_t *) kind; /* NULL until the first write */
    float *mag;              /* per 2 bytes */
    float *value;            /* per 2 bytes: what was to be written, before it was rounded to f16 */
    bool borrowed;           /* data and here belong to a range of another check_mem */
};

struct check_name {
    uint64_t addr, bytes;
    const char *tag;
};

struct check_mem {
    struct gpu *g;
    /* NULL, or where contents come from instead of the device. */
    enum status (*fetch)(void *ctx, uint64_t addr, uint64_t bytes, void *dst);
    void *fetch_ctx;
    struct check_range *ranges; /* by address */
    uint32_t n_ranges, max_ranges;
    struct check_name *names;
    uint32_t n_names, max_names;
    pthread_mutex_t lock;        /* of fetching and of making shadows */
    const struct plan_op *op;    /* whose spans accesses must lie in; NULL: not checked */
    _Atomic(enum status) status; /* the first failure */
};

/* r, of the same bytes as `from` and so far untouched, shares its contents, which must outlive it.
 */
void check_mem_borrow(struct check_range *r, const struct check_range *from);

/* The range that holds all of [addr, addr + bytes), or NULL. */
struct check_range *check_mem_find(struct check_mem *mem, uint64_t addr, uint64_t bytes);

/* Fetches what is not here yet of [offset, offset + bytes) of a range. */
enum status check_mem_fetch(struct check_mem *mem, struct check_range *r, uint64_t offset,
                            uint64_t bytes);

/* Makes all spans of an op known, as ranges without contents: one where they overlap. (Where they
 * only touch, memory may end between them.) */
enum status check_mem_add_spans(struct check_mem *mem, const struct plan_op *op);

/* "tag + 0x40 (0x7f0012340040)" into buf; returns buf. */
const char *check_mem_where(const struct check_mem *mem, uint64_t addr, char *buf, size_t size);

#endif
