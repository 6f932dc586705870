#include "overlay.h"

#include <string.h>

#include "base/mem.h"

/* Pages read in one go. */
enum { MOST = 256 };

void overlay_free(struct overlay *o)
{
    for (uint32_t i = 0; i < o->n; i++)
        mem_free(o->pages[i]);
    mem_free(o->pages);
    *o = (struct overlay){0};
}

/* The first page that ends behind addr. */
static uint32_t page_at(const struct overlay *o, uint64_t addr)
{
    uint32_t lo = 0, hi = o->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (o->pages[mid]->addr + OVERLAY_PAGE > addr)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static struct overlay_page *get(struct overlay *o, uint64_t addr)
{
    uint32_t i = page_at(o, addr);
    if (i < o->n && o->pages[i]->addr <= addr)
        return o->pages[i];
    if (o->n == o->cap) {
        uint32_t cap = o->cap ? 2 * o->cap : 256;
        struct overlay_page **grown = mem_realloc(o->pages, cap * sizeof(struct overlay_page *));
        if (!grown)
            return NULL;
        o->pages = grown;
        o->cap = cap;
    }
    struct overlay_page *p = mem_alloc(sizeof *p);
    if (!p)
        return NULL;
    p->addr = addr / OVERLAY_PAGE * OVERLAY_PAGE;
    memmove(&o->pages[i + 1], &o->pages[i], (o->n - i) * sizeof(struct overlay_page *));
    o->pages[i] = p;
    o->n++;
    return p;
}

/* The part of page p that lies in [addr, addr + bytes): from *at, *n bytes. */
static bool part_of(const struct overlay_page *p, uint64_t addr, uint64_t bytes, uint32_t *at,
                    uint32_t *n)
{
    uint64_t from = addr > p->addr ? addr - p->addr : 0;
    uint64_t to = addr + bytes < p->addr + OVERLAY_PAGE ? addr + bytes - p->addr : OVERLAY_PAGE;
    *at = (uint32_t)from;
    *n = (uint32_t)(to - from);
    return p->addr < addr + bytes && to > from;
}

enum status overlay_room(struct overlay *o, uint64_t addr, uint64_t bytes)
{
    for (uint64_t at = addr / OVERLAY_PAGE * OVERLAY_PAGE; at < addr + bytes; at += OVERLAY_PAGE) {
        if (!get(o, at))
            return ERR_MEMORY;
    }
    return OK;
}

enum status overlay_put(struct overlay *o, uint64_t addr, uint64_t bytes, const void *ref,
                        const void *dev)
{
    const uint8_t *r = ref, *d = dev;
    for (uint64_t done = 0; done < bytes;) {
        uint64_t left = OVERLAY_PAGE - (addr + done) % OVERLAY_PAGE;
        uint64_t n = bytes - done < left ? bytes - done : left;
        struct overlay_page *p = get(o, addr + done);
        if (!p)
            return ERR_MEMORY;
        uint64_t at = addr + done - p->addr;
        memset(p->known + at, ref != NULL, n);
        if (ref) {
            memcpy(p->ref + at, r + done, n);
            memcpy(p->dev + at, d + done, n);
        }
        done += n;
    }
    return OK;
}

bool overlay_meets(const struct overlay *o, uint64_t addr, uint64_t bytes)
{
    uint32_t i = page_at(o, addr);
    return i < o->n && o->pages[i]->addr < addr + bytes;
}

bool overlay_same(const struct overlay *o, const struct plan_span *s)
{
    uint32_t at, n;
    for (uint32_t i = page_at(o, s->addr); i < o->n; i++) {
        const struct overlay_page *p = o->pages[i];
        if (!part_of(p, s->addr, s->bytes, &at, &n))
            break;
        if (!memcmp(p->ref + at, p->dev + at, n))
            continue;
        for (uint32_t k = at; k < at + n; k++) {
            if (p->known[k] && p->ref[k] != p->dev[k])
                return false;
        }
    }
    return true;
}

void overlay_apply(const struct overlay *o, uint64_t addr, uint64_t bytes, void *dst)
{
    uint8_t *out = dst;
    uint32_t at, n;
    for (uint32_t i = page_at(o, addr); i < o->n; i++) {
        const struct overlay_page *p = o->pages[i];
        if (!part_of(p, addr, bytes, &at, &n))
            break;
        if (!memchr(p->known + at, false, n)) {
            memcpy(out + (p->addr + at - addr), p->ref + at, n);
            continue;
        }
        for (uint32_t k = at; k < at + n; k++) {
            if (p->known[k])
                out[p->addr + k - addr] = p->ref[k];
        }
    }
}

uint64_t overlay_take(struct overlay *o, const struct gpu_buf *buf)
{
    uint64_t others = 0;
    uint32_t at, n;
    for (uint32_t i = page_at(o, buf->addr); i < o->n; i++) {
        struct overlay_page *p = o->pages[i];
        if (!part_of(p, buf->addr, buf->bytes, &at, &n))
            break;
        for (uint32_t k = at; k < at + n; k++) {
            others += p->known[k] && p->ref[k] != p->dev[k];
            p->ref[k] = p->dev[k];
        }
    }
    return others;
}

/* ---- against the device ------------------------------------------------------------------- */

/* First and last known byte of a page, in whole words; false if there is none. */
static bool hull(const struct overlay_page *p, uint32_t *from, uint32_t *to)
{
    uint32_t a = 0, b = OVERLAY_PAGE;
    while (a < b && !p->known[a])
        a++;
    while (b > a && !p->known[b - 1])
        b--;
    *from = a & ~3u;
    *to = (b + 3) & ~3u;
    return b > a;
}

/* Calls `visit` with every page and what the device has in [from, to) of it. */
static enum status visit_all(const struct overlay *o, struct gpu *g,
                             void (*visit)(void *ctx, struct overlay_page *p, uint32_t from,
                                           uint32_t to, const uint8_t *now),
                             void *ctx)
{
    enum status s = OK;
    uint8_t *now = mem_alloc((size_t)MOST * OVERLAY_PAGE);
    if (!now)
        return ERR_MEMORY;
    uint32_t from, to, from_2, to_2;
    for (uint32_t i = 0; i < o->n;) {
        struct overlay_page *p = o->pages[i];
        if (!hull(p, &from, &to)) {
            i++;
            continue;
        }
        uint64_t start = p->addr + from, end = p->addr + to, room = gpu_span_room(g, start);
        uint32_t n = 1;
        for (; n < MOST && i + n < o->n && hull(o->pages[i + n], &from_2, &to_2); n++) {
            uint64_t next = o->pages[i + n]->addr;
            if (next + from_2 != end || next + to_2 - start > room)
                break;
            end = next + to_2;
        }
        TRY_GOTO(gpu_download(g, now, start, end - start));
        for (uint32_t k = 0; k < n; k++) {
            hull(o->pages[i + k], &from_2, &to_2);
            visit(ctx, o->pages[i + k], from_2, to_2,
                  now + (o->pages[i + k]->addr + from_2 - start));
        }
        i += n;
    }
fail:
    mem_free(now);
    return s;
}

static void absorb(void *ctx, struct overlay_page *p, uint32_t from, uint32_t to,
                   const uint8_t *now)
{
    (void)ctx;
    if (!memcmp(p->dev + from, now, to - from))
        return;
    for (uint32_t k = from; k < to; k++) {
        if (p->known[k] && p->dev[k] != now[k - from])
            p->ref[k] = p->dev[k] = now[k - from];
    }
}

enum status overlay_absorb(struct overlay *o, struct gpu *g)
{
    return visit_all(o, g, absorb, NULL);
}

struct changes {
    uint64_t n, first;
};

static void count(void *ctx, struct overlay_page *p, uint32_t from, uint32_t to, const uint8_t *now)
{
    struct changes *c = ctx;
    if (!memcmp(p->dev + from, now, to - from))
        return;
    for (uint32_t k = from; k < to; k++) {
        if (!p->known[k] || p->dev[k] == now[k - from])
            continue;
        if (!c->n++)
            c->first = p->addr + k;
    }
}

enum status overlay_changed(const struct overlay *o, struct gpu *g, uint64_t *n, uint64_t *first)
{
    struct changes c = {0};
    enum status s = visit_all(o, g, count, &c);
    *n = c.n;
    *first = c.first;
    return s;
}
