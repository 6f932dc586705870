/* The weights in GPU memory against the file's bytes, put into planes here: nothing of the kernels
 * that did so when the model was loaded is used. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "check/model/inside.h"
#include "formats/weights.h"

enum { SLICE = 8 << 20 };

/* One tensor, slice by slice. */
struct tensor {
    struct check_model *m;
    const struct weights *file;
    const struct weights_tensor *t;
    const struct quant *q;
    uint64_t addr, blocks;
    uint8_t *raw, *want, *got;
    struct hash hash[QUANT_MAX_PLANES], in_file[QUANT_MAX_PLANES]; /* of got, of want */
    uint64_t wrong, first; /* bytes; offset of the first one in GPU memory */
    uint8_t first_want, first_got;
};

static void compare(struct tensor *t, uint64_t at, uint64_t bytes)
{
    if (!memcmp(t->want, t->got, bytes))
        return;
    for (uint64_t i = 0; i < bytes; i++) {
        if (t->want[i] == t->got[i])
            continue;
        if (!t->wrong++ || at + i < t->first) {
            t->first = at + i;
            t->first_want = t->want[i];
            t->first_got = t->got[i];
        }
    }
}

/* Blocks [from, from + n): the file's are in t->raw. */
static enum status compare_blocks(struct tensor *t, uint64_t from, uint64_t n)
{
    for (uint32_t p = 0; p < t->q->planes; p++) {
        const struct quant_segment *seg = &t->q->plane[p];
        uint64_t at = quant_plane_offset(t->t->type, p, t->blocks) + from * seg->length;
        for (uint64_t i = 0; i < n; i++)
            memcpy(t->want + i * seg->length, t->raw + i * t->q->bytes + seg->offset, seg->length);
        TRY(gpu_download(t->m->gpu, t->got, t->addr + at, n * seg->length));
        hash_add(&t->hash[p], t->got, n * seg->length);
        hash_add(&t->in_file[p], t->want, n * seg->length);
        compare(t, at, n * seg->length);
    }
    return OK;
}

/* The hash of all planes. */
static uint64_t whole(const struct tensor *t, struct hash *planes)
{
    struct hash all;
    hash_start(&all);
    for (uint32_t p = 0; p < t->q->planes; p++) {
        uint64_t h = hash_end(&planes[p]);
        hash_add(&all, &h, sizeof h);
    }
    return hash_end(&all);
}

static void find_weights(struct tensor *t, uint64_t digest)
{
    uint64_t blocks = t->blocks;
    uint32_t plane = t->q->planes - 1;
    while (plane && quant_plane_offset(t->t->type, plane, blocks) > t->first)
        plane--;
    const struct quant_segment *seg = &t->q->plane[plane];
    uint64_t in_plane = t->first - quant_plane_offset(t->t->type, plane, blocks);
    uint64_t weight = in_plane / seg->length * t->q->block;
    struct check_finding *f = model_find(
        t->m, CHECK_BLAME_WEIGHTS, NULL, 0,
        "tensor %s (%s) in GPU memory is not what the file holds: %" PRIu64 " of %" PRIu64
        " bytes differ, first byte %" PRIu64 " (0x%02x, the file says 0x%02x), in the block of row "
        "%" PRIu64 ", column %" PRIu64 " (hash %016" PRIx64 ", of the file %016" PRIx64 ")",
        t->t->name, t->q->name, t->wrong, t->t->bytes, t->first, t->first_got, t->first_want,
        weight / t->t->ne[0], weight % t->t->ne[0], digest, whole(t, t->in_file));
    if (!f)
        return;
    f->wrong = t->wrong;
    f->values = t->t->bytes;
    snprintf(f->tensor, sizeof f->tensor, "%s", t->t->name);
}

static enum status check_tensor(struct tensor *t, uint64_t *done, uint64_t total)
{
    uint64_t step = SLICE / t->q->bytes;
    for (uint32_t p = 0; p < QUANT_MAX_PLANES; p++) {
        hash_start(&t->hash[p]);
        hash_start(&t->in_file[p]);
    }
    t->blocks = t->t->bytes / t->q->bytes;
    for (uint64_t at = 0; at < t->blocks; at += step) {
        uint64_t n = t->blocks - at < step ? t->blocks - at : step;
        TRY(model_progress(t->m, "weights", *done, total));
        TRY(weights_read(t->file, t->t, at * t->q->bytes, n * t->q->bytes, t->raw));
        TRY(compare_blocks(t, at, n));
        *done += n * t->q->bytes;
    }
    uint64_t digest = whole(t, t->hash);
    t->m->report.weights_digest = t->m->report.weights_digest * 0x100000001b3u ^ digest;
    if (t->wrong)
        find_weights(t, digest);
    return save_tensor(t->m, t->t->name, digest);
}

/* Where tensor i of the model lies. */
static uint64_t address_of(const struct check_model *m, uint32_t i)
{
    const struct model_tensor *t = &m->tensors[i];
    return t->weight ? t->weight->addr : *t->vector;
}

enum status model_check_weights(struct check_model *m)
{
    enum status s = OK;
    struct weights *file = NULL;
    struct model text = {0};
    struct whisper speech = {0};
    uint64_t done = 0;
    uint8_t *room = mem_alloc(3 * (size_t)SLICE);
    if (!room)
        return ERR_MEMORY;
    TRY_GOTO(weights_open(m->params.path, &file));
    TRY_GOTO(m->sm ? whisper_load(file, &speech) : model_load(file, &text));
    const struct model_tensor *described = m->sm ? speech.tensors : text.tensors;
    if ((m->sm ? speech.n_tensors : text.n_tensors) != m->n_tensors) {
        s = status_fail(ERR_MODEL, "%s has changed since it was loaded", m->params.path);
        goto fail;
    }
    for (uint32_t i = 0; i < m->n_tensors; i++) {
        const struct weights_tensor *f = described[i].file;
        struct tensor t = {.m = m,
                           .file = file,
                           .t = f,
                           .q = quant_info(f->type),
                           .addr = address_of(m, i),
                           .raw = room,
                           .want = room + SLICE,
                           .got = room + 2 * (size_t)SLICE};
        TRY_GOTO(check_tensor(&t, &done, m->report.weight_bytes));
        m->report.n_tensors++;
    }
fail:
    mem_free(room);
    model_unload(&text);
    whisper_unload(&speech);
    weights_close(&file);
    return s;
}
