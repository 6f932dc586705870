/* format.h - private to this room: what a reader of a file format fills in. */
#ifndef TAWNY_FORMATS_FORMAT_H
#define TAWNY_FORMATS_FORMAT_H

#include "base/file.h"
#include "base/mem.h"
#include "formats/weights.h"

/* Where a tensor's values come from when they are not the file's bytes. */
enum from_kind {
    FROM_MEMORY, /* made here */
    FROM_F16,    /* F32 of the file's f16 */
    FROM_BF16,   /* F32 of the file's bf16 */
    FROM_I8,     /* F16 of the file's signed bytes, each divided by its row's scale */
};

struct weights_from {
    enum from_kind kind;
    const void *memory;  /* FROM_MEMORY */
    const float *scales; /* FROM_I8: one a row, all above 0 */
    uint64_t row;        /* FROM_I8: values in a row */
};

struct weights {
    struct arena arena; /* every name, key, string and array */
    char format[24];
    const char *path; /* of a folder; NULL: the first file's */
    struct file *files;
    uint32_t n_files;
    struct weights_meta *metas;
    uint32_t n_metas, room_metas;
    struct weights_tensor *tensors;
    uint32_t n_tensors, room_tensors;
    /* Sorted by key and by name, for look-ups; made by weights_index(). */
    const struct weights_meta **meta_index;
    const struct weights_tensor **tensor_index;
};

/* Opens one more file; *index tells which. */
enum status weights_add_file(struct weights *w, const char *path, uint32_t *index);

/* Room for one more, zeroed; grows as they come, never by what a file promises. */
enum status weights_add_meta(struct weights *w, struct weights_meta **out);
enum status weights_add_tensor(struct weights *w, struct weights_tensor **out);

/* Makes the look-ups work and refuses keys and names that occur twice. May be called again after
 * more was added. */
enum status weights_index(struct weights *w);

/* w->files[0] is open; reads everything. */
enum status gguf_open(struct weights *w);

/* The same for a speech model as whisper.cpp ships it. */
enum status ggml_open(struct weights *w);

/* The same for a folder: w->path is set, no file is open. */
enum status folder_open(struct weights *w);

/* Reads the header of w->files[file], a safetensors file: its tensors are appended, with the names,
 * types (F32, F16 and BF16) and shapes that they have there. */
enum status safetensors_read(struct weights *w, uint32_t file);

/* Reads bytes of a tensor that has `from`. */
enum status from_read(const struct file *f, const struct weights_tensor *t, uint64_t offset,
                      uint64_t bytes, void *dst);

/* Reads the header of w->files[file]: metadata and tensors are appended. */
enum status gguf_read_header(struct weights *w, uint32_t file, uint32_t *version);

/* For a model of several files: opens and reads the others. */
enum status gguf_open_split(struct weights *w);

/* "IQ4_NL"; NULL for a number that GGUF does not have. */
const char *gguf_type_name(uint32_t type);

#endif
