/* A model in several files, NAME-00001-of-0000N.gguf and so on. Each is a GGUF file of its own and
 * says which part it is (split.no, from 0), of how many (split.count), and how many tensors all
 * parts hold together (split.tensors.count). The first part's metadata is the model's. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "formats/format.h"

enum { SUFFIX = sizeof "-00001-of-00001.gguf" - 1 };

/* The value of an integer key among `n` metas; `missing` if there is none. */
static enum status split_key(const char *path, const struct weights_meta *metas, uint32_t n,
                             const char *key, uint64_t missing, uint64_t *out)
{
    *out = missing;
    for (uint32_t i = 0; i < n; i++) {
        const struct weights_meta *m = &metas[i];
        if (strcmp(m->key, key))
            continue;
        bool sign =
            m->type == META_I8 || m->type == META_I16 || m->type == META_I32 || m->type == META_I64;
        bool plain =
            m->type == META_U8 || m->type == META_U16 || m->type == META_U32 || m->type == META_U64;
        if (!sign && !plain)
            return status_fail(ERR_MODEL, "%s: metadata '%s': is of type %s, expected an integer",
                               path, key, meta_type_name(m->type));
        if (sign && m->i < 0)
            return status_fail(ERR_MODEL, "%s: metadata '%s': is %" PRId64 ", expected 0 or more",
                               path, key, m->i);
        *out = m->u;
    }
    return OK;
}

static enum status expect_key(const char *path, const struct weights_meta *metas, uint32_t n,
                              const char *key, uint64_t expected, const char *first)
{
    uint64_t v;
    TRY(split_key(path, metas, n, key, UINT64_MAX, &v));
    if (v == UINT64_MAX)
        return status_fail(ERR_MODEL,
                           "%s: metadata '%s' is missing, but %s is a part of a split "
                           "model",
                           path, key, first);
    if (v != expected)
        return status_fail(ERR_MODEL,
                           "%s: metadata '%s': is %" PRIu64 ", expected %" PRIu64 " to go with %s",
                           path, key, v, expected, first);
    return OK;
}

/* Parts of two models that happen to have the same number of parts differ here. */
static enum status same_model(const struct weights *w, uint32_t file, uint32_t first_meta)
{
    static const char *const keys[] = {"general.architecture", "general.name"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const struct weights_meta *a = NULL, *b = NULL;
        for (uint32_t i = 0; i < w->n_metas; i++) {
            const struct weights_meta *m = &w->metas[i];
            if (m->type == META_STRING && !strcmp(m->key, keys[k]))
                *(i < first_meta ? &a : &b) = m;
        }
        char shown_a[STR_SHOW], shown_b[STR_SHOW];
        if (a && b && (a->str.len != b->str.len || memcmp(a->str.s, b->str.s, (size_t)a->str.len)))
            return status_fail(ERR_MODEL, "%s: metadata '%s': is '%s', but '%s' in %s",
                               w->files[file].path, keys[k],
                               str_show(shown_b, b->str.s, (size_t)b->str.len),
                               str_show(shown_a, a->str.s, (size_t)a->str.len), w->files[0].path);
    }
    return OK;
}

static enum status open_part(struct weights *w, uint64_t no, uint64_t count, uint64_t tensors)
{
    uint32_t file, version, first_meta = w->n_metas;
    const char *first = w->files[0].path;
    size_t stem = strlen(first) - SUFFIX;
    char *path = arena_printf(&w->arena, "%.*s-%05" PRIu64 "-of-%05" PRIu64 ".gguf", (int)stem,
                              first, no + 1, count);
    if (!path)
        return ERR_MEMORY;
    TRY(weights_add_file(w, path, &file));
    TRY(gguf_read_header(w, file, &version));
    first = w->files[0].path;
    const struct weights_meta *metas = w->metas + first_meta;
    uint32_t n = w->n_metas - first_meta;
    TRY(expect_key(path, metas, n, "split.no", no, first));
    TRY(expect_key(path, metas, n, "split.count", count, first));
    TRY(expect_key(path, metas, n, "split.tensors.count", tensors, first));
    TRY(same_model(w, file, first_meta));
    w->n_metas = first_meta;
    return OK;
}

enum status gguf_open_split(struct weights *w)
{
    const char *path = w->files[0].path;
    uint64_t no, count, tensors;
    char suffix[SUFFIX + 32];
    TRY(split_key(path, w->metas, w->n_metas, "split.count", 1, &count));
    TRY(split_key(path, w->metas, w->n_metas, "split.no", 0, &no));
    if (count <= 1 && no == 0)
        return OK;
    if (count > WEIGHTS_MAX_FILES)
        return status_fail(ERR_MODEL,
                           "%s: metadata 'split.count': is %" PRIu64 ", but the limit is %d", path,
                           count, WEIGHTS_MAX_FILES);
    if (no >= count)
        return status_fail(ERR_MODEL,
                           "%s: metadata 'split.no': is %" PRIu64 ", but 'split.count' is %" PRIu64,
                           path, no, count);
    if (no)
        return status_fail(ERR_MODEL,
                           "%s: metadata 'split.no': is %" PRIu64 ", expected 0: this is "
                           "part %" PRIu64 " of %" PRIu64
                           ", open the first one (-00001-of-%05" PRIu64 ".gguf)",
                           path, no, no + 1, count, count);
    TRY(split_key(path, w->metas, w->n_metas, "split.tensors.count", UINT64_MAX, &tensors));
    if (tensors == UINT64_MAX)
        return status_fail(ERR_MODEL,
                           "%s: metadata 'split.tensors.count' is missing, but "
                           "'split.count' is %" PRIu64,
                           path, count);
    snprintf(suffix, sizeof suffix, "-00001-of-%05" PRIu64 ".gguf", count);
    if (strlen(path) < SUFFIX || strcmp(path + strlen(path) - SUFFIX, suffix))
        return status_fail(ERR_MODEL,
                           "%s: is the first of %" PRIu64 " files, so its name must end "
                           "in %s",
                           path, count, suffix);
    for (uint64_t i = 1; i < count; i++)
        TRY(open_part(w, i, count, tensors));
    if (w->n_tensors != tensors)
        return status_fail(ERR_MODEL,
                           "%s: metadata 'split.tensors.count': is %" PRIu64 ", but the %" PRIu64
                           " files hold %" PRIu32 " tensors",
                           path, tensors, count, w->n_tensors);
    return OK;
}
