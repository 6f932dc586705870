/* ggml .bin, as whisper.cpp ships speech models: magic, eleven numbers, the mel filters, the
 * vocabulary, then tensors to the end of the file, each a header and its data. All little-endian;
 * no alignment. The layout is what whisper.cpp's convert-pt-to-ggml.py writes; whisper_model_load()
 * reads it.
 *
 * Silero's models of voice activity have the same magic, then the length of a text and the text
 * "silero-16k", their version and shape, and the same tensors, of which one has no dimension
 * (convert-silero-vad-to-ggml.py). They are small: their F16 tensors are given as F32.
 *
 * Metadata get names like those of GGUF files. The filters become a tensor, "mel_filters". */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/str.h"
#include "formats/format.h"

enum {
    MAX_TENSORS = 1 << 16,
    MAX_TOKEN = 1 << 16,   /* bytes */
    VERSION_FACTOR = 1000, /* file type = 1000 * version of block types + type */
};

/* The numbers behind the magic, in order: what they may be. */
struct field {
    const char *key;
    uint32_t lo, hi;
};

static const struct field fields[] = {
    {"whisper.vocab_size", 1, 1 << 20},
    {"whisper.encoder.context_length", 1, 1 << 16},
    {"whisper.encoder.embedding_length", 1, 1 << 16},
    {"whisper.encoder.attention.head_count", 1, 1 << 10},
    {"whisper.encoder.block_count", 1, 1 << 10},
    {"whisper.decoder.context_length", 1, 1 << 16},
    {"whisper.decoder.embedding_length", 1, 1 << 16},
    {"whisper.decoder.attention.head_count", 1, 1 << 10},
    {"whisper.decoder.block_count", 1, 1 << 10},
    {"whisper.mels", 1, 1 << 10},
    {"general.file_type", 0, UINT32_MAX},
};

static const char silero[] = "silero-16k";
enum { SILERO_LEN = sizeof silero - 1 };

static const struct field silero_fields[] = {
    {"silero.version_major", 0, 1 << 10},  {"silero.version_minor", 0, 1 << 10},
    {"silero.version_patch", 0, 1 << 10},  {"silero.window", 1, 1 << 16},
    {"silero.context", 0, 1 << 16},        {"silero.encoder.block_count", 4, 4},
    {"silero.encoder.0.in", 1, 1 << 16},   {"silero.encoder.0.out", 1, 1 << 16},
    {"silero.encoder.0.taps", 1, 1 << 10}, {"silero.encoder.1.in", 1, 1 << 16},
    {"silero.encoder.1.out", 1, 1 << 16},  {"silero.encoder.1.taps", 1, 1 << 10},
    {"silero.encoder.2.in", 1, 1 << 16},   {"silero.encoder.2.out", 1, 1 << 16},
    {"silero.encoder.2.taps", 1, 1 << 10}, {"silero.encoder.3.in", 1, 1 << 16},
    {"silero.encoder.3.out", 1, 1 << 16},  {"silero.encoder.3.taps", 1, 1 << 10},
    {"silero.lstm.in", 1, 1 << 16},        {"silero.lstm.hidden", 1, 1 << 16},
    {"silero.final.in", 1, 1 << 16},       {"silero.final.out", 1, 1 << 16},
};

struct ggml {
    struct weights *w;
    struct reader r;
    bool is_silero;
};

static enum status add_u32(struct ggml *g, const char *key, uint32_t value)
{
    struct weights_meta *m;
    TRY(weights_add_meta(g->w, &m));
    *m = (struct weights_meta){.key = key, .type = META_U32, .count = 1, .u = value};
    return OK;
}

static enum status add_text(struct ggml *g, const char *key, const char *text)
{
    struct weights_meta *m;
    TRY(weights_add_meta(g->w, &m));
    *m = (struct weights_meta){
        .key = key, .type = META_STRING, .count = 1, .str = {text, strlen(text)}};
    return OK;
}

/* ---- header ------------------------------------------------------------------------------- */

static bool known_file_type(uint32_t type)
{
    /* F32, F16, Q4_0, Q4_1, Q8_0, Q5_0, Q5_1: ggml_ftype's numbers, not those of tensors. */
    static const uint8_t known[] = {0, 1, 2, 3, 7, 8, 9};
    for (size_t i = 0; i < sizeof known; i++) {
        if (type % VERSION_FACTOR == known[i])
            return true;
    }
    return false;
}

static enum status read_number(struct ggml *g, const struct field *f, uint32_t *value)
{
    uint64_t at = g->r.pos;
    TRY(reader_u32(&g->r, f->key, value));
    if (*value < f->lo || *value > f->hi)
        return reader_fail(&g->r, f->key, at, "is %" PRId32 ", expected %" PRIu32 " to %" PRIu32,
                           (int32_t)*value, f->lo, f->hi);
    return add_u32(g, f->key, *value);
}

static enum status read_numbers(struct ggml *g)
{
    uint32_t value = 0;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        TRY(read_number(g, &fields[i], &value));
    if (!known_file_type(value))
        return reader_fail(
            &g->r, "general.file_type", g->r.pos - 4,
            "is %" PRIu32 ", expected that of F32, F16, Q4_0, Q4_1, Q5_0, Q5_1 or Q8_0", value);
    return OK;
}

/* The magic, and which of the two kinds of file it is. */
static enum status read_kind(struct ggml *g)
{
    uint32_t magic, length = 0;
    char text[SILERO_LEN];
    TRY(reader_u32(&g->r, "magic", &magic));
    uint64_t at = g->r.pos;
    if (reader_left(&g->r) < 4 + SILERO_LEN)
        return OK;
    TRY(reader_u32(&g->r, "kind", &length));
    TRY(reader_bytes(&g->r, "kind", sizeof text, text));
    g->is_silero = length == SILERO_LEN && !memcmp(text, silero, SILERO_LEN);
    if (!g->is_silero)
        g->r.pos = at;
    return OK;
}

static enum status read_silero(struct ggml *g)
{
    uint32_t value;
    TRY(add_text(g, "general.architecture", "silero-vad"));
    for (size_t i = 0; i < sizeof silero_fields / sizeof *silero_fields; i++)
        TRY(read_number(g, &silero_fields[i], &value));
    return OK;
}

static enum status read_filters(struct ggml *g)
{
    struct weights_tensor *t;
    uint32_t mels, bins;
    uint64_t at = g->r.pos;
    reader_where(&g->r, "mel filters");
    TRY(reader_u32(&g->r, "n_mel", &mels));
    TRY(reader_u32(&g->r, "n_fft", &bins));
    if (!mels || mels > 1 << 10 || !bins || bins > 1 << 16)
        return reader_fail(&g->r, "n_mel, n_fft", at,
                           "are %" PRIu32 " and %" PRIu32 ", expected 1 to 1024 and 1 to 65536",
                           mels, bins);
    uint64_t bytes = 4ull * mels * bins;
    TRY(reader_has(&g->r, "values", bytes));
    TRY(weights_add_tensor(g->w, &t));
    *t = (struct weights_tensor){
        .name = "mel_filters",
        .type = QUANT_F32,
        .n_dims = 2,
        .ne = {bins, mels, 1, 1},
        .offset = g->r.pos,
        .bytes = bytes,
    };
    g->r.pos += bytes;
    return OK;
}

static enum status read_vocabulary(struct ggml *g)
{
    struct weights_meta *m;
    uint32_t n;
    uint64_t at = g->r.pos;
    reader_where(&g->r, "vocabulary");
    TRY(reader_u32(&g->r, "n_tokens", &n));
    if (!n || n > reader_left(&g->r) / 4)
        return reader_fail(&g->r, "n_tokens", at,
                           "is %" PRIu32 " (at least 4 bytes each), but %" PRIu64 " bytes are left",
                           n, reader_left(&g->r));
    struct weights_str *tokens = arena_calloc(&g->w->arena, n, sizeof *tokens);
    if (!tokens)
        return ERR_MEMORY;
    g->r.in_items = true;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t length;
        g->r.item = i;
        at = g->r.pos;
        TRY(reader_u32(&g->r, "token", &length));
        if (length > MAX_TOKEN)
            return reader_fail(&g->r, "token", at, "is %" PRId32 " bytes long, but the limit is %d",
                               (int32_t)length, MAX_TOKEN);
        TRY(reader_has(&g->r, "token", length));
        char *s = arena_alloc(&g->w->arena, length + 1);
        if (!s)
            return ERR_MEMORY;
        tokens[i] = (struct weights_str){s, length};
        TRY(reader_bytes(&g->r, "token", length, s));
    }
    g->r.in_items = false;
    TRY(weights_add_meta(g->w, &m));
    *m = (struct weights_meta){.key = "tokenizer.ggml.tokens",
                               .type = META_ARRAY,
                               .item = META_STRING,
                               .count = n,
                               .strs = tokens};
    return OK;
}

/* ---- tensors ------------------------------------------------------------------------------ */

static enum status read_shape(struct ggml *g, struct weights_tensor *t, uint32_t n_dims,
                              uint64_t *elements)
{
    *elements = 1;
    for (uint32_t i = 0; i < 4; i++) {
        char field[16];
        uint64_t at = g->r.pos;
        uint32_t dim;
        t->ne[i] = 1;
        if (i >= n_dims)
            continue;
        snprintf(field, sizeof field, "dim %" PRIu32, i);
        TRY(reader_u32(&g->r, field, &dim));
        if (!dim || dim > INT32_MAX)
            return reader_fail(&g->r, field, at, "is %" PRId32 ", expected 1 to %" PRId32,
                               (int32_t)dim, INT32_MAX);
        t->ne[i] = dim;
        if (!mul_ok(*elements, dim, elements) || *elements > INT64_MAX)
            return reader_fail(&g->r, field, at,
                               "is %" PRIu32 ", which makes more than 2^63 - 1 elements", dim);
    }
    t->n_dims = n_dims ? n_dims : 1;
    return OK;
}

static enum status read_name(struct ggml *g, uint32_t length, uint64_t length_at, const char **out)
{
    char shown[STR_SHOW];
    uint64_t at = g->r.pos;
    if (!length || length > WEIGHTS_MAX_NAME)
        return reader_fail(&g->r, "name's length", length_at, "is %" PRId32 ", expected 1 to %d",
                           (int32_t)length, WEIGHTS_MAX_NAME);
    char *s = arena_alloc(&g->w->arena, length + 1);
    if (!s)
        return ERR_MEMORY;
    TRY(reader_bytes(&g->r, "name", length, s));
    str_show(shown, s, length);
    if (memchr(s, 0, length) || !str_utf8_valid(s, length))
        return reader_fail(&g->r, "name", at, "'%s' is not text", shown);
    *out = s;
    return OK;
}

static enum status read_tensor(struct ggml *g, uint32_t number)
{
    struct weights_tensor *t;
    uint32_t n_dims, length, type;
    uint64_t at = g->r.pos, elements = 0;
    char shown[STR_SHOW];
    reader_where(&g->r, "tensor %" PRIu32, number);
    TRY(reader_u32(&g->r, "n_dims", &n_dims));
    uint32_t least = g->is_silero ? 0 : 1;
    if (n_dims < least || n_dims > WEIGHTS_MAX_DIMS)
        return reader_fail(&g->r, "n_dims", at, "is %" PRId32 ", expected %" PRIu32 " to %d",
                           (int32_t)n_dims, least, WEIGHTS_MAX_DIMS);
    TRY(weights_add_tensor(g->w, &t));
    TRY(reader_u32(&g->r, "name's length", &length));
    TRY(reader_u32(&g->r, "type", &type));
    TRY(read_shape(g, t, n_dims, &elements));
    TRY(read_name(g, length, at + 4, &t->name));
    reader_where(&g->r, "tensor '%s'", str_show(shown, t->name, length));
    if (!quant_from_gguf(type, &t->type)) {
        const char *name = gguf_type_name(type);
        return reader_fail(&g->r, "type", at + 8, "is %" PRIu32 " (%s), which is not supported",
                           type, name ? name : "no type of ggml");
    }
    const struct quant *q = quant_info(t->type);
    if (t->ne[0] % q->block)
        return reader_fail(&g->r, "dim 0", at + 12,
                           "is %" PRIu64 ", but rows of %s are multiples of %" PRIu32, t->ne[0],
                           q->name, q->block);
    if (!mul_ok(elements / q->block, q->bytes, &t->bytes))
        return reader_fail(&g->r, "shape", at + 12,
                           "%" PRIu64 " elements of %s are more than 2^64 bytes", elements,
                           q->name);
    TRY(reader_has(&g->r, "data", t->bytes));
    t->offset = g->r.pos;
    g->r.pos += t->bytes;
    if (g->is_silero && t->type == QUANT_F16) {
        static const struct weights_from widened = {.kind = FROM_F16};
        t->type = QUANT_F32;
        t->bytes *= 2;
        t->from = &widened;
    }
    return OK;
}

static enum status read_whisper(struct ggml *g)
{
    TRY(add_text(g, "general.architecture", "whisper"));
    TRY(read_numbers(g));
    TRY(read_filters(g));
    return read_vocabulary(g);
}

enum status ggml_open(struct weights *w)
{
    enum status s;
    struct ggml *g = mem_alloc(sizeof *g); /* the reader's buffer is large for a stack */
    if (!g)
        return ERR_MEMORY;
    g->w = w;
    reader_init(&g->r, &w->files[0], 0);
    reader_where(&g->r, "header");
    snprintf(w->format, sizeof w->format, "ggml .bin");
    TRY_GOTO(read_kind(g));
    TRY_GOTO(g->is_silero ? read_silero(g) : read_whisper(g));
    for (uint32_t i = 0; reader_left(&g->r); i++) {
        if (i == MAX_TENSORS)
            TRY_GOTO(reader_fail(&g->r, "tensor", g->r.pos,
                                 "is number %" PRIu32 ", but the limit is %d", i, MAX_TENSORS));
        TRY_GOTO(read_tensor(g, i));
    }
    s = file_unchanged(&w->files[0]);
fail:
    mem_free(g);
    return s;
}
