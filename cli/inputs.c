#include "inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char *const extensions[] = {
    "3g2", "3gp",  "aac",  "ac3", "aif", "aiff", "amr",  "ape", "asf",  "au",  "avi", "caf",
    "dts", "eac3", "flac", "flv", "m4a", "m4b",  "m4v",  "mka", "mkv",  "mov", "mp2", "mp3",
    "mp4", "mpc",  "mpeg", "mpg", "mts", "oga",  "ogg",  "ogv", "opus", "ra",  "rm",  "spx",
    "tak", "ts",   "tta",  "voc", "w64", "wav",  "webm", "wma", "wmv",  "wv",
};

enum { MAX_DEPTH = 64 };

static bool is_media(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof extensions / sizeof *extensions; i++) {
        if (!strcasecmp(dot + 1, extensions[i]))
            return true;
    }
    return false;
}

/* ---- finding ------------------------------------------------------------------------------ */

/* `shown`: the path from the operand on, which names come from. */
static enum status add(struct inputs *in, const char *path, const char *shown)
{
    if (in->n == in->room) {
        size_t room = 2 * in->room + 16;
        struct input *more = mem_realloc(in->list, room * sizeof *more);
        if (!more)
            return ERR_MEMORY;
        in->list = more;
        in->room = room;
    }
    in->list[in->n++] = (struct input){path, shown};
    return OK;
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum status add_folder(struct inputs *in, const char *path, size_t operand, int depth);

static enum status add_entry(struct inputs *in, const char *folder, const char *name,
                             size_t operand, int depth)
{
    struct stat st;
    bool slash = folder[strlen(folder) - 1] == '/';
    const char *path = arena_printf(&in->arena, "%s%s%s", folder, slash ? "" : "/", name);
    if (!path)
        return ERR_MEMORY;
    if (lstat(path, &st))
        return OK; /* it has just gone */
    if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
        return add_folder(in, path, operand, depth + 1);
    bool file =
        S_ISREG(st.st_mode) || (S_ISLNK(st.st_mode) && !stat(path, &st) && S_ISREG(st.st_mode));
    return file && is_media(name) ? add(in, path, path + operand) : OK;
}

/* `operand`: the length of its path, with the slash. */
static enum status add_folder(struct inputs *in, const char *path, size_t operand, int depth)
{
    struct dirent **entries;
    enum status s = OK;
    int n = scandir(path, &entries, visible, by_name);
    if (n < 0) {
        say("%s: %s", path, strerror(errno));
        in->bad++;
        return OK;
    }
    for (int i = 0; i < n; i++) {
        if (s == OK)
            s = add_entry(in, path, entries[i]->d_name, operand, depth);
        free(entries[i]);
    }
    free(entries);
    return s;
}

static enum status add_operand(struct inputs *in, const char *path)
{
    struct stat st;
    const char *slash = strrchr(path, '/');
    size_t len = strlen(path), before = in->n + in->bad;
    if (!strcmp(path, "-"))
        return add(in, path, "stdin");
    if (stat(path, &st) || !S_ISDIR(st.st_mode))
        return add(in, path, slash ? slash + 1 : path);
    TRY(add_folder(in, path, len + (path[len - 1] != '/'), 0));
    if (in->n + in->bad == before) {
        say("%s: no media files in this folder", path);
        in->bad++;
    }
    return OK;
}

/* ---- names -------------------------------------------------------------------------------- */

/* How often each text was seen: open addressing. */
struct seen {
    struct slot {
        const char *text;
        size_t times;
    } * slots;
    size_t room; /* a power of two */
};

static struct slot *find(struct seen *s, const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *p = text; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    size_t i = (size_t)(h >> 20) & (s->room - 1);
    while (s->slots[i].text && strcmp(s->slots[i].text, text))
        i = (i + 1) & (s->room - 1);
    s->slots[i].text = text;
    return &s->slots[i];
}

/* Without the extension of the last part. */
static const char *stem_of(struct arena *a, const char *shown)
{
    const char *slash = strrchr(shown, '/'), *last = slash ? slash + 1 : shown;
    const char *dot = strrchr(last, '.');
    return arena_strndup(a, shown, dot && dot != last ? (size_t)(dot - shown) : strlen(shown));
}

static enum status name_all(struct inputs *in, struct seen *stems, struct seen *names)
{
    for (size_t i = 0; i < in->n; i++) {
        const char *stem = stem_of(&in->arena, in->list[i].name);
        if (!stem)
            return ERR_MEMORY;
        find(stems, stem)->times++;
    }
    for (size_t i = 0; i < in->n; i++) {
        const char *stem = stem_of(&in->arena, in->list[i].name);
        const char *base = stem && find(stems, stem)->times > 1 ? in->list[i].name : stem;
        const char *name = base;
        for (int k = 2; name && find(names, name)->times; k++)
            name = arena_printf(&in->arena, "%s-%d", base, k);
        if (!name)
            return ERR_MEMORY;
        find(names, name)->times = 1;
        in->list[i].name = name;
    }
    return OK;
}

/* Tables that stay at most a quarter full: of a name that is tried and taken, the text stays. */
static enum status choose_names(struct inputs *in)
{
    struct seen stems = {.room = 64}, names;
    while (stems.room < 4 * in->n)
        stems.room *= 2;
    names = stems;
    stems.slots = arena_calloc(&in->arena, stems.room, sizeof *stems.slots);
    names.slots = arena_calloc(&in->arena, names.room, sizeof *names.slots);
    return stems.slots && names.slots ? name_all(in, &stems, &names) : ERR_MEMORY;
}

enum status inputs_find(char **operands, size_t n, struct inputs *out)
{
    enum status s = OK;
    *out = (struct inputs){0};
    for (size_t i = 0; s == OK && i < n; i++)
        s = add_operand(out, operands[i]);
    if (s == OK)
        s = choose_names(out);
    if (s != OK)
        inputs_free(out);
    return s;
}

void inputs_free(struct inputs *in)
{
    mem_free(in->list);
    arena_free(&in->arena);
    *in = (struct inputs){0};
}
