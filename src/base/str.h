/* str.h - text that comes from a file: is it UTF-8, and how to show it in a message. */
#ifndef TAWNY_BASE_STR_H
#define TAWNY_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/* True for well-formed UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF). */
bool str_utf8_valid(const char *s, size_t len);

enum { STR_SHOW = 96 };

/* Any bytes as one short printable line: printable ASCII and valid UTF-8 as they are, everything
 * else as \xNN, cut with "..." so that it fits `out`. Returns out. */
const char *str_show(char out[STR_SHOW], const char *s, size_t len);

#endif
