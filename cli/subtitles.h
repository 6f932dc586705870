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

/* One transcript on its way to a file. JSON is written at the end, the others as they come. */
struct subtitles {
    enum subtitle_format format;
    FILE *f;
    uint32_t n;
    json_t *segments;
    char *text; /* of all segments, for JSON */
    size_t len, room;
};

enum status subtitles_begin(struct subtitles *s, enum subtitle_format format, FILE *f);
enum status subtitles_add(struct subtitles *s, const struct tawny_segment *segment);
/* `t` may be NULL where something failed: then only memory is released. The file stays open. */
enum status subtitles_end(struct subtitles *s, const struct tawny_transcript *t);

#endif
