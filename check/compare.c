/* What the device wrote against what the references wrote. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "half.h"
#include "mem.h"

/* One comparison of a stretch of a range. */
struct walk {
    struct check_mem *mem;
    const struct check_range *r;
    struct check_limit limit;
    struct check_result *result;
    const uint8_t *got; /* the bytes [start, end) of the range, as they are on the device */
    uint64_t start, end;
    double err2, mag2;
    uint64_t floats;
};

/* So many floats are few: what one of them is off by weighs more than in a mean of many. */
#define FEW 64.0

static void wrong(struct walk *w, uint64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Both sides of one value, `size` bytes at an offset. */
static void value_pair(const struct walk *w, enum check_kind kind, uint64_t offset, uint32_t size,
                       double *got, double *want)
{
    const uint8_t *g = w->got + (offset - w->start), *r = w->r->data + offset;
    float a, b;
    uint32_t i = 0, j = 0;
    uint16_t h;
    memcpy(&i, g, size);
    memcpy(&j, r, size);
    *got = i;
    *want = j;
    if (kind == CHECK_F32) {
        memcpy(&a, g, 4);
        memcpy(&b, r, 4);
        *got = (double)a;
        *want = (double)b;
    } else if (kind == CHECK_F16) {
        memcpy(&h, g, 2);
        *got = half_to_double(h);
        *want = w->r->value[offset / 2];
    }
}

static void note_around(const struct walk *w, uint64_t offset)
{
    struct check_around *a = &w->result->around;
    enum check_kind kind = w->r->kind ? (enum check_kind)w->r->kind[offset] : CHECK_UNCHANGED;
    bool words = kind == CHECK_F32 || kind == CHECK_EXACT;
    uint32_t size = kind == CHECK_F16 ? 2 : words ? 4 : 1;
    uint64_t here = offset / size * size;
    uint64_t from =
        here - w->start < 8 * size ? here - (here - w->start) / size * size : here - 8 * size;
    *a = (struct check_around){.addr = w->r->addr + offset,
                               .kind = kind == CHECK_F32     ? "f32"
                                       : kind == CHECK_F16   ? "f16"
                                       : kind == CHECK_EXACT ? "u32"
                                                             : "u8"};
    for (uint64_t at = from; at + size <= w->end && at <= here + 8 * size; at += size) {
        if (at < w->start)
            continue;
        if (at == here)
            a->here = a->n;
        value_pair(w, kind, at, size, &a->got[a->n], &a->want[a->n]);
        a->n++;
    }
}

static void wrong(struct walk *w, uint64_t offset, const char *fmt, ...)
{
    char where[128], text[256];
    w->result->wrong++;
    if (w->result->first[0])
        return;
    note_around(w, offset);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    snprintf(w->result->first, sizeof w->result->first, "%s: %s",
             check_mem_where(w->mem, w->r->addr + offset, where, sizeof where), text);
}

/* True if got is what want, being no number or infinite, asks for. */
static bool same_special(double got, double want)
{
    return isnan(want) ? isnan(got) : got == want;
}

static void compare_f32(struct walk *w, uint64_t offset, const uint8_t *got_bytes)
{
    float got, want;
    memcpy(&got, got_bytes, 4);
    memcpy(&want, w->r->data + offset, 4);
    double mag = w->r->mag[offset / 2];
    w->result->values++;
    w->floats++;
    if (!isfinite(want) || !isfinite(got)) {
        if (!same_special(got, want))
            wrong(w, offset, "got %g, want %g", (double)got, (double)want);
        return;
    }
    double err = fabs((double)got - (double)want);
    w->mag2 += mag * mag;
    if (err <= (double)FLT_MIN) /* results below the normal numbers may be flushed to zero */
        return;
    w->err2 += err * err;
    if (err > w->result->max * mag)
        w->result->max = mag > 0 ? err / mag : INFINITY;
    if (err > w->limit.max * mag)
        wrong(w, offset, "got %.9g, want %.9g, off by %.3g of %.3g, limit %.3g", (double)got,
              (double)want, err, mag, w->limit.max * mag);
}

static void compare_f16(struct walk *w, uint64_t offset, const uint8_t *got_bytes)
{
    uint16_t bits;
    memcpy(&bits, got_bytes, 2);
    double got = half_to_double(bits);
    double want = w->r->value[offset / 2], mag = w->r->mag[offset / 2];
    double slack = w->limit.max * mag;
    w->result->values++;
    if (fabs(want) + slack >= 65504.0 && fabs(got) >= 65504.0 && (got > 0) == (want > 0))
        return;
    if (!isfinite(want) || !isfinite(got)) {
        if (!same_special(got, want))
            wrong(w, offset, "got %g, want %g (f16)", got, want);
        return;
    }
    /* Half a step of f16 (2^-24 below its normal numbers) is how far rounding may go. */
    double half_step = fmax(fabs(want) * 0x1p-11, 0x1p-25) * (1 + 0x1p-9);
    double err = fabs(got - want);
    if (err > half_step + slack)
        wrong(w, offset, "got %.5g, want %.9g (f16), off by %.3g, limit %.3g", got, want, err,
              half_step + slack);
}

static uint64_t compare_value(struct walk *w, uint64_t offset, const uint8_t *got)
{
    const struct check_range *r = w->r;
    switch ((enum check_kind)(r->kind ? r->kind[offset] : CHECK_UNCHANGED)) {
    case CHECK_ANY:
        return 1;
    case CHECK_F32:
        compare_f32(w, offset, got);
        return 4;
    case CHECK_F16:
        compare_f16(w, offset, got);
        return 2;
    case CHECK_EXACT:
        w->result->exact++;
        if (*got != r->data[offset])
            wrong(w, offset, "got byte 0x%02x, want 0x%02x", *got, r->data[offset]);
        return 1;
    case CHECK_UNCHANGED:
        break;
    }
    if (*got != r->data[offset])
        wrong(w, offset, "byte changed from 0x%02x to 0x%02x, but is not the op's to write",
              r->data[offset], *got);
    return 1;
}

enum status check_compare(struct check_mem *mem, uint64_t addr, uint64_t bytes, const void *got,
                          struct check_limit limit, struct check_result *result)
{
    struct walk w = {.mem = mem, .limit = limit, .result = result};
    const struct check_range *r = check_mem_find(mem, addr, bytes);
    if (!r)
        return status_fail(
            ERR, "check: comparing %" PRIu64 " bytes at 0x%" PRIx64 ", which is not known memory",
            bytes, addr);
    w.r = r;
    const uint8_t *g = got;
    uint64_t start = addr - r->addr;
    w.got = got;
    w.start = start;
    w.end = start + bytes;
    for (uint64_t offset = start; offset < start + bytes;) {
        uint64_t page = offset / CHECK_PAGE, end = (page + 1) * CHECK_PAGE;
        if (end > start + bytes)
            end = start + bytes;
        if (!r->written[page] && !memcmp(r->data + offset, g + (offset - start), end - offset)) {
            offset = end;
            continue;
        }
        while (offset < end)
            offset += compare_value(&w, offset, g + (offset - start));
    }
    double nmse = w.err2 > 0 ? w.err2 / fmax(w.mag2, DBL_MIN) : 0;
    if (nmse > result->nmse)
        result->nmse = nmse;
    if (nmse > limit.nmse * (1 + FEW / fmax((double)w.floats, 1))) {
        result->wrong++;
        if (!result->first[0])
            snprintf(result->first, sizeof result->first, "NMSE %.3g, limit %.3g", nmse,
                     limit.nmse);
    }
    return OK;
}

void check_merge(const struct check_result *part, struct check_result *r)
{
    r->values += part->values;
    r->exact += part->exact;
    r->same += part->same;
    r->wrong += part->wrong;
    r->nmse = fmax(r->nmse, part->nmse);
    r->max = fmax(r->max, part->max);
    if (part->first[0] && !r->first[0]) {
        memcpy(r->first, part->first, sizeof r->first);
        r->around = part->around;
    }
}

enum status check_compare_written(struct check_mem *mem, struct check_limit limit,
                                  struct check_result *result)
{
    enum status s = OK;
    uint8_t *got = mem_alloc(CHECK_PAGE);
    if (!got)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < mem->n_ranges; i++) {
        struct check_range *r = &mem->ranges[i];
        for (uint64_t from = 0; from < r->bytes; from += CHECK_PAGE) {
            uint64_t size = r->bytes - from < CHECK_PAGE ? r->bytes - from : CHECK_PAGE;
            if (!r->written[from / CHECK_PAGE])
                continue;
            TRY_GOTO(gpu_download(mem->g, got, r->addr + from, size));
            TRY_GOTO(check_compare(mem, r->addr + from, size, got, limit, result));
        }
    }
fail:
    mem_free(got);
    return s;
}

void check_add_bits(const struct check_result *bits, struct check_result *r)
{
    r->same += bits->values;
    r->wrong += bits->wrong;
    if (bits->wrong && !r->around.addr)
        r->around = bits->around;
    if (bits->wrong && !r->first[0])
        snprintf(r->first, sizeof r->first, "other bits than in f32: %.480s", bits->first);
}

enum status check_compare_bits(struct check_mem *mem, struct check_result *r)
{
    struct check_result bits = {0};
    TRY(check_compare_written(mem, (struct check_limit){0}, &bits));
    check_add_bits(&bits, r);
    return OK;
}
