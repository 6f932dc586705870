/* CTranslate2's folders of Whisper models, as faster-whisper uses them: model.bin, config.json and
 * vocabulary.json or vocabulary.txt.
 *
 * model.bin is little-endian: version, kind and revision of the model, then variables (name, shape,
 * type, data) and, from version 3 on, other names for some of them. CTranslate2's own
 * model_spec.py writes it, model.cc reads it. Projections that are computed together lie in one
 * variable, row behind row; ctranslate2_model.c takes them apart. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/str.h"
#include "formats/ctranslate2.h"

enum {
    NEWEST = 6,
    NEWEST_REVISION = 3,
    MAX_VARIABLES = 1 << 16,
};

const struct ct2_type ct2_types[TYPES] = {
    [F32] = {"float32", 4, QUANT_F32}, [I8] = {"int8", 1, QUANT_F16},
    [I16] = {"int16", 2, QUANT_F32},   [I32] = {"int32", 4, QUANT_F32},
    [F16] = {"float16", 2, QUANT_F16}, [BF16] = {"bfloat16", 2, QUANT_BF16},
};

/* ---- reading model.bin -------------------------------------------------------------------- */

/* Length with the zero behind it (16 bits), text, zero. */
static enum status read_text(struct ct2 *c, const char *field, const char **out)
{
    unsigned char raw[2];
    char shown[STR_SHOW], *s;
    uint64_t at = c->r.pos;
    TRY(reader_bytes(&c->r, field, sizeof raw, raw));
    uint32_t n = raw[0] | (uint32_t)raw[1] << 8;
    if (n < 2 || n > MAX_NAME)
        return reader_fail(&c->r, field, at,
                           "is %" PRIu32 " bytes long with its zero, expected 2 to %d", n,
                           MAX_NAME);
    TRY(reader_has(&c->r, field, n));
    s = arena_alloc(&c->w->arena, n);
    if (!s)
        return ERR_MEMORY;
    TRY(reader_bytes(&c->r, field, n, s));
    if (s[n - 1] || memchr(s, 0, n - 1) || !str_utf8_valid(s, n - 1))
        return reader_fail(&c->r, field, at + 2, "'%s' is not text that ends with a zero",
                           str_show(shown, s, n));
    *out = s;
    return OK;
}

static enum status read_u8(struct ct2 *c, const char *field, uint32_t *out)
{
    unsigned char b;
    TRY(reader_bytes(&c->r, field, 1, &b));
    *out = b;
    return OK;
}

static enum status read_start(struct ct2 *c)
{
    uint32_t revision;
    uint64_t at = c->r.pos;
    const char *kind;
    char shown[STR_SHOW];
    reader_where(&c->r, "header");
    TRY(reader_u32(&c->r, "version", &c->version));
    /* Before version 2 a file did not say which kind of model it is. */
    if (c->version < 2 || c->version > NEWEST)
        return reader_fail(&c->r, "version", at, "is %" PRIu32 ", expected 2 to %d", c->version,
                           NEWEST);
    at = c->r.pos;
    TRY(read_text(c, "kind of model", &kind));
    if (strcmp(kind, "WhisperSpec") != 0)
        return reader_fail(&c->r, "kind of model", at,
                           "is '%s', expected 'WhisperSpec': of CTranslate2's models only "
                           "Whisper's are read",
                           str_show(shown, kind, strlen(kind)));
    at = c->r.pos;
    TRY(reader_u32(&c->r, "revision", &revision));
    if (revision < 1 || revision > NEWEST_REVISION)
        return reader_fail(&c->r, "revision", at, "is %" PRIu32 ", expected 1 to %d", revision,
                           NEWEST_REVISION);
    return OK;
}

static enum status read_type(struct ct2 *c, struct ct2_variable *v, uint64_t *stated)
{
    uint32_t type, n;
    uint64_t at = c->r.pos;
    TRY(read_u8(c, "type", &type));
    TRY(reader_u32(&c->r, c->version >= 4 ? "bytes" : "values", &n));
    *stated = n;
    if (c->version < 4) { /* what is given is the size of a value, and how many there are */
        if (type != 1 && type != 2 && type != 4)
            return reader_fail(&c->r, "size of a value", at, "is %" PRIu32 ", expected 1, 2 or 4",
                               type);
        *stated *= type;
        type = type == 1 ? I8 : type == 2 ? I16 : F32;
    }
    if (type >= TYPES)
        return reader_fail(&c->r, "type", at, "is %" PRIu32 ", expected 0 to %d", type, TYPES - 1);
    v->type = (enum ct2_number)type;
    return OK;
}

static enum status read_variable(struct ct2 *c, struct ct2_variable *v)
{
    char shown[STR_SHOW];
    uint64_t at, elements = 1, bytes, stated;
    TRY(read_text(c, "name", &v->name));
    reader_where(&c->r, "variable '%s'", str_show(shown, v->name, strlen(v->name)));
    at = c->r.pos;
    TRY(read_u8(c, "rank", &v->rank));
    if (v->rank > WEIGHTS_MAX_DIMS)
        return reader_fail(&c->r, "rank", at, "is %" PRIu32 ", expected 0 to %d", v->rank,
                           WEIGHTS_MAX_DIMS);
    for (uint32_t i = 0; i < v->rank; i++) {
        uint32_t dim;
        char field[16];
        snprintf(field, sizeof field, "dim %" PRIu32, i);
        at = c->r.pos;
        TRY(reader_u32(&c->r, field, &dim));
        v->shape[i] = dim;
        if (!dim || !mul_ok(elements, dim, &elements))
            return reader_fail(&c->r, field, at, "is %" PRIu32 "%s", dim,
                               dim ? ", which makes more than 2^64 values" : "");
    }
    at = c->r.pos;
    TRY(read_type(c, v, &stated));
    if (!mul_ok(elements, ct2_types[v->type].bytes, &bytes) || bytes != stated)
        return reader_fail(&c->r, "bytes", at + 1,
                           "is %" PRIu64 ", but %" PRIu64 " values of %s are expected", stated,
                           elements, ct2_types[v->type].name);
    TRY(reader_has(&c->r, "data", bytes));
    v->offset = c->r.pos;
    v->bytes = bytes;
    c->r.pos += bytes;
    return OK;
}

static int by_name(const void *a, const void *b)
{
    const struct ct2_variable *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* Among those that are sorted. */
struct ct2_variable *ct2_find(const struct ct2 *c, const char *name)
{
    const struct ct2_variable probe = {.name = name};
    return bsearch(&probe, c->all, c->sorted, sizeof *c->all, by_name);
}

static enum status sort(struct ct2 *c)
{
    char shown[STR_SHOW];
    qsort(c->all, c->n, sizeof *c->all, by_name);
    c->sorted = c->n;
    for (uint32_t i = 1; i < c->n; i++) {
        if (!by_name(&c->all[i - 1], &c->all[i]))
            return status_fail(
                ERR_MODEL,
                "%s: variable '%s' occurs twice, the data at offset %" PRIu64 " and at %" PRIu64,
                c->r.file->path, str_show(shown, c->all[i].name, strlen(c->all[i].name)),
                c->all[i - 1].offset, c->all[i].offset);
    }
    return OK;
}

/* Room for one more. */
static enum status add(struct ct2 *c, const struct ct2_variable *v)
{
    if (c->n == c->room) {
        uint32_t room = c->room ? 2 * c->room : 64;
        struct ct2_variable *more = mem_realloc(c->all, room * sizeof *more);
        if (!more)
            return ERR_MEMORY;
        c->all = more;
        c->room = room;
    }
    c->all[c->n++] = *v;
    return OK;
}

static enum status read_variables(struct ct2 *c)
{
    uint32_t n;
    uint64_t at = c->r.pos;
    TRY(reader_u32(&c->r, "number of variables", &n));
    if (!n || n > MAX_VARIABLES)
        return reader_fail(&c->r, "number of variables", at, "is %" PRIu32 ", expected 1 to %d", n,
                           MAX_VARIABLES);
    for (uint32_t i = 0; i < n; i++) {
        struct ct2_variable v = {0};
        reader_where(&c->r, "variable %" PRIu32, i);
        TRY(read_variable(c, &v));
        TRY(add(c, &v));
    }
    return sort(c);
}

/* Another name becomes another variable with the same data; its scale goes with it. */
static enum status add_alias(struct ct2 *c, const char *name, const char *of, uint64_t at)
{
    char shown[STR_SHOW], scale[MAX_NAME + 8];
    const struct ct2_variable *v = ct2_find(c, of);
    if (!v)
        return reader_fail(&c->r, "variable", at, "there is no '%s'",
                           str_show(shown, of, strlen(of)));
    struct ct2_variable copy = *v;
    copy.name = name;
    snprintf(scale, sizeof scale, "%s_scale", of);
    v = ct2_find(c, scale);
    struct ct2_variable second = v ? *v : copy;
    TRY(add(c, &copy));
    if (!v)
        return OK;
    second.name = arena_printf(&c->w->arena, "%s_scale", name);
    return second.name ? add(c, &second) : ERR_MEMORY;
}

static enum status read_aliases(struct ct2 *c)
{
    uint32_t n = 0;
    uint64_t at = c->r.pos;
    reader_where(&c->r, "other names");
    if (c->version >= 3)
        TRY(reader_u32(&c->r, "number", &n));
    if (n > MAX_VARIABLES || n > reader_left(&c->r) / 8)
        return reader_fail(&c->r, "number", at,
                           "is %" PRIu32 " (at least 8 bytes each, at most %d), but %" PRIu64
                           " bytes are left",
                           n, MAX_VARIABLES, reader_left(&c->r));
    for (uint32_t i = 0; i < n; i++) {
        const char *name, *of;
        TRY(read_text(c, "name", &name));
        at = c->r.pos;
        TRY(read_text(c, "variable", &of));
        TRY(add_alias(c, name, of, at));
    }
    if (reader_left(&c->r))
        return reader_fail(&c->r, "end", c->r.pos, "%" PRIu64 " bytes follow", reader_left(&c->r));
    return sort(c);
}

enum status ct2_read(struct ct2 *c)
{
    TRY(read_start(c));
    TRY(read_variables(c));
    return read_aliases(c);
}
