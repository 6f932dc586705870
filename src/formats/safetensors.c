/* safetensors: 8 bytes that say how long the header is, the header, a JSON object that gives each
 * tensor's type, shape and place, then the data. The data must be covered without a hole and
 * without an overlap, to the last byte of the file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/str.h"
#include "formats/config.h"
#include "formats/format.h"

enum { LENGTH_BYTES = 8 };

struct header {
    struct weights *w;
    const struct file *f;
    uint32_t file;
    uint64_t data, data_bytes; /* where the data begin, and how many there are */
    char shown[STR_SHOW];      /* the name of the tensor that is read */
};

#define FAIL(h, fmt, ...)                                                                          \
    status_fail(ERR_MODEL, "%s: tensor '%s': " fmt, (h)->f->path, (h)->shown, __VA_ARGS__)

static enum status read_type(struct header *h, const json_t *entry, struct weights_tensor *t)
{
    static const struct {
        const char *name;
        enum quant_type type;
    } types[] = {{"F32", QUANT_F32}, {"F16", QUANT_F16}, {"BF16", QUANT_BF16}};
    char shown[STR_SHOW];
    const json_t *value = json_object_get(entry, "dtype");
    if (!json_is_string(value))
        return FAIL(h, "dtype is %s, expected a string", config_type(value));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!strcmp(json_string_value(value), types[i].name)) {
            t->type = types[i].type;
            return OK;
        }
    }
    return FAIL(h, "dtype is '%s', expected F32, F16 or BF16",
                str_show(shown, json_string_value(value), json_string_length(value)));
}

static enum status read_shape(struct header *h, const json_t *entry, struct weights_tensor *t)
{
    const json_t *shape = json_object_get(entry, "shape");
    uint64_t elements = 1;
    if (!json_is_array(shape))
        return FAIL(h, "shape is %s, expected an array", config_type(shape));
    size_t n = json_array_size(shape);
    if (n < 1 || n > WEIGHTS_MAX_DIMS)
        return FAIL(h, "shape has %zu dimensions, expected 1 to %d", n, WEIGHTS_MAX_DIMS);
    for (size_t i = 0; i < WEIGHTS_MAX_DIMS; i++)
        t->ne[i] = 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim))
            return FAIL(h, "dimension %zu is %s, expected an integer", i,
                        json_is_real(dim) ? "no whole number" : config_type(dim));
        json_int_t ne = json_integer_value(dim);
        if (ne < 1)
            return FAIL(h, "dimension %zu is %" JSON_INTEGER_FORMAT ", expected at least 1", i, ne);
        t->ne[n - 1 - i] = (uint64_t)ne;
        if (!mul_ok(elements, (uint64_t)ne, &elements))
            return FAIL(
                h, "dimension %zu is %" JSON_INTEGER_FORMAT ", which makes more than 2^64 values",
                i, ne);
    }
    t->n_dims = (uint32_t)n;
    if (!mul_ok(elements, quant_info(t->type)->bytes, &t->bytes))
        return FAIL(h, "%" PRIu64 " values of %s are more than 2^64 bytes", elements,
                    quant_info(t->type)->name);
    return OK;
}

static enum status read_place(struct header *h, const json_t *entry, struct weights_tensor *t)
{
    const json_t *place = json_object_get(entry, "data_offsets");
    if (!json_is_array(place) || json_array_size(place) != 2 ||
        !json_is_integer(json_array_get(place, 0)) || !json_is_integer(json_array_get(place, 1)))
        return FAIL(h, "data_offsets is %s, expected two integers",
                    json_is_array(place) ? "not that" : config_type(place));
    json_int_t begin = json_integer_value(json_array_get(place, 0));
    json_int_t end = json_integer_value(json_array_get(place, 1));
    if (begin < 0 || end < begin || (uint64_t)end > h->data_bytes)
        return FAIL(h,
                    "data_offsets are %" JSON_INTEGER_FORMAT " and %" JSON_INTEGER_FORMAT
                    ", but there are %" PRIu64 " bytes of data",
                    begin, end, h->data_bytes);
    if ((uint64_t)(end - begin) != t->bytes)
        return FAIL(h, "data_offsets span %" PRIu64 " bytes, but type and shape make %" PRIu64,
                    (uint64_t)(end - begin), t->bytes);
    t->offset = h->data + (uint64_t)begin;
    return OK;
}

static enum status read_entry(struct header *h, const char *name, const json_t *entry)
{
    struct weights_tensor *t;
    size_t length = strlen(name);
    str_show(h->shown, name, length);
    if (!length || length > WEIGHTS_MAX_NAME)
        return FAIL(h, "a name of %zu bytes, expected 1 to %d", length, WEIGHTS_MAX_NAME);
    if (!json_is_object(entry))
        return FAIL(h, "is %s, expected an object", config_type(entry));
    TRY(weights_add_tensor(h->w, &t));
    t->file = h->file;
    t->name = arena_strndup(&h->w->arena, name, length);
    if (!t->name)
        return ERR_MEMORY;
    TRY(read_type(h, entry, t));
    TRY(read_shape(h, entry, t));
    return read_place(h, entry, t);
}

static int by_place(const void *a, const void *b)
{
    const struct weights_tensor *x = *(const struct weights_tensor *const *)a;
    const struct weights_tensor *y = *(const struct weights_tensor *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Every byte of data belongs to one tensor. */
static enum status check_cover(struct header *h, uint32_t first)
{
    uint32_t n = h->w->n_tensors - first;
    uint64_t at = h->data;
    enum status s = OK;
    const struct weights_tensor **order = mem_calloc(n, sizeof *order);
    if (!order)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < n; i++)
        order[i] = &h->w->tensors[first + i];
    qsort(order, n, sizeof *order, by_place);
    for (uint32_t i = 0; i < n && s == OK; i++) {
        str_show(h->shown, order[i]->name, strlen(order[i]->name));
        if (order[i]->offset != at)
            s = FAIL(h,
                     "its data begin at offset %" PRIu64 ", but those before it end at %" PRIu64
                     " (%s)",
                     order[i]->offset, at, order[i]->offset < at ? "an overlap" : "a hole");
        at = order[i]->offset + order[i]->bytes;
    }
    if (s == OK && at != h->data + h->data_bytes)
        s = status_fail(ERR_MODEL,
                        "%s: data of tensors end at offset %" PRIu64 ", but the file has %" PRIu64
                        " bytes",
                        h->f->path, at, h->f->size);
    mem_free(order);
    return s;
}

static enum status read_header(struct header *h, uint64_t length)
{
    enum status s = OK;
    json_t *all;
    const char *name, *text;
    json_t *entry, *value;
    uint32_t first = h->w->n_tensors;
    TRY(config_parse(h->f, LENGTH_BYTES, length, "header", &all));
    json_object_foreach(all, name, entry)
    {
        if (strcmp(name, "__metadata__") != 0) {
            TRY_GOTO(read_entry(h, name, entry));
            continue;
        }
        if (!json_is_object(entry))
            TRY_GOTO(status_fail(ERR_MODEL, "%s: __metadata__ is %s, expected an object",
                                 h->f->path, config_type(entry)));
        json_object_foreach(entry, text, value)
        {
            if (!json_is_string(value))
                TRY_GOTO(status_fail(ERR_MODEL, "%s: __metadata__: '%s' is %s, expected a string",
                                     h->f->path, str_show(h->shown, text, strlen(text)),
                                     config_type(value)));
        }
    }
    TRY_GOTO(check_cover(h, first));
fail:
    json_decref(all);
    return s;
}

enum status safetensors_read(struct weights *w, uint32_t file)
{
    struct header h = {.w = w, .f = &w->files[file], .file = file};
    unsigned char raw[LENGTH_BYTES + 1];
    uint64_t length = 0;
    if (h.f->size < sizeof raw)
        return status_fail(ERR_MODEL,
                           "%s: has %" PRIu64 " bytes; a safetensors file has at least %zu",
                           h.f->path, h.f->size, sizeof raw);
    TRY(file_read(h.f, 0, sizeof raw, raw));
    for (int i = 0; i < LENGTH_BYTES; i++)
        length |= (uint64_t)raw[i] << 8 * i;
    if (!length || length > h.f->size - LENGTH_BYTES || length > CONFIG_MAX_BYTES)
        return status_fail(ERR_MODEL,
                           "%s: header's length at offset 0: is %" PRIu64 ", expected 1 to %" PRIu64
                           " (the limit is %d)",
                           h.f->path, length, h.f->size - LENGTH_BYTES, CONFIG_MAX_BYTES);
    if (raw[LENGTH_BYTES] != '{')
        return status_fail(ERR_MODEL, "%s: header at offset %d: begins with byte 0x%02x, not '{'",
                           h.f->path, LENGTH_BYTES, raw[LENGTH_BYTES]);
    h.data = LENGTH_BYTES + length;
    h.data_bytes = h.f->size - h.data;
    return read_header(&h, length);
}
