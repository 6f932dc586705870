/* Subtitles out of words, as openai-whisper's SubtitlesWriter makes them. */
#include <string.h>

#include "base/mem.h"
#include "subtitles.h"

/* Characters of UTF-8. */
static size_t count(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static bool is_blank(char c)
{
    return c && strchr(" \t\r\n", c);
}

/* The text without blanks around it, `before` in front; to be freed. */
static char *stripped(const char *before, const char *text)
{
    size_t len = strlen(text), first = strlen(before);
    while (len && is_blank(text[len - 1]))
        len--;
    while (len && is_blank(*text)) {
        text++;
        len--;
    }
    char *out = mem_alloc(first + len + 1);
    if (!out)
        return NULL;
    memcpy(out, before, first);
    memcpy(out + first, text, len);
    out[first + len] = 0;
    return out;
}

/* All words of the subtitle; word `marked` underlined (SIZE_MAX: none); to be freed. */
static char *joined(const struct subtitles *s, size_t marked)
{
    size_t len = 8, at = 0;
    for (size_t i = 0; i < s->n_line; i++)
        len += strlen(s->line[i].text);
    char *out = mem_alloc(len);
    if (!out)
        return NULL;
    for (size_t i = 0; i < s->n_line; i++) {
        const char *text = s->line[i].text;
        while (is_blank(*text))
            out[at++] = *text++;
        at += (size_t)sprintf(out + at, i == marked ? "<u>%s</u>" : "%s", text);
    }
    out[at] = 0;
    return out;
}

static enum status put(struct subtitles *s, size_t marked, double start, double end)
{
    char *text = joined(s, marked);
    if (!text)
        return ERR_MEMORY;
    subtitles_put(s, start, end, text);
    mem_free(text);
    return OK;
}

/* Writes the subtitle, and empties it. */
static enum status flush(struct subtitles *s)
{
    enum status st = OK;
    double last = s->n_line ? s->line[0].start : 0;
    if (s->n_line && !s->layout.highlight)
        st = put(s, SIZE_MAX, last, s->line[s->n_line - 1].end);
    for (size_t i = 0; s->layout.highlight && st == OK && i < s->n_line; i++) {
        const struct subtitle_word *w = &s->line[i];
        if (w->start != last)
            st = put(s, SIZE_MAX, last, w->start);
        if (st == OK)
            st = put(s, i, w->start, w->end);
        last = w->end;
    }
    for (size_t i = 0; i < s->n_line; i++)
        mem_free(s->line[i].text);
    s->n_line = 0;
    s->n_lines = 1;
    return st;
}

static bool ends_with_segments(const struct subtitles *s)
{
    return !s->layout.line_count || !s->layout.line_width;
}

/* first: it is the first word of a segment, or of as many as a line may have. */
static enum status add(struct subtitles *s, const struct tawny_word *w, bool first)
{
    const struct subtitle_layout *l = &s->layout;
    bool keep = ends_with_segments(s);
    bool pause = !keep && s->last >= 0 && w->start - s->last > 3;
    bool fits = !l->line_width || s->line_len + count(w->text) <= l->line_width;
    bool ends = first && s->n_line && keep;
    const char *before = "";
    char *text;
    s->last = w->start;
    if (s->line_len && fits && !pause && !ends) {
        text = mem_alloc(strlen(w->text) + 1);
        if (text)
            strcpy(text, w->text);
        s->line_len += count(w->text);
    } else {
        if (ends || (s->n_line && l->line_count && (pause || s->n_lines >= l->line_count))) {
            TRY(flush(s));
        } else if (s->line_len) {
            s->n_lines++;
            before = "\n";
        }
        text = stripped(before, w->text);
        s->line_len = text ? count(text + strlen(before)) : 0;
    }
    if (text && s->n_line == s->line_room) {
        size_t room = 2 * s->line_room + 16;
        struct subtitle_word *more = mem_realloc(s->line, room * sizeof *more);
        if (!more) {
            mem_free(text);
            return ERR_MEMORY;
        }
        s->line = more;
        s->line_room = room;
    }
    if (!text)
        return ERR_MEMORY;
    s->line[s->n_line++] = (struct subtitle_word){text, w->start, w->end};
    return OK;
}

enum status subtitles_add_words(struct subtitles *s, const struct tawny_segment *g)
{
    uint32_t most = s->layout.line_words;
    for (size_t i = 0; i < g->n_words; i++)
        TRY(add(s, &g->words[i], most ? i % most == 0 : i == 0));
    if (!ends_with_segments(s))
        return OK;
    s->line_len = 0;
    return flush(s);
}

enum status subtitles_end_words(struct subtitles *s)
{
    enum status st =
        s->words && (s->format == SUBTITLES_SRT || s->format == SUBTITLES_VTT) ? flush(s) : OK;
    mem_free(s->line);
    s->line = NULL;
    s->n_line = s->line_room = 0;
    return st;
}
