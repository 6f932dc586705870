/* The tokenizers against the libraries that models are made with: the answers kept in
 * tests/golden/tokens by tests/golden/make_tokens.py, and llama.cpp's cases in TAWNY_TEST_DATA. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engine/vocab.h"
#include "random_text.h"

static const char *source(void)
{
    const char *s = getenv("TAWNY_SOURCE");
    return s ? s : ".";
}

static void data_path(char *path, size_t size, const char *name, const char *end)
{
    const char *data = getenv("TAWNY_TEST_DATA");
    if (data)
        snprintf(path, size, "%s/vocab/%s.%s", data, name, end);
    else
        snprintf(path, size, "%s/../shared/data/vocab/%s.%s", source(), name, end);
}

/* NULL if there is no such file. */
static char *read_all(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *s = malloc(1 << 20);
    assert_non_null(s);
    *len = fread(s, 1, (1 << 20) - 1, f);
    s[*len] = 0;
    fclose(f);
    return s;
}

/* The tokenizer of a file with another pre-tokenizer. */
static struct tok *open_as(const char *path, const char *pre)
{
    struct weights *w;
    struct tok *t = NULL;
    struct arena a = {0};
    const struct weights_str *tokens, *merges;
    uint64_t n, n_merges, count;
    if (weights_open(path, &w) != OK)
        fail_msg("%s", status_message());
    if (!pre) {
        if (vocab_load(w, 0, &t) != OK)
            fail_msg("%s", status_message());
        weights_close(&w);
        return t;
    }
    assert_int_equal(weights_strings(w, "tokenizer.ggml.tokens", &tokens, &n), OK);
    assert_int_equal(weights_strings(w, "tokenizer.ggml.merges", &merges, &n_merges), OK);
    struct tok_str *text = arena_calloc(&a, n + n_merges, sizeof *text);
    for (uint64_t i = 0; i < n + n_merges; i++)
        text[i] = i < n ? (struct tok_str){tokens[i].s, tokens[i].len}
                        : (struct tok_str){merges[i - n].s, merges[i - n].len};
    struct tok_vocab v = {.family = TOK_BPE,
                          .pre = pre,
                          .text = text,
                          .n_tokens = (uint32_t)n,
                          .merges = text + n,
                          .n_merges = (uint32_t)n_merges,
                          .bos = TOK_NONE,
                          .eos = TOK_NONE,
                          .unk = TOK_NONE,
                          .pad = TOK_NONE,
                          .file = path};
    assert_int_equal(weights_i32s(w, "tokenizer.ggml.token_type", &v.kinds, &count), OK);
    assert_true(count == n);
    if (tok_create(&v, &t) != OK)
        fail_msg("%s", status_message());
    arena_free(&a);
    weights_close(&w);
    return t;
}

static uint64_t digest(uint64_t h, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i <= n; i++) {
        uint32_t v = i < n ? (uint32_t)ids[i] : 0xffffffffu;
        for (int k = 0; k < 4; k++, v >>= 8)
            h = (h ^ (v & 0xff)) * 0x100000001b3u;
    }
    return h;
}

/* 10,000 strings, a digest for each 100 of them. */
static void check_digests(const struct tok *t, const char *name)
{
    enum { COUNT = 10000, GROUP = 100 };
    static char text[RANDOM_TEXT_MAX];
    char path[1024];
    unsigned long long seed;
    int special, used;
    size_t len;
    snprintf(path, sizeof path, "%s/tests/golden/tokens/%s.txt", source(), name);
    char *golden = read_all(path, &len);
    if (!golden)
        fail_msg("cannot read %s", path);
    assert_int_equal(sscanf(golden, "seed %llu special %d%n", &seed, &special, &used), 2);
    const char *at = golden + used;
    uint64_t state = seed, h = 0;
    int32_t *ids = NULL;
    struct tok_encode_params p = {.special = special, .no_bos = true};
    for (int i = 0; i < COUNT; i++) {
        size_t n = 0;
        size_t bytes = random_text(&state, text);
        if (tok_encode(t, text, bytes, &p, &ids, &n) != OK)
            fail_msg("%s", status_message());
        h = digest(i % GROUP ? h : 0xcbf29ce484222325u, ids, n);
        if (i % GROUP == GROUP - 1) {
            char *end;
            unsigned long want = strtoul(at, &end, 16);
            if (end == at || want != h >> 32)
                fail_msg("%s: texts %d to %d of seed %llu: digest %08lx, expected %08lx", name,
                         i - GROUP + 1, i, seed, (unsigned long)(h >> 32), want);
            at = end;
        }
    }
    mem_free(ids);
    free(golden);
}

static void byte_level_as_tokenizers(void **state)
{
    static const char *const pres[] = {"gpt-2",    "starcoder",   "llama-bpe",      "dbrx",
                                       "qwen2",    "qwen35",      "tekken",         "gpt-4o",
                                       "tiny_aya", "deepseek-v3", "deepseek-coder", "chameleon"};
    (void)state;
    for (size_t i = 0; i < sizeof pres / sizeof *pres; i++) {
        char path[1024], name[64];
        snprintf(path, sizeof path, "%s/tests/golden/tokens/bpe.gguf", source());
        snprintf(name, sizeof name, "bpe.%s", pres[i]);
        struct tok *t = open_as(path, pres[i]);
        check_digests(t, name);
        tok_destroy(&t);
    }
}

static void as_sentencepiece(void **state)
{
    static const char *const names[] = {"spm", "spm-span"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        char path[1024], name[64];
        snprintf(path, sizeof path, "%s/tests/golden/tokens/%s.gguf", source(), names[i]);
        snprintf(name, sizeof name, "%s.default", names[i]);
        struct tok *t = open_as(path, NULL);
        check_digests(t, name);
        tok_destroy(&t);
    }
}

/* Vocabularies that are not the project's to keep. */
static void real_vocabularies(void **state)
{
    static const char *const names[][2] = {{"gpt-2", "gpt-2.gpt-2"},
                                           {"starcoder", "starcoder.starcoder"},
                                           {"llama-spm", "llama-spm.default"}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        char path[1024];
        data_path(path, sizeof path, names[i][0], "gguf");
        FILE *f = fopen(path, "rb");
        if (!f) {
            print_message("no %s (TAWNY_TEST_DATA)\n", path);
            skip();
        }
        fclose(f);
        struct tok *t = open_as(path, NULL);
        check_digests(t, names[i][1]);
        tok_destroy(&t);
    }
}

/* Texts in NAME.inp, each with a line behind it; ids in NAME.out, a line each. */
static void check_cases(const struct tok *t, const char *name, const char *in, size_t in_len,
                        const char *out)
{
    static const char mark[] = "\n__ggml_vocab_test__\n";
    int cases = 0;
    for (const char *end; (end = memmem(in, in_len, mark, strlen(mark))) != NULL; cases++) {
        struct tok_encode_params p = {.no_bos = true};
        int32_t *ids = NULL;
        size_t n = 0, at = 0;
        if (tok_encode(t, in, (size_t)(end - in), &p, &ids, &n) != OK)
            fail_msg("%s", status_message());
        for (; *out && *out != '\n'; at++) {
            char *next;
            long want = strtol(out, &next, 10);
            if (next == out)
                break;
            if (at >= n || want != ids[at])
                fail_msg("%s, case %d, \"%.*s\": token %zu is %ld, expected %ld", name, cases,
                         (int)(end - in), in, at, at < n ? (long)ids[at] : -1, want);
            out = next;
        }
        out += strcspn(out, "\n");
        out += *out == '\n';
        if (at != n)
            fail_msg("%s, case %d, \"%.*s\": %zu tokens, expected %zu", name, cases,
                     (int)(end - in), in, n, at);
        mem_free(ids);
        in_len -= (size_t)(end - in) + strlen(mark);
        in = end + strlen(mark);
    }
    assert_int_equal(cases, 46);
}

static void as_llama_cpp(void **state)
{
    static const char *const names[] = {"gpt-2", "starcoder", "deepseek-llm", "llama-spm", "phi-3"};
    (void)state;
    for (int i = 0; i < 5; i++) {
        char path[1024];
        size_t in_len, out_len;
        data_path(path, sizeof path, names[i], "inp");
        char *in = read_all(path, &in_len);
        data_path(path, sizeof path, names[i], "out");
        char *out = read_all(path, &out_len);
        data_path(path, sizeof path, names[i], "gguf");
        if (!in || !out) {
            print_message("no %s (TAWNY_TEST_DATA)\n", path);
            skip();
        }
        struct tok *t = open_as(path, NULL);
        check_cases(t, names[i], in, in_len, out);
        tok_destroy(&t);
        free(in);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_level_as_tokenizers),
        cmocka_unit_test(as_sentencepiece),
        cmocka_unit_test(real_vocabularies),
        cmocka_unit_test(as_llama_cpp),
    };
    return cmocka_run_group_tests_name("text golden", tests, NULL, NULL);
}
