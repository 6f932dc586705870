#include "diff.h"

#include <math.h>
#include <string.h>

void diff_add(struct diff *d, double got, double want, bool same_bits)
{
    d->n++;
    d->other += !same_bits;
    if (same_bits && !isfinite(want))
        return; /* no number, as it ought to be */
    d->x += got;
    d->y += want;
    d->xx += got * got;
    d->yy += want * want;
    d->xy += got * want;
    double err = fabs(got - want);
    d->err2 += err * err;
    if (!(err <= d->largest))
        d->largest = err;
}

void diff_merge(struct diff *d, const struct diff *b)
{
    d->n += b->n;
    d->other += b->other;
    d->x += b->x;
    d->y += b->y;
    d->xx += b->xx;
    d->yy += b->yy;
    d->xy += b->xy;
    d->err2 += b->err2;
    if (!(b->largest <= d->largest))
        d->largest = b->largest;
}

double diff_correlation(const struct diff *d)
{
    double n = (double)d->n;
    double vx = n * d->xx - d->x * d->x, vy = n * d->yy - d->y * d->y;
    if (!d->n || !(d->err2 != 0))
        return d->n ? 1 : 0;
    return vx > 0 && vy > 0 ? (n * d->xy - d->x * d->y) / sqrt(vx * vy) : 0;
}

double diff_nmse(const struct diff *d)
{
    if (!(d->err2 != 0))
        return 0;
    return d->yy > 0 ? d->err2 / d->yy : INFINITY;
}

/* ---- hash --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

void hash_start(struct hash *h)
{
    *h = (struct hash){.h = 0xcbf29ce484222325u};
}

void hash_add(struct hash *h, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t word;
    while (n && h->n % 8) {
        h->rest[h->n++ % 8] = *p++;
        n--;
        if (h->n % 8 == 0) {
            memcpy(&word, h->rest, 8);
            h->h = mix(h->h, word);
        }
    }
    for (; n >= 8; n -= 8, p += 8, h->n += 8) {
        memcpy(&word, p, 8);
        h->h = mix(h->h, word);
    }
    for (; n; n--)
        h->rest[h->n++ % 8] = *p++;
}

uint64_t hash_end(struct hash *h)
{
    uint64_t word = 0;
    memcpy(&word, h->rest, h->n % 8);
    return mix(mix(h->h, word), h->n);
}
