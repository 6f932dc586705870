#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Length of the well-formed character at s, 0 if there is none. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || len < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return n;
}

bool str_utf8_valid(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    while (len) {
        size_t n = utf8_length(p, len);
        if (!n)
            return false;
        p += n;
        len -= n;
    }
    return true;
}

const char *str_show(char out[STR_SHOW], const char *s, size_t len)
{
    enum { DOTS = 4 }; /* "..." and the end */
    size_t used = 0;
    const unsigned char *p = (const unsigned char *)s;
    while (len) {
        char one[8];
        size_t n = utf8_length(p, len), room;
        /* C1 controls are well-formed, but a terminal may act on them. */
        bool plain = n && p[0] >= 0x20 && p[0] != 0x7F && !(n == 2 && p[0] == 0xC2 && p[1] < 0xA0);
        if (plain) {
            memcpy(one, p, n);
            room = n;
        } else {
            n = 1;
            room = (size_t)snprintf(one, sizeof one, "\\x%02x", p[0]);
        }
        if (used + room > STR_SHOW - DOTS) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        memcpy(out + used, one, room);
        used += room;
        p += n;
        len -= n;
    }
    out[used] = 0;
    return out;
}
