/* mem.h - host memory: an arena for things that die together, and counted malloc.
 *
 * Everything a model or a session owns lives in one arena and is freed by one call. mem_alloc()
 * counts, so that a test can show that a decode step allocates nothing. Nothing here aborts: NULL
 * means out of memory, and status_fail(ERR_MEMORY, ...) has been called with the size. */
#ifndef TAWNY_BASE_MEM_H
#define TAWNY_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed. `size` 0 gives a valid pointer. */
void *mem_alloc(size_t size);

/* Zeroed array; NULL with a message if count * size wraps. */
void *mem_calloc(size_t count, size_t size);

/* Contents kept, the rest undefined; on failure the old block stays valid. */
void *mem_realloc(void *p, size_t size);
void mem_free(void *p);

/* How many times memory was taken since the program started (all threads). */
uint64_t mem_alloc_count(void);

/* An arena hands out zeroed, 16-byte aligned memory that is freed all at once. Not thread-safe. */
struct arena_block;
struct arena {
    struct arena_block *last;
    size_t total; /* bytes handed out */
};

void *arena_alloc(struct arena *a, size_t size);
void *arena_calloc(struct arena *a, size_t count, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t len);

/* printf into the arena. */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Frees everything; the arena is empty and usable again. */
void arena_free(struct arena *a);

#endif
