/* format.h - private to this room: what a reader of a file format fills in. */
#ifndef TAWNY_FORMATS_FORMAT_H
#define TAWNY_FORMATS_FORMAT_H

#include "base/file.h"
#include "base/mem.h"
#include "formats/weights.h"

struct weights {
    struct arena arena; /* every name, key, string and array */
    char format[16];
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

/* Reads the header of w->files[file]: metadata and tensors are appended. */
enum status gguf_read_header(struct weights *w, uint32_t file, uint32_t *version);

/* For a model of several files: opens and reads the others. */
enum status gguf_open_split(struct weights *w);

/* "IQ4_NL"; NULL for a number that GGUF does not have. */
const char *gguf_type_name(uint32_t type);

#endif
