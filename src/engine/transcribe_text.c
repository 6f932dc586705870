/* Tokens, texts, and those that go round. */
#include <string.h>
#include <zlib.h>

#include "engine/loops.h"
#include "engine/transcribe_inside.h"

/* The text of tokens, without those of times, in r->text. */
enum status transcribe_write(struct run *r, const int32_t *tokens, uint32_t n, size_t *len)
{
    struct tok_stream stream;
    tok_stream_init(&stream, r->s->m->tok, false);
    *len = 0;
    for (uint32_t i = 0; i <= n; i++) {
        size_t need = 64;
        if (i < n && !transcribe_is_text(r, tokens[i]))
            continue;
        if (i < n)
            need += TOK_STREAM_ROOM(tok_piece(r->s->m->tok, tokens[i], false).len);
        if (*len + need > r->text_room) {
            char *more = mem_realloc(r->text, 2 * r->text_room + need);
            if (!more)
                return ERR_MEMORY;
            r->text = more;
            r->text_room = 2 * r->text_room + need;
        }
        if (i < n)
            *len += tok_stream_push(&stream, tokens[i], r->text + *len, r->text_room - *len);
        else
            *len += tok_stream_finish(&stream, r->text + *len, r->text_room - *len);
    }
    r->text[*len] = 0;
    return OK;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void transcribe_trim(const char *text, size_t *first, size_t *len)
{
    *first = 0;
    while (*len && is_blank(text[*len - 1]))
        (*len)--;
    while (*len && is_blank(text[*first])) {
        (*first)++;
        (*len)--;
    }
}

/* Bytes of the answer's text, and what zlib makes of them. */
static enum status pack(struct run *r, const struct speech_answer *a, size_t *bytes, size_t *packed)
{
    size_t first;
    TRY(transcribe_write(r, a->tokens, a->n, bytes));
    transcribe_trim(r->text, &first, bytes);
    uLongf size = compressBound((uLong)*bytes);
    void *to = mem_alloc(size);
    if (!to)
        return ERR_MEMORY;
    int bad = compress(to, &size, (const Bytef *)r->text + first, (uLong)*bytes);
    mem_free(to);
    *packed = size;
    return bad ? status_fail(ERR, "zlib: error %d", bad) : OK;
}

enum status transcribe_ratio(struct run *r, const struct speech_answer *a, float *out)
{
    size_t bytes, packed;
    TRY(pack(r, a, &bytes, &packed));
    *out = (float)((double)bytes / (double)packed);
    return OK;
}

/* ---- loops -------------------------------------------------------------------------------- */

/* The tokens of text among these; returns how many. */
static uint32_t text_of(const struct run *r, const int32_t *tokens, uint32_t n, int32_t *text)
{
    uint32_t n_text = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (transcribe_is_text(r, tokens[i]))
            text[n_text++] = tokens[i];
    }
    return n_text;
}

bool transcribe_is_loop(struct run *r, const struct speech_answer *a)
{
    int32_t text[SPEECH_MOST];
    uint32_t most = r->s->m->w.text.n_ctx / 2, left = a->ended || a->n > most ? 0 : most - a->n;
    size_t bytes, packed;
    if (!a->ended && !loops_at_end(text, text_of(r, a->tokens, a->n, text)))
        return false;
    if (pack(r, a, &bytes, &packed) != OK)
        return false; /* where memory is short, the text goes on */
    return loops_stay(bytes, packed, left, r->p->most_compression);
}

bool transcribe_drop_loops(struct run *r)
{
    int32_t text[SPEECH_MOST], *t = r->best.tokens;
    bool again[SPEECH_MOST];
    uint32_t n_text = 0, n = 0, first = 0;
    for (uint32_t i = 0; i < r->n_pieces; i++)
        n_text += text_of(r, t + r->pieces[i].first, r->pieces[i].n, text + n_text);
    if (!loops_mark(text, n_text, again))
        return false;
    n_text = 0;
    for (uint32_t i = 0; i < r->n_pieces; i++) { /* they follow each other, and become shorter */
        struct piece *p = &r->pieces[i];
        p->fit.n_text = 0;
        for (uint32_t k = p->first; k < p->first + p->n; k++) {
            bool is_text = transcribe_is_text(r, t[k]);
            if (is_text && again[n_text++])
                continue;
            p->fit.n_text += is_text;
            t[n++] = t[k];
        }
        p->first = first;
        p->n = n - first;
        first = n;
    }
    return true;
}

bool transcribe_is_same(struct run *r)
{
    int32_t text[SPEECH_MOST];
    uint32_t n = text_of(r, r->best.tokens, r->best.n, text);
    bool same = n && n == r->n_before && !memcmp(text, r->before, n * sizeof *text);
    memcpy(r->before, text, n * sizeof *text);
    r->n_before = n;
    return same;
}
