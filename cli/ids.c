#include "ids.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum status ids_parse(const char *name, const char *text, size_t len, int32_t **ids, size_t *n)
{
    const char *p = text, *end = text + len;
    *n = 0;
    *ids = mem_calloc(len / 2 + 1, sizeof **ids);
    if (!*ids)
        return ERR_MEMORY;
    for (;;) {
        while (p < end && isspace((unsigned char)*p))
            p++;
        if (p == end)
            return OK;
        char *after;
        errno = 0;
        long v = strtol(p, &after, 10);
        bool ends = after == end || isspace((unsigned char)*after);
        if (after == p || !ends || errno || v < 0 || v > INT32_MAX) {
            char shown[STR_SHOW];
            const char *word = p;
            while (p < end && !isspace((unsigned char)*p))
                p++;
            mem_free(*ids);
            *ids = NULL;
            return status_fail(ERR_USAGE, "%s: word %zu is '%s', no token id", name, *n,
                               str_show(shown, word, (size_t)(p - word)));
        }
        (*ids)[(*n)++] = (int32_t)v;
        p = after;
    }
}
