#include "formats/weights.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "base/str.h"
#include "formats/format.h"

/* ---- making ------------------------------------------------------------------------------- */

enum status weights_add_file(struct weights *w, const char *path, uint32_t *index)
{
    struct file *files = mem_realloc(w->files, (w->n_files + 1) * sizeof *files);
    if (!files)
        return ERR_MEMORY;
    w->files = files;
    TRY(file_open(&w->files[w->n_files], path));
    *index = w->n_files++;
    return OK;
}

/* Room for item `n` of an array of `*room`. */
static enum status grow(void **items, uint32_t n, uint32_t *room, size_t size)
{
    if (n < *room)
        return OK;
    uint32_t more = *room ? *room * 2 : 64;
    void *p = mem_realloc(*items, more * size);
    if (!p)
        return ERR_MEMORY;
    *items = p;
    *room = more;
    return OK;
}

enum status weights_add_meta(struct weights *w, struct weights_meta **out)
{
    void *items = w->metas;
    TRY(grow(&items, w->n_metas, &w->room_metas, sizeof *w->metas));
    w->metas = items;
    *out = &w->metas[w->n_metas++];
    **out = (struct weights_meta){0};
    return OK;
}

enum status weights_add_tensor(struct weights *w, struct weights_tensor **out)
{
    void *items = w->tensors;
    TRY(grow(&items, w->n_tensors, &w->room_tensors, sizeof *w->tensors));
    w->tensors = items;
    *out = &w->tensors[w->n_tensors++];
    **out = (struct weights_tensor){0};
    return OK;
}

static int compare_metas(const void *a, const void *b)
{
    const struct weights_meta *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

static int compare_tensors(const void *a, const void *b)
{
    const struct weights_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

enum status weights_index(struct weights *w)
{
    char shown[STR_SHOW];
    mem_free(w->meta_index);
    mem_free(w->tensor_index);
    w->tensor_index = NULL;
    w->meta_index = mem_calloc(w->n_metas, sizeof *w->meta_index);
    if (!w->meta_index)
        return ERR_MEMORY;
    w->tensor_index = mem_calloc(w->n_tensors, sizeof *w->tensor_index);
    if (!w->tensor_index)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < w->n_metas; i++)
        w->meta_index[i] = &w->metas[i];
    for (uint32_t i = 0; i < w->n_tensors; i++)
        w->tensor_index[i] = &w->tensors[i];
    qsort(w->meta_index, w->n_metas, sizeof *w->meta_index, compare_metas);
    qsort(w->tensor_index, w->n_tensors, sizeof *w->tensor_index, compare_tensors);
    for (uint32_t i = 1; i < w->n_metas; i++) {
        const struct weights_meta *a = w->meta_index[i - 1], *b = w->meta_index[i];
        if (!strcmp(a->key, b->key))
            return status_fail(ERR_MODEL, "%s: metadata '%s' occurs twice, as %s and as %s",
                               weights_path(w), str_show(shown, a->key, strlen(a->key)),
                               meta_type_name(a->type), meta_type_name(b->type));
    }
    for (uint32_t i = 1; i < w->n_tensors; i++) {
        const struct weights_tensor *a = w->tensor_index[i - 1], *b = w->tensor_index[i];
        if (!strcmp(a->name, b->name))
            return status_fail(ERR_MODEL,
                               "%s: tensor '%s' occurs twice, at offset %" PRIu64
                               " and at offset %" PRIu64 " of %s",
                               w->files[a->file].path, str_show(shown, a->name, strlen(a->name)),
                               a->offset, b->offset, w->files[b->file].path);
    }
    return OK;
}

/* ---- opening ------------------------------------------------------------------------------ */

struct format {
    const char *name;
    const char *magic; /* the file's first four bytes */
    enum status (*open)(struct weights *w);
};

static const struct format formats[] = {
    {"GGUF", "GGUF", gguf_open},
    {"ggml .bin", "lmgg", ggml_open},
};

/* Of names that files of a folder have. */
static const char *folder_hint(const char *path)
{
    static const char *const ends[] = {".safetensors", "/model.bin"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t n = strlen(path), m = strlen(ends[i]);
        if (n >= m && !strcmp(path + n - m, ends[i]))
            return "; of a model that is a folder, give the folder";
    }
    return "";
}

static enum status open_by_content(struct weights *w)
{
    char magic[4] = {0}, shown[STR_SHOW];
    const struct file *f = &w->files[0];
    uint64_t n = f->size < sizeof magic ? f->size : sizeof magic;
    if (!n)
        return status_fail(ERR_MODEL, "%s: is empty (0 bytes), not a model file", f->path);
    TRY(file_read(f, 0, n, magic));
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (n == sizeof magic && !memcmp(magic, formats[i].magic, sizeof magic))
            return formats[i].open(w);
    return status_fail(
        ERR_MODEL,
        "%s: magic at offset 0: is '%s', but a model file begins with '%s' (%s) or '%s' "
        "(%s); the file has %" PRIu64 " bytes%s",
        f->path, str_show(shown, magic, (size_t)n), formats[0].magic, formats[0].name,
        formats[1].magic, formats[1].name, f->size, folder_hint(f->path));
}

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

enum status weights_open(const char *path, struct weights **out)
{
    enum status s = OK;
    uint32_t first;
    *out = NULL;
    struct weights *w = mem_alloc(sizeof *w);
    if (!w)
        return ERR_MEMORY;
    if (is_folder(path)) {
        w->path = arena_strndup(&w->arena, path, strlen(path));
        TRY_GOTO(w->path ? folder_open(w) : ERR_MEMORY);
    } else {
        TRY_GOTO(weights_add_file(w, path, &first));
        TRY_GOTO(open_by_content(w));
    }
    TRY_GOTO(weights_index(w));
    *out = w;
    return OK;
fail:
    weights_close(&w);
    return s;
}

void weights_close(struct weights **out)
{
    struct weights *w = *out;
    if (!w)
        return;
    for (uint32_t i = 0; i < w->n_files; i++)
        file_close(&w->files[i]);
    mem_free(w->files);
    mem_free(w->metas);
    mem_free(w->tensors);
    mem_free(w->meta_index);
    mem_free(w->tensor_index);
    arena_free(&w->arena);
    mem_free(w);
    *out = NULL;
}

/* ---- what there is ------------------------------------------------------------------------ */

static const struct {
    const char *name;
    uint32_t bytes;
} meta_types[] = {
    [META_U8] = {"u8", 1},       [META_I8] = {"i8", 1},     [META_U16] = {"u16", 2},
    [META_I16] = {"i16", 2},     [META_U32] = {"u32", 4},   [META_I32] = {"i32", 4},
    [META_F32] = {"f32", 4},     [META_BOOL] = {"bool", 1}, [META_STRING] = {"string", 0},
    [META_ARRAY] = {"array", 0}, [META_U64] = {"u64", 8},   [META_I64] = {"i64", 8},
    [META_F64] = {"f64", 8},
};

const char *meta_type_name(enum meta_type t)
{
    return meta_types[t].name;
}

uint32_t meta_type_bytes(enum meta_type t)
{
    return meta_types[t].bytes;
}

const char *weights_path(const struct weights *w)
{
    return w->path ? w->path : w->files[0].path;
}

const char *weights_format(const struct weights *w)
{
    return w->format;
}

uint32_t weights_file_count(const struct weights *w)
{
    return w->n_files;
}

const char *weights_file_path(const struct weights *w, uint32_t file)
{
    return w->files[file].path;
}

uint64_t weights_file_bytes(const struct weights *w, uint32_t file)
{
    return w->files[file].size;
}

uint64_t weights_tensor_bytes(const struct weights *w)
{
    uint64_t total = 0; /* no wrap: every tensor lies inside a file */
    for (uint32_t i = 0; i < w->n_tensors; i++)
        total += w->tensors[i].bytes;
    return total;
}

uint32_t weights_meta_count(const struct weights *w)
{
    return w->n_metas;
}

const struct weights_meta *weights_meta_at(const struct weights *w, uint32_t i)
{
    return &w->metas[i];
}

uint32_t weights_tensor_count(const struct weights *w)
{
    return w->n_tensors;
}

const struct weights_tensor *weights_tensor_at(const struct weights *w, uint32_t i)
{
    return &w->tensors[i];
}

const struct weights_meta *weights_find(const struct weights *w, const char *key)
{
    const struct weights_meta probe = {.key = key}, *p = &probe, **hit;
    hit = bsearch(&p, w->meta_index, w->n_metas, sizeof *w->meta_index, compare_metas);
    return hit ? *hit : NULL;
}

const struct weights_tensor *weights_tensor(const struct weights *w, const char *name)
{
    const struct weights_tensor probe = {.name = name}, *p = &probe, **hit;
    hit = bsearch(&p, w->tensor_index, w->n_tensors, sizeof *w->tensor_index, compare_tensors);
    return hit ? *hit : NULL;
}

/* ---- typed look-ups ----------------------------------------------------------------------- */

static enum status wrong_type(const struct weights *w, const struct weights_meta *m,
                              const char *expected)
{
    bool array = m->type == META_ARRAY;
    return status_fail(ERR_MODEL, "%s: metadata '%s': is %s%s, expected %s", weights_path(w),
                       m->key, array ? "an array of " : "of type ",
                       meta_type_name(array ? m->item : m->type), expected);
}

static enum status missing(const struct weights *w, const char *key, const char *expected)
{
    return status_fail(ERR_MODEL, "%s: metadata '%s' is missing, expected %s", weights_path(w), key,
                       expected);
}

enum status weights_need_u32(const struct weights *w, const char *key, uint32_t lo, uint32_t hi,
                             uint32_t *out)
{
    const struct weights_meta *m = weights_find(w, key);
    if (!m)
        return missing(w, key, "an integer");
    switch (m->type) {
    case META_U8:
    case META_U16:
    case META_U32:
    case META_U64:
        if (m->u >= lo && m->u <= hi) {
            *out = (uint32_t)m->u;
            return OK;
        }
        return status_fail(ERR_MODEL,
                           "%s: metadata '%s': is %" PRIu64 ", expected %" PRIu32 " to %" PRIu32,
                           weights_path(w), key, m->u, lo, hi);
    case META_I8:
    case META_I16:
    case META_I32:
    case META_I64:
        if (m->i >= (int64_t)lo && m->i <= (int64_t)hi) {
            *out = (uint32_t)m->i;
            return OK;
        }
        return status_fail(ERR_MODEL,
                           "%s: metadata '%s': is %" PRId64 ", expected %" PRIu32 " to %" PRIu32,
                           weights_path(w), key, m->i, lo, hi);
    default:
        return wrong_type(w, m, "an integer");
    }
}

enum status weights_u32(const struct weights *w, const char *key, uint32_t lo, uint32_t hi,
                        uint32_t def, uint32_t *out)
{
    if (weights_find(w, key))
        return weights_need_u32(w, key, lo, hi, out);
    *out = def;
    return OK;
}

enum status weights_need_f32(const struct weights *w, const char *key, double lo, double hi,
                             float *out)
{
    const struct weights_meta *m = weights_find(w, key);
    if (!m)
        return missing(w, key, "a number (f32)");
    if (m->type != META_F32 && m->type != META_F64)
        return wrong_type(w, m, "a number (f32)");
    if (!(m->f >= lo && m->f <= hi)) /* so that NaN is refused */
        return status_fail(ERR_MODEL, "%s: metadata '%s': is %g, expected %g to %g",
                           weights_path(w), key, m->f, lo, hi);
    *out = (float)m->f;
    return OK;
}

enum status weights_f32(const struct weights *w, const char *key, double lo, double hi, double def,
                        float *out)
{
    if (weights_find(w, key))
        return weights_need_f32(w, key, lo, hi, out);
    *out = (float)def;
    return OK;
}

enum status weights_bool(const struct weights *w, const char *key, bool def, bool *out)
{
    const struct weights_meta *m = weights_find(w, key);
    *out = def;
    if (!m)
        return OK;
    if (m->type != META_BOOL)
        return wrong_type(w, m, "a bool");
    *out = m->u != 0;
    return OK;
}

enum status weights_string(const struct weights *w, const char *key, struct weights_str *out)
{
    const struct weights_meta *m = weights_find(w, key);
    *out = (struct weights_str){NULL, 0};
    if (!m)
        return OK;
    if (m->type != META_STRING)
        return wrong_type(w, m, "a string");
    *out = m->str;
    return OK;
}

enum status weights_strings(const struct weights *w, const char *key,
                            const struct weights_str **out, uint64_t *count)
{
    const struct weights_meta *m = weights_find(w, key);
    *out = NULL;
    *count = 0;
    if (!m)
        return OK;
    if (m->type != META_ARRAY || m->item != META_STRING)
        return wrong_type(w, m, "an array of string");
    *out = m->strs;
    *count = m->count;
    return OK;
}

enum status weights_f32s(const struct weights *w, const char *key, const float **out,
                         uint64_t *count)
{
    const struct weights_meta *m = weights_find(w, key);
    *out = NULL;
    *count = 0;
    if (!m)
        return OK;
    if (m->type != META_ARRAY || m->item != META_F32)
        return wrong_type(w, m, "an array of f32");
    *out = m->items;
    *count = m->count;
    return OK;
}

enum status weights_i32s(const struct weights *w, const char *key, const int32_t **out,
                         uint64_t *count)
{
    const struct weights_meta *m = weights_find(w, key);
    *out = NULL;
    *count = 0;
    if (!m)
        return OK;
    if (m->type != META_ARRAY || (m->item != META_I32 && m->item != META_U32))
        return wrong_type(w, m, "an array of i32");
    const uint32_t *items = m->items;
    for (uint64_t i = 0; m->item == META_U32 && i < m->count; i++)
        if (items[i] > INT32_MAX)
            return status_fail(ERR_MODEL,
                               "%s: metadata '%s': item %" PRIu64 " is %" PRIu32
                               ", expected at most %" PRId32,
                               weights_path(w), key, i, items[i], INT32_MAX);
    *out = m->items;
    *count = m->count;
    return OK;
}

/* ---- tensors ------------------------------------------------------------------------------ */

/* "[64, 32]" */
static const char *show_shape(char out[STR_SHOW], const uint64_t *ne, uint32_t n)
{
    size_t used = 0;
    for (uint32_t i = 0; i < n && used < STR_SHOW; i++)
        used += (size_t)snprintf(out + used, STR_SHOW - used, "%s%" PRIu64, i ? ", " : "[", ne[i]);
    if (used < STR_SHOW)
        snprintf(out + used, STR_SHOW - used, "]");
    return out;
}

enum status weights_need_tensor(const struct weights *w, const char *name, const uint64_t *ne,
                                const struct weights_tensor **out)
{
    char is[STR_SHOW], want[STR_SHOW];
    uint32_t n = 0;
    while (n < 4 && ne[n])
        n++;
    const struct weights_tensor *t = weights_tensor(w, name);
    if (!t)
        return status_fail(ERR_MODEL, "%s: tensor '%s' is missing, expected shape %s",
                           weights_path(w), name, show_shape(want, ne, n));
    bool same = true;
    for (uint32_t i = 0; i < 4; i++)
        same = same && t->ne[i] == (i < n ? ne[i] : 1);
    if (!same)
        return status_fail(ERR_MODEL, "%s: tensor '%s': has shape %s, expected %s",
                           w->files[t->file].path, name, show_shape(is, t->ne, t->n_dims),
                           show_shape(want, ne, n));
    *out = t;
    return OK;
}

enum status weights_read(const struct weights *w, const struct weights_tensor *t, uint64_t offset,
                         uint64_t bytes, void *dst)
{
    const struct file *f = &w->files[t->file];
    if (offset > t->bytes || bytes > t->bytes - offset)
        return status_fail(ERR,
                           "%s: tensor '%s': read of %" PRIu64 " bytes at %" PRIu64
                           ", but it has %" PRIu64 " bytes",
                           f->path, t->name, bytes, offset, t->bytes);
    if (t->from)
        TRY(from_read(f, t, offset, bytes, dst));
    else
        TRY(file_read(f, t->offset + offset, bytes, dst));
    return file_unchanged(f);
}
