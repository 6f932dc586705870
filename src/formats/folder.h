/* folder.h - private to this room: what readers of folders of a Whisper model share. */
#ifndef TAWNY_FORMATS_FOLDER_H
#define TAWNY_FORMATS_FOLDER_H

#include "formats/config.h"
#include "formats/format.h"

enum { FOLDER_MAX_MELS = 1 << 9 };

/* "FOLDER/NAME", in the weights' arena; NULL when there is no memory. */
const char *folder_path(struct weights *w, const char *name);
bool folder_has(struct weights *w, const char *name);
enum status folder_open_file(struct weights *w, const char *name, uint32_t *file);

enum status folder_add_u32(struct weights *w, const char *key, uint32_t value);
enum status folder_add_text(struct weights *w, const char *key, const char *text);

/* Tokens of text as byte-level BPE writes them; they become bytes. What is no such
 * text stays as it is. The text is copied. */
enum status folder_token(struct weights *w, const char *text, size_t length,
                         struct weights_str *out);
enum status folder_add_tokens(struct weights *w, const struct weights_str *strs, uint64_t n);

/* Integers from 0 to hi under json's key, a list or a list of pairs, as metadata; nothing where it
 * is missing or null. */
enum status folder_add_ids(struct weights *w, const char *file, const json_t *object,
                           const char *from, bool pairs, uint32_t hi, const char *key);

/* Slaney's mel filters of Whisper (n_fft 400, 16 kHz), as librosa computes them, as the tensor
 * "mel_filters" [201, mels]. */
enum status folder_add_filters(struct weights *w, uint32_t mels);

/* For a folder with a model.bin. */
enum status ctranslate2_open(struct weights *w);

/* An f16 or bf16 tensor of a file as F32. */
enum status folder_as_f32(struct weights *w, struct weights_tensor *t);

#endif
