#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char message[1024];

enum status status_fail(enum status code, const char *fmt, ...)
{
    /* The arguments may hold the previous message, so it is not overwritten in place. */
    char text[sizeof message];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(message, sizeof message, "%s", text);
    return code;
}

const char *status_message(void)
{
    return message;
}

void status_clear(void)
{
    message[0] = 0;
}

const char *status_name(enum status s)
{
    static const char *const names[] = {"ok",     "error",  "usage", "model",
                                        "device", "memory", "lost",  "verify"};
    return (unsigned)s < sizeof names / sizeof *names ? names[s] : "unknown";
}
