#include "engine/vocab_speech.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "text/tok_map.h"

enum { LONGEST = 256 }; /* bytes of a token that text may become; Whisper's have up to 128 */

struct build {
    const char *file;
    struct weights_str *tokens;
    uint32_t n_text, n_vocab;
    struct arena arena;
    struct tok_map map; /* bytes of the tokens of text */
    uint32_t *rank;     /* of map's number i */
    struct tok_str *text, *merges;
    int32_t *kinds;
    uint32_t n_merges;
    char letters[256][4]; /* byte-level BPE's character of each byte */
    uint8_t letter_len[256];
    char bytes[256]; /* of the first 256 tokens, which are all bytes */
};

static bool is_plain(uint32_t byte)
{
    return (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
}

/* GPT-2's characters: printable ones are themselves, the others follow from U+0100 on. */
static void make_letters(struct build *b)
{
    uint32_t next = 256, n_plain = 0;
    for (uint32_t i = 0; i < 256; i++)
        n_plain += is_plain(i);
    for (uint32_t i = 0, plain = 0; i < 256; i++) {
        uint32_t c = is_plain(i) ? i : next++;
        b->bytes[is_plain(i) ? plain++ : n_plain + c - 256] = (char)i;
        if (c < 128) {
            b->letters[i][0] = (char)c;
            b->letter_len[i] = 1;
        } else {
            b->letters[i][0] = (char)(0xc0 | c >> 6);
            b->letters[i][1] = (char)(0x80 | (c & 0x3f));
            b->letter_len[i] = 2;
        }
    }
}

static char *put_letters(const struct build *b, char *at, const char *s, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)s[i];
        memcpy(at, b->letters[c], b->letter_len[c]);
        at += b->letter_len[c];
    }
    return at;
}

/* Some converters put U+FFFD where a token is no whole character. Which bytes the first tokens are
 * is known all the same. */
static enum status own_tokens(struct build *b, const struct weights_str *tokens)
{
    b->tokens = arena_calloc(&b->arena, b->n_text, sizeof *b->tokens);
    if (!b->tokens)
        return ERR_MEMORY;
    memcpy(b->tokens, tokens, b->n_text * sizeof *tokens);
    for (uint32_t i = 0; i < 256; i++) {
        if (tokens[i].len == 3 && !memcmp(tokens[i].s, "\xef\xbf\xbd", 3))
            b->tokens[i] = (struct weights_str){b->bytes + i, 1};
    }
    return OK;
}

static enum status read_tokens(struct build *b, const struct weights *w)
{
    const struct weights_str *tokens;
    uint64_t n;
    TRY(weights_strings(w, "tokenizer.ggml.tokens", &tokens, &n));
    if (n < b->n_text)
        return status_fail(
            ERR_MODEL, "%s: a vocabulary of %" PRIu64 " tokens; at least %" PRIu32 " are expected",
            b->file, n, b->n_text);
    TRY(own_tokens(b, tokens));
    b->text = arena_calloc(&b->arena, b->n_vocab, sizeof *b->text);
    b->kinds = arena_calloc(&b->arena, b->n_vocab, sizeof *b->kinds);
    b->merges = arena_calloc(&b->arena, b->n_text, sizeof *b->merges);
    b->rank = arena_calloc(&b->arena, b->n_text, sizeof *b->rank);
    if (!b->text || !b->kinds || !b->merges || !b->rank)
        return ERR_MEMORY;
    TRY(tok_map_init(&b->map, b->n_text));
    for (uint32_t i = 0; i < b->n_text; i++) {
        struct weights_str s = b->tokens[i];
        char *text = arena_alloc(&b->arena, 2 * s.len + 1);
        if (!text)
            return ERR_MEMORY;
        b->text[i] = (struct tok_str){text, (size_t)(put_letters(b, text, s.s, s.len) - text)};
        b->kinds[i] = TOK_NORMAL;
        if (!s.len || tok_map_find(&b->map, s.s, s.len) != TOK_MISSING)
            continue;
        b->rank[b->map.count] = i;
        TRY(tok_map_add(&b->map, s.s, s.len));
    }
    return OK;
}

static uint32_t rank_of(const struct build *b, const char *s, size_t len)
{
    uint32_t i = tok_map_find(&b->map, s, len);
    return i == TOK_MISSING ? UINT32_MAX : b->rank[i];
}

/* Where the last of the merges that make token `own` joins its two parts; 0: nothing makes it. */
static uint32_t joint(const struct build *b, const char *s, uint32_t len, uint32_t own)
{
    uint32_t start[LONGEST + 1], n = len;
    for (uint32_t i = 0; i <= len; i++)
        start[i] = i;
    for (;;) {
        uint32_t best = own, at = 0;
        for (uint32_t i = 0; i + 1 < n; i++) {
            uint32_t rank = rank_of(b, s + start[i], start[i + 2] - start[i]);
            if (rank < best) {
                best = rank;
                at = i + 1;
            }
        }
        if (!at)
            return n == 2 ? start[1] : 0;
        memmove(start + at, start + at + 1, (n - at) * sizeof *start);
        n--;
    }
}

/* The order of the merges is that of their products' ranks. */
static enum status find_merges(struct build *b)
{
    for (uint32_t i = 0; i < b->n_text; i++) {
        struct weights_str s = b->tokens[i];
        if (s.len < 2 || s.len > LONGEST)
            continue;
        uint32_t at = joint(b, s.s, (uint32_t)s.len, i);
        if (!at)
            continue;
        char *text = arena_alloc(&b->arena, 2 * s.len + 2), *end;
        if (!text)
            return ERR_MEMORY;
        end = put_letters(b, text, s.s, at);
        *end++ = ' ';
        end = put_letters(b, end, s.s + at, s.len - at);
        b->merges[b->n_merges++] = (struct tok_str){text, (size_t)(end - text)};
    }
    return OK;
}

static enum status name_special(struct build *b, const struct whisper_ids *ids)
{
    const struct {
        uint32_t id;
        const char *name;
    } named[] = {{ids->end, "endoftext"},       {ids->start, "startoftranscript"},
                 {ids->translate, "translate"}, {ids->transcribe, "transcribe"},
                 {ids->start_lm, "startoflm"},  {ids->start_prev, "startofprev"},
                 {ids->no_speech, "nospeech"},  {ids->no_times, "notimestamps"}};
    for (uint32_t id = b->n_text; id < b->n_vocab; id++) {
        const char *name = NULL;
        char *text;
        for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
            if (named[i].id == id)
                name = named[i].name;
        }
        if (id >= ids->language_0 && id < ids->language_0 + ids->n_languages)
            name = whisper_language(id - ids->language_0);
        if (id >= ids->time_0)
            text = arena_printf(&b->arena, "<|%.2f|>", 0.02 * (id - ids->time_0));
        else
            text = arena_printf(&b->arena, "<|%s|>", name);
        if (!text)
            return ERR_MEMORY;
        b->text[id] = (struct tok_str){text, strlen(text)};
        b->kinds[id] = TOK_CONTROL;
    }
    return OK;
}

enum status vocab_speech_load(const struct weights *w, const struct whisper_ids *ids,
                              uint32_t n_vocab, struct tok **out)
{
    struct build b = {.file = weights_path(w), .n_text = ids->end, .n_vocab = n_vocab};
    enum status s = OK;
    *out = NULL;
    make_letters(&b);
    TRY_GOTO(read_tokens(&b, w));
    TRY_GOTO(find_merges(&b));
    TRY_GOTO(name_special(&b, ids));
    TRY_GOTO(tok_create(&(struct tok_vocab){.family = TOK_BPE,
                                            .pre = "gpt-2",
                                            .text = b.text,
                                            .kinds = b.kinds,
                                            .n_tokens = n_vocab,
                                            .repeats = true,
                                            .merges = b.merges,
                                            .n_merges = b.n_merges,
                                            .bos = TOK_NONE,
                                            .eos = (int32_t)ids->end,
                                            .unk = TOK_NONE,
                                            .pad = TOK_NONE,
                                            .eog = {(int32_t)ids->end},
                                            .n_eog = 1,
                                            .file = b.file},
                        out));
fail:
    tok_map_free(&b.map);
    arena_free(&b.arena);
    return s;
}

/* ---- what is not said --------------------------------------------------------------------- */

static void forbid(uint32_t *never, uint32_t id)
{
    never[id / 32] |= 1u << id % 32;
}

/* The first token of a text, if there is only one, or whatever follows. */
static enum status forbid_text(const struct tok *t, const char *text, bool any, uint32_t *never)
{
    int32_t *ids = NULL;
    size_t n = 0;
    TRY(tok_encode(t, text, strlen(text), &(struct tok_encode_params){0}, &ids, &n));
    if (n == 1 || (n && any))
        forbid(never, (uint32_t)ids[0]);
    mem_free(ids);
    return OK;
}

/* Ids of the file; ERR_MODEL for those that are none. */
static enum status read_ids(const struct weights *w, const char *key, uint32_t n_vocab,
                            const int32_t **ids, uint64_t *n)
{
    TRY(weights_i32s(w, key, ids, n));
    for (uint64_t i = 0; i < *n; i++) {
        if ((uint32_t)(*ids)[i] >= n_vocab)
            return status_fail(ERR_MODEL,
                               "%s: %s names token %" PRId32 "; the vocabulary has %" PRIu32,
                               weights_path(w), key, (*ids)[i], n_vocab);
    }
    return OK;
}

static enum status forbid_signs(const struct tok *t, uint32_t *never)
{
    static const char *const signs[] = {
        "\"",  "#",  "(",  ")",   "*",   "+",   "/",   ":",  ";",   "<",  "=",  ">",
        "@",   "[",  "\\", "]",   "^",   "_",   "`",   "{",  "|",   "}",  "~",  "「",
        "」",  "『", "』", "<<",  ">>",  "<<<", ">>>", "--", "---", "-(", "-[", "('",
        "(\"", "((", "))", "(((", ")))", "[[",  "]]",  "{{", "}}",  "♪♪", "♪♪♪"};
    static const char *const notes[] = {"♩", "♪", "♫", "♬", "♭", "♮", "♯"};
    char spaced[16];
    TRY(forbid_text(t, " -", true, never));
    TRY(forbid_text(t, " '", true, never));
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        snprintf(spaced, sizeof spaced, " %s", signs[i]);
        TRY(forbid_text(t, signs[i], false, never));
        TRY(forbid_text(t, spaced, false, never));
    }
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        snprintf(spaced, sizeof spaced, " %s", notes[i]);
        TRY(forbid_text(t, notes[i], true, never));
        TRY(forbid_text(t, spaced, true, never));
    }
    return OK;
}

enum status vocab_speech_never(const struct weights *w, const struct tok *t,
                               const struct whisper_ids *ids, uint32_t n_vocab, uint32_t *never)
{
    const int32_t *named;
    uint64_t n;
    TRY(read_ids(w, "whisper.suppress_ids", n_vocab, &named, &n));
    for (uint64_t i = 0; i < n; i++)
        forbid(never, (uint32_t)named[i]);
    if (!n)
        TRY(forbid_signs(t, never));
    const uint32_t special[] = {ids->transcribe, ids->translate, ids->start,
                                ids->start_prev, ids->start_lm,  ids->no_speech};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        forbid(never, special[i]);
    return OK;
}

enum status vocab_speech_not_first(const struct weights *w, const struct tok *t,
                                   const struct whisper_ids *ids, uint32_t n_vocab,
                                   uint32_t not_first[3], uint32_t *n)
{
    const int32_t *named;
    uint64_t n_named;
    int32_t blank = tok_find(t, "\xc4\xa0", 2); /* a space */
    TRY(read_ids(w, "whisper.suppress_ids_begin", n_vocab, &named, &n_named));
    if (n_named > 3)
        return status_fail(ERR_MODEL,
                           "%s: whisper.suppress_ids_begin has %" PRIu64 " ids; at most 3 are "
                           "suppressed at the beginning",
                           weights_path(w), n_named);
    *n = 0;
    for (uint64_t i = 0; i < n_named; i++)
        not_first[(*n)++] = (uint32_t)named[i];
    if (n_named)
        return OK;
    not_first[(*n)++] = ids->end;
    if (blank != TOK_NONE)
        not_first[(*n)++] = (uint32_t)blank;
    return OK;
}
