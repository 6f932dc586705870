#include "audio/feed.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

enum {
    PIECE = 1 << 14,     /* samples that are decoded at a time */
    SLICE_NS = 50000000, /* between looks at the reader's `stop` */
};

struct feed {
    struct audio_params params;
    const atomic_bool *stop; /* the reader's */
    atomic_bool quit;        /* what the thread looks at */
    pthread_t thread;
    pthread_mutex_t lock; /* of all below but the samples between `taken` and `made` */
    pthread_cond_t more, room;
    uint64_t made, taken; /* samples; number i lies at i % FEED_SAMPLES */
    bool ended;
    enum status status; /* that it ended with */
    char message[1024];
    double seconds;
    float ring[FEED_SAMPLES];
};

/* ---- the thread --------------------------------------------------------------------------- */

/* Waits for room; how many samples fit in one piece behind the last, 0: nobody wants any. */
static size_t wait_for_room(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    while (f->made - f->taken == FEED_SAMPLES && !atomic_load(&f->quit))
        pthread_cond_wait(&f->room, &f->lock);
    size_t n = (size_t)(FEED_SAMPLES - (f->made - f->taken));
    pthread_mutex_unlock(&f->lock);
    size_t to_end = FEED_SAMPLES - f->made % FEED_SAMPLES;
    n = n < to_end ? n : to_end;
    return atomic_load(&f->quit) ? 0 : n < PIECE ? n : PIECE;
}

static enum status decode_all(struct feed *f, struct audio *a)
{
    for (;;) {
        size_t want = wait_for_room(f), got = 0;
        if (!want)
            return OK;
        enum status s = audio_read(a, f->ring + f->made % FEED_SAMPLES, want, &got);
        pthread_mutex_lock(&f->lock);
        f->made += got;
        pthread_cond_signal(&f->more);
        pthread_mutex_unlock(&f->lock);
        if (s != OK || got < want)
            return s;
    }
}

static void *run(void *ctx)
{
    struct feed *f = ctx;
    struct audio *a = NULL;
    enum status s = audio_open(&f->params, &a);
    if (s == OK) {
        pthread_mutex_lock(&f->lock);
        f->seconds = audio_seconds(a);
        pthread_mutex_unlock(&f->lock);
        s = decode_all(f, a);
    }
    audio_close(&a);
    pthread_mutex_lock(&f->lock);
    f->ended = true;
    f->status = s;
    snprintf(f->message, sizeof f->message, "%s", status_message());
    pthread_cond_signal(&f->more);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- the reader --------------------------------------------------------------------------- */

static enum status make_conditions(struct feed *f)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr))
        return status_fail(ERR_MEMORY, "no memory for a thread that decodes");
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->more, &attr);
    pthread_cond_init(&f->room, NULL);
    pthread_condattr_destroy(&attr);
    return OK;
}

/* Signals are for the program's own threads: a Ctrl-C must not end a read of this one. */
static enum status start(struct feed *f)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&f->thread, NULL, run, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error)
        return OK;
    return status_fail(ERR, "no thread to decode %s: %s",
                       f->params.path ? f->params.path : "sound in memory", strerror(error));
}

enum status feed_open(const struct audio_params *params, struct feed **out)
{
    *out = NULL;
    struct feed *f = mem_alloc(sizeof *f);
    if (!f)
        return ERR_MEMORY;
    f->params = *params;
    f->stop = params->stop;
    f->params.stop = &f->quit;
    f->seconds = -1;
    enum status s = make_conditions(f);
    if (s == OK)
        s = start(f);
    if (s == OK)
        *out = f;
    else
        mem_free(f);
    return s;
}

void feed_close(struct feed **feed)
{
    struct feed *f = *feed;
    *feed = NULL;
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    atomic_store(&f->quit, true);
    pthread_cond_signal(&f->room);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    pthread_cond_destroy(&f->more);
    pthread_cond_destroy(&f->room);
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

static bool is_stopped(const struct feed *f)
{
    return f->stop && atomic_load(f->stop);
}

/* Waits until there are samples, or no more will come; how many there are. */
static size_t wait_for_samples(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    while (f->made == f->taken && !f->ended && !is_stopped(f)) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += SLICE_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&f->more, &f->lock, &until);
    }
    size_t n = (size_t)(f->made - f->taken);
    pthread_mutex_unlock(&f->lock);
    return is_stopped(f) ? 0 : n;
}

static void give_back(struct feed *f, size_t n)
{
    pthread_mutex_lock(&f->lock);
    f->taken += n;
    pthread_cond_signal(&f->room);
    pthread_mutex_unlock(&f->lock);
}

enum status feed_read(struct feed *f, float *dst, size_t max, size_t *count)
{
    *count = 0;
    while (*count < max) {
        size_t n = wait_for_samples(f), at = f->taken % FEED_SAMPLES;
        if (!n)
            break;
        n = n < max - *count ? n : max - *count;
        n = n < FEED_SAMPLES - at ? n : FEED_SAMPLES - at;
        memcpy(dst + *count, f->ring + at, n * sizeof *dst);
        give_back(f, n);
        *count += n;
    }
    if (*count == max || is_stopped(f) || f->status == OK)
        return OK;
    return status_fail(f->status, "%s", f->message);
}

double feed_seconds(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    double seconds = f->seconds;
    pthread_mutex_unlock(&f->lock);
    return seconds;
}
