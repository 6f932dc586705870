/* Opens any bytes as a folder of a Whisper model, and where that works uses all of it. The first
 * byte says which files there are; their contents follow, the word below between them. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "use.h"

enum { FILES = 5 };

static const char next_file[] = "-NEXT-FILE-";

static const struct {
    char letter;
    const char *names[FILES];
} kinds[] = {
    {'h', {"model.safetensors", "config.json", "vocab.json", "generation_config.json"}},
    {'s',
     {"a.safetensors", "b.safetensors", "model.safetensors.index.json", "config.json",
      "tokenizer.json"}},
    {'c', {"model.bin", "config.json", "vocabulary.json"}},
    {'t', {"model.bin", "config.json", "vocabulary.txt"}},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static int files[FILES];
static char root[64];

static void path_of(char out[256], size_t kind, const char *name)
{
    snprintf(out, 256, "%s/%c%s%s", root, kinds[kind].letter, name ? "/" : "", name ? name : "");
}

/* Files in memory, and a folder of links to them for each kind. */
static void make_folders(void)
{
    char path[256], target[64];
    snprintf(root, sizeof root, "/tmp/tawny-fuzz-XXXXXX");
    if (!mkdtemp(root))
        abort();
    for (int i = 0; i < FILES; i++)
        files[i] = memfd_create("fuzz", MFD_CLOEXEC);
    for (size_t k = 0; k < KINDS; k++) {
        path_of(path, k, NULL);
        if (mkdir(path, 0700))
            abort();
        for (int i = 0; i < FILES && kinds[k].names[i]; i++) {
            snprintf(target, sizeof target, "/proc/%d/fd/%d", (int)getpid(), files[i]);
            path_of(path, k, kinds[k].names[i]);
            if (symlink(target, path))
                abort();
        }
    }
}

static void remove_folders(void)
{
    char path[256];
    for (size_t k = 0; k < KINDS; k++) {
        for (int i = 0; i < FILES && kinds[k].names[i]; i++) {
            path_of(path, k, kinds[k].names[i]);
            unlink(path);
        }
        path_of(path, k, NULL);
        rmdir(path);
    }
    rmdir(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t kind = 0, mark = sizeof next_file - 1;
    char path[256];
    struct weights *w;
    if (!root[0]) {
        make_folders();
        atexit(remove_folders);
    }
    while (kind + 1 < KINDS && size && kinds[kind].letter != (char)data[0])
        kind++;
    const uint8_t *at = data + (size > 0), *end = data + size;
    for (int i = 0; i < FILES; i++) {
        const uint8_t *next = memmem(at, (size_t)(end - at), next_file, mark);
        fill(files[i], at, (size_t)((next ? next : end) - at));
        at = next ? next + mark : end;
    }
    path_of(path, kind, NULL);
    enum status s = weights_open(path, &w);
    if (s != OK) {
        if (s != ERR_MODEL || w || !strstr(status_message(), path))
            abort();
        return 0;
    }
    use_weights(w);
    weights_close(&w);
    return 0;
}
