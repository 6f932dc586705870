#include "parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { MOST_THREADS = 64, PIECES = 8 };

/* Less than this is done sooner than threads are made. */
#define WORTH_IT 2000000

static uint32_t fixed;

struct job {
    enum status (*fn)(void *ctx, uint32_t from, uint32_t to);
    void *ctx;
    uint32_t n, step;
    atomic_uint next;
    pthread_mutex_t lock; /* of what follows */
    enum status status;
    char message[1024];
};

static void note_failure(struct job *j, enum status s)
{
    pthread_mutex_lock(&j->lock);
    if (j->status == OK) {
        j->status = s;
        snprintf(j->message, sizeof j->message, "%s", status_message());
    }
    pthread_mutex_unlock(&j->lock);
}

static void *work_on(void *arg)
{
    struct job *j = arg;
    for (;;) {
        uint32_t from = atomic_fetch_add(&j->next, j->step);
        if (from >= j->n)
            return NULL;
        enum status s = j->fn(j->ctx, from, j->n - from < j->step ? j->n : from + j->step);
        if (s != OK) {
            note_failure(j, s);
            return NULL;
        }
    }
}

/* A failure that fn leaves to its check_mem has a message all the same, of this thread. */
static void *thread(void *arg)
{
    work_on(arg);
    if (*status_message())
        note_failure(arg, OK);
    return NULL;
}

void check_parallel_threads(uint32_t threads)
{
    fixed = threads;
}

static uint32_t thread_count(uint32_t n, uint64_t work)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t most = processors < 1              ? 1
                    : processors > MOST_THREADS ? MOST_THREADS
                                                : (uint32_t)processors;
    if (fixed)
        most = fixed < MOST_THREADS ? fixed : MOST_THREADS;
    if ((double)n * (double)work < WORTH_IT)
        return 1;
    return n < most ? n : most;
}

enum status check_parallel(uint32_t n, uint64_t work,
                           enum status (*fn)(void *ctx, uint32_t from, uint32_t to), void *ctx)
{
    pthread_t threads[MOST_THREADS];
    uint32_t count = thread_count(n, work), made = 0;
    if (count <= 1)
        return n ? fn(ctx, 0, n) : OK;
    struct job j = {.fn = fn, .ctx = ctx, .n = n, .step = n / (count * PIECES) + 1};
    pthread_mutex_init(&j.lock, NULL);
    /* Where a thread cannot be had, there are fewer. */
    while (made + 1 < count && !pthread_create(&threads[made], NULL, thread, &j))
        made++;
    work_on(&j);
    for (uint32_t i = 0; i < made; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&j.lock);
    if (*j.message)
        status_fail(j.status == OK ? ERR : j.status, "%s", j.message);
    return j.status;
}
