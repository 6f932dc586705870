#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static struct {
    pthread_mutex_t lock;
    enum log_level level;
    log_fn fn;
    void *ctx;
} logger = {PTHREAD_MUTEX_INITIALIZER, LOG_WARN, NULL, NULL};

void log_set(enum log_level level, log_fn fn, void *ctx)
{
    pthread_mutex_lock(&logger.lock);
    logger.level = level;
    logger.fn = fn;
    logger.ctx = ctx;
    pthread_mutex_unlock(&logger.lock);
}

enum log_level log_get_level(void)
{
    pthread_mutex_lock(&logger.lock);
    enum log_level level = logger.level;
    pthread_mutex_unlock(&logger.lock);
    return level;
}

static void emit(enum log_level level, const char *fmt, va_list ap)
{
    static const char *const prefix[] = {"error: ", "warning: ", "", ""};
    char text[1024];
    pthread_mutex_lock(&logger.lock);
    if (level <= logger.level) {
        vsnprintf(text, sizeof text, fmt, ap);
        if (logger.fn)
            logger.fn(logger.ctx, level, text);
        else
            fprintf(stderr, "%s%s\n", prefix[level], text);
    }
    pthread_mutex_unlock(&logger.lock);
}

#define LOG_DEFINE(name, level)                                                                    \
    void name(const char *fmt, ...)                                                                \
    {                                                                                              \
        va_list ap;                                                                                \
        va_start(ap, fmt);                                                                         \
        emit(level, fmt, ap);                                                                      \
        va_end(ap);                                                                                \
    }

LOG_DEFINE(log_error, LOG_ERROR)
LOG_DEFINE(log_warn, LOG_WARN)
LOG_DEFINE(log_info, LOG_INFO)
LOG_DEFINE(log_debug, LOG_DEBUG)

double time_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
