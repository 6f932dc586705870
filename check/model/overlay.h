/* overlay.h - what the references made of the device's memory, where it was written at all.
 *
 * For each byte that a reference has written with something definite: what it wrote, and what the
 * device has there. Everything else is on the device alone. */
#ifndef TAWNY_CHECK_MODEL_OVERLAY_H
#define TAWNY_CHECK_MODEL_OVERLAY_H

#include "check/check.h"

enum { OVERLAY_PAGE = 4096 };

struct overlay_page {
    uint64_t addr; /* a multiple of OVERLAY_PAGE */
    uint8_t ref[OVERLAY_PAGE], dev[OVERLAY_PAGE];
    bool known[OVERLAY_PAGE];
};

struct overlay {
    struct overlay_page **pages; /* by address */
    uint32_t n, cap;
};

void overlay_free(struct overlay *o);

/* Makes the pages of [addr, addr + bytes). */
enum status overlay_room(struct overlay *o, uint64_t addr, uint64_t bytes);

/* [addr, addr + bytes) was written: by the references and by the device. ref NULL: with anything,
 * so that it is known no longer. Once there is room, on several threads for several bytes. */
enum status overlay_put(struct overlay *o, uint64_t addr, uint64_t bytes, const void *ref,
                        const void *dev);

/* True if any page of it lies in [addr, addr + bytes). */
bool overlay_meets(const struct overlay *o, uint64_t addr, uint64_t bytes);

/* True if device and references have the same bytes in all that is known of the span. */
bool overlay_same(const struct overlay *o, const struct plan_span *s);

/* Puts what is known of [addr, addr + bytes) into dst. */
void overlay_apply(const struct overlay *o, uint64_t addr, uint64_t bytes, void *dst);

/* In this buffer the chain goes on with what the device has; returns how many bytes were others. */
uint64_t overlay_take(struct overlay *o, const struct gpu_buf *buf);

/* Bytes that have changed on the device (written by the host between two runs) are taken over. */
enum status overlay_absorb(struct overlay *o, struct gpu *g);

/* Counts the known bytes that are no longer as `dev` says; *first: the address of the first. */
enum status overlay_changed(const struct overlay *o, struct gpu *g, uint64_t *n, uint64_t *first);

#endif
