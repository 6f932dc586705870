/* status.h - what a call that can fail returns, and the one message that goes with it.
 *
 * A function that can fail returns `enum status`. At the cause, and only there, it says what
 * happened with status_fail(): which file, tensor, operation or request, the value and the limit.
 * Callers pass the status up with TRY() or `goto fail`; they add no text of their own.
 * The message is kept per thread, so that the library can hand it to its caller. */
#ifndef TAWNY_BASE_STATUS_H
#define TAWNY_BASE_STATUS_H

/* The values are the program's exit codes (and `enum tawny_status` in tawny.h). */
enum status {
    OK = 0,
    ERR = 1,        /* anything without a code of its own: I/O, full context, internal */
    ERR_USAGE = 2,  /* the caller asked for something that does not exist or does not fit */
    ERR_MODEL = 3,  /* model file missing, damaged, or of a kind that is not supported */
    ERR_DEVICE = 4, /* no Vulkan device, or one without a needed feature */
    ERR_MEMORY = 5, /* not enough memory, on the GPU or on the host */
    ERR_LOST = 6,   /* the GPU was lost, or did not answer within its time budget */
    ERR_VERIFY = 7, /* a verification found a mismatch */
};

/* Records the message (printf style, no newline, cut at 1023 bytes) for this thread and returns
 * `code`, so that `return status_fail(ERR_MODEL, "...")` is the whole error path. */
enum status status_fail(enum status code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The message of this thread's last status_fail(); "" if there was none. Valid until the next. */
const char *status_message(void);

/* Forgets the message. */
void status_clear(void);

/* "ok", "error", "usage", "model", "device", "memory", "lost", "verify". */
const char *status_name(enum status s);

#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum status try_s_ = (call);                                                               \
        if (try_s_ != OK)                                                                          \
            return try_s_;                                                                         \
    } while (0)

/* For functions with a `fail:` label and a local `enum status s`. */
#define TRY_GOTO(call)                                                                             \
    do {                                                                                           \
        s = (call);                                                                                \
        if (s != OK)                                                                               \
            goto fail;                                                                             \
    } while (0)

#endif
