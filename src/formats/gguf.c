/* GGUF: magic, version, counts, metadata, tensor infos, padding, tensor data; all little-endian.
 * The layout is that of the public specification (ggml's docs/gguf.md). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/str.h"
#include "formats/format.h"

enum {
    DEFAULT_ALIGNMENT = 32,
    MIN_META = 8 + 1 + 4 + 1,           /* key, type, the smallest value */
    MIN_TENSOR = 8 + 1 + 4 + 8 + 4 + 8, /* name, n_dims, one dim, type, offset */
};

struct gguf {
    struct weights *w;
    uint32_t file;
    uint32_t first_meta, first_tensor; /* of this file in w */
    uint64_t alignment;
    struct reader r;
};

/* ---- strings ------------------------------------------------------------------------------ */

/* A length and that many bytes, zero-terminated in the arena; at most `limit` bytes. */
static enum status read_string(struct gguf *g, const char *field, uint64_t limit,
                               struct weights_str *out)
{
    uint64_t at = g->r.pos;
    TRY(reader_u64(&g->r, field, &out->len));
    if (out->len > limit)
        return reader_fail(&g->r, field, at, "is %" PRIu64 " bytes long, but the limit is %" PRIu64,
                           out->len, limit);
    TRY(reader_has(&g->r, field, out->len));
    out->s = "";
    if (!out->len)
        return OK;
    char *s = arena_alloc(&g->w->arena, (size_t)out->len + 1);
    if (!s)
        return ERR_MEMORY;
    out->s = s;
    return reader_bytes(&g->r, field, out->len, s);
}

/* A key or name: not empty, UTF-8, no zero byte. */
static enum status read_name(struct gguf *g, const char *field, uint64_t limit, const char **out)
{
    struct weights_str str;
    char shown[STR_SHOW];
    uint64_t at = g->r.pos;
    TRY(read_string(g, field, limit, &str));
    if (!str.len)
        return reader_fail(&g->r, field, at, "is empty");
    str_show(shown, str.s, (size_t)str.len);
    if (memchr(str.s, 0, (size_t)str.len))
        return reader_fail(&g->r, field, at, "'%s' holds a zero byte", shown);
    if (!str_utf8_valid(str.s, (size_t)str.len))
        return reader_fail(&g->r, field, at, "'%s' is not valid UTF-8", shown);
    *out = str.s;
    return OK;
}

/* ---- metadata ----------------------------------------------------------------------------- */

static enum status read_type(struct gguf *g, const char *field, enum meta_type *out)
{
    uint32_t type;
    uint64_t at = g->r.pos;
    TRY(reader_u32(&g->r, field, &type));
    if (type > META_F64)
        return reader_fail(&g->r, field, at, "is %" PRIu32 ", but GGUF's value types are 0 to %d",
                           type, META_F64);
    *out = (enum meta_type)type;
    return OK;
}

static enum status read_scalar(struct gguf *g, struct weights_meta *m)
{
    uint64_t at = g->r.pos, bits = 0;
    unsigned char b[8];
    uint32_t bytes = meta_type_bytes(m->type), bits32;
    float f;
    TRY(reader_bytes(&g->r, "value", bytes, b));
    for (uint32_t i = 0; i < bytes; i++)
        bits |= (uint64_t)b[i] << (8 * i);
    switch (m->type) {
    case META_F32:
        bits32 = (uint32_t)bits;
        memcpy(&f, &bits32, sizeof f);
        m->f = (double)f;
        break;
    case META_F64:
        memcpy(&m->f, &bits, sizeof m->f);
        break;
    case META_I8:
        m->i = (int8_t)bits;
        break;
    case META_I16:
        m->i = (int16_t)bits;
        break;
    case META_I32:
        m->i = (int32_t)bits;
        break;
    case META_I64:
        m->i = (int64_t)bits;
        break;
    case META_BOOL:
        if (bits > 1)
            return reader_fail(&g->r, "value", at, "is %" PRIu64 ", but a bool is 0 or 1", bits);
        m->u = bits;
        break;
    default:
        m->u = bits;
    }
    return OK;
}

static enum status read_string_array(struct gguf *g, struct weights_meta *m)
{
    /* Every string has at least its length, so the count is bounded by the bytes left. */
    struct weights_str *strs = arena_calloc(&g->w->arena, (size_t)m->count, sizeof *strs);
    if (!strs)
        return ERR_MEMORY;
    m->strs = strs;
    for (uint64_t i = 0; i < m->count; i++) {
        g->r.item = i;
        g->r.in_items = true;
        TRY(read_string(g, "item", WEIGHTS_MAX_STRING, &strs[i]));
    }
    g->r.in_items = false;
    return OK;
}

static enum status read_array(struct gguf *g, struct weights_meta *m)
{
    uint64_t at = g->r.pos, bytes;
    TRY(read_type(g, "item type", &m->item));
    if (m->item == META_ARRAY)
        return reader_fail(&g->r, "item type", at, "is an array: arrays of arrays are not read");
    at = g->r.pos;
    TRY(reader_u64(&g->r, "item count", &m->count));
    uint32_t item = m->item == META_STRING ? 8 : meta_type_bytes(m->item);
    if (!mul_ok(m->count, item, &bytes) || bytes > reader_left(&g->r))
        return reader_fail(&g->r, "item count", at,
                           "is %" PRIu64 " (%s, at least %" PRIu32 " bytes each), but %" PRIu64
                           " bytes are left",
                           m->count, meta_type_name(m->item), item, reader_left(&g->r));
    if (m->item == META_STRING)
        return read_string_array(g, m);
    unsigned char *items = arena_alloc(&g->w->arena, (size_t)bytes);
    if (!items)
        return ERR_MEMORY;
    m->items = items;
    at = g->r.pos;
    TRY(reader_bytes(&g->r, "items", bytes, items));
    for (uint64_t i = 0; m->item == META_BOOL && i < m->count; i++)
        if (items[i] > 1)
            return reader_fail(&g->r, "items", at + i, "is %d, but a bool is 0 or 1", items[i]);
    return OK;
}

static enum status read_meta(struct gguf *g, uint64_t i)
{
    struct weights_meta *m;
    char shown[STR_SHOW];
    TRY(weights_add_meta(g->w, &m));
    m->key = "";
    reader_where(&g->r, "metadata %" PRIu64, i);
    TRY(read_name(g, "key", WEIGHTS_MAX_KEY, &m->key));
    reader_where(&g->r, "metadata '%s'", str_show(shown, m->key, strlen(m->key)));
    TRY(read_type(g, "type", &m->type));
    m->count = 1;
    if (m->type == META_STRING)
        return read_string(g, "value", WEIGHTS_MAX_STRING, &m->str);
    return m->type == META_ARRAY ? read_array(g, m) : read_scalar(g, m);
}

static enum status read_alignment(struct gguf *g)
{
    g->alignment = DEFAULT_ALIGNMENT;
    for (uint32_t i = g->first_meta; i < g->w->n_metas; i++) {
        const struct weights_meta *m = &g->w->metas[i];
        if (strcmp(m->key, "general.alignment"))
            continue;
        if (m->type != META_U32)
            return status_fail(ERR_MODEL, "%s: metadata '%s': is of type %s, expected u32",
                               g->r.file->path, m->key, meta_type_name(m->type));
        if (m->u < 8 || m->u > WEIGHTS_MAX_ALIGNMENT || (m->u & (m->u - 1)))
            return status_fail(ERR_MODEL,
                               "%s: metadata '%s': is %" PRIu64
                               ", expected a power of two from 8 to %d",
                               g->r.file->path, m->key, m->u, WEIGHTS_MAX_ALIGNMENT);
        g->alignment = m->u;
    }
    return OK;
}

/* ---- tensors ------------------------------------------------------------------------------ */

static enum status read_quant(struct gguf *g, enum quant_type *out)
{
    uint32_t type;
    uint64_t at = g->r.pos;
    char supported[256];
    size_t used = 0;
    TRY(reader_u32(&g->r, "type", &type));
    if (quant_from_gguf(type, out))
        return OK;
    const char *name = gguf_type_name(type);
    for (unsigned i = 0; i < QUANT_COUNT && used < sizeof supported; i++)
        used += (size_t)snprintf(supported + used, sizeof supported - used, "%s%s", i ? ", " : "",
                                 quant_info((enum quant_type)i)->name);
    return reader_fail(&g->r, "type", at, "is %" PRIu32 " (%s), which is not supported; %s are",
                       type, name ? name : "no GGUF type", supported);
}

static enum status read_shape(struct gguf *g, struct weights_tensor *t, uint64_t *elements)
{
    uint64_t at = g->r.pos;
    char field[16];
    TRY(reader_u32(&g->r, "n_dims", &t->n_dims));
    if (t->n_dims < 1 || t->n_dims > WEIGHTS_MAX_DIMS)
        return reader_fail(&g->r, "n_dims", at, "is %" PRIu32 ", expected 1 to %d", t->n_dims,
                           WEIGHTS_MAX_DIMS);
    *elements = 1;
    for (uint32_t i = 0; i < 4; i++) {
        t->ne[i] = 1;
        if (i >= t->n_dims)
            continue;
        snprintf(field, sizeof field, "dim %" PRIu32, i);
        at = g->r.pos;
        TRY(reader_u64(&g->r, field, &t->ne[i]));
        if (!t->ne[i])
            return reader_fail(&g->r, field, at, "is 0");
        if (!mul_ok(*elements, t->ne[i], elements) || *elements > INT64_MAX)
            return reader_fail(&g->r, field, at,
                               "is %" PRIu64 ", which makes more than 2^63 - 1 elements", t->ne[i]);
    }
    return OK;
}

static enum status read_tensor(struct gguf *g, uint64_t i)
{
    struct weights_tensor *t;
    char shown[STR_SHOW];
    uint64_t elements = 0;
    TRY(weights_add_tensor(g->w, &t));
    t->name = "";
    t->file = g->file;
    reader_where(&g->r, "tensor %" PRIu64, i);
    TRY(read_name(g, "name", WEIGHTS_MAX_NAME, &t->name));
    reader_where(&g->r, "tensor '%s'", str_show(shown, t->name, strlen(t->name)));
    uint64_t at = g->r.pos;
    TRY(read_shape(g, t, &elements));
    TRY(read_quant(g, &t->type));
    const struct quant *q = quant_info(t->type);
    if (t->ne[0] % q->block)
        return reader_fail(&g->r, "dim 0", at + 4,
                           "is %" PRIu64 ", but rows of %s are multiples of %" PRIu32, t->ne[0],
                           q->name, q->block);
    if (!mul_ok(elements / q->block, q->bytes, &t->bytes))
        return reader_fail(&g->r, "shape", at,
                           "%" PRIu64 " elements of %s are more than 2^64 bytes", elements,
                           q->name);
    return reader_u64(&g->r, "offset", &t->offset);
}

/* Tensors lie in the order of their infos, each padded to the alignment, with nothing between
 * them: so writers do it, and so nothing can overlap and nothing can hide in a gap. */
static enum status place_tensors(struct gguf *g)
{
    /* No sum of a place inside a file and an alignment wraps. */
    uint64_t expected = 0, data = align_up(g->r.pos, g->alignment), size = g->r.file->size;
    for (uint32_t i = g->first_tensor; i < g->w->n_tensors; i++) {
        struct weights_tensor *t = &g->w->tensors[i];
        char shown[STR_SHOW];
        uint64_t end;
        reader_where(&g->r, "tensor '%s'", str_show(shown, t->name, strlen(t->name)));
        if (t->offset % g->alignment)
            return status_fail(ERR_MODEL,
                               "%s: %s: offset is %" PRIu64
                               ", not a multiple of the alignment %" PRIu64,
                               g->r.file->path, g->r.where, t->offset, g->alignment);
        if (t->offset != expected)
            return status_fail(ERR_MODEL,
                               "%s: %s: offset is %" PRIu64
                               ", but the data before it ends at %" PRIu64 " (alignment %" PRIu64
                               ")",
                               g->r.file->path, g->r.where, t->offset, expected, g->alignment);
        if (!add_ok(data, t->offset, &t->offset) || !add_ok(t->offset, t->bytes, &end) ||
            end > size)
            return status_fail(ERR_MODEL,
                               "%s: %s: %" PRIu64 " bytes of data at offset %" PRIu64
                               " reach past the end of the file (%" PRIu64 " bytes)",
                               g->r.file->path, g->r.where, t->bytes, t->offset, size);
        expected = align_up(end - data, g->alignment);
    }
    return OK;
}

/* ---- the file ----------------------------------------------------------------------------- */

static enum status read_version(struct gguf *g, uint32_t *version)
{
    uint32_t magic;
    uint64_t at;
    TRY(reader_u32(&g->r, "magic", &magic));
    if (magic != 0x46554747)
        return reader_fail(&g->r, "magic", 0, "is 0x%08" PRIx32 ", expected 'GGUF' (0x46554747)",
                           magic);
    at = g->r.pos;
    TRY(reader_u32(&g->r, "version", version));
    if (*version && !(*version & 0xFFFF))
        return reader_fail(&g->r, "version", at,
                           "is 0x%08" PRIx32 ": the file is big-endian, only little-endian is read",
                           *version);
    if (*version < 2 || *version > 3)
        return reader_fail(&g->r, "version", at, "is %" PRIu32 ", versions 2 and 3 are read",
                           *version);
    return OK;
}

static enum status read_count(struct gguf *g, const char *field, uint64_t min_bytes, uint64_t *out)
{
    uint64_t at = g->r.pos;
    TRY(reader_u64(&g->r, field, out));
    if (*out > reader_left(&g->r) / min_bytes)
        return reader_fail(&g->r, field, at,
                           "is %" PRIu64 " (at least %" PRIu64 " bytes each), but %" PRIu64
                           " bytes are left",
                           *out, min_bytes, reader_left(&g->r));
    return OK;
}

enum status gguf_read_header(struct weights *w, uint32_t file, uint32_t *version)
{
    enum status s;
    uint64_t n_tensors, n_metas;
    struct gguf *g = mem_alloc(sizeof *g); /* the reader's buffer is large for a stack */
    if (!g)
        return ERR_MEMORY;
    g->w = w;
    g->file = file;
    g->first_meta = w->n_metas;
    g->first_tensor = w->n_tensors;
    reader_init(&g->r, &w->files[file], WEIGHTS_MAX_HEADER);
    reader_where(&g->r, "header");
    TRY_GOTO(read_version(g, version));
    TRY_GOTO(read_count(g, "n_tensors", MIN_TENSOR, &n_tensors));
    TRY_GOTO(read_count(g, "n_kv", MIN_META, &n_metas));
    for (uint64_t i = 0; i < n_metas; i++)
        TRY_GOTO(read_meta(g, i));
    TRY_GOTO(read_alignment(g));
    for (uint64_t i = 0; i < n_tensors; i++)
        TRY_GOTO(read_tensor(g, i));
    TRY_GOTO(place_tensors(g));
    s = file_unchanged(&w->files[file]);
fail:
    mem_free(g);
    return s;
}

enum status gguf_open(struct weights *w)
{
    uint32_t version;
    TRY(gguf_read_header(w, 0, &version));
    snprintf(w->format, sizeof w->format, "GGUF v%" PRIu32, version);
    return gguf_open_split(w);
}
