#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "formats/folder.h"

enum { BINS = 201, RATE = 16000 };

const char *folder_path(struct weights *w, const char *name)
{
    size_t n = strlen(w->path);
    return arena_printf(&w->arena, "%s%s%s", w->path, n && w->path[n - 1] == '/' ? "" : "/", name);
}

bool folder_has(struct weights *w, const char *name)
{
    const char *path = folder_path(w, name);
    return path && !access(path, F_OK);
}

enum status folder_open_file(struct weights *w, const char *name, uint32_t *file)
{
    const char *path = folder_path(w, name);
    return path ? weights_add_file(w, path, file) : ERR_MEMORY;
}

enum status folder_add_u32(struct weights *w, const char *key, uint32_t value)
{
    struct weights_meta *m;
    TRY(weights_add_meta(w, &m));
    *m = (struct weights_meta){.key = key, .type = META_U32, .count = 1, .u = value};
    return OK;
}

enum status folder_add_text(struct weights *w, const char *key, const char *text)
{
    struct weights_meta *m;
    TRY(weights_add_meta(w, &m));
    *m = (struct weights_meta){
        .key = key, .type = META_STRING, .count = 1, .str = {text, strlen(text)}};
    return OK;
}

/* ---- vocabulary --------------------------------------------------------------------------- */

/* The byte that a character stands for, as GPT-2 has it: printable ones are themselves, the others
 * follow from U+0100 on. -1 for any other character. */
static int byte_of(uint32_t c)
{
    if ((c > 32 && c < 127) || (c > 160 && c < 256 && c != 173))
        return (int)c;
    if (c < 256 || c > 256 + 67)
        return -1;
    c -= 256;
    return c < 33 ? (int)c : c < 67 ? (int)c + 127 - 33 : 173;
}

enum status folder_token(struct weights *w, const char *text, size_t length,
                         struct weights_str *out)
{
    char *bytes = arena_alloc(&w->arena, length + 1);
    uint64_t n = 0;
    if (!bytes)
        return ERR_MEMORY;
    for (size_t i = 0; i < length;) { /* the text is valid UTF-8 */
        unsigned char c = (unsigned char)text[i];
        int byte = -1;
        if (c < 0x80) {
            byte = byte_of(c);
            i += 1;
        } else if (c >= 0xc0 && c < 0xe0 && i + 1 < length) {
            byte = byte_of((c & 0x1fu) << 6 | (text[i + 1] & 0x3fu));
            i += 2;
        }
        if (byte < 0) {
            memcpy(bytes, text, length);
            n = length;
            break;
        }
        bytes[n++] = (char)byte;
    }
    *out = (struct weights_str){bytes, n};
    return OK;
}

enum status folder_add_tokens(struct weights *w, const struct weights_str *strs, uint64_t n)
{
    struct weights_meta *m;
    TRY(weights_add_meta(w, &m));
    *m = (struct weights_meta){.key = "tokenizer.ggml.tokens",
                               .type = META_ARRAY,
                               .item = META_STRING,
                               .count = n,
                               .strs = strs};
    return OK;
}

/* ---- lists of ids ------------------------------------------------------------------------- */

static enum status take_id(const char *file, const char *from, size_t i, const json_t *value,
                           uint32_t hi, int32_t *out)
{
    if (!json_is_integer(value))
        return status_fail(ERR_MODEL, "%s: %s: item %zu is %s, expected an integer", file, from, i,
                           json_is_real(value) ? "no whole number" : config_type(value));
    json_int_t id = json_integer_value(value);
    if (id < 0 || id > (json_int_t)hi)
        return status_fail(ERR_MODEL,
                           "%s: %s: item %zu is %" JSON_INTEGER_FORMAT ", expected 0 to %" PRIu32,
                           file, from, i, id, hi);
    *out = (int32_t)id;
    return OK;
}

enum status folder_add_ids(struct weights *w, const char *file, const json_t *object,
                           const char *from, bool pairs, uint32_t hi, const char *key)
{
    struct weights_meta *m;
    const json_t *list = json_object_get(object, from);
    size_t n = json_array_size(list), each = pairs ? 2 : 1;
    if (!list || json_is_null(list))
        return OK;
    if (!json_is_array(list))
        return status_fail(ERR_MODEL, "%s: %s is %s, expected an array", file, from,
                           config_type(list));
    int32_t *ids = arena_calloc(&w->arena, n * each, sizeof *ids);
    if (!ids)
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        if (pairs && (!json_is_array(item) || json_array_size(item) != 2))
            return status_fail(ERR_MODEL, "%s: %s: item %zu is %s, expected two integers", file,
                               from, i, json_is_array(item) ? "not that" : config_type(item));
        for (size_t k = 0; k < each; k++)
            TRY(take_id(file, from, i, pairs ? json_array_get(item, k) : item, hi,
                        &ids[i * each + k]));
    }
    TRY(weights_add_meta(w, &m));
    *m = (struct weights_meta){
        .key = key, .type = META_ARRAY, .item = META_I32, .count = n * each, .items = ids};
    return OK;
}

/* ---- mel filters -------------------------------------------------------------------------- */

/* Slaney's scale: linear below 1 kHz (mel 15), then 27 steps for a factor of 6.4. */
static double hertz(double mel)
{
    double step = log(6.4) / 27;
    return mel < 15 ? mel * (200.0 / 3) : 1000 * exp(step * (mel - 15));
}

enum status folder_add_filters(struct weights *w, uint32_t mels)
{
    struct weights_tensor *t;
    double top = 15 + log(RATE / 2 / 1000.0) / (log(6.4) / 27);
    float *values = arena_calloc(&w->arena, (size_t)mels * BINS, sizeof *values);
    struct weights_from *from = arena_alloc(&w->arena, sizeof *from);
    if (!values || !from)
        return ERR_MEMORY;
    for (uint32_t m = 0; m < mels; m++) {
        double low = hertz(top * m / (mels + 1)), middle = hertz(top * (m + 1) / (mels + 1));
        double high = hertz(top * (m + 2) / (mels + 1));
        for (uint32_t i = 0; i < BINS; i++) {
            double f = (double)RATE / 2 * i / (BINS - 1);
            double up = (f - low) / (middle - low), down = (high - f) / (high - middle);
            /* Rounded to float before the scale is taken, as librosa does. */
            float height = (float)fmax(0, fmin(up, down));
            values[m * BINS + i] = (float)(height * (2 / (high - low)));
        }
    }
    *from = (struct weights_from){.kind = FROM_MEMORY, .memory = values};
    TRY(weights_add_tensor(w, &t));
    *t = (struct weights_tensor){.name = "mel_filters",
                                 .type = QUANT_F32,
                                 .n_dims = 2,
                                 .ne = {BINS, mels, 1, 1},
                                 .bytes = sizeof(float) * BINS * mels,
                                 .from = from};
    return OK;
}
