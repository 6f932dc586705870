#include <string.h>

#include "text/tok_int.h"
#include "text/utf8.h"

struct writer {
    char *out;
    size_t room, n;
};

static void put(struct writer *w, const char *s, size_t len)
{
    if (len <= w->room - w->n) {
        memcpy(w->out + w->n, s, len);
        w->n += len;
    } else {
        w->room = w->n;
    }
}

void tok_stream_init(struct tok_stream *s, const struct tok *t, bool special)
{
    *s = (struct tok_stream){.tok = t, .special = special};
}

/* True if s[0 .. len) may yet become a character when more bytes come. */
static bool may_grow(const char *s, size_t len)
{
    static const char more[2][3] = {{'\x80', '\x80', '\x80'}, {'\xbf', '\xbf', '\xbf'}};
    char whole[8];
    size_t want = utf8_announced(s[0]);
    if (len >= want)
        return false;
    for (int k = 0; k < 2; k++) {
        memcpy(whole, s, len);
        memcpy(whole + len, more[k], want - len);
        if (utf8_char(whole, want))
            return true;
    }
    return false;
}

/* Takes one byte in and lets out what is settled. */
static void step(struct tok_stream *s, struct writer *w, char c)
{
    s->held[s->n_held++] = c;
    while (s->n_held) {
        size_t len = utf8_char(s->held, s->n_held);
        if (!len && may_grow(s->held, s->n_held))
            return;
        put(w, len ? s->held : "\xef\xbf\xbd", len ? len : 3);
        len = len ? len : 1;
        s->n_held -= len;
        memmove(s->held, s->held + len, s->n_held);
    }
}

size_t tok_stream_push(struct tok_stream *s, int32_t id, char *out, size_t room)
{
    struct writer w = {out, room, 0};
    struct tok_str piece = tok_piece(s->tok, id, s->special);
    if (!s->started && !tok_is_control(s->tok, id)) {
        s->started = true;
        if (tok_adds_space(s->tok) && piece.len && piece.s[0] == ' ') {
            piece.s++;
            piece.len--;
        }
    }
    for (size_t i = 0; i < piece.len; i++)
        step(s, &w, piece.s[i]);
    return w.n;
}

size_t tok_stream_finish(struct tok_stream *s, char *out, size_t room)
{
    struct writer w = {out, room, 0};
    for (size_t i = 0; i < s->n_held; i++)
        put(&w, "\xef\xbf\xbd", 3);
    s->n_held = 0;
    s->started = false;
    return w.n;
}
