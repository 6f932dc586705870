/* The same small model as folders of several kinds gives the same tensors, to the bit where the
 * types are the same; mel filters are librosa's; and what else the files say is there.
 * tests/golden/make_folders.py makes the folders. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "formats/weights.h"

static struct weights *open_folder(const char *name)
{
    char path[4096];
    struct weights *w;
    const char *source = getenv("TAWNY_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/folders/%s", source ? source : ".", name);
    if (weights_open(path, &w) != OK)
        fail_msg("%s", status_message());
    assert_string_equal(weights_path(w), path);
    return w;
}

static void *read_all(const struct weights *w, const struct weights_tensor *t)
{
    void *out = mem_alloc(t->bytes);
    assert_non_null(out);
    if (weights_read(w, t, 0, t->bytes, out) != OK)
        fail_msg("%s", status_message());
    return out;
}

/* Every tensor of a is in b, and there are no more. */
static void assert_same_tensors(const struct weights *a, const struct weights *b)
{
    assert_int_equal(weights_tensor_count(a), weights_tensor_count(b));
    for (uint32_t i = 0; i < weights_tensor_count(a); i++) {
        const struct weights_tensor *x = weights_tensor_at(a, i);
        const struct weights_tensor *y = weights_tensor(b, x->name);
        if (!y)
            fail_msg("%s is not in %s", x->name, weights_path(b));
        if (x->type != y->type || x->bytes != y->bytes || memcmp(x->ne, y->ne, sizeof x->ne) != 0)
            fail_msg("%s: type or shape in %s", x->name, weights_path(b));
        void *left = read_all(a, x), *right = read_all(b, y);
        if (memcmp(left, right, x->bytes) != 0)
            fail_msg("%s: bits of %s", x->name, weights_path(b));
        mem_free(left);
        mem_free(right);
    }
}

static void assert_same_meta(const struct weights *a, const struct weights *b, const char *key)
{
    const struct weights_meta *x = weights_find(a, key), *y = weights_find(b, key);
    if (!x || !y)
        fail_msg("no %s", key);
    assert_int_equal(x->type, y->type);
    assert_int_equal(x->count, y->count);
    if (x->type == META_U32)
        assert_int_equal(x->u, y->u);
    else if (x->item == META_I32)
        assert_memory_equal(x->items, y->items, x->count * sizeof(int32_t));
}

static void assert_same_metas(const struct weights *a, const struct weights *b)
{
    static const char *const keys[] = {"whisper.vocab_size",
                                       "whisper.encoder.context_length",
                                       "whisper.encoder.embedding_length",
                                       "whisper.encoder.attention.head_count",
                                       "whisper.encoder.block_count",
                                       "whisper.decoder.context_length",
                                       "whisper.decoder.embedding_length",
                                       "whisper.decoder.attention.head_count",
                                       "whisper.decoder.block_count",
                                       "whisper.mels",
                                       "whisper.suppress_ids",
                                       "whisper.suppress_ids_begin",
                                       "whisper.alignment_heads"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_same_meta(a, b, keys[i]);
}

static double f16(uint16_t h)
{
    double rest = h & 1023, sign = h >> 15 ? -1 : 1;
    int exponent = h >> 10 & 31;
    return sign * (exponent ? ldexp(rest + 1024, exponent - 25) : ldexp(rest, -24));
}

static uint32_t u32(const struct weights *w, const char *key)
{
    uint32_t out;
    if (weights_need_u32(w, key, 0, UINT32_MAX, &out) != OK)
        fail_msg("%s", status_message());
    return out;
}

static void sizes_and_ids(void **state)
{
    (void)state;
    static const int32_t heads[] = {0, 1, 1, 0}, suppressed[] = {1, 2, 7};
    const int32_t *ids;
    uint64_t n;
    struct weights *w = open_folder("hf-float32");
    assert_string_equal(weights_format(w), "safetensors");
    assert_int_equal(u32(w, "whisper.encoder.block_count"), 1);
    assert_int_equal(u32(w, "whisper.decoder.block_count"), 2);
    assert_int_equal(u32(w, "whisper.encoder.attention.head_count"), 2);
    assert_int_equal(u32(w, "whisper.encoder.context_length"), 6);
    assert_int_equal(u32(w, "whisper.decoder.context_length"), 8);
    assert_int_equal(u32(w, "whisper.mels"), 4);
    assert_int_equal(weights_i32s(w, "whisper.alignment_heads", &ids, &n), OK);
    assert_int_equal(n, 4);
    assert_memory_equal(ids, heads, sizeof heads);
    assert_int_equal(weights_i32s(w, "whisper.suppress_ids", &ids, &n), OK);
    assert_int_equal(n, 3);
    assert_memory_equal(ids, suppressed, sizeof suppressed);
    weights_close(&w);
}

/* Of vocab.json, of tokenizer.json: the first 256 are the bytes, in GPT-2's order; then words. */
static void tokens_are_bytes(void **state)
{
    (void)state;
    static const char *const folders[] = {"hf-float32", "hf-bfloat16", "ct2-int8"};
    for (size_t f = 0; f < sizeof folders / sizeof *folders; f++) {
        bool seen[256] = {false};
        const struct weights_str *strs;
        uint64_t n;
        struct weights *w = open_folder(folders[f]);
        assert_int_equal(weights_strings(w, "tokenizer.ggml.tokens", &strs, &n), OK);
        assert_in_range(n, 260, 280);
        for (int i = 0; i < 256; i++) {
            assert_int_equal(strs[i].len, 1);
            seen[(unsigned char)strs[i].s[0]] = true;
        }
        for (int i = 0; i < 256; i++)
            assert_true(seen[i]);
        assert_int_equal(strs[0].s[0], '!');
        assert_int_equal(strs[188].s[0], 0);
        assert_int_equal(strs[220].s[0], ' ');
        assert_memory_equal(strs[256].s, " w256", strs[256].len);
        weights_close(&w);
    }
}

/* Vectors of a file in f16 or bf16 are F32; matrices stay as they are. */
static void types_are_kept(void **state)
{
    (void)state;
    static const struct {
        const char *folder;
        enum quant_type type;
    } cases[] = {{"hf-float32", QUANT_F32}, {"hf-float16", QUANT_F16}, {"hf-bfloat16", QUANT_BF16}};
    struct weights *exact = open_folder("hf-float32");
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct weights *w = open_folder(cases[c].folder);
        double limit = cases[c].type == QUANT_F16   ? 0x1p-11
                       : cases[c].type == QUANT_F32 ? 0
                                                    : 0x1p-8;
        assert_same_metas(w, exact);
        for (uint32_t i = 0; i < weights_tensor_count(w); i++) {
            const struct weights_tensor *t = weights_tensor_at(w, i);
            bool vector =
                t->n_dims == 1 || strstr(t->name, "positional") || !strcmp(t->name, "mel_filters");
            assert_int_equal(t->type, vector ? QUANT_F32 : cases[c].type);
            if (!vector)
                continue;
            float *got = read_all(w, t), *want = read_all(exact, weights_tensor(exact, t->name));
            for (uint64_t k = 0; k < t->bytes / 4; k++) {
                if (!(fabs((double)got[k] - want[k]) <= limit * fabs((double)want[k]) + 0x1p-25))
                    fail_msg("%s of %s: value %d is %g, not %g", t->name, cases[c].folder, (int)k,
                             (double)got[k], (double)want[k]);
            }
            mem_free(got);
            mem_free(want);
        }
        weights_close(&w);
    }
    weights_close(&exact);
}

/* Any part of a converted tensor is what lies there of the whole. */
static void parts_of_tensors(void **state)
{
    (void)state;
    static const char *const folders[] = {"hf-float16", "hf-bfloat16", "ct2-int8", "ct2-float16"};
    unsigned char part[64];
    for (size_t f = 0; f < sizeof folders / sizeof *folders; f++) {
        struct weights *w = open_folder(folders[f]);
        for (uint32_t i = 0; i < weights_tensor_count(w); i++) {
            const struct weights_tensor *t = weights_tensor_at(w, i);
            unsigned char *whole = read_all(w, t);
            for (uint64_t at = 0; at < t->bytes && at < 40; at++) {
                for (uint64_t n = 0; n <= 9 && at + n <= t->bytes; n++) {
                    assert_int_equal(weights_read(w, t, at, n, part), OK);
                    assert_memory_equal(part, whole + at, n);
                }
            }
            assert_int_equal(weights_read(w, t, t->bytes, 1, part), ERR);
            mem_free(whole);
        }
        weights_close(&w);
    }
}

/* CTranslate2's own converter, and transformers: the same bits. */
static void both_forms_are_the_same(void **state)
{
    (void)state;
    static const char *const kinds[] = {"float32", "float16", "bfloat16", "int8"};
    char name[64];
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const struct weights_str *as, *bs;
        uint64_t n, m;
        snprintf(name, sizeof name, "hf-%s", kinds[k]);
        struct weights *a = open_folder(name);
        snprintf(name, sizeof name, "ct2-%s", kinds[k]);
        struct weights *b = open_folder(name);
        assert_string_equal(weights_format(b), "CTranslate2 v6");
        assert_same_tensors(a, b);
        assert_same_metas(a, b);
        assert_int_equal(!weights_find(b, "ctranslate2.int8_read_as"), k < 3);
        assert_int_equal(weights_strings(a, "tokenizer.ggml.tokens", &as, &n), OK);
        assert_int_equal(weights_strings(b, "tokenizer.ggml.tokens", &bs, &m), OK);
        assert_int_equal(m, u32(b, "whisper.vocab_size"));
        assert_in_range(n, 260, m);
        for (uint64_t i = 0; i < n; i++) {
            assert_int_equal(as[i].len, bs[i].len);
            assert_memory_equal(as[i].s, bs[i].s, as[i].len);
        }
        weights_close(&a);
        weights_close(&b);
    }
}

/* A byte times its row's step, as near as F16 comes; the row's largest is what it was before. */
static void int8_keeps_what_it_holds(void **state)
{
    (void)state;
    struct weights *a = open_folder("hf-float32"), *b = open_folder("ct2-int8");
    for (uint32_t i = 0; i < weights_tensor_count(a); i++) {
        const struct weights_tensor *t = weights_tensor_at(b, i);
        const struct weights_tensor *x = weights_tensor(a, t->name);
        if (t->type != QUANT_F16)
            continue;
        float *exact = read_all(a, x);
        bool moved = false;
        uint16_t *half = read_all(b, t);
        uint64_t rows = t->ne[t->n_dims - 1], row = t->bytes / 2 / rows;
        for (uint64_t r = 0; r < rows; r++) {
            double most = 0;
            for (uint64_t k = 0; k < row; k++)
                most = fmax(most, fabs((double)exact[r * row + k]));
            for (uint64_t k = 0; k < row; k++) {
                double is = f16(half[r * row + k]), was = (double)exact[r * row + k];
                double limit = most / 254 * 1.0001 + fabs(was) * 0x1p-10;
                if (!(fabs(is - was) <= limit))
                    fail_msg("%s: %g became %g in a row up to %g", t->name, was, is, most);
                moved = moved || is != was;
            }
        }
        assert_true(moved);
        mem_free(exact);
        mem_free(half);
    }
    weights_close(&a);
    weights_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_ids),           cmocka_unit_test(tokens_are_bytes),
        cmocka_unit_test(types_are_kept),          cmocka_unit_test(parts_of_tensors),
        cmocka_unit_test(both_forms_are_the_same), cmocka_unit_test(int8_keeps_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
