/* A copy of device memory that references run over; see check.h. */
#include "mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"
#include "half.h"
#include "spare.h"

/* Pages fetched beside those that are asked for: a copy takes longer to begin than to go on. */
enum { READ_AHEAD = 63 };

enum status check_mem_create(struct gpu *g, struct check_mem **out)
{
    struct check_mem *mem = mem_alloc(sizeof *mem);
    if (!mem)
        return ERR_MEMORY;
    mem->g = g;
    pthread_mutex_init(&mem->lock, NULL);
    *out = mem;
    return OK;
}

static void drop_contents(struct check_range *r)
{
    if (!r->borrowed) {
        spare_put(r->data, r->bytes, false);
        mem_free(r->here);
    }
}

static void drop_range(struct check_range *r)
{
    uint64_t floats = r->bytes / 2 * sizeof(float) + sizeof(float);
    drop_contents(r);
    for (uint64_t at = 0; r->kind && at < r->bytes; at += CHECK_PAGE) {
        if (r->written[at / CHECK_PAGE])
            memset(r->kind + at, 0, r->bytes - at < CHECK_PAGE ? r->bytes - at : CHECK_PAGE);
    }
    spare_put(r->kind, r->bytes, true);
    spare_put(r->mag, floats, false);
    spare_put(r->value, floats, false);
    mem_free(r->written);
}

void check_mem_borrow(struct check_range *r, const struct check_range *from)
{
    drop_contents(r);
    r->data = from->data;
    r->here = from->here;
    r->borrowed = true;
}

void check_mem_clear(struct check_mem *mem)
{
    for (uint32_t i = 0; i < mem->n_ranges; i++)
        drop_range(&mem->ranges[i]);
    mem->n_ranges = 0;
    mem->n_names = 0;
    mem->status = OK;
}

void check_mem_destroy(struct check_mem **mem)
{
    if (!*mem)
        return;
    check_mem_clear(*mem);
    mem_free((*mem)->ranges);
    mem_free((*mem)->names);
    pthread_mutex_destroy(&(*mem)->lock);
    mem_free(*mem);
    *mem = NULL;
}

enum status check_mem_add(struct check_mem *mem, uint64_t addr, uint64_t bytes, const void *image)
{
    if (bytes == 0)
        return OK;
    uint32_t at = 0;
    while (at < mem->n_ranges && mem->ranges[at].addr < addr)
        at++;
    bool below = at > 0 && mem->ranges[at - 1].addr + mem->ranges[at - 1].bytes > addr;
    bool above = at < mem->n_ranges && addr + bytes > mem->ranges[at].addr;
    if (below || above)
        return status_fail(ERR, "check: range 0x%" PRIx64 " + %" PRIu64 " overlaps another", addr,
                           bytes);

    struct check_range r = {.addr = addr, .bytes = bytes};
    if (mem->n_ranges == mem->max_ranges) {
        uint32_t max = mem->max_ranges * 2 + 16;
        struct check_range *grown = mem_realloc(mem->ranges, max * sizeof *grown);
        if (!grown)
            return ERR_MEMORY;
        mem->ranges = grown;
        mem->max_ranges = max;
    }
    uint64_t pages = div_up(bytes, CHECK_PAGE);
    r.data = spare_get(bytes, false);
    r.here = mem_calloc(pages, sizeof *r.here);
    r.written = mem_calloc(pages, sizeof *r.written);
    if (!r.data || !r.here || !r.written) {
        drop_range(&r);
        return ERR_MEMORY;
    }
    if (image) {
        memcpy(r.data, image, bytes);
        for (uint64_t i = 0; i < pages; i++)
            r.here[i] = true;
    }
    memmove(&mem->ranges[at + 1], &mem->ranges[at], (mem->n_ranges - at) * sizeof r);
    mem->ranges[at] = r;
    mem->n_ranges++;
    return OK;
}

enum status check_mem_name(struct check_mem *mem, uint64_t addr, uint64_t bytes, const char *tag)
{
    if (mem->n_names == mem->max_names) {
        uint32_t max = mem->max_names * 2 + 16;
        struct check_name *grown = mem_realloc(mem->names, max * sizeof *grown);
        if (!grown)
            return ERR_MEMORY;
        mem->names = grown;
        mem->max_names = max;
    }
    mem->names[mem->n_names++] = (struct check_name){addr, bytes, tag};
    return OK;
}

enum status check_mem_name_as(struct check_mem *mem, const struct check_mem *from)
{
    for (uint32_t i = 0; i < from->n_names; i++)
        TRY(check_mem_name(mem, from->names[i].addr, from->names[i].bytes, from->names[i].tag));
    return OK;
}

const char *check_mem_where(const struct check_mem *mem, uint64_t addr, char *buf, size_t size)
{
    for (uint32_t i = 0; i < mem->n_names; i++) {
        const struct check_name *n = &mem->names[i];
        if (addr >= n->addr && addr - n->addr < n->bytes) {
            snprintf(buf, size, "%s + %" PRIu64 " (0x%" PRIx64 ")", n->tag, addr - n->addr, addr);
            return buf;
        }
    }
    snprintf(buf, size, "0x%" PRIx64, addr);
    return buf;
}

struct check_range *check_mem_find(struct check_mem *mem, uint64_t addr, uint64_t bytes)
{
    for (uint32_t i = 0; i < mem->n_ranges; i++) {
        struct check_range *r = &mem->ranges[i];
        if (addr >= r->addr && addr - r->addr < r->bytes && bytes <= r->bytes - (addr - r->addr))
            return r;
    }
    return NULL;
}

/* Pages [page, end]; mem->lock is held. */
static enum status fetch_pages(struct check_mem *mem, struct check_range *r, uint64_t page,
                               uint64_t end)
{
    for (; page <= end; page++) {
        if (r->here[page])
            continue;
        uint64_t n = 1; /* neighbours in one copy */
        while (page + n <= end && !r->here[page + n])
            n++;
        uint64_t from = page * CHECK_PAGE, size = n * CHECK_PAGE;
        if (size > r->bytes - from)
            size = r->bytes - from;
        if (mem->fetch)
            TRY(mem->fetch(mem->fetch_ctx, r->addr + from, size, r->data + from));
        else
            TRY(gpu_download(mem->g, r->data + from, r->addr + from, size));
        for (uint64_t i = 0; i < n; i++)
            r->here[page + i] = true;
        page += n - 1;
    }
    return OK;
}

enum status check_mem_fetch(struct check_mem *mem, struct check_range *r, uint64_t offset,
                            uint64_t bytes)
{
    if (bytes == 0)
        return OK;
    uint64_t page = offset / CHECK_PAGE, end = (offset + bytes - 1) / CHECK_PAGE;
    while (page <= end && r->here[page])
        page++;
    if (page > end)
        return OK;
    uint64_t last = (r->bytes - 1) / CHECK_PAGE;
    end = end + READ_AHEAD < last ? end + READ_AHEAD : last;
    pthread_mutex_lock(&mem->lock);
    enum status s = fetch_pages(mem, r, page, end);
    pthread_mutex_unlock(&mem->lock);
    return s;
}

static bool in_spans(const struct plan_span *spans, uint64_t addr, uint64_t bytes)
{
    for (uint32_t i = 0; i < PLAN_MAX_SPANS && spans[i].bytes; i++) {
        if (addr >= spans[i].addr && addr - spans[i].addr < spans[i].bytes &&
            bytes <= spans[i].bytes - (addr - spans[i].addr))
            return true;
    }
    return false;
}

/* Keeps the first failure; its message is the thread's own. */
static void note_failure(struct check_mem *mem, enum status s)
{
    enum status none = OK;
    atomic_compare_exchange_strong(&mem->status, &none, s);
}

static enum status outside(const struct check_mem *mem, uint64_t addr, uint64_t bytes, bool write,
                           const char *of)
{
    char where[128];
    const char *kernel = mem->op ? mem->op->name : "check";
    return status_fail(ERR_VERIFY,
                       "%s (layer %d): its reference %s %" PRIu64 " bytes at %s, outside of %s",
                       kernel, mem->op ? mem->op->layer : -1, write ? "writes" : "reads", bytes,
                       check_mem_where(mem, addr, where, sizeof where), of);
}

/* Finds, checks against the op's spans, and fetches. NULL with mem->status set on failure. */
static struct check_range *access(struct check_mem *mem, uint64_t addr, uint64_t bytes, bool write)
{
    enum status s = OK;
    if (mem->status != OK)
        return NULL;
    struct check_range *r = check_mem_find(mem, addr, bytes);
    if (!r)
        s = outside(mem, addr, bytes, write, "all known memory");
    else if (mem->op && !in_spans(write ? mem->op->writes : mem->op->reads, addr, bytes))
        s = outside(mem, addr, bytes, write,
                    write ? "the spans that the op declares to write"
                          : "the spans that the op declares to read");
    else
        s = check_mem_fetch(mem, r, addr - r->addr, bytes);
    if (s != OK)
        note_failure(mem, s);
    return s == OK ? r : NULL;
}

const void *check_in(struct check_mem *mem, uint64_t addr, uint64_t bytes)
{
    struct check_range *r = access(mem, addr, bytes, false);
    return r ? r->data + (addr - r->addr) : NULL;
}

uint32_t check_in_u32(struct check_mem *mem, uint64_t addr)
{
    uint32_t v = 0;
    const void *p = check_in(mem, addr, sizeof v);
    if (p)
        memcpy(&v, p, sizeof v);
    return v;
}

uint64_t check_in_u64(struct check_mem *mem, uint64_t addr)
{
    uint64_t v = 0;
    const void *p = check_in(mem, addr, sizeof v);
    if (p)
        memcpy(&v, p, sizeof v);
    return v;
}

float check_in_f32(struct check_mem *mem, uint64_t addr)
{
    float v = 0;
    const void *p = check_in(mem, addr, sizeof v);
    if (p)
        memcpy(&v, p, sizeof v);
    return v;
}

static bool make_shadow(struct check_mem *mem, struct check_range *r)
{
    if (r->kind)
        return true;
    uint64_t floats = r->bytes / 2 * sizeof(float) + sizeof(float);
    pthread_mutex_lock(&mem->lock);
    if (!r->kind) {
        r->mag = spare_get(floats, false);
        r->value = spare_get(floats, false);
        r->kind =
            r->mag && r->value ? spare_get(r->bytes, true) : NULL; /* last: others look at it */
    }
    pthread_mutex_unlock(&mem->lock);
    if (!r->kind)
        note_failure(mem, ERR_MEMORY);
    return r->kind != NULL;
}

/* Marks bytes as written, as what, and copies data there (NULL: none). */
static struct check_range *put(struct check_mem *mem, uint64_t addr, const void *data,
                               uint64_t bytes, enum check_kind kind)
{
    if (bytes == 0)
        return NULL;
    struct check_range *r = access(mem, addr, bytes, true);
    if (!r || !make_shadow(mem, r))
        return NULL;
    uint64_t offset = addr - r->addr;
    memset(r->kind + offset, kind, bytes);
    if (data)
        memcpy(r->data + offset, data, bytes);
    for (uint64_t page = offset / CHECK_PAGE; page <= (offset + bytes - 1) / CHECK_PAGE; page++)
        if (!r->written[page])
            r->written[page] = true;
    return r;
}

void check_out_f32(struct check_mem *mem, uint64_t addr, double value, double mag)
{
    float v = (float)value;
    struct check_range *r = put(mem, addr, &v, sizeof v, CHECK_F32);
    if (r)
        r->mag[(addr - r->addr) / 2] = (float)mag;
}

void check_out_f32s(struct check_mem *mem, uint64_t addr, const double *values, const double *mags,
                    uint32_t n)
{
    struct check_range *r = put(mem, addr, NULL, n * 4ull, CHECK_F32);
    if (!r)
        return;
    uint64_t at = addr - r->addr;
    for (uint32_t i = 0; i < n; i++, at += 4) {
        float v = (float)values[i];
        memcpy(r->data + at, &v, sizeof v);
        r->mag[at / 2] = (float)mags[i];
    }
}

void check_out_f16(struct check_mem *mem, uint64_t addr, double value, double mag)
{
    uint16_t v = half_from_double(value);
    struct check_range *r = put(mem, addr, &v, sizeof v, CHECK_F16);
    if (r) {
        r->mag[(addr - r->addr) / 2] = (float)mag;
        r->value[(addr - r->addr) / 2] = (float)value;
    }
}

void check_out_f16s(struct check_mem *mem, uint64_t addr, const double *values, uint32_t n)
{
    struct check_range *r = put(mem, addr, NULL, n * 2ull, CHECK_F16);
    if (!r)
        return;
    uint64_t at = addr - r->addr;
    for (uint32_t i = 0; i < n; i++, at += 2) {
        uint16_t v = half_from_double(values[i]);
        memcpy(r->data + at, &v, sizeof v);
        r->mag[at / 2] = (float)fabs(values[i]);
        r->value[at / 2] = (float)values[i];
    }
}

void check_out_u32(struct check_mem *mem, uint64_t addr, uint32_t value)
{
    put(mem, addr, &value, sizeof value, CHECK_EXACT);
}

void check_out_bytes(struct check_mem *mem, uint64_t addr, const void *data, uint64_t bytes)
{
    put(mem, addr, data, bytes, CHECK_EXACT);
}

void check_out_any(struct check_mem *mem, uint64_t addr, uint64_t bytes)
{
    put(mem, addr, NULL, bytes, CHECK_ANY);
}
