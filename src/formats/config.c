#include "formats/config.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Counts what the parser would make of the text, without making it. */
static enum status bound(const struct file *f, uint64_t offset, const char *what, const char *s,
                         uint64_t n)
{
    uint32_t depth = 0, values = 1;
    bool quoted = false;
    for (uint64_t i = 0; i < n; i++) {
        if (quoted && s[i] == '\\')
            i++;
        else if (s[i] == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (s[i] == '[' || s[i] == '{')
            depth++, values++;
        else if (s[i] == ',')
            values++;
        else if ((s[i] == ']' || s[i] == '}') && depth)
            depth--;
        if (depth > CONFIG_MAX_DEPTH)
            return status_fail(ERR_MODEL, "%s: %s at offset %" PRIu64 ": nested more than %d deep",
                               f->path, what, offset + i, CONFIG_MAX_DEPTH);
        if (values > CONFIG_MAX_VALUES)
            return status_fail(ERR_MODEL, "%s: %s at offset %" PRIu64 ": more than %d values",
                               f->path, what, offset + i, CONFIG_MAX_VALUES);
    }
    return OK;
}

enum status config_parse(const struct file *f, uint64_t offset, uint64_t bytes, const char *what,
                         json_t **out)
{
    enum status s;
    json_error_t e;
    char shown[STR_SHOW];
    *out = NULL;
    if (bytes > CONFIG_MAX_BYTES)
        return status_fail(ERR_MODEL,
                           "%s: %s at offset %" PRIu64 ": %" PRIu64
                           " bytes of JSON, but the limit is %d",
                           f->path, what, offset, bytes, CONFIG_MAX_BYTES);
    char *text = mem_alloc(bytes);
    if (!text)
        return ERR_MEMORY;
    TRY_GOTO(file_read(f, offset, bytes, text));
    TRY_GOTO(file_unchanged(f));
    TRY_GOTO(bound(f, offset, what, text, bytes));
    json_t *value = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &e);
    if (!value) {
        s = status_fail(ERR_MODEL, "%s: %s at offset %" PRIu64 ": %s", f->path, what,
                        offset + (uint64_t)(e.position > 0 ? e.position : 0),
                        str_show(shown, e.text, strlen(e.text)));
        goto fail;
    }
    *out = value;
    s = OK;
fail:
    mem_free(text);
    return s;
}

enum status config_read(const char *path, json_t **out)
{
    struct file f;
    *out = NULL;
    TRY(file_open(&f, path));
    enum status s = config_parse(&f, 0, f.size, "JSON", out);
    file_close(&f);
    return s;
}

const char *config_type(const json_t *value)
{
    if (!value)
        return "missing";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a bool";
    case JSON_NULL:
        break;
    }
    return "null";
}

enum status config_u32(const char *path, const json_t *object, const char *key, uint32_t lo,
                       uint32_t hi, uint32_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_real(value))
        return status_fail(ERR_MODEL, "%s: %s is %g, expected an integer", path, key,
                           json_real_value(value));
    if (!json_is_integer(value))
        return status_fail(ERR_MODEL, "%s: %s is %s, expected an integer", path, key,
                           config_type(value));
    json_int_t i = json_integer_value(value);
    if (i < (json_int_t)lo || i > (json_int_t)hi)
        return status_fail(ERR_MODEL,
                           "%s: %s is %" JSON_INTEGER_FORMAT ", expected %" PRIu32 " to %" PRIu32,
                           path, key, i, lo, hi);
    *out = (uint32_t)i;
    return OK;
}

enum status config_bool(const char *path, const json_t *object, const char *key, bool def,
                        bool *out)
{
    const json_t *value = json_object_get(object, key);
    *out = value ? json_is_true(value) : def;
    if (value && !json_is_boolean(value))
        return status_fail(ERR_MODEL, "%s: %s is %s, expected a bool", path, key,
                           config_type(value));
    return OK;
}
