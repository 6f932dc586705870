#include "text/tok.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text/chat.h"
#include "text/tok_int.h"

enum status tok_out_add(struct tok_out *o, int32_t id)
{
    if (o->n == o->room) {
        size_t room = o->room ? o->room * 2 : 64;
        int32_t *ids = mem_realloc(o->ids, room * sizeof *ids);
        if (!ids)
            return ERR_MEMORY;
        o->ids = ids;
        o->room = room;
    }
    o->ids[o->n++] = id;
    return OK;
}

/* ---- making one ---- */

static enum status check_id(const struct tok_vocab *v, const char *what, int32_t id)
{
    if (id == TOK_NONE || (id >= 0 && (uint32_t)id < v->n_tokens))
        return OK;
    return status_fail(ERR_MODEL, "%s: %s token id %d is outside 0 .. %u", v->file, what, id,
                       v->n_tokens - 1);
}

static enum status check_vocab(const struct tok_vocab *v)
{
    if (v->n_tokens < 2 || v->n_tokens > INT32_MAX / 2)
        return status_fail(ERR_MODEL, "%s: tokenizer.ggml.tokens: %u tokens, not 2 .. %d", v->file,
                           v->n_tokens, INT32_MAX / 2);
    TRY(check_id(v, "bos", v->bos));
    TRY(check_id(v, "eos", v->eos));
    TRY(check_id(v, "unknown", v->unk));
    TRY(check_id(v, "padding", v->pad));
    if (v->n_eog > TOK_MAX_EOG)
        return status_fail(ERR_MODEL, "%s: %u tokens that end a generation, at most %d", v->file,
                           v->n_eog, TOK_MAX_EOG);
    for (uint32_t i = 0; i < v->n_eog; i++)
        TRY(check_id(v, "end-of-generation", v->eog[i]));
    if (v->add_bos && v->bos == TOK_NONE)
        return status_fail(ERR_MODEL, "%s: a bos token is to be added, but there is none", v->file);
    if (v->add_eos && v->eos == TOK_NONE)
        return status_fail(ERR_MODEL, "%s: an eos token is to be added, but there is none",
                           v->file);
    return OK;
}

/* The byte that a token "<0xHH>" stands for, or -1. */
static int byte_of(const struct tok_str *s)
{
    if (s->len != 6 || memcmp(s->s, "<0x", 3) != 0 || s->s[5] != '>')
        return -1;
    int v = 0;
    for (int i = 3; i < 5; i++) {
        char c = s->s[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                       : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

static enum status add_token(struct tok *t, const struct tok_vocab *v, uint32_t id)
{
    const struct tok_str *text = &v->text[id];
    uint32_t other = text->len ? tok_map_find(&t->map, text->s, text->len) : TOK_MISSING;
    if (other != TOK_MISSING && !v->repeats)
        return status_fail(ERR_MODEL,
                           "%s: tokenizer.ggml.tokens: tokens %u and %u are both \"%.*s\"", v->file,
                           other, id, (int)(text->len < 64 ? text->len : 64), text->s);
    char *own = arena_strndup(&t->arena, text->s, text->len);
    if (!own)
        return ERR_MEMORY;
    TRY(tok_map_add(&t->map, own, text->len));
    if (text->len > t->longest)
        t->longest = text->len;

    int32_t kind = v->kinds ? v->kinds[id] : TOK_NORMAL;
    if (kind < 0 || kind > TOK_BYTE)
        return status_fail(ERR_MODEL, "%s: tokenizer.ggml.token_type[%u] is %d, not 0 .. 6",
                           v->file, id, kind);
    t->kind[id] = (uint8_t)(kind == 0 ? TOK_NORMAL : kind);
    if (kind == TOK_BYTE) {
        int byte = byte_of(text);
        if (byte < 0)
            return status_fail(ERR_MODEL,
                               "%s: tokenizer.ggml.tokens[%u] is a byte token \"%.*s\", not "
                               "\"<0x00>\" to \"<0xFF>\"",
                               v->file, id, (int)(text->len < 64 ? text->len : 64), text->s);
        char *piece = arena_alloc(&t->arena, 1);
        if (!piece)
            return ERR_MEMORY;
        *piece = (char)byte;
        t->piece[id] = (struct tok_str){piece, 1};
    } else {
        t->piece[id] = t->map.text[id];
    }
    t->strip[id] = v->strip ? v->strip[id] : 0;
    return OK;
}

static int by_text(const void *a, const void *b, void *ctx)
{
    const struct tok *t = ctx;
    const struct tok_str *x = &t->map.text[*(const uint32_t *)a];
    const struct tok_str *y = &t->map.text[*(const uint32_t *)b];
    int c = memcmp(x->s, y->s, x->len < y->len ? x->len : y->len);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static enum status sort_special(struct tok *t, const struct tok_vocab *v)
{
    t->special = arena_calloc(&t->arena, t->n, sizeof *t->special);
    if (!t->special)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < t->n; i++)
        if (v->text[i].len &&
            (t->kind[i] == TOK_CONTROL || t->kind[i] == TOK_USER || t->kind[i] == TOK_UNKNOWN))
            t->special[t->n_special++] = i;
    qsort_r(t->special, t->n_special, sizeof *t->special, by_text, t);
    for (uint32_t i = 0; i < t->n_special; i++)
        t->first[(unsigned char)t->map.text[t->special[i]].s[0] + 1]++;
    for (int c = 0; c < 256; c++)
        t->first[c + 1] += t->first[c];
    return OK;
}

static enum status set_tokens(struct tok *t, const struct tok_vocab *v)
{
    t->family = v->family;
    t->n = v->n_tokens;
    t->bos = v->bos;
    t->eos = v->eos;
    t->unk = v->unk;
    t->add_bos = v->add_bos;
    t->add_eos = v->add_eos;
    t->add_space_prefix = v->add_space_prefix;
    TRY(tok_map_init(&t->map, v->n_tokens + 256));
    t->piece = arena_calloc(&t->arena, t->n, sizeof *t->piece);
    t->kind = arena_calloc(&t->arena, t->n, 1);
    t->strip = arena_calloc(&t->arena, t->n, 1);
    t->eog = arena_calloc(&t->arena, t->n, 1);
    if (!t->piece || !t->kind || !t->strip || !t->eog)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < t->n; i++)
        TRY(add_token(t, v, i));
    for (uint32_t i = 0; i < v->n_eog; i++)
        if (v->eog[i] != TOK_NONE)
            t->eog[v->eog[i]] = 1;
    if (v->eos != TOK_NONE)
        t->eog[v->eos] = 1;
    return sort_special(t, v);
}

enum status tok_create(const struct tok_vocab *v, struct tok **out)
{
    *out = NULL;
    TRY(check_vocab(v));
    struct tok *t = mem_alloc(sizeof *t);
    if (!t)
        return ERR_MEMORY;
    enum status s = OK;
    TRY_GOTO(set_tokens(t, v));
    TRY_GOTO(v->family == TOK_SPM ? tok_spm_init(t, v) : tok_bpe_init(t, v));
    *out = t;
    return OK;

fail:
    tok_destroy(&t);
    return s;
}

void tok_destroy(struct tok **t)
{
    if (!*t)
        return;
    tok_pre_destroy(&(*t)->pre);
    tok_pairs_free(&(*t)->pairs);
    tok_map_free(&(*t)->map);
    arena_free(&(*t)->arena);
    mem_free(*t);
    *t = NULL;
}

/* ---- encoding ---- */

struct encoder {
    const struct tok *t;
    const char *text;
    size_t len;
    const struct tok_encode_params *params;
    size_t part; /* the first of params->parts that ends behind the place looked at */
    struct tok_out out;
    bool after_special;
};

/* True if control tokens are recognised in text[begin .. end); begin never goes back. */
static bool is_template(struct encoder *e, size_t begin, size_t end)
{
    const struct tok_encode_params *p = e->params;
    if (!p->parts)
        return p->special;
    while (e->part < p->n_parts && p->parts[e->part].end <= begin)
        e->part++;
    return e->part < p->n_parts && p->parts[e->part].special && p->parts[e->part].begin <= begin &&
           p->parts[e->part].end >= end;
}

/* The first of special[lo .. hi) whose byte at `depth` is at least c; all are longer than that. */
static uint32_t first_from(const struct tok *t, uint32_t lo, uint32_t hi, size_t depth, int c)
{
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if ((unsigned char)t->map.text[t->special[mid]].s[depth] < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The longest special token that stands at `at`, or TOK_MISSING. */
static uint32_t special_at(struct encoder *e, size_t at)
{
    const struct tok *t = e->t;
    unsigned char c = (unsigned char)e->text[at];
    uint32_t lo = t->first[c], hi = t->first[c + 1], found = TOK_MISSING;
    for (size_t depth = 1; lo < hi; depth++) {
        /* The only text that ends here sorts first. */
        uint32_t id = t->special[lo];
        if (t->map.text[id].len == depth) {
            if (t->kind[id] == TOK_USER || is_template(e, at, at + depth))
                found = id;
            lo++;
        }
        if (at + depth == e->len)
            break;
        c = (unsigned char)e->text[at + depth];
        lo = first_from(t, lo, hi, depth, c);
        hi = first_from(t, lo, hi, depth, c + 1);
    }
    return found;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static enum status encode_plain(struct encoder *e, size_t begin, size_t end)
{
    const struct tok *t = e->t;
    if (begin >= end)
        return OK;
    const char *text = e->text + begin;
    size_t len = end - begin;
    if (t->family == TOK_SPM)
        TRY(tok_spm_encode(t, text, len, t->add_space_prefix && e->after_special, &e->out));
    else
        TRY(tok_bpe_encode(t, text, len, &e->out));
    e->after_special = false;
    return OK;
}

static enum status encode_all(struct encoder *e)
{
    const struct tok *t = e->t;
    size_t begin = 0;
    for (size_t at = 0; at < e->len;) {
        unsigned char c = (unsigned char)e->text[at];
        uint32_t id = t->first[c] < t->first[c + 1] ? special_at(e, at) : TOK_MISSING;
        if (id == TOK_MISSING) {
            at++;
            continue;
        }
        size_t end = at;
        if (t->strip[id] & TOK_LSTRIP)
            while (end > begin && is_space(e->text[end - 1]))
                end--;
        TRY(encode_plain(e, begin, end));
        TRY(tok_out_add(&e->out, (int32_t)id));
        e->after_special = true;
        at += t->map.text[id].len;
        if (t->strip[id] & TOK_RSTRIP)
            while (at < e->len && is_space(e->text[at]))
                at++;
        begin = at;
    }
    return encode_plain(e, begin, e->len);
}

enum status tok_encode(const struct tok *t, const char *text, size_t len,
                       const struct tok_encode_params *params, int32_t **ids, size_t *n)
{
    static const struct tok_encode_params none;
    struct encoder e = {
        .t = t, .text = text, .len = len, .params = params ? params : &none, .after_special = true};
    enum status s = OK;
    if (len > INT32_MAX)
        return status_fail(ERR_USAGE, "a text of %zu bytes to encode, at most %d", len, INT32_MAX);
    if (t->add_bos && !e.params->no_bos)
        TRY_GOTO(tok_out_add(&e.out, t->bos));
    TRY_GOTO(encode_all(&e));
    if (t->add_eos && !e.params->no_bos && !e.params->no_eos)
        TRY_GOTO(tok_out_add(&e.out, t->eos));
    if (!*ids || *n == 0) {
        mem_free(*ids);
        *ids = e.out.ids;
    } else if (e.out.n) {
        int32_t *grown = mem_realloc(*ids, (*n + e.out.n) * sizeof *grown);
        if (!grown) {
            s = ERR_MEMORY;
            goto fail;
        }
        memcpy(grown + *n, e.out.ids, e.out.n * sizeof *grown);
        *ids = grown;
        mem_free(e.out.ids);
    } else {
        mem_free(e.out.ids);
    }
    *n += e.out.n;
    return OK;

fail:
    mem_free(e.out.ids);
    return s;
}

/* ---- looking things up ---- */

static bool in_range(const struct tok *t, int32_t id)
{
    return id >= 0 && (uint32_t)id < t->n;
}

struct tok_str tok_piece(const struct tok *t, int32_t id, bool special)
{
    if (!in_range(t, id) ||
        (!special && (t->kind[id] == TOK_CONTROL || t->kind[id] == TOK_UNKNOWN)))
        return (struct tok_str){"", 0};
    return t->piece[id];
}

struct tok_str tok_text(const struct tok *t, int32_t id)
{
    return in_range(t, id) ? t->map.text[id] : (struct tok_str){"", 0};
}

uint32_t tok_count(const struct tok *t)
{
    return t->n;
}

int32_t tok_bos(const struct tok *t)
{
    return t->bos;
}

int32_t tok_eos(const struct tok *t)
{
    return t->eos;
}

bool tok_adds_space(const struct tok *t)
{
    return t->family == TOK_SPM && t->add_space_prefix;
}

bool tok_is_control(const struct tok *t, int32_t id)
{
    return id < 0 || (uint32_t)id >= t->n || t->kind[id] == TOK_CONTROL;
}

bool tok_add_bos(const struct tok *t)
{
    return t->add_bos;
}

bool tok_is_eog(const struct tok *t, int32_t id)
{
    return in_range(t, id) && t->eog[id];
}

int32_t tok_find(const struct tok *t, const char *text, size_t len)
{
    uint32_t i = tok_map_find(&t->map, text, len);
    return i < t->n ? (int32_t)i : TOK_NONE;
}
