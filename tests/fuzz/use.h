/* use.h - what the fuzzers of model files do with one that opens: all that the engine would. */
#ifndef TAWNY_FUZZ_USE_H
#define TAWNY_FUZZ_USE_H

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "formats/weights.h"

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

static volatile uint64_t used; /* so that nothing is left out */

static void use_weights(const struct weights *w)
{
    for (uint32_t i = 0; i < weights_meta_count(w); i++)
        used += use_meta(w, weights_meta_at(w, i));
    for (uint32_t i = 0; i < weights_tensor_count(w); i++)
        used += use_tensor(w, weights_tensor_at(w, i));
}

#endif
