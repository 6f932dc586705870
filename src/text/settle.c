#include "text/settle.h"

#include <string.h>

#include "base/mem.h"

/* ---- words -------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The character at p is of a script without blanks: UTF-8 from U+2E80 on. */
static bool stands_alone(const char *p)
{
    unsigned char a = (unsigned char)p[0];
    return a >= 0xe3 || (a == 0xe2 && (unsigned char)p[1] >= 0xba);
}

static bool begins_word(const char *text, size_t i)
{
    if (i == 0)
        return true;
    if (is_blank(text[i]))
        return !is_blank(text[i - 1]);
    return stands_alone(text + i) && ((unsigned char)text[i] & 0xc0) != 0x80 &&
           !is_blank(text[i - 1]);
}

static enum status make_room(struct words *w, size_t len)
{
    size_t used = w->n ? w->at[w->n] : 0;
    if (used + len + 1 > w->room) {
        size_t room = 2 * (used + len) + 64;
        char *text = mem_realloc(w->text, room);
        if (!text)
            return ERR_MEMORY;
        w->text = text;
        w->room = room;
    }
    if (w->n + len + 2 > w->room_at) {
        size_t room = 2 * (w->n + len) + 16;
        uint32_t *at = mem_realloc(w->at, room * sizeof *at);
        if (!at)
            return ERR_MEMORY;
        w->at = at;
        w->room_at = room;
    }
    return OK;
}

enum status words_add(struct words *w, const char *text)
{
    size_t len = strlen(text);
    if (!len)
        return OK;
    TRY(make_room(w, len));
    uint32_t used = w->n ? w->at[w->n] : 0;
    memcpy(w->text + used, text, len + 1);
    for (size_t i = 0; i < len; i++) {
        if (begins_word(text, i))
            w->at[w->n++] = used + (uint32_t)i;
    }
    w->at[w->n] = used + (uint32_t)len;
    return OK;
}

void words_clear(struct words *w)
{
    w->n = 0;
}

void words_drop(struct words *w, uint32_t count)
{
    if (count >= w->n) {
        w->n = 0;
        return;
    }
    uint32_t skip = w->at[count];
    memmove(w->text, w->text + skip, w->at[w->n] - skip + 1);
    w->n -= count;
    for (uint32_t i = 0; i <= w->n; i++)
        w->at[i] = w->at[i + count] - skip;
}

void words_free(struct words *w)
{
    mem_free(w->text);
    mem_free(w->at);
    *w = (struct words){0};
}

const char *words_from(const struct words *w, uint32_t first)
{
    return first < w->n ? w->text + w->at[first] : "";
}

static bool same_word(const struct words *a, const struct words *b, uint32_t i)
{
    uint32_t len = a->at[i + 1] - a->at[i];
    return len == b->at[i + 1] - b->at[i] && !memcmp(a->text + a->at[i], b->text + b->at[i], len);
}

static enum status copy(struct words *to, const struct words *from, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        char *next = from->text + from->at[i + 1], kept = *next;
        *next = 0;
        enum status s = words_add(to, from->text + from->at[i]);
        *next = kept;
        TRY(s);
    }
    return OK;
}

/* ---- settling ----------------------------------------------------------------------------- */

enum status settle_pass(struct settle *s, const struct words *text, bool all)
{
    uint32_t n = s->settled.n, end = n;
    while (end < text->n && (all || (end < s->last.n && same_word(text, &s->last, end))))
        end++;
    TRY(copy(&s->settled, text, n, end));
    words_clear(&s->last);
    return copy(&s->last, text, 0, text->n);
}

void settle_drop(struct settle *s, uint32_t count)
{
    words_drop(&s->settled, count);
    words_drop(&s->last, count);
}

void settle_free(struct settle *s)
{
    words_free(&s->settled);
    words_free(&s->last);
}
