/* config.h - private to this room: JSON beside the weights, and inside safetensors files.
 *
 * What is parsed is bounded before it is: CONFIG_MAX_BYTES of text, CONFIG_MAX_VALUES values,
 * CONFIG_MAX_DEPTH deep, which together cost at most some 80 MiB while they are held. Keys that
 * occur twice, what is no UTF-8, zero bytes and text behind the value are refused. All failures are
 * ERR_MODEL and name the file. */
#ifndef TAWNY_FORMATS_CONFIG_H
#define TAWNY_FORMATS_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"

enum { CONFIG_MAX_BYTES = 16 << 20, CONFIG_MAX_VALUES = 1 << 19, CONFIG_MAX_DEPTH = 32 };

/* A file, whole; the caller gives *out back with json_decref(). */
enum status config_read(const char *path, json_t **out);

/* Bytes of an open file that are an object; `what` is said of them ("header"). */
enum status config_parse(const struct file *f, uint64_t offset, uint64_t bytes, const char *what,
                         json_t **out);

/* A number of an object, which must be there; a bool, which is `def` where it is missing. */
enum status config_u32(const char *path, const json_t *object, const char *key, uint32_t lo,
                       uint32_t hi, uint32_t *out);
enum status config_bool(const char *path, const json_t *object, const char *key, bool def,
                        bool *out);

/* The name of a value's type: "an object", "a number", ... */
const char *config_type(const json_t *value);

#endif
