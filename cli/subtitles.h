/* subtitles.h - transcripts in the formats that other programs read, as openai-whisper and
 * whisper.cpp write them. */
#ifndef TAWNY_CLI_SUBTITLES_H
#define TAWNY_CLI_SUBTITLES_H

#include "cli.h"

enum subtitle_format {
    SUBTITLES_TXT,
    SUBTITLES_SRT,
    SUBTITLES_VTT,
    SUBTITLES_JSON,
    SUBTITLES_TSV,
    SUBTITLES_CSV,
    SUBTITLES_LRC,
    SUBTITLE_FORMATS
};

/* "txt", ...: also the extension of such files. */
extern const char *const subtitle_names[SUBTITLE_FORMATS];

/* How subtitles of words are laid out, as openai-whisper's options of these names say. */
struct subtitle_layout {
    bool highlight;       /* a subtitle a word, with this word underlined (SRT, VTT) */
    uint32_t line_width;  /* characters; 0: no limit */
    uint32_t line_count;  /* with line_width: lines of a subtitle; 0: no limit */
    uint32_t line_words;  /* without: words of a subtitle; 0: no limit */
};

/* A word that is to go into a subtitle. */
struct subtitle_word {
    char *text;
    double start, end;
};

/* One transcript on its way to a file. JSON is written at the end, the others as they come. */
struct subtitles {
    enum subtitle_format format;
    FILE *f;
    uint32_t n;
    bool words;           /* subtitles are made of words, in this layout: */
    struct subtitle_layout layout;
    struct subtitle_word *line; /* the words of the next subtitle */
    size_t n_line, line_room;
    size_t line_len;      /* characters of its last line */
    uint32_t n_lines;
    double last;          /* when the last word began; < 0: there was none */
    json_t *segments;
    char *text; /* of all segments, for JSON */
    size_t len, room;
};

/* layout NULL: segments are without words. */
enum status subtitles_begin(struct subtitles *s, enum subtitle_format format,
                            const struct subtitle_layout *layout, FILE *f);
enum status subtitles_add(struct subtitles *s, const struct tawny_segment *segment);
/* `t` may be NULL where something failed: then only memory is released. The file stays open. */
enum status subtitles_end(struct subtitles *s, const struct tawny_transcript *t);

/* ---- between the sources of subtitles ---- */

/* One subtitle (SRT, VTT). */
void subtitles_put(struct subtitles *s, double start, double end, const char *text);
/* The words of a segment; and those that are left at the end. */
enum status subtitles_add_words(struct subtitles *s, const struct tawny_segment *segment);
enum status subtitles_end_words(struct subtitles *s);

#endif
