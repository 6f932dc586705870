/* SentencePiece-style: characters are joined, best score first, as long as what they make is a
 * token; a character that is no token becomes its bytes' tokens. Spaces are written U+2581. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/tok_int.h"
#include "text/utf8.h"

static const char space[] = "\xe2\x96\x81";
enum { SPACE_LEN = 3 };

static bool is_escaped_space(const char *s, size_t len)
{
    return len >= SPACE_LEN && memcmp(s, space, SPACE_LEN) == 0;
}

/* U+2581 as the space that it stands for. */
static enum status set_piece(struct tok *t, uint32_t id)
{
    struct tok_str text = t->map.text[id];
    char *to = arena_alloc(&t->arena, text.len);
    size_t n = 0;
    if (!to)
        return ERR_MEMORY;
    for (size_t i = 0; i < text.len;) {
        if (is_escaped_space(text.s + i, text.len - i)) {
            to[n++] = ' ';
            i += SPACE_LEN;
        } else {
            to[n++] = text.s[i++];
        }
    }
    t->piece[id] = (struct tok_str){to, n};
    return OK;
}

static enum status set_bytes(struct tok *t, const struct tok_vocab *v)
{
    for (int b = 0; b < 256; b++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", b);
        uint32_t id = tok_map_find(&t->map, name, 6);
        char raw = (char)b;
        if (id == TOK_MISSING)
            id = tok_map_find(&t->map, &raw, 1);
        t->byte_id[b] = id == TOK_MISSING ? t->unk : (int32_t)id;
        if (t->byte_id[b] == TOK_NONE)
            return status_fail(ERR_MODEL,
                               "%s: tokenizer.ggml.tokens: no \"%s\" for a byte, and no unknown "
                               "token to stand in",
                               v->file, name);
    }
    return OK;
}

/* True if a word may end at i: a space follows, and what stands before is none. */
static bool is_word_end(const char *s, size_t len, size_t i)
{
    return is_escaped_space(s + i, len - i) &&
           !(i >= SPACE_LEN && is_escaped_space(s + i - SPACE_LEN, SPACE_LEN));
}

static bool spans_words(struct tok_str text)
{
    for (size_t i = 1; i < text.len; i++)
        if (is_word_end(text.s, text.len, i))
            return true;
    return false;
}

enum status tok_spm_init(struct tok *t, const struct tok_vocab *v)
{
    if (!v->scores)
        return status_fail(ERR_MODEL,
                           "%s: tokenizer.ggml.scores is missing, which a tokenizer of "
                           "SentencePiece's kind needs",
                           v->file);
    t->score = arena_calloc(&t->arena, t->n, sizeof *t->score);
    if (!t->score)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < t->n; i++) {
        if (isnan(v->scores[i]))
            return status_fail(ERR_MODEL, "%s: tokenizer.ggml.scores[%u] is not a number", v->file,
                               i);
        t->score[i] = v->scores[i];
        t->spans_words |= tok_is_plain(t, i) && spans_words(t->map.text[i]);
        if (t->kind[i] == TOK_NORMAL || t->kind[i] == TOK_UNUSED)
            TRY(set_piece(t, i));
    }
    return set_bytes(t, v);
}

/* ---- encoding ---- */

struct symbol {
    uint32_t begin;
    uint32_t len; /* 0: joined into the one before */
    int32_t prev, next;
};

/* A join that may be done; the heap's first is the one with the smallest key. */
struct join {
    uint64_t key; /* score, turned so that a better one is smaller; then the place */
    uint32_t len; /* of both together: another length means that one of them changed */
};

struct spm {
    const struct tok *t;
    struct tok_out *out;
    const char *text; /* one word */
    size_t len;
    struct symbol *symbols;
    size_t n_symbols; /* room for them */
    struct join *heap;
    size_t n_heap, room;
};

static uint64_t join_key(float score, uint32_t left)
{
    uint32_t u;
    score += 0.0f; /* -0 and 0 are one score */
    memcpy(&u, &score, sizeof u);
    u = u & 0x80000000u ? ~u : u | 0x80000000u; /* in the order of the floats */
    return (uint64_t)~u << 32 | left;
}

static enum status heap_push(struct spm *s, struct join j)
{
    if (s->n_heap == s->room) {
        size_t room = s->room * 2;
        struct join *heap = mem_realloc(s->heap, room * sizeof *heap);
        if (!heap)
            return ERR_MEMORY;
        s->heap = heap;
        s->room = room;
    }
    size_t i = s->n_heap++;
    while (i > 0 && s->heap[(i - 1) / 2].key > j.key) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = j;
    return OK;
}

static struct join heap_pop(struct spm *s)
{
    struct join first = s->heap[0], last = s->heap[--s->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < s->n_heap; i = child) {
        if (child + 1 < s->n_heap && s->heap[child + 1].key < s->heap[child].key)
            child++;
        if (s->heap[child].key >= last.key)
            break;
        s->heap[i] = s->heap[child];
    }
    s->heap[i] = last;
    return first;
}

static enum status try_join(struct spm *s, int32_t left, int32_t right)
{
    if (left < 0 || right < 0)
        return OK;
    uint32_t len = s->symbols[left].len + s->symbols[right].len;
    if (len > s->t->longest)
        return OK;
    uint32_t id = tok_map_find(&s->t->map, s->text + s->symbols[left].begin, len);
    if (!tok_is_plain(s->t, id))
        return OK;
    return heap_push(s, (struct join){join_key(s->t->score[id], (uint32_t)left), len});
}

static enum status join_all(struct spm *s)
{
    while (s->n_heap) {
        struct join j = heap_pop(s);
        int32_t left = (int32_t)(uint32_t)j.key;
        struct symbol *a = &s->symbols[left];
        if (a->len == 0 || a->next < 0)
            continue;
        struct symbol *b = &s->symbols[a->next];
        if (a->len + b->len != j.len)
            continue;
        a->len = j.len;
        b->len = 0;
        a->next = b->next;
        if (a->next >= 0)
            s->symbols[a->next].prev = left;
        TRY(try_join(s, a->prev, left));
        TRY(try_join(s, left, a->next));
    }
    return OK;
}

/* The text with its spaces escaped. */
static enum status escape(const char *text, size_t len, bool prefix, char **out, size_t *out_len)
{
    size_t n = len + (prefix ? SPACE_LEN : 0), at = 0;
    for (size_t i = 0; i < len; i++)
        n += text[i] == ' ' ? SPACE_LEN - 1 : 0;
    if (n > INT32_MAX)
        return status_fail(ERR_USAGE, "a text of %zu bytes with its spaces escaped, at most %d", n,
                           INT32_MAX);
    char *to = mem_realloc(NULL, n);
    if (!to)
        return ERR_MEMORY;
    if (prefix) {
        memcpy(to, space, SPACE_LEN);
        at = SPACE_LEN;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] == ' ') {
            memcpy(to + at, space, SPACE_LEN);
            at += SPACE_LEN;
        } else {
            to[at++] = text[i];
        }
    }
    *out = to;
    *out_len = n;
    return OK;
}

/* Room for the symbols of a word of n characters, and the joins that it begins with. */
static enum status make_room(struct spm *s, size_t n)
{
    n = n < 256 ? 256 : n;
    if (n > s->n_symbols) {
        struct symbol *symbols = mem_realloc(s->symbols, n * sizeof *symbols);
        if (!symbols)
            return ERR_MEMORY;
        s->symbols = symbols;
        s->n_symbols = n;
    }
    if (n > s->room) {
        struct join *heap = mem_realloc(s->heap, n * sizeof *heap);
        if (!heap)
            return ERR_MEMORY;
        s->heap = heap;
        s->room = n;
    }
    return OK;
}

static enum status cut_symbols(struct spm *s)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < s->len; i += utf8_announced(s->text[i]))
        n++;
    TRY(make_room(s, n));
    for (size_t i = 0; i < n; i++) {
        size_t len = utf8_announced(s->text[at]);
        len = len < s->len - at ? len : s->len - at;
        s->symbols[i] = (struct symbol){(uint32_t)at, (uint32_t)len, (int32_t)i - 1,
                                        i + 1 < n ? (int32_t)i + 1 : -1};
        at += len;
    }
    s->n_heap = 0;
    for (size_t i = 1; i < n; i++)
        TRY(try_join(s, (int32_t)i - 1, (int32_t)i));
    return OK;
}

static enum status encode_word(struct spm *s)
{
    TRY(cut_symbols(s));
    TRY(join_all(s));
    for (int32_t i = 0; i >= 0; i = s->symbols[i].next) {
        const char *text = s->text + s->symbols[i].begin;
        uint32_t len = s->symbols[i].len;
        uint32_t id = tok_map_find(&s->t->map, text, len);
        if (tok_is_plain(s->t, id)) {
            TRY(tok_out_add(s->out, (int32_t)id));
            continue;
        }
        for (uint32_t k = 0; k < len; k++)
            TRY(tok_out_add(s->out, s->t->byte_id[(unsigned char)text[k]]));
    }
    return OK;
}

enum status tok_spm_encode(const struct tok *t, const char *text, size_t len, bool prefix,
                           struct tok_out *out)
{
    struct spm s = {.t = t, .out = out};
    char *all = NULL;
    TRY(escape(text, len, prefix, &all, &len));
    enum status r = OK;
    for (size_t begin = 0, end; begin < len && r == OK; begin = end) {
        end = t->spans_words ? len : begin + 1;
        while (end < len && !is_word_end(all, len, end))
            end++;
        s.text = all + begin;
        s.len = end - begin;
        r = encode_word(&s);
    }
    mem_free(all);
    mem_free(s.symbols);
    mem_free(s.heap);
    return r;
}
