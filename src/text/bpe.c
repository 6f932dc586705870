/* Byte-level BPE: a text is cut into words by the pre-tokenizer; in each word the bytes, written
 * as the 256 printable characters of GPT-2's alphabet, are joined pair by pair, best rank first. */
#include <string.h>

#include "text/tok_int.h"
#include "text/utf8.h"

/* Printable bytes stand for themselves, the others for U+0100 and up, in order. */
static bool byte_is_own(int b)
{
    return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
}

static uint32_t byte_to_code(int byte)
{
    uint32_t next = 0x100;
    if (byte_is_own(byte))
        return (uint32_t)byte;
    for (int b = 0; b < byte; b++)
        next += !byte_is_own(b);
    return next;
}

/* Number of a text among the symbols, added if it is new. The bytes must stay. */
static enum status symbol_of(struct tok *t, const char *s, size_t len, uint32_t *out)
{
    *out = tok_map_find(&t->map, s, len);
    if (*out != TOK_MISSING)
        return OK;
    char *own = arena_strndup(&t->arena, s, len);
    if (!own)
        return ERR_MEMORY;
    *out = t->map.count;
    return tok_map_add(&t->map, own, len);
}

static enum status set_bytes(struct tok *t, int16_t *byte_of_code)
{
    memset(byte_of_code, 0xff, 512 * sizeof *byte_of_code);
    for (int b = 0; b < 256; b++) {
        char name[4];
        uint32_t code = byte_to_code(b);
        byte_of_code[code] = (int16_t)b;
        uint32_t id;
        TRY(symbol_of(t, name, utf8_put(name, code), &id));
        t->byte_symbol[b] = id;
        t->byte_id[b] = tok_is_plain(t, id) ? (int32_t)id : t->unk;
    }
    return OK;
}

/* The bytes that a token's characters stand for; characters of no byte stay as they are. */
static enum status set_piece(struct tok *t, uint32_t id, const int16_t *byte_of_code)
{
    struct tok_str text = t->map.text[id];
    char *to = arena_alloc(&t->arena, text.len);
    size_t n = 0;
    if (!to)
        return ERR_MEMORY;
    for (size_t i = 0; i < text.len;) {
        size_t len = utf8_char(text.s + i, text.len - i);
        uint32_t code = len ? utf8_code(text.s + i, len) : 512;
        if (code < 512 && byte_of_code[code] >= 0) {
            to[n++] = (char)byte_of_code[code];
        } else {
            memcpy(to + n, text.s + i, len ? len : 1);
            n += len ? len : 1;
        }
        i += len ? len : 1;
    }
    t->piece[id] = (struct tok_str){to, n};
    return OK;
}

static enum status add_merge(struct tok *t, const struct tok_vocab *v, uint32_t i, char **buf,
                             size_t *room)
{
    const struct tok_str *m = &v->merges[i];
    const char *gap = m->len > 1 ? memchr(m->s + 1, ' ', m->len - 1) : NULL;
    if (!gap || gap == m->s + m->len - 1)
        return status_fail(ERR_MODEL,
                           "%s: tokenizer.ggml.merges[%u] is \"%.*s\", not two texts with a space "
                           "between",
                           v->file, i, (int)(m->len < 64 ? m->len : 64), m->s);
    size_t left = (size_t)(gap - m->s), right = m->len - left - 1;
    if (m->len > *room) {
        char *more = mem_realloc(*buf, m->len * 2);
        if (!more)
            return ERR_MEMORY;
        *buf = more;
        *room = m->len * 2;
    }
    memcpy(*buf, m->s, left);
    memcpy(*buf + left, gap + 1, right);
    uint32_t a, b, product;
    TRY(symbol_of(t, m->s, left, &a));
    TRY(symbol_of(t, gap + 1, right, &b));
    TRY(symbol_of(t, *buf, left + right, &product));
    if (tok_pairs_find(&t->pairs, a, b) == TOK_MISSING)
        tok_pairs_add(&t->pairs, a, b, product);
    return OK;
}

enum status tok_bpe_init(struct tok *t, const struct tok_vocab *v)
{
    struct tok_pre_info info;
    int16_t byte_of_code[512];
    TRY(tok_pre_create(v->pre, v->file, &t->pre));
    tok_pre_info(v->pre, &info);
    t->ignore_merges = info.ignore_merges;
    TRY(set_bytes(t, byte_of_code));
    for (uint32_t i = 0; i < t->n; i++)
        if (t->kind[i] == TOK_NORMAL || t->kind[i] == TOK_UNUSED)
            TRY(set_piece(t, i, byte_of_code));
    TRY(tok_pairs_init(&t->pairs, v->n_merges));
    char *buf = NULL;
    size_t room = 0;
    enum status s = OK;
    for (uint32_t i = 0; i < v->n_merges && s == OK; i++)
        s = add_merge(t, v, i, &buf, &room);
    mem_free(buf);
    return s;
}

/* ---- encoding ---- */

struct symbol {
    uint32_t id; /* TOK_MISSING: joined into the one before */
    int32_t prev, next;
};

struct bpe {
    const struct tok *t;
    struct tok_out *out;
    struct symbol *symbols;
    size_t room;
    /* Joins that may be done, smallest first: rank in the upper half, place of the left symbol
     * in the lower. */
    uint64_t *heap;
    size_t n_heap;
    char *name; /* a word in the alphabet's characters */
};

static void sift_down(uint64_t *heap, size_t n, size_t i, uint64_t key)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= key)
            break;
        heap[i] = heap[child];
    }
    heap[i] = key;
}

/* Room for all joins that a word of n symbols can ever have waiting: n - 1 at first, and each of
 * its n - 1 joins takes one away and adds at most two. */
static enum status make_room(struct bpe *b, size_t n)
{
    if (n <= b->room)
        return OK;
    size_t room = n < 256 ? 256 : n + n / 2;
    struct symbol *symbols = mem_realloc(b->symbols, room * sizeof *symbols);
    if (symbols)
        b->symbols = symbols;
    uint64_t *heap = mem_realloc(b->heap, room * 2 * sizeof *heap);
    if (heap)
        b->heap = heap;
    if (!symbols || !heap)
        return ERR_MEMORY;
    b->room = room;
    return OK;
}

static uint64_t join_key(const struct bpe *b, int32_t left)
{
    const struct symbol *a = &b->symbols[left];
    uint32_t rank = tok_pairs_find(&b->t->pairs, a->id, b->symbols[a->next].id);
    return (uint64_t)rank << 32 | (uint32_t)left;
}

static bool is_join(uint64_t key)
{
    return key >> 32 != TOK_MISSING;
}

static void try_join(struct bpe *b, int32_t left)
{
    if (left < 0 || b->symbols[left].next < 0)
        return;
    uint64_t key = join_key(b, left);
    if (!is_join(key))
        return;
    size_t i = b->n_heap++;
    while (i > 0 && b->heap[(i - 1) / 2] > key) {
        b->heap[i] = b->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    b->heap[i] = key;
}

static void join_all(struct bpe *b, size_t n)
{
    b->n_heap = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        uint64_t key = join_key(b, (int32_t)i);
        if (is_join(key))
            b->heap[b->n_heap++] = key;
    }
    for (size_t i = b->n_heap / 2; i-- > 0;)
        sift_down(b->heap, b->n_heap, i, b->heap[i]);
    while (b->n_heap) {
        uint64_t key = b->heap[0];
        b->n_heap--;
        if (b->n_heap)
            sift_down(b->heap, b->n_heap, 0, b->heap[b->n_heap]);
        int32_t left = (int32_t)(uint32_t)key;
        const struct tok_merge *m = &b->t->pairs.merges[key >> 32];
        struct symbol *a = &b->symbols[left];
        /* One of the two may have been joined since. */
        if (a->id != m->left || a->next < 0 || b->symbols[a->next].id != m->right)
            continue;
        struct symbol *r = &b->symbols[a->next];
        a->id = m->product;
        a->next = r->next;
        r->id = TOK_MISSING;
        if (a->next >= 0)
            b->symbols[a->next].prev = left;
        try_join(b, a->prev);
        try_join(b, left);
    }
}

/* A symbol that is no token is written as its characters. */
static enum status emit(struct bpe *b, uint32_t id)
{
    const struct tok *t = b->t;
    if (tok_is_plain(t, id))
        return tok_out_add(b->out, (int32_t)id);
    struct tok_str text = t->map.text[id];
    for (size_t i = 0; i < text.len;) {
        size_t len = utf8_char(text.s + i, text.len - i);
        len = len ? len : 1;
        uint32_t one = tok_map_find(&t->map, text.s + i, len);
        int32_t as = tok_is_plain(t, one) ? (int32_t)one : t->unk;
        if (as != TOK_NONE)
            TRY(tok_out_add(b->out, as));
        i += len;
    }
    return OK;
}

/* The token that is the whole word, or TOK_MISSING. */
static uint32_t whole_word(struct bpe *b, const char *word, size_t len)
{
    const struct tok *t = b->t;
    size_t n = 0;
    if (len > t->longest)
        return TOK_MISSING;
    for (size_t i = 0; i < len; i++) {
        const struct tok_str *c = &t->map.text[t->byte_symbol[(unsigned char)word[i]]];
        if (n + c->len > t->longest)
            return TOK_MISSING;
        memcpy(b->name + n, c->s, c->len);
        n += c->len;
    }
    uint32_t id = tok_map_find(&t->map, b->name, n);
    return tok_is_plain(t, id) ? id : TOK_MISSING;
}

static enum status encode_word(void *ctx, const char *word, size_t len)
{
    struct bpe *b = ctx;
    const struct tok *t = b->t;
    if (t->ignore_merges) {
        uint32_t id = whole_word(b, word, len);
        if (id != TOK_MISSING)
            return tok_out_add(b->out, (int32_t)id);
    }
    TRY(make_room(b, len));
    for (size_t i = 0; i < len; i++)
        b->symbols[i] = (struct symbol){t->byte_symbol[(unsigned char)word[i]], (int32_t)i - 1,
                                        i + 1 < len ? (int32_t)i + 1 : -1};
    join_all(b, len);
    for (int32_t i = 0; i >= 0; i = b->symbols[i].next)
        TRY(emit(b, b->symbols[i].id));
    return OK;
}

/* The same text with each byte that is part of no character as U+FFFD; NULL without a message if
 * there is none such. */
static enum status sanitise(const char *text, size_t len, char **out, size_t *n)
{
    size_t bad = 0, at = 0;
    *out = NULL;
    for (size_t i = 0, k; i < len; i += k ? k : 1) {
        k = utf8_char(text + i, len - i);
        bad += k == 0;
    }
    if (bad == 0)
        return OK;
    *n = len + bad * 2;
    if (*n > INT32_MAX)
        return status_fail(ERR_USAGE, "a text of %zu bytes with %zu that are no UTF-8, at most %d",
                           *n, bad, INT32_MAX);
    char *to = mem_realloc(NULL, *n);
    if (!to)
        return ERR_MEMORY;
    for (size_t i = 0, k; i < len; i += k ? k : 1) {
        k = utf8_char(text + i, len - i);
        if (k) {
            memcpy(to + at, text + i, k);
            at += k;
        } else {
            memcpy(to + at, "\xef\xbf\xbd", 3);
            at += 3;
        }
    }
    *out = to;
    return OK;
}

enum status tok_bpe_encode(const struct tok *t, const char *text, size_t len, struct tok_out *out)
{
    struct bpe b = {.t = t, .out = out};
    char *clean = NULL;
    enum status s;
    TRY_GOTO(sanitise(text, len, &clean, &len));
    if (t->ignore_merges) {
        b.name = mem_realloc(NULL, t->longest);
        if (!b.name) {
            s = ERR_MEMORY;
            goto fail;
        }
    }
    s = tok_pre_split(t->pre, clean ? clean : text, len, encode_word, &b);
fail:
    mem_free(clean);
    mem_free(b.name);
    mem_free(b.symbols);
    mem_free(b.heap);
    return s;
}
