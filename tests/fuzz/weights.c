/* Opens any bytes as a model file, and where that works uses all of it as the engine would. Bytes
 * behind the word below are the second file of a split model. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "use.h"

static const char next_file[] = "-NEXT-FILE-";

static int files[2];
static char first_path[128];

/* Two files in memory, and a folder of links that gives them a split model's names. */
static void make_files(void)
{
    char folder[] = "/tmp/tawny-fuzz-XXXXXX", link[128], target[64];
    if (!mkdtemp(folder))
        abort();
    for (int i = 0; i < 2; i++) {
        files[i] = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(target, sizeof target, "/proc/%d/fd/%d", (int)getpid(), files[i]);
        snprintf(link, sizeof link, "%s/m-%05d-of-00002.gguf", folder, i + 1);
        if (files[i] < 0 || symlink(target, link))
            abort();
        if (i == 0)
            memcpy(first_path, link, sizeof link);
    }
}

static void remove_files(void)
{
    char *end = strstr(first_path, "-00001-of"); /* "..../m" */
    for (int i = 0; i < 2; i++) {
        snprintf(end, 64, "-%05d-of-00002.gguf", i + 1);
        unlink(first_path);
    }
    *strrchr(first_path, '/') = 0;
    rmdir(first_path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weights *w;
    if (!first_path[0]) {
        make_files();
        atexit(remove_files);
    }
    size_t mark = sizeof next_file - 1;
    const uint8_t *second = memmem(data, size, next_file, mark);
    fill(files[0], data, second ? (size_t)(second - data) : size);
    fill(files[1], second ? second + mark : data,
         second ? size - mark - (size_t)(second - data) : 0);
    enum status s = weights_open(first_path, &w);
    if (s != OK) {
        if (s != ERR_MODEL || w || !strstr(status_message(), ".gguf"))
            abort();
        return 0;
    }
    use_weights(w);
    weights_close(&w);
    return 0;
}
