#include "subtitles.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"

const char *const subtitle_names[SUBTITLE_FORMATS] = {"txt", "srt", "vtt", "json",
                                                      "tsv", "csv", "lrc"};

static uint64_t milliseconds(double seconds)
{
    return seconds > 0 ? (uint64_t)llround(seconds * 1000) : 0;
}

/* "00:01:02,345"; without `hours` they are left out where there are none. */
static void put_time(FILE *f, double seconds, bool hours, char point)
{
    uint64_t ms = milliseconds(seconds);
    if (hours || ms >= 3600000)
        fprintf(f, "%02" PRIu64 ":", ms / 3600000);
    fprintf(f, "%02" PRIu64 ":%02" PRIu64 "%c%03" PRIu64, ms / 60000 % 60, ms / 1000 % 60, point,
            ms % 1000);
}

/* The text without blanks around it; "-->" would end a line of times. */
static void put_text(struct subtitles *s, const char *text)
{
    size_t len = strlen(text);
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    while (len && strchr(" \t\r\n", *text)) {
        text++;
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        bool times = s->format == SUBTITLES_SRT || s->format == SUBTITLES_VTT;
        if (times && len - i >= 3 && !memcmp(text + i, "-->", 3))
            continue;
        if (s->format == SUBTITLES_CSV && text[i] == '"')
            fputc('"', s->f);
        fputc(s->format == SUBTITLES_TSV && text[i] == '\t' ? ' ' : text[i], s->f);
    }
}

enum status subtitles_begin(struct subtitles *s, enum subtitle_format format,
                            const struct subtitle_layout *layout, FILE *f)
{
    *s = (struct subtitles){.format = format, .f = f, .words = layout, .n_lines = 1, .last = -1};
    if (layout)
        s->layout = *layout;
    if (format == SUBTITLES_VTT)
        fputs("WEBVTT\n\n", f);
    if (format == SUBTITLES_TSV)
        fputs("start\tend\ttext\n", f);
    if (format == SUBTITLES_CSV)
        fputs("start,end,text\n", f);
    if (format != SUBTITLES_JSON)
        return OK;
    s->segments = json_array();
    return s->segments ? OK : status_fail(ERR_MEMORY, "no memory for the result as JSON");
}

static json_t *ids_json(const struct tawny_segment *segment)
{
    json_t *ids = json_array();
    for (size_t i = 0; i < segment->n_tokens; i++)
        json_array_append_new(ids, json_integer(segment->tokens[i]));
    return ids;
}

static json_t *words_json(const struct tawny_segment *g)
{
    json_t *words = json_array();
    for (size_t i = 0; i < g->n_words; i++) {
        const struct tawny_word *w = &g->words[i];
        json_array_append_new(words,
                              json_pack("{s:o, s:f, s:f, s:f}", "word",
                                        json_text(w->text, strlen(w->text)), "start", w->start,
                                        "end", w->end, "probability", (double)w->probability));
    }
    return words;
}

static enum status add_json(struct subtitles *s, const struct tawny_segment *g)
{
    size_t len = strlen(g->text);
    if (s->len + len + 1 > s->room) {
        size_t room = 2 * (s->len + len) + 256;
        char *more = mem_realloc(s->text, room);
        if (!more)
            return ERR_MEMORY;
        s->text = more;
        s->room = room;
    }
    memcpy(s->text + s->len, g->text, len + 1);
    s->len += len;
    json_t *one = json_pack("{s:i, s:I, s:f, s:f, s:o, s:o, s:f, s:f, s:f, s:f}", "id", (int)g->id,
                            "seek", (json_int_t)g->seek, "start", g->start, "end", g->end, "text",
                            json_text(g->text, len), "tokens", ids_json(g), "temperature",
                            (double)g->temperature, "avg_logprob", (double)g->avg_logprob,
                            "compression_ratio", (double)g->compression_ratio, "no_speech_prob",
                            (double)g->no_speech_prob);
    if (one && s->words)
        json_object_set_new(one, "words", words_json(g));
    if (!one || json_array_append_new(s->segments, one))
        return status_fail(ERR_MEMORY, "no memory for the result as JSON");
    return OK;
}

void subtitles_put(struct subtitles *s, double start, double end, const char *text)
{
    bool srt = s->format == SUBTITLES_SRT;
    if (srt)
        fprintf(s->f, "%" PRIu32 "\n", ++s->n);
    put_time(s->f, start, srt, srt ? ',' : '.');
    fputs(" --> ", s->f);
    put_time(s->f, end, srt, srt ? ',' : '.');
    fputc('\n', s->f);
    put_text(s, text);
    fputs("\n\n", s->f);
    fflush(s->f);
}

enum status subtitles_add(struct subtitles *s, const struct tawny_segment *g)
{
    FILE *f = s->f;
    switch (s->format) {
    case SUBTITLES_SRT:
    case SUBTITLES_VTT:
        if (s->words)
            return subtitles_add_words(s, g);
        subtitles_put(s, g->start, g->end, g->text);
        return OK;
    case SUBTITLES_TSV:
        fprintf(f, "%" PRIu64 "\t%" PRIu64 "\t", milliseconds(g->start), milliseconds(g->end));
        break;
    case SUBTITLES_CSV:
        fprintf(f, "%" PRIu64 ",%" PRIu64 ",\"", milliseconds(g->start), milliseconds(g->end));
        break;
    case SUBTITLES_LRC:
        fprintf(f, "[%02" PRIu64 ":%02" PRIu64 ".%02" PRIu64 "]", milliseconds(g->start) / 60000,
                milliseconds(g->start) / 1000 % 60, milliseconds(g->start) / 10 % 100);
        break;
    case SUBTITLES_JSON:
        return add_json(s, g);
    case SUBTITLES_TXT:
    case SUBTITLE_FORMATS:
        break;
    }
    put_text(s, g->text);
    fputs(s->format == SUBTITLES_CSV ? "\"\n" : "\n", f);
    fflush(f);
    return OK;
}

static int dump(const char *text, size_t len, void *ctx)
{
    return fwrite(text, 1, len, ctx) == len ? 0 : -1;
}

enum status subtitles_end(struct subtitles *s, const struct tawny_transcript *t)
{
    enum status st = subtitles_end_words(s);
    if (s->format == SUBTITLES_JSON && t) {
        json_t *all = json_pack("{s:o, s:O, s:s, s:f, s:f}", "text",
                                json_text(s->text ? s->text : "", s->len), "segments", s->segments,
                                "language", t->language, "language_probability",
                                (double)t->language_prob, "duration", t->seconds);
        if (!all || json_dump_callback(all, dump, s->f, JSON_REAL_PRECISION(9)))
            st = status_fail(ERR, "the result cannot be written as JSON");
        json_decref(all);
        fputc('\n', s->f);
    }
    json_decref(s->segments);
    mem_free(s->text);
    s->segments = NULL;
    s->text = NULL;
    return st;
}
