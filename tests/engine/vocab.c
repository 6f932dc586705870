/* Tokenizers out of model files: what a file may leave out, and what cannot be right (families T20
 * to T22 of malformed input). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "engine/vocab.h"

/* ---- a GGUF file of metadata alone, written here ---- */

enum { U8 = 0, U32 = 4, I32 = 5, F32 = 6, BOOL = 7, STRING = 8, ARRAY = 9, U64 = 10 };

struct gguf {
    unsigned char bytes[1 << 16];
    size_t len, at_count;
    uint64_t n_kv;
};

static void put(struct gguf *g, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++, v >>= 8)
        g->bytes[g->len++] = (unsigned char)v;
}

static void put_str(struct gguf *g, const char *s)
{
    put(g, strlen(s), 8);
    memcpy(g->bytes + g->len, s, strlen(s));
    g->len += strlen(s);
}

static void put_key(struct gguf *g, const char *key, int type)
{
    put_str(g, key);
    put(g, (uint64_t)type, 4);
    g->n_kv++;
}

static void put_string(struct gguf *g, const char *key, const char *value)
{
    put_key(g, key, STRING);
    put_str(g, value);
}

static void put_u32(struct gguf *g, const char *key, int type, uint32_t v)
{
    put_key(g, key, type);
    put(g, v, type == BOOL || type == U8 ? 1 : 4);
}

/* n numbers that are all v. */
static void put_array(struct gguf *g, const char *key, int type, uint64_t n, uint32_t v)
{
    put_key(g, key, ARRAY);
    put(g, (uint64_t)type, 4);
    put(g, n, 8);
    for (uint64_t i = 0; i < n; i++)
        put(g, v, type == U8 ? 1 : 4);
}

static void put_strings(struct gguf *g, const char *key, const char *const *s, size_t n)
{
    put_key(g, key, ARRAY);
    put(g, STRING, 4);
    put(g, n, 8);
    for (size_t i = 0; i < n; i++)
        put_str(g, s[i]);
}

static void start(struct gguf *g)
{
    memset(g, 0, sizeof *g);
    memcpy(g->bytes, "GGUF", 4);
    g->len = 4;
    put(g, 3, 4);
    put(g, 0, 8);
    g->at_count = g->len;
    put(g, 0, 8);
    put_string(g, "general.architecture", "llama");
}

static char path[] = "/tmp/tawny-vocab-XXXXXX";

static enum status load(struct gguf *g, uint32_t rows, struct tok **t, enum chat_form *form)
{
    struct weights *w;
    memcpy(g->bytes + g->at_count, &g->n_kv, 8);
    while (g->len % 32)
        g->bytes[g->len++] = 0;
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(g->bytes, 1, g->len, f), g->len);
    fclose(f);
    *t = NULL;
    if (weights_open(path, &w) != OK)
        fail_msg("%s", status_message());
    enum status s = vocab_load(w, rows, t);
    if (form)
        assert_int_equal(vocab_chat_form(w, form), OK);
    weights_close(&w);
    return s;
}

static void refused(struct gguf *g, uint32_t rows, const char *message)
{
    struct tok *t;
    double from = time_now();
    status_clear();
    assert_int_equal(load(g, rows, &t, NULL), ERR_MODEL);
    assert_null(t);
    if (!strstr(status_message(), message) || !strstr(status_message(), path))
        fail_msg("\"%s\" does not say \"%s\" or does not name the file", status_message(), message);
    assert_true(time_now() - from < 1.0);
}

static struct tok *loads(struct gguf *g)
{
    struct tok *t;
    if (load(g, 0, &t, NULL) != OK)
        fail_msg("%s", status_message());
    return t;
}

static const char *const spm_tokens[] = {"<unk>", "<s>",        "</s>",    "\xe2\x96\x81",
                                         "a",     "<|im_end|>", "<|end|>", "b"};
enum { N_SPM = 8 };
static const char *const bpe_tokens[] = {"a", "b", "ab", "<|endoftext|>", "<|eot_id|>", "\xc4\xa0"};
enum { N_BPE = 6 };
static const char *const merges[] = {"a b"};

#define KEY "tokenizer.ggml."

static void start_spm(struct gguf *g)
{
    start(g);
    put_string(g, KEY "model", "llama");
    put_strings(g, KEY "tokens", spm_tokens, N_SPM);
}

static void start_bpe(struct gguf *g, const char *pre)
{
    start(g);
    put_string(g, KEY "model", "gpt2");
    if (pre)
        put_string(g, KEY "pre", pre);
    put_strings(g, KEY "tokens", bpe_tokens, N_BPE);
    put_strings(g, KEY "merges", merges, 1);
}

static struct gguf g;

static void what_a_file_leaves_out(void **state)
{
    (void)state;
    start_spm(&g);
    put_array(&g, KEY "scores", F32, N_SPM, 0);
    struct tok *t = loads(&g);
    assert_int_equal(tok_bos(t), 1);
    assert_int_equal(tok_eos(t), 2);
    assert_true(tok_add_bos(t));
    assert_true(tok_is_eog(t, 2) && tok_is_eog(t, 5) && tok_is_eog(t, 6) && !tok_is_eog(t, 4));
    /* control tokens by their text, though the file says nothing */
    assert_int_equal(tok_piece(t, 5, false).len, 0);
    assert_int_equal(tok_piece(t, 4, false).len, 1);
    tok_destroy(&t);

    start_bpe(&g, NULL);
    t = loads(&g);
    assert_int_equal(tok_bos(t), TOK_NONE);
    assert_int_equal(tok_eos(t), TOK_NONE);
    assert_false(tok_add_bos(t));
    assert_true(tok_is_eog(t, 3) && tok_is_eog(t, 4) && !tok_is_eog(t, 2));
    tok_destroy(&t);

    start_bpe(&g, "llama-bpe");
    put_u32(&g, KEY "bos_token_id", U32, 3);
    t = loads(&g);
    assert_true(tok_add_bos(t));
    tok_destroy(&t);

    start_bpe(&g, "llama-bpe");
    put_u32(&g, KEY "add_bos_token", BOOL, 0);
    put_u32(&g, KEY "eot_token_id", U32, 1);
    t = loads(&g);
    assert_false(tok_add_bos(t));
    assert_true(tok_is_eog(t, 1));
    tok_destroy(&t);
}

static void chat_form_of_the_template(void **state)
{
    struct tok *t;
    enum chat_form form;
    (void)state;
    start_bpe(&g, "gpt-2");
    assert_int_equal(load(&g, 0, &t, &form), OK);
    assert_int_equal(form, CHAT_PLAIN);
    tok_destroy(&t);
    start_bpe(&g, "gpt-2");
    put_string(&g, "tokenizer.chat_template", "<|im_start|>{{ x }}<|im_end|>");
    assert_int_equal(load(&g, 0, &t, &form), OK);
    assert_int_equal(form, CHAT_CHATML);
    tok_destroy(&t);
}

static void arrays_of_another_length_or_type(void **state) /* T20 */
{
    (void)state;
    static const uint64_t lengths[] = {0, 1, N_SPM - 1, N_SPM + 1};
    for (int i = 0; i < 4; i++) {
        start_spm(&g);
        put_array(&g, KEY "scores", F32, lengths[i], 0);
        refused(&g, 0, KEY "scores'");
        start_spm(&g);
        put_array(&g, KEY "scores", F32, N_SPM, 0);
        put_array(&g, KEY "token_type", I32, lengths[i], 1);
        refused(&g, 0, KEY "token_type'");
    }
    start_spm(&g);
    put_array(&g, KEY "scores", U8, N_SPM, 0);
    refused(&g, 0, KEY "scores'");
    start_spm(&g);
    put_array(&g, KEY "scores", F32, N_SPM, 0);
    put_array(&g, KEY "token_type", U8, N_SPM, 1);
    refused(&g, 0, KEY "token_type'");
    start_spm(&g);
    put_array(&g, KEY "scores", F32, N_SPM, 0);
    put_array(&g, KEY "token_type", I32, N_SPM, 77);
    refused(&g, 0, "77");
    start_spm(&g);
    refused(&g, 0, KEY "scores");
    start(&g);
    put_string(&g, KEY "model", "gpt2");
    put_strings(&g, KEY "tokens", bpe_tokens, N_BPE);
    refused(&g, 0, KEY "merges' is missing");
    start(&g);
    put_string(&g, KEY "model", "gpt2");
    refused(&g, 0, KEY "tokens' is missing");
    start(&g);
    refused(&g, 0, KEY "model' is missing");
    start(&g);
    put_u32(&g, KEY "model", U32, 1);
    refused(&g, 0, KEY "model'");
    start(&g);
    put_string(&g, KEY "model", "bert");
    refused(&g, 0, "is \"bert\", expected \"llama\" or \"gpt2\"");
    start_bpe(&g, "no-such");
    refused(&g, 0, "unknown pre-tokenizer \"no-such\"");
}

static void ids_out_of_range(void **state) /* T21 */
{
    static const char *const keys[] = {KEY "bos_token_id", KEY "eos_token_id",
                                       KEY "unknown_token_id", KEY "padding_token_id",
                                       KEY "eot_token_id"};
    static const uint32_t bad[] = {N_BPE, 0x7fffffff, 0xffffffff};
    (void)state;
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 3; k++) {
            start_bpe(&g, "gpt-2");
            put_u32(&g, keys[i], U32, bad[k]);
            refused(&g, 0, keys[i]);
        }
        start_bpe(&g, "gpt-2");
        put_u32(&g, keys[i], I32, (uint32_t)-1);
        refused(&g, 0, keys[i]);
        start_bpe(&g, "gpt-2");
        put_string(&g, keys[i], "1");
        refused(&g, 0, keys[i]);
    }
    /* a default that is no token: refused only where it would be used */
    start(&g);
    put_string(&g, KEY "model", "llama");
    put_strings(&g, KEY "tokens", spm_tokens, 1);
    put_array(&g, KEY "scores", F32, 1, 0);
    refused(&g, 0, "1 tokens");
    start_bpe(&g, "llama-bpe");
    refused(&g, 0, "bos token is to be added, but there is none");
    start_bpe(&g, "gpt-2");
    put_u32(&g, KEY "add_eos_token", BOOL, 1);
    refused(&g, 0, "eos token is to be added, but there is none");
}

static void another_size_than_the_embedding(void **state) /* T22 */
{
    struct tok *t;
    (void)state;
    for (uint32_t rows = N_BPE - 1; rows <= N_BPE + 1; rows++) {
        start_bpe(&g, "gpt-2");
        if (rows == N_BPE) {
            assert_int_equal(load(&g, rows, &t, NULL), OK);
            tok_destroy(&t);
        } else {
            refused(&g, rows, "6 tokens, but the embedding has");
        }
    }
    for (size_t n = 0; n < 2; n++) {
        start(&g);
        put_string(&g, KEY "model", "gpt2");
        put_strings(&g, KEY "tokens", bpe_tokens, n);
        put_strings(&g, KEY "merges", merges, 0);
        refused(&g, 0, n ? "1 tokens, expected 2 or more" : KEY "tokens'");
    }
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    log_set(LOG_ERROR, NULL, NULL);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_file_leaves_out),
        cmocka_unit_test(chat_form_of_the_template),
        cmocka_unit_test(arrays_of_another_length_or_type),
        cmocka_unit_test(ids_out_of_range),
        cmocka_unit_test(another_size_than_the_embedding),
    };
    return cmocka_run_group_tests_name("vocab", tests, make_file, remove_file);
}
