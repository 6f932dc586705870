/* log.h - messages for people, on stderr or to a callback; never on stdout.
 *
 * Errors do not go through here: they travel as `enum status` with status_message(), and the
 * program prints them once. The log tells what a user wants to know on the way (which device,
 * what was repacked, that a variant was skipped). Thread-safe. */
#ifndef TAWNY_BASE_LOG_H
#define TAWNY_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

typedef void (*log_fn)(void *ctx, enum log_level level, const char *text);

/* Messages above `level` are dropped (default LOG_WARN). fn NULL: to stderr, one line each. */
void log_set(enum log_level level, log_fn fn, void *ctx);
enum log_level log_get_level(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Seconds of a clock that only goes forward. */
double time_now(void);

#endif
