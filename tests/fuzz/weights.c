/* Opens any bytes as a model file, and where that works uses all of it as the engine would. Bytes
 * behind the word below are the second file of a split model. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/weights.h"

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

static void fill(int fd, const uint8_t *data, size_t size)
{
    if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
}

static uint64_t sum(const void *p, uint64_t n)
{
    const unsigned char *b = p;
    uint64_t s = 0;
    for (uint64_t i = 0; i < n; i++)
        s += b[i];
    return s;
}

static uint64_t use_meta(const struct weights *w, const struct weights_meta *m)
{
    uint32_t u;
    float f;
    bool b;
    struct weights_str str;
    const struct weights_str *strs;
    const float *f32s;
    const int32_t *i32s;
    uint64_t n, total = m->count;
    if (weights_find(w, m->key) != m)
        abort(); /* a key is found, and occurs once */
    if (weights_u32(w, m->key, 0, 100, 0, &u) == OK)
        total += u;
    if (weights_f32(w, m->key, 0, 1, 0, &f) == OK && !(f >= 0 && f <= 1))
        abort();
    if (weights_bool(w, m->key, false, &b) == OK)
        total += b;
    if (weights_string(w, m->key, &str) == OK)
        total += sum(str.s, str.len);
    if (weights_strings(w, m->key, &strs, &n) == OK)
        for (uint64_t i = 0; i < n; i++)
            total += sum(strs[i].s, strs[i].len);
    if (weights_f32s(w, m->key, &f32s, &n) == OK)
        total += sum(f32s, n * sizeof *f32s);
    if (weights_i32s(w, m->key, &i32s, &n) == OK)
        total += sum(i32s, n * sizeof *i32s);
    return total;
}

static uint64_t use_tensor(const struct weights *w, const struct weights_tensor *t)
{
    unsigned char b[2] = {0, 0};
    const struct weights_tensor *same;
    if (weights_tensor(w, t->name) != t || weights_need_tensor(w, t->name, t->ne, &same) != OK)
        abort();
    /* What was opened lies inside the file, to the last byte. */
    if (!t->bytes || weights_read(w, t, 0, 1, b) != OK ||
        weights_read(w, t, t->bytes - 1, 1, b + 1) != OK)
        abort();
    return (uint64_t)b[0] + b[1];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile uint64_t keep;
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
    for (uint32_t i = 0; i < weights_meta_count(w); i++)
        keep += use_meta(w, weights_meta_at(w, i));
    for (uint32_t i = 0; i < weights_tensor_count(w); i++)
        keep += use_tensor(w, weights_tensor_at(w, i));
    weights_close(&w);
    return 0;
}
