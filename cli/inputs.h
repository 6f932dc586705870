/* inputs.h - the media files that operands name, and what their texts are called.
 *
 * An operand is a file, "-" for standard input, or a folder: then all media files in it and in the
 * folders in it, sorted by name; files and folders whose names begin with a dot are left out, and
 * links to folders are not followed. What is a media file its extension says; files that are
 * operands themselves are taken whatever they are called. */
#ifndef TAWNY_CLI_INPUTS_H
#define TAWNY_CLI_INPUTS_H

#include "base/mem.h"
#include "cli.h"

struct input {
    const char *path;
    /* Without the last extension; of a file in a folder with the folders between ("b/talk" of
     * a/b/talk.mp3 in the operand a). Where that would be the same for several, with the extension,
     * and where it still is, with "-2", "-3" ... behind it. */
    const char *name;
};

struct inputs {
    struct input *list;
    size_t n, room;
    size_t bad; /* folders that could not be read, or held nothing; each has been said */
    struct arena arena;
};

/* ERR_MEMORY alone. */
enum status inputs_find(char **operands, size_t n, struct inputs *out);
void inputs_free(struct inputs *in);

#endif
