#include "text/tok_map.h"

#include <string.h>

#include "base/mem.h"

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t p = (__uint128_t)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint64_t read_up_to_8(const char *s, size_t len)
{
    uint64_t v = 0;
    memcpy(&v, s, len < 8 ? len : 8);
    return v;
}

static const uint64_t odd1 = 0xa0761d6478bd642f, odd2 = 0xe7037ed1a0b428db;

static uint32_t hash_text(uint64_t seed, const char *s, size_t len)
{
    uint64_t h = seed ^ len;
    for (; len > 8; s += 8, len -= 8)
        h = mix(h ^ odd1, read_up_to_8(s, 8) ^ odd2);
    h = mix(h ^ odd1, read_up_to_8(s, len) ^ odd2);
    return (uint32_t)(h ^ h >> 32);
}

/* Where memory lies is different in each run, which is all that a seed needs here. */
static uint64_t new_seed(const void *p)
{
    return mix((uint64_t)(uintptr_t)p ^ odd2, (uint64_t)(uintptr_t)&p ^ odd1);
}

/* Slots for n entries at most two thirds full; 0 if that is more than 2^31. */
static uint32_t slots_for(uint32_t n)
{
    uint64_t want = 16;
    while (want < n + (uint64_t)n / 2)
        want *= 2;
    return want <= (uint64_t)1 << 31 ? (uint32_t)want : 0;
}

static void put_slot(struct tok_map *m, uint32_t hash, uint32_t index)
{
    uint32_t at = hash & m->mask;
    while (m->slots[at].index != TOK_MISSING)
        at = (at + 1) & m->mask;
    m->slots[at] = (struct tok_slot){hash, index};
}

/* Room for n texts, with the slots filled again. */
static enum status set_room(struct tok_map *m, uint32_t n)
{
    uint32_t slots = slots_for(n);
    if (slots == 0)
        return status_fail(ERR_MODEL, "a vocabulary of more than %u texts", m->count);
    struct tok_slot *s = mem_calloc(slots, sizeof *s);
    struct tok_str *t = mem_realloc(m->text, n * sizeof *t);
    if (t)
        m->text = t;
    if (!s || !t) {
        mem_free(s);
        return ERR_MEMORY;
    }
    memset(s, 0xff, slots * sizeof *s);
    mem_free(m->slots);
    m->slots = s;
    m->mask = slots - 1;
    m->room = n;
    for (uint32_t i = 0; i < m->count; i++)
        put_slot(m, hash_text(m->seed, m->text[i].s, m->text[i].len), i);
    return OK;
}

enum status tok_map_init(struct tok_map *m, uint32_t expected)
{
    memset(m, 0, sizeof *m);
    m->seed = new_seed(m);
    return set_room(m, expected < 16 ? 16 : expected);
}

void tok_map_free(struct tok_map *m)
{
    mem_free(m->text);
    mem_free(m->slots);
    memset(m, 0, sizeof *m);
}

uint32_t tok_map_find(const struct tok_map *m, const char *s, size_t len)
{
    uint32_t hash = hash_text(m->seed, s, len);
    for (uint32_t at = hash & m->mask;; at = (at + 1) & m->mask) {
        const struct tok_slot *slot = &m->slots[at];
        if (slot->index == TOK_MISSING)
            return TOK_MISSING;
        if (slot->hash != hash)
            continue;
        const struct tok_str *t = &m->text[slot->index];
        if (t->len == len && memcmp(t->s, s, len) == 0)
            return slot->index;
    }
}

enum status tok_map_add(struct tok_map *m, const char *s, size_t len)
{
    if (m->count == m->room)
        TRY(set_room(m, m->room > UINT32_MAX / 2 ? UINT32_MAX - 1 : m->room * 2));
    m->text[m->count] = (struct tok_str){s, len};
    put_slot(m, hash_text(m->seed, s, len), m->count);
    m->count++;
    return OK;
}

static uint32_t hash_pair(uint64_t seed, uint32_t left, uint32_t right)
{
    uint64_t h = mix(seed ^ left, odd1 ^ ((uint64_t)right << 32 | right));
    return (uint32_t)(h ^ h >> 32);
}

enum status tok_pairs_init(struct tok_pairs *p, uint32_t most)
{
    memset(p, 0, sizeof *p);
    p->seed = new_seed(p);
    uint32_t slots = slots_for(most);
    if (slots == 0)
        return status_fail(ERR_MODEL, "more than 2^30 merges (%u)", most);
    p->merges = mem_calloc(most, sizeof *p->merges);
    p->slots = mem_calloc(slots, sizeof *p->slots);
    if (!p->merges || !p->slots) {
        tok_pairs_free(p);
        return ERR_MEMORY;
    }
    memset(p->slots, 0xff, slots * sizeof *p->slots);
    p->mask = slots - 1;
    return OK;
}

void tok_pairs_free(struct tok_pairs *p)
{
    mem_free(p->merges);
    mem_free(p->slots);
    memset(p, 0, sizeof *p);
}

uint32_t tok_pairs_find(const struct tok_pairs *p, uint32_t left, uint32_t right)
{
    for (uint32_t at = hash_pair(p->seed, left, right) & p->mask;; at = (at + 1) & p->mask) {
        uint32_t rank = p->slots[at];
        if (rank == TOK_MISSING)
            return TOK_MISSING;
        if (p->merges[rank].left == left && p->merges[rank].right == right)
            return rank;
    }
}

void tok_pairs_add(struct tok_pairs *p, uint32_t left, uint32_t right, uint32_t product)
{
    uint32_t at = hash_pair(p->seed, left, right) & p->mask;
    while (p->slots[at] != TOK_MISSING)
        at = (at + 1) & p->mask;
    p->slots[at] = p->count;
    p->merges[p->count++] = (struct tok_merge){left, right, product};
}
