#include "base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

enum { ARENA_ALIGN = 16, ARENA_BLOCK = 64 * 1024 };

struct arena_block {
    struct arena_block *prev;
    size_t used, size;
    _Alignas(ARENA_ALIGN) unsigned char data[];
};

static _Atomic uint64_t alloc_count;

uint64_t mem_alloc_count(void)
{
    return alloc_count;
}

static void *out_of_memory(size_t size)
{
    status_fail(ERR_MEMORY, "out of host memory: %zu bytes", size);
    return NULL;
}

void *mem_calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        status_fail(ERR_MEMORY, "out of host memory: %zu x %zu bytes", count, size);
        return NULL;
    }
    alloc_count++;
    void *p = calloc(1, total ? total : 1);
    return p ? p : out_of_memory(total);
}

void *mem_alloc(size_t size)
{
    return mem_calloc(1, size);
}

void *mem_realloc(void *p, size_t size)
{
    alloc_count++;
    void *q = realloc(p, size ? size : 1);
    return q ? q : out_of_memory(size);
}

void mem_free(void *p)
{
    free(p);
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX - ARENA_BLOCK)
        return out_of_memory(size);
    size_t need = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    struct arena_block *b = a->last;
    if (!b || b->size - b->used < need) {
        size_t room = need > ARENA_BLOCK ? need : ARENA_BLOCK;
        b = mem_alloc(sizeof *b + room);
        if (!b)
            return NULL;
        b->size = room;
        b->prev = a->last;
        a->last = b;
    }
    void *p = b->data + b->used;
    b->used += need;
    a->total += need;
    return p;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        status_fail(ERR_MEMORY, "out of host memory: %zu x %zu bytes", count, size);
        return NULL;
    }
    return arena_alloc(a, total);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    char *p = len < SIZE_MAX ? arena_alloc(a, len + 1) : NULL;
    if (p)
        memcpy(p, s, len);
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = len < 0 ? NULL : arena_alloc(a, (size_t)len + 1);
    if (p) {
        va_start(ap, fmt);
        vsnprintf(p, (size_t)len + 1, fmt, ap);
        va_end(ap);
    }
    return p;
}

void arena_free(struct arena *a)
{
    while (a->last) {
        struct arena_block *prev = a->last->prev;
        mem_free(a->last);
        a->last = prev;
    }
    a->total = 0;
}
