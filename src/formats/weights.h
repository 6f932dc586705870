/* weights.h - what every file format is turned into: metadata and named tensor spans.
 *
 * Opening reads and checks the header only: every count, length and offset is held against the
 * file's size before anything is allocated from it, so a damaged file costs at most a few MiB and
 * some milliseconds, and the message names file, field or tensor, offset, value and limit.
 * Tensor data stays in the file and is read with weights_read() (pread, never mapped: a file that
 * shrinks is an error, not a signal). Nothing here knows the GPU or the models.
 *
 * A folder of several files is one model too: Hugging Face's of a Whisper model (config.json,
 * model.safetensors or the shards of model.safetensors.index.json, vocab.json or tokenizer.json,
 * generation_config.json). Its metadata and tensors get the names that a ggml .bin gives them; mel
 * filters, which it lacks, are made. Matrices keep the file's type (F32, F16, BF16); vectors and
 * tables of positions become F32, which is exact. CTranslate2's folders (model.bin of versions 2 to
 * 6, config.json, vocabulary.json or vocabulary.txt) are the same in float32, float16 and bfloat16.
 * Their int8 weights, with a scale a row, are read as F16: no block type here holds a float scale a
 * row. A weight, byte / scale, is rounded to the nearest F16, which moves it by at most 2^-11 of
 * itself (below 2^-14 by at most 2^-25), at most 1/8 of what int8 had moved it by.
 * It is twice the file's size in memory; the metadata "ctranslate2.int8_read_as" and the log tell.
 * What is known of suppressed ids and alignment
 * heads is metadata too: whisper.suppress_ids, whisper.suppress_ids_begin (arrays of i32) and
 * whisper.alignment_heads (the same: layer, head, layer, head, ...). */
#ifndef TAWNY_FORMATS_WEIGHTS_H
#define TAWNY_FORMATS_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "quant/quant.h"

/* GGUF's value types, in its own numbering. */
enum meta_type {
    META_U8,
    META_I8,
    META_U16,
    META_I16,
    META_U32,
    META_I32,
    META_F32,
    META_BOOL,
    META_STRING,
    META_ARRAY,
    META_U64,
    META_I64,
    META_F64
};

/* "u8", "string", ...; "array" for META_ARRAY. */
const char *meta_type_name(enum meta_type t);
/* Bytes of a fixed-size item; 0 for META_STRING and META_ARRAY. */
uint32_t meta_type_bytes(enum meta_type t);

struct weights_str {
    const char *s; /* not zero-terminated; may hold any bytes */
    uint64_t len;
};

struct weights_meta {
    const char *key; /* zero-terminated, valid UTF-8 */
    enum meta_type type;
    enum meta_type item; /* META_ARRAY: type of the items (never META_ARRAY) */
    uint64_t count;      /* META_ARRAY: items; else 1 */
    union {
        uint64_t u; /* unsigned and bool */
        int64_t i;
        double f;
        struct weights_str str;
        const void *items; /* fixed-size items, packed, native order */
        const struct weights_str *strs;
    };
};

struct weights_tensor {
    const char *name; /* zero-terminated */
    enum quant_type type;
    uint32_t n_dims;                 /* 1 to 4 */
    uint64_t ne[4];                  /* ne[0] is the contiguous one (a row); missing ones are 1 */
    uint32_t file;                   /* which file of a split model */
    uint64_t offset;                 /* of its first byte in that file */
    uint64_t bytes;                  /* as weights_read() gives them */
    const struct weights_from *from; /* private to formats; NULL: the bytes are as in the file */
};

struct weights; /* read-only, may be shared by threads */

/* What a file may hold; anything above is refused with the value and the limit. */
enum {
    WEIGHTS_MAX_HEADER = 100 << 20, /* bytes in front of the tensor data, of each file */
    WEIGHTS_MAX_KEY = 65535,        /* bytes */
    WEIGHTS_MAX_STRING = 1 << 20,   /* bytes */
    WEIGHTS_MAX_NAME = 64,          /* bytes of a tensor's name */
    WEIGHTS_MAX_DIMS = 4,
    WEIGHTS_MAX_ALIGNMENT = 1 << 20,
    WEIGHTS_MAX_FILES = 512, /* of a split model */
};

/* Recognises the format by content, of a folder by the names in it. A split GGUF is opened by its
 * first file's name (NAME-00001-of-0000N.gguf, the others beside it); its metadata is that of the
 * first file. On failure *out is NULL. */
enum status weights_open(const char *path, struct weights **out);
void weights_close(struct weights **w);

const char *weights_path(const struct weights *w); /* the first file, or the folder */
const char *
weights_format(const struct weights *w); /* "GGUF v3", "safetensors", "CTranslate2 v6" */
uint32_t weights_file_count(const struct weights *w); /* 1 unless the model is split */
const char *weights_file_path(const struct weights *w, uint32_t file);
uint64_t weights_file_bytes(const struct weights *w, uint32_t file);
uint64_t weights_tensor_bytes(const struct weights *w); /* of all tensors together */
uint32_t weights_meta_count(const struct weights *w);
const struct weights_meta *weights_meta_at(const struct weights *w, uint32_t i);
uint32_t weights_tensor_count(const struct weights *w);
const struct weights_tensor *weights_tensor_at(const struct weights *w, uint32_t i);

/* NULL if there is none. */
const struct weights_meta *weights_find(const struct weights *w, const char *key);
const struct weights_tensor *weights_tensor(const struct weights *w, const char *name);

/* Typed look-ups: any integer type that holds the value is taken for an integer, F32 and F64 for
 * a float; anything else is ERR_MODEL naming file, key, its type and what was expected, and so is a
 * value outside lo..hi. A missing key gives `def`; the _need forms make that an error. */
enum status weights_u32(const struct weights *w, const char *key, uint32_t lo, uint32_t hi,
                        uint32_t def, uint32_t *out);
enum status weights_need_u32(const struct weights *w, const char *key, uint32_t lo, uint32_t hi,
                             uint32_t *out);
enum status weights_f32(const struct weights *w, const char *key, double lo, double hi, double def,
                        float *out);
enum status weights_need_f32(const struct weights *w, const char *key, double lo, double hi,
                             float *out);
enum status weights_bool(const struct weights *w, const char *key, bool def, bool *out);
/* *out points into the weights; {NULL, 0} if missing. */
enum status weights_string(const struct weights *w, const char *key, struct weights_str *out);
/* An array of strings / of F32 / of I32 (or of U32 whose values all fit); *count = 0 if missing.
 * What *out points to lives as long as the weights. */
enum status weights_strings(const struct weights *w, const char *key,
                            const struct weights_str **out, uint64_t *count);
enum status weights_f32s(const struct weights *w, const char *key, const float **out,
                         uint64_t *count);
enum status weights_i32s(const struct weights *w, const char *key, const int32_t **out,
                         uint64_t *count);

/* A tensor that must be there with just this shape (0 in ne ends the list). */
enum status weights_need_tensor(const struct weights *w, const char *name, const uint64_t *ne,
                                const struct weights_tensor **out);

/* Reads bytes [offset, offset + bytes) of a tensor. Blocks; thread-safe. ERR_MODEL if the file has
 * been written to or cut since it was opened. */
enum status weights_read(const struct weights *w, const struct weights_tensor *t, uint64_t offset,
                         uint64_t bytes, void *dst);

#endif
