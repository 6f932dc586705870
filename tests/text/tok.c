/* The tokenizers' properties, and vocabularies and texts that cannot be right (families T20 to T27
 * of malformed input, as far as they do not need a file). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "random_text.h"
#include "text/chat.h"
#include "text/pre.h"
#include "text/tok.h"

/* ---- small vocabularies, made here ---- */

struct vocab {
    struct tok_vocab v;
    struct tok_str text[1000], merges[100];
    float scores[1000];
    int32_t kinds[1000];
    char names[1000][8];
};

static int32_t add(struct vocab *b, const char *text, int kind, float score)
{
    uint32_t i = b->v.n_tokens++;
    b->text[i] = (struct tok_str){text, strlen(text)};
    b->kinds[i] = kind;
    b->scores[i] = score;
    return (int32_t)i;
}

static void begin(struct vocab *b, enum tok_family family)
{
    memset(b, 0, sizeof *b);
    b->v = (struct tok_vocab){.family = family,
                              .text = b->text,
                              .scores = b->scores,
                              .kinds = b->kinds,
                              .merges = b->merges,
                              .bos = TOK_NONE,
                              .eos = TOK_NONE,
                              .unk = TOK_NONE,
                              .pad = TOK_NONE,
                              .file = "test"};
}

/* <unk> <s> </s>, the 256 bytes, and some pieces. */
static void make_spm(struct vocab *b)
{
    static const char *const pieces[] = {"\xe2\x96\x81",
                                         "a",
                                         "b",
                                         "aa",
                                         "ab",
                                         "aaa",
                                         "aaaa",
                                         "\xe2\x96\x81"
                                         "a",
                                         "\xe2\x96\x81"
                                         "ab",
                                         "c",
                                         "<",
                                         "s>",
                                         "\xe2\x96\x81\xe2\x96\x81"};
    begin(b, TOK_SPM);
    b->v.unk = add(b, "<unk>", TOK_UNKNOWN, 0);
    b->v.bos = add(b, "<s>", TOK_CONTROL, 0);
    b->v.eos = add(b, "</s>", TOK_CONTROL, 0);
    b->v.add_space_prefix = true;
    for (int i = 0; i < 256; i++) {
        snprintf(b->names[i], sizeof b->names[i], "<0x%02X>", i);
        add(b, b->names[i], TOK_BYTE, 0);
    }
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        add(b, pieces[i], TOK_NORMAL, -(float)i);
}

/* The 256 bytes' characters, some merges and two special tokens. */
static void make_bpe(struct vocab *b)
{
    static const char *const merges[] = {"a a", "aa aa", "aaaa aaaa", "\xc4\xa0 a", "a b"};
    static const char *const products[] = {"aa", "aaaa", "aaaaaaaa",
                                           "\xc4\xa0"
                                           "a",
                                           "ab"};
    begin(b, TOK_BPE);
    b->v.pre = "gpt-2";
    for (uint32_t c = 0, other = 0x100; c < 256; c++) {
        bool own = (c >= 0x21 && c <= 0x7e) || (c >= 0xa1 && c <= 0xac) || c >= 0xae;
        uint32_t code = own ? c : other++;
        struct random_text t = {b->names[c], 0};
        random_add_code(&t, code);
        add(b, b->names[c], TOK_NORMAL, 0);
    }
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
        b->merges[b->v.n_merges++] = (struct tok_str){merges[i], strlen(merges[i])};
        add(b, products[i], TOK_NORMAL, 0);
    }
    b->v.eos = add(b, "<|end|>", TOK_CONTROL, 0);
    add(b, "<user>", TOK_USER, 0);
}

static struct tok *create(const struct vocab *b)
{
    struct tok *t;
    if (tok_create(&b->v, &t) != OK)
        fail_msg("%s", status_message());
    return t;
}

static void refused(const struct vocab *b, const char *message)
{
    struct tok *t = NULL;
    status_clear();
    assert_int_equal(tok_create(&b->v, &t), ERR_MODEL);
    assert_null(t);
    if (!strstr(status_message(), message))
        fail_msg("\"%s\" does not say \"%s\"", status_message(), message);
    if (strncmp(status_message(), "test: ", 6) != 0)
        fail_msg("\"%s\" names no file", status_message());
}

static size_t encode(const struct tok *t, const char *s, size_t len, bool special, int32_t **ids)
{
    size_t n = 0;
    struct tok_encode_params p = {.special = special, .no_bos = true};
    *ids = NULL;
    if (tok_encode(t, s, len, &p, ids, &n) != OK)
        fail_msg("%s", status_message());
    return n;
}

/* "text text ..." of the tokens that a text becomes. */
static void becomes(const struct tok *t, const char *text, bool special, const char *want)
{
    char got[512] = "";
    int32_t *ids;
    size_t n = encode(t, text, strlen(text), special, &ids), at = 0;
    for (size_t i = 0; i < n; i++) {
        struct tok_str s = tok_text(t, ids[i]);
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%.*s", i ? " " : "", (int)s.len, s.s);
    }
    assert_string_equal(got, want);
    mem_free(ids);
}

/* The streamed text of ids, with what it gives on the way checked for whole characters. */
static size_t decode(const struct tok *t, const int32_t *ids, size_t n, bool special, char *out,
                     size_t room)
{
    struct tok_stream s;
    size_t len = 0;
    tok_stream_init(&s, t, special);
    for (size_t i = 0; i < n; i++) {
        size_t piece = tok_piece(t, ids[i], special).len;
        assert_true(room - len >= TOK_STREAM_ROOM(piece));
        size_t more = tok_stream_push(&s, ids[i], out + len, TOK_STREAM_ROOM(piece));
        for (size_t k = len; k < len + more;) {
            unsigned char c = (unsigned char)out[k];
            k += c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
            if (k > len + more || (c & 0xc0) == 0x80)
                fail_msg("push %zu gave part of a character", i);
        }
        len += more;
    }
    return len + tok_stream_finish(&s, out + len, room - len);
}

/* ---- properties ---- */

static void decoding_gives_the_text_back(void **state)
{
    static char text[RANDOM_TEXT_MAX], out[4 * RANDOM_TEXT_MAX];
    static struct vocab b;
    (void)state;
    for (int family = 0; family < 2; family++) {
        if (family)
            make_bpe(&b);
        else
            make_spm(&b);
        struct tok *t = create(&b);
        uint64_t random = 7;
        for (int i = 0; i < 2000; i++) {
            int32_t *ids;
            size_t len = random_text(&random, text);
            /* SentencePiece writes a space and U+2581 alike. */
            if (!family && memmem(text, len, "\xe2\x96\x81", 3))
                continue;
            /* SentencePiece's kind has a space behind each special token. */
            size_t n = encode(t, text, len, family, &ids);
            size_t got = decode(t, ids, n, true, out, sizeof out);
            if (got != len || memcmp(out, text, len) != 0)
                fail_msg("family %d: \"%.*s\" came back as \"%.*s\"", family, (int)len, text,
                         (int)got, out);
            mem_free(ids);
        }
        tok_destroy(&t);
    }
}

static void streams_whole_characters(void **state)
{
    static struct vocab b;
    char out[64];
    struct tok_stream s;
    (void)state;
    make_spm(&b);
    struct tok *t = create(&b);
    tok_stream_init(&s, t, false);
    /* U+1F600 byte by byte */
    assert_int_equal(tok_stream_push(&s, 3 + 0xf0, out, sizeof out), 0);
    assert_int_equal(tok_stream_push(&s, 3 + 0x9f, out, sizeof out), 0);
    assert_int_equal(tok_stream_push(&s, 3 + 0x98, out, sizeof out), 0);
    assert_int_equal(tok_stream_push(&s, 3 + 0x80, out, sizeof out), 4);
    assert_memory_equal(out, "\xf0\x9f\x98\x80", 4);
    /* cut short by a letter, then by the end */
    assert_int_equal(tok_stream_push(&s, 3 + 0xe2, out, sizeof out), 0);
    assert_int_equal(tok_stream_push(&s, 3 + 'x', out, sizeof out), 4);
    assert_memory_equal(out, "\xef\xbf\xbdx", 4);
    assert_int_equal(tok_stream_push(&s, 3 + 0xff, out, sizeof out), 3);
    assert_int_equal(tok_stream_push(&s, 3 + 0xc3, out, sizeof out), 0);
    assert_int_equal(tok_stream_finish(&s, out, sizeof out), 3);
    /* a surrogate's bytes are no character */
    tok_stream_push(&s, 3 + 0xed, out, sizeof out);
    assert_int_equal(tok_stream_push(&s, 3 + 0xa0, out, sizeof out), 6);
    /* the prefix space goes, once; ids out of range and control tokens give nothing */
    tok_stream_init(&s, t, false);
    int32_t a = tok_find(t,
                         "\xe2\x96\x81"
                         "a",
                         4);
    assert_int_equal(tok_stream_push(&s, b.v.bos, out, sizeof out), 0);
    assert_int_equal(tok_stream_push(&s, a, out, sizeof out), 1);
    assert_int_equal(tok_stream_push(&s, a, out, sizeof out), 2);
    assert_int_equal(tok_stream_push(&s, -1, out, sizeof out), 0);
    assert_int_equal(tok_stream_push(&s, 1 << 20, out, sizeof out), 0);
    tok_stream_init(&s, t, true);
    assert_int_equal(tok_stream_push(&s, b.v.bos, out, sizeof out), 3);
    tok_destroy(&t);
}

static void merges_by_score_and_rank(void **state)
{
    static struct vocab b;
    (void)state;
    make_spm(&b);
    struct tok *t = create(&b);
    becomes(t, "", false, "");
    becomes(t, "a", false,
            "\xe2\x96\x81"
            "a");
    becomes(t, "aab", false, "\xe2\x96\x81 aa b");
    becomes(t, "d", false, "\xe2\x96\x81 <0x64>");
    tok_destroy(&t);
    make_bpe(&b);
    t = create(&b);
    becomes(t, "aaaaab", false, "aaaa ab");
    becomes(t, " aab a", false,
            "\xc4\xa0 aa b \xc4\xa0"
            "a");
    tok_destroy(&t);
}

static void bos_and_eos_are_added(void **state)
{
    static struct vocab b;
    (void)state;
    make_spm(&b);
    b.v.add_bos = b.v.add_eos = true;
    struct tok *t = create(&b);
    int32_t *ids = NULL;
    size_t n = 0;
    assert_int_equal(tok_encode(t, "a", 1, NULL, &ids, &n), OK);
    assert_int_equal(n, 3);
    assert_int_equal(ids[0], b.v.bos);
    assert_int_equal(ids[2], b.v.eos);
    assert_int_equal(tok_encode(t, "", 0, NULL, &ids, &n), OK);
    assert_int_equal(n, 5);
    assert_int_equal(ids[0], b.v.bos);
    assert_true(tok_is_eog(t, b.v.eos) && !tok_is_eog(t, b.v.bos) && !tok_is_eog(t, -1));
    n = 0;
    assert_int_equal(tok_encode(t, "a", 1, &(struct tok_encode_params){.no_eos = true}, &ids, &n),
                     OK);
    assert_int_equal(n, 2);
    assert_int_equal(ids[0], b.v.bos);
    mem_free(ids);
    tok_destroy(&t);
}

static void white_space_is_stripped(void **state)
{
    static struct vocab b;
    static uint8_t strip[1000];
    (void)state;
    make_bpe(&b);
    strip[b.v.eos] = TOK_LSTRIP | TOK_RSTRIP;
    b.v.strip = strip;
    struct tok *t = create(&b);
    becomes(t, "a \n<|end|>\t b", true, "a <|end|> b");
    becomes(t, "a  <user>  b", true, "a \xc4\xa0 \xc4\xa0 <user> \xc4\xa0 \xc4\xa0 b");
    tok_destroy(&t);
}

/* T27: what a user writes does not become a control token. */
static void user_text_stays_data(void **state)
{
    static struct vocab b;
    (void)state;
    make_bpe(&b);
    struct tok *t = create(&b);
    becomes(t, "<|end|>", true, "<|end|>");
    becomes(t, "<|end|>", false, "< | e n d | >");
    becomes(t, "<user>", false, "<user>");

    static const char text[] = "<|end|>a<|end|>b<|end|>";
    const struct chat_part parts[] = {{0, 7, true}, {7, 16, false}, {16, 23, true}};
    struct tok_encode_params p = {.no_bos = true, .parts = parts, .n_parts = 3};
    int32_t *ids = NULL;
    size_t n = 0;
    assert_int_equal(tok_encode(t, text, strlen(text), &p, &ids, &n), OK);
    assert_int_equal(n, 2 + 9);
    assert_true(ids[0] == b.v.eos && ids[n - 1] == b.v.eos && ids[2] != b.v.eos);
    mem_free(ids);
    tok_destroy(&t);

    /* nor by joins: "<" and "s>" are tokens, "<s>" is a control token */
    make_spm(&b);
    t = create(&b);
    becomes(t, "<s>", false, "\xe2\x96\x81 < s>");
    becomes(t, "<s>", true, "<s>");
    becomes(t, "<0x41>", false, "\xe2\x96\x81 < <0x30> <0x78> <0x34> <0x31> <0x3E>");
    tok_destroy(&t);
}

/* T27: NUL and bytes that are no UTF-8. */
static void any_bytes_are_taken(void **state)
{
    static struct vocab b;
    char out[256];
    int32_t *ids;
    (void)state;
    make_bpe(&b);
    struct tok *t = create(&b);
    size_t n = encode(t, "a\0b", 3, false, &ids);
    assert_int_equal(decode(t, ids, n, false, out, sizeof out), 3);
    assert_memory_equal(out, "a\0b", 3);
    mem_free(ids);
    /* a lone surrogate, an overlong form, a cut character */
    n = encode(t, "\xed\xa0\x80|\xc0\x80|\xe2\x82", 9, false, &ids);
    size_t len = decode(t, ids, n, false, out, sizeof out);
    assert_int_equal(len, 7 * 3 + 2);
    assert_memory_equal(out, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|", 10);
    mem_free(ids);
    tok_destroy(&t);
    make_spm(&b);
    t = create(&b);
    n = encode(t, "\xed\xa0\x80\0\xff", 5, false, &ids);
    assert_int_equal(n, 1 + 5);
    assert_int_equal(ids[1], 3 + 0xed);
    assert_int_equal(ids[5], 3 + 0xff);
    mem_free(ids);
    tok_destroy(&t);
}

/* ---- vocabularies that cannot be right ---- */

static void ids_out_of_range(void **state) /* T21 */
{
    static struct vocab b;
    (void)state;
    int32_t *const ids[] = {&b.v.bos, &b.v.eos, &b.v.unk, &b.v.pad, &b.v.eog[0]};
    static const int32_t bad[] = {-2, INT32_MIN, 272, INT32_MAX};
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 4; k++) {
            make_spm(&b);
            assert_int_equal(b.v.n_tokens, 272);
            b.v.n_eog = i == 4;
            *ids[i] = bad[k];
            refused(&b, "is outside 0 .. 271");
        }
    }
    make_spm(&b);
    b.v.n_eog = TOK_MAX_EOG + 1;
    refused(&b, "17 tokens that end a generation, at most 16");
    make_spm(&b);
    b.v.add_bos = true;
    b.v.bos = TOK_NONE;
    refused(&b, "bos token is to be added");
    make_spm(&b);
    b.v.add_eos = true;
    b.v.eos = TOK_NONE;
    refused(&b, "eos token is to be added");
}

static void sizes_and_scores(void **state) /* T20, T22 */
{
    static struct vocab b;
    (void)state;
    for (uint32_t n = 0; n < 2; n++) {
        make_bpe(&b);
        b.v.n_tokens = n;
        b.v.eos = TOK_NONE;
        refused(&b, n ? "1 tokens" : "0 tokens");
    }
    make_spm(&b);
    b.v.scores = NULL;
    refused(&b, "scores is missing");
    make_spm(&b);
    b.scores[5] = -0.0f / 0.0f;
    refused(&b, "scores[5] is not a number");
    make_spm(&b);
    b.kinds[7] = 9;
    refused(&b, "token_type[7] is 9");
    make_bpe(&b);
    b.v.pre = "no-such";
    refused(&b, "unknown pre-tokenizer \"no-such\"");
}

static void odd_tokens(void **state) /* T23 */
{
    static struct vocab b;
    static char mib[1 << 20];
    (void)state;
    make_bpe(&b);
    add(&b, "aa", TOK_NORMAL, 0);
    refused(&b, "tokens 256 and 263 are both \"aa\"");

    for (int family = 0; family < 2; family++) {
        if (family)
            make_bpe(&b);
        else
            make_spm(&b);
        memset(mib, 'q', sizeof mib);
        int32_t empty = add(&b, "", TOK_NORMAL, 0);
        add(&b, "", TOK_USER, 0);
        int32_t big = add(&b, "", TOK_NORMAL, 1), bad = add(&b, "\xff\xc3(", TOK_NORMAL, 1);
        b.text[big] = (struct tok_str){mib, sizeof mib};
        struct tok *t = create(&b);
        assert_int_equal(tok_piece(t, empty, true).len, 0);
        assert_int_equal(tok_piece(t, big, true).len, sizeof mib);
        assert_int_equal(tok_piece(t, bad, true).len, 3);
        int32_t *ids;
        assert_int_equal(encode(t, mib, 1000, true, &ids), family ? 1000 : 1001);
        mem_free(ids);
        tok_destroy(&t);
    }
}

static void byte_tokens(void **state) /* T24 */
{
    static struct vocab b;
    static const char *const bad[] = {"<0x-1>", "<0xZZ>", "<0x1>", "<0x123>", "<0x00", ""};
    char message[64];
    (void)state;
    for (int i = 0; i < 6; i++) {
        make_spm(&b);
        b.text[10] = (struct tok_str){bad[i], strlen(bad[i])};
        snprintf(message, sizeof message, "tokens[10] is a byte token \"%s\"", bad[i]);
        refused(&b, message);
    }
    /* one is missing: the unknown token stands in */
    make_spm(&b);
    b.text[3 + 'x'] = (struct tok_str){"odd", 3};
    b.kinds[3 + 'x'] = TOK_NORMAL;
    struct tok *t = create(&b);
    becomes(t, "x", false, "\xe2\x96\x81 <unk>");
    tok_destroy(&t);
    b.v.unk = TOK_NONE;
    refused(&b, "no \"<0x78>\" for a byte");
    /* in byte-level BPE too; without an unknown token nothing is left to write */
    make_bpe(&b);
    b.text['x'] = (struct tok_str){"odd", 3};
    t = create(&b);
    becomes(t, "axb", false, "a b");
    tok_destroy(&t);
    b.v.unk = b.v.eos;
    t = create(&b);
    becomes(t, "axb", false, "a <|end|> b");
    tok_destroy(&t);
}

static void odd_merges(void **state) /* T25 */
{
    static struct vocab b;
    static const char *const bad[] = {"ab", "", " ", "a ", " a", "a"};
    (void)state;
    for (int i = 0; i < 6; i++) {
        make_bpe(&b);
        b.merges[3] = (struct tok_str){bad[i], strlen(bad[i])};
        refused(&b, "merges[3] is");
    }
    /* unknown parts and products, one twice, and a chain that goes round: all end */
    static const char *const odd[] = {"x y", "x y",  "xy x", "xyx xyx", "nope nix",
                                      "z z", "zz z", "z zz", "zz zz"};
    make_bpe(&b);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        b.merges[b.v.n_merges++] = (struct tok_str){odd[i], strlen(odd[i])};
    struct tok *t = create(&b);
    becomes(t, "xyxxyx", false, "x y x x y x");
    becomes(t, "zzzzzzz", false, "z z z z z z z");
    tok_destroy(&t);
}

static void a_million_merges(void **state) /* T25 */
{
    enum { N = 1000000 };
    static struct vocab b;
    struct tok_str *merges = malloc(N * sizeof *merges);
    char *names = malloc(N * 24);
    (void)state;
    assert_non_null(merges);
    assert_non_null(names);
    for (int i = 0; i < N; i++) {
        char *s = names + i * 24;
        merges[i] = (struct tok_str){s, (size_t)snprintf(s, 24, "%d %d", i % 1000, i / 1000)};
    }
    make_bpe(&b);
    b.v.merges = merges;
    b.v.n_merges = N;
    struct tok *t = create(&b);
    becomes(t, "1234", false, "1 2 3 4");
    tok_destroy(&t);
    free(merges);
    free(names);
}

/* ---- time ---- */

/* The least of `times` runs. */
static double seconds(const struct tok *t, const char *s, size_t len, int times)
{
    double best = 1e9;
    for (int i = 0; i < times; i++) {
        int32_t *ids;
        clock_t from = clock();
        encode(t, s, len, false, &ids);
        double took = (double)(clock() - from) / CLOCKS_PER_SEC;
        best = took < best ? took : best;
        mem_free(ids);
    }
    return best;
}

/* T26: ten times the text takes about ten times the time, not a hundred. A busy machine's caches
 * make the longer text dearer, so thirty are allowed, and 20 ms for noise. */
static void long_runs_stay_linear(void **state)
{
    enum { SHORT = 100000, LONG = 10 * SHORT };
    static struct vocab b;
    static char text[LONG];
    static const char chars[] = "a x";
    (void)state;
    for (int family = 0; family < 2; family++) {
        if (family)
            make_bpe(&b);
        else
            make_spm(&b);
        struct tok *t = create(&b);
        for (const char *c = chars; *c; c++) {
            memset(text, *c, sizeof text);
            double one = seconds(t, text, SHORT, 3), ten = seconds(t, text, LONG, 1);
            if (ten > 30 * one + 0.02)
                ten = seconds(t, text, LONG, 3);
            if (ten > 30 * one + 0.02)
                fail_msg("family %d, '%c': %d bytes %.3f s, %d bytes %.3f s", family, *c, SHORT,
                         one, LONG, ten);
        }
        tok_destroy(&t);
    }
}

static enum status count_word(void *ctx, const char *word, size_t len)
{
    (void)word;
    *(size_t *)ctx += len;
    return OK;
}

/* Every pattern of every pre-tokenizer on runs that it might go over again and again. */
static void patterns_stay_linear(void **state)
{
    enum { LEN = 60000 }; /* squared: more than a second */
    static char text[LEN + 8];
    static const struct {
        const char *unit, *end;
    } runs[] = {{"a", ""},
                {"A", "1"},
                {"A", "a"},
                {" ", ""},
                {" ", "x"},
                {" ", "7"},
                {" ", "\xe4\xb8\x80"},
                {" \t", "\n"},
                {"7", ""},
                {"7", "x"},
                {"!", ""},
                {"!", "\n"},
                {"\n", "x"},
                {"\r\n", ""},
                {"\xcc\x81", "x"},
                {"\xe4\xb8\x80", ""},
                {"\x01", ""},
                {"a ", ""},
                {"'", "s"},
                {"7a", ""},
                {"\xe3\x80\x80", "x"}};
    const char *name;
    (void)state;
    for (uint32_t i = 0; (name = tok_pre_name(i)) != NULL; i++) {
        struct tok_pre *p;
        if (tok_pre_create(name, "test", &p) != OK)
            fail_msg("%s", status_message());
        for (size_t u = 0; !tok_pre_is_alias(i) && u < sizeof runs / sizeof *runs; u++) {
            const char *end = runs[u].end;
            size_t len = 0, unit = strlen(runs[u].unit), joined = 0;
            for (; len + unit <= LEN; len += unit)
                memcpy(text + len, runs[u].unit, unit);
            memcpy(text + len, end, strlen(end));
            len += strlen(end);
            clock_t from = clock();
            if (tok_pre_split(p, text, len, count_word, &joined) != OK)
                fail_msg("%s, \"%s\" ...: %s", name, runs[u].unit, status_message());
            double took = (double)(clock() - from) / CLOCKS_PER_SEC;
            if (joined != len || took > 0.5)
                fail_msg("%s, \"%s\" ... \"%s\": %zu of %zu bytes, %.2f s", name, runs[u].unit, end,
                         joined, len, took);
        }
        tok_pre_destroy(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_gives_the_text_back),
        cmocka_unit_test(streams_whole_characters),
        cmocka_unit_test(merges_by_score_and_rank),
        cmocka_unit_test(bos_and_eos_are_added),
        cmocka_unit_test(white_space_is_stripped),
        cmocka_unit_test(user_text_stays_data),
        cmocka_unit_test(any_bytes_are_taken),
        cmocka_unit_test(ids_out_of_range),
        cmocka_unit_test(sizes_and_scores),
        cmocka_unit_test(odd_tokens),
        cmocka_unit_test(byte_tokens),
        cmocka_unit_test(odd_merges),
        cmocka_unit_test(a_million_merges),
        cmocka_unit_test(long_runs_stay_linear),
        cmocka_unit_test(patterns_stay_linear),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
