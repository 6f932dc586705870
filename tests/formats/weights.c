/* A model file as the rest of the program sees it: typed look-ups, tensors, split files, and files
 * that change under the reader. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "formats/weights.h"

/* ---- a small writer ----------------------------------------------------------------------- */

struct out {
    unsigned char data[16384];
    size_t n;
};

static void put(struct out *o, const void *p, size_t n)
{
    assert_true(o->n + n <= sizeof o->data);
    memcpy(o->data + o->n, p, n);
    o->n += n;
}

static void put_int(struct out *o, uint64_t v, size_t n)
{
    put(o, &v, n); /* little-endian, as all hosts are */
}

static void put_string(struct out *o, const char *s)
{
    put_int(o, strlen(s), 8);
    put(o, s, strlen(s));
}

static void put_head(struct out *o, uint64_t tensors, uint64_t metas)
{
    o->n = 0;
    put(o, "GGUF", 4);
    put_int(o, 3, 4);
    put_int(o, tensors, 8);
    put_int(o, metas, 8);
}

static void put_meta(struct out *o, const char *key, enum meta_type type, uint64_t bits)
{
    put_string(o, key);
    put_int(o, type, 4);
    if (type == META_STRING)
        put_string(o, "text");
    else
        put_int(o, bits, meta_type_bytes(type));
}

static void put_array(struct out *o, const char *key, enum meta_type item, uint64_t count)
{
    put_string(o, key);
    put_int(o, META_ARRAY, 4);
    put_int(o, item, 4);
    put_int(o, count, 8);
    for (uint64_t i = 0; i < count; i++) {
        if (item == META_STRING)
            put_string(o, i % 2 ? "odd" : "");
        else
            put_int(o, i % 2, meta_type_bytes(item));
    }
}

static const char *folder(void)
{
    static char path[64];
    if (!path[0]) {
        snprintf(path, sizeof path, "/tmp/tawny-weights-XXXXXX");
        assert_non_null(mkdtemp(path));
    }
    return path;
}

static const char *write_file(const char *name, const struct out *o)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(o->data, 1, o->n, f), o->n);
    fclose(f);
    return path;
}

static struct weights *open_bytes(const struct out *o)
{
    struct weights *w;
    const char *path = write_file("model.gguf", o);
    if (weights_open(path, &w) != OK)
        fail_msg("%s", status_message());
    return w;
}

#define assert_message(word)                                                                       \
    do {                                                                                           \
        if (!strstr(status_message(), word))                                                       \
            fail_msg("'%s' is not in: %s", word, status_message());                                \
    } while (0)

/* ---- look-ups ----------------------------------------------------------------------------- */

static const char *const type_names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                         "bool", "string", "array", "u64", "i64", "f64"};

/* One key of every type, and an array of every type; f32 and f64 are 1.0. */
static struct weights *open_all_types(void)
{
    struct out o;
    char key[32];
    put_head(&o, 0, 13 + 12);
    for (int t = META_U8; t <= META_F64; t++) {
        uint64_t bits = t == META_F32 ? 0x3F800000 : t == META_F64 ? 0x3FF0000000000000 : 1;
        snprintf(key, sizeof key, "one.%s", type_names[t]);
        if (t == META_ARRAY)
            put_array(&o, key, META_U16, 2);
        else
            put_meta(&o, key, (enum meta_type)t, bits);
        snprintf(key, sizeof key, "many.%s", type_names[t]);
        if (t != META_ARRAY)
            put_array(&o, key, (enum meta_type)t, 3);
    }
    return open_bytes(&o);
}

static void every_type_is_read(void **state)
{
    (void)state;
    struct weights *w = open_all_types();
    assert_string_equal(weights_format(w), "GGUF v3");
    assert_int_equal(weights_meta_count(w), 25);
    char key[32];
    for (int t = META_U8; t <= META_F64; t++) {
        snprintf(key, sizeof key, "one.%s", type_names[t]);
        const struct weights_meta *m = weights_find(w, key);
        assert_non_null(m);
        assert_int_equal(m->type, t);
        assert_string_equal(meta_type_name(m->type), type_names[t]);
        if (t == META_F32 || t == META_F64)
            assert_true(m->f == 1.0);
        else if (t == META_STRING)
            assert_memory_equal(m->str.s, "text", m->str.len);
        else if (t != META_ARRAY)
            assert_int_equal(m->u, 1);
        if (t == META_ARRAY)
            continue;
        snprintf(key, sizeof key, "many.%s", type_names[t]);
        m = weights_find(w, key);
        assert_non_null(m);
        assert_int_equal(m->item, t);
        assert_int_equal(m->count, 3);
        if (t == META_STRING) {
            assert_int_equal(m->strs[0].len, 0);
            assert_memory_equal(m->strs[1].s, "odd", m->strs[1].len);
        } else {
            uint64_t second = 0;
            memcpy(&second, (const char *)m->items + meta_type_bytes(m->item),
                   meta_type_bytes(m->item));
            assert_int_equal(second, 1);
        }
    }
    assert_null(weights_find(w, "one"));
    weights_close(&w);
    assert_null(w);
}

/* Every look-up on every type: taken where it fits, else refused with key and type. */
static void look_ups_hold_the_type(void **state)
{
    (void)state;
    struct weights *w = open_all_types();
    uint32_t u;
    float f;
    bool b;
    struct weights_str str;
    const struct weights_str *strs;
    const float *f32s;
    const int32_t *i32s;
    uint64_t n;
    char key[32];
    for (int t = 0; t < 13 + 12; t++) {
        int type = t < 13 ? t : t - 13;
        if (t >= 13 && type >= META_ARRAY)
            type++;
        bool one = t < 13;
        snprintf(key, sizeof key, "%s.%s", one ? "one" : "many", type_names[type]);
        bool integer = one && type != META_F32 && type != META_F64 && type != META_BOOL &&
                       type != META_STRING && type != META_ARRAY;
        bool real = one && (type == META_F32 || type == META_F64);
        const bool fits[] = {integer,
                             integer,
                             real,
                             real,
                             one && type == META_BOOL,
                             one && type == META_STRING,
                             !one && type == META_STRING,
                             !one && type == META_F32,
                             !one && (type == META_I32 || type == META_U32)};
        for (int call = 0; call < 9; call++) {
            status_clear();
            enum status s = call == 0   ? weights_u32(w, key, 0, 10, 0, &u)
                            : call == 1 ? weights_need_u32(w, key, 0, 10, &u)
                            : call == 2 ? weights_f32(w, key, 0, 10, 0, &f)
                            : call == 3 ? weights_need_f32(w, key, 0, 10, &f)
                            : call == 4 ? weights_bool(w, key, false, &b)
                            : call == 5 ? weights_string(w, key, &str)
                            : call == 6 ? weights_strings(w, key, &strs, &n)
                            : call == 7 ? weights_f32s(w, key, &f32s, &n)
                                        : weights_i32s(w, key, &i32s, &n);
            if (fits[call] != (s == OK))
                fail_msg("call %d on %s: %d %s", call, key, (int)s, status_message());
            if (s == OK)
                continue;
            assert_int_equal(s, ERR_MODEL);
            assert_message("model.gguf");
            assert_message(key);
            assert_message("expected");
        }
    }
    weights_close(&w);
}

static void look_ups_hold_the_range(void **state)
{
    (void)state;
    struct out o;
    struct weights *w;
    uint32_t u;
    float f;
    bool b;
    struct weights_str str;
    const int32_t *items;
    uint64_t n;
    put_head(&o, 0, 6);
    put_meta(&o, "big", META_U64, (uint64_t)1 << 32);
    put_meta(&o, "minus", META_I32, 0xFFFFFFFF);
    put_meta(&o, "nan", META_F32, 0x7FC00000);
    put_meta(&o, "inf", META_F64, 0x7FF0000000000000);
    put_meta(&o, "nine", META_I8, 9);
    put_string(&o, "unsigned");
    put_int(&o, META_ARRAY, 4);
    put_int(&o, META_U32, 4);
    put_int(&o, 2, 8);
    put_int(&o, 7, 4);
    put_int(&o, 0x80000000, 4);
    w = open_bytes(&o);
    assert_int_equal(weights_u32(w, "big", 0, UINT32_MAX, 0, &u), ERR_MODEL);
    assert_message("4294967296");
    assert_int_equal(weights_u32(w, "minus", 0, UINT32_MAX, 0, &u), ERR_MODEL);
    assert_message("-1");
    assert_int_equal(weights_u32(w, "nine", 1, 8, 0, &u), ERR_MODEL);
    assert_message("is 9, expected 1 to 8");
    assert_int_equal(weights_u32(w, "nine", 1, 9, 0, &u), OK);
    assert_int_equal(u, 9);
    assert_int_equal(weights_f32(w, "nan", -1e30, 1e30, 0, &f), ERR_MODEL);
    assert_message("nan");
    assert_int_equal(weights_f32(w, "inf", 0, 1e30, 0, &f), ERR_MODEL);
    assert_int_equal(weights_i32s(w, "unsigned", &items, &n), ERR_MODEL);
    assert_message("item 1 is 2147483648");
    /* What is missing. */
    assert_int_equal(weights_u32(w, "no", 0, 1, 77, &u), OK);
    assert_int_equal(u, 77);
    assert_int_equal(weights_f32(w, "no", 0, 1, 0.5, &f), OK);
    assert_true(f == 0.5f);
    assert_int_equal(weights_bool(w, "no", true, &b), OK);
    assert_true(b);
    assert_int_equal(weights_string(w, "no", &str), OK);
    assert_null(str.s);
    assert_int_equal(weights_i32s(w, "no", &items, &n), OK);
    assert_int_equal(n, 0);
    assert_int_equal(weights_need_u32(w, "no", 0, 1, &u), ERR_MODEL);
    assert_message("'no' is missing");
    assert_int_equal(weights_need_f32(w, "no", 0, 1, &f), ERR_MODEL);
    assert_message("'no' is missing");
    weights_close(&w);
}

/* ---- tensors ------------------------------------------------------------------------------ */

static void put_tensor(struct out *o, const char *name, uint64_t rows, uint64_t offset)
{
    put_string(o, name);
    put_int(o, 2, 4);
    put_int(o, 4, 8);
    put_int(o, rows, 8);
    put_int(o, 0, 4);
    put_int(o, offset, 8);
}

/* "a" [4, 2] holding 0..31 and "b" [4, 3] holding 32..79. */
static void put_model(struct out *o)
{
    put_head(o, 2, 0);
    put_tensor(o, "a", 2, 0);
    put_tensor(o, "b", 3, 32);
    while (o->n % 32)
        put_int(o, 0, 1);
    for (int i = 0; i < 80; i++)
        put_int(o, (uint64_t)i, 1);
}

static void tensors_are_found_and_read(void **state)
{
    (void)state;
    struct out o;
    put_model(&o);
    struct weights *w = open_bytes(&o);
    const struct weights_tensor *t;
    unsigned char b[48];
    assert_int_equal(weights_tensor_count(w), 2);
    assert_int_equal(weights_tensor_bytes(w), 80);
    assert_null(weights_tensor(w, "c"));
    assert_int_equal(weights_need_tensor(w, "b", (const uint64_t[]){4, 3, 0}, &t), OK);
    assert_ptr_equal(t, weights_tensor(w, "b"));
    assert_int_equal(t->bytes, 48);
    assert_int_equal(weights_read(w, t, 0, 48, b), OK);
    for (int i = 0; i < 48; i++)
        assert_int_equal(b[i], 32 + i);
    assert_int_equal(weights_read(w, t, 47, 1, b), OK);
    assert_int_equal(b[0], 79);
    assert_int_equal(weights_read(w, t, 48, 0, b), OK);
    assert_int_equal(weights_read(w, t, 48, 1, b), ERR);
    assert_int_equal(weights_read(w, t, 1, UINT64_MAX, b), ERR);
    assert_int_equal(weights_read(w, t, UINT64_MAX, 1, b), ERR);

    assert_int_equal(weights_need_tensor(w, "c", (const uint64_t[]){4, 0}, &t), ERR_MODEL);
    assert_message("'c' is missing, expected shape [4]");
    assert_int_equal(weights_need_tensor(w, "b", (const uint64_t[]){3, 4, 0}, &t), ERR_MODEL);
    assert_message("has shape [4, 3], expected [3, 4]");
    assert_int_equal(weights_need_tensor(w, "b", (const uint64_t[]){4, 0}, &t), ERR_MODEL);
    assert_int_equal(weights_need_tensor(w, "b", (const uint64_t[]){4, 3, 2, 0}, &t), ERR_MODEL);
    assert_int_equal(weights_need_tensor(w, "b", (const uint64_t[]){4, 3, 1, 1}, &t), OK);
    weights_close(&w);
}

/* A file that changes while it is open: an error, never a signal. */
static void a_file_that_changes_is_refused(void **state)
{
    (void)state;
    struct out o;
    unsigned char b[48];
    put_model(&o);

    struct weights *w = open_bytes(&o);
    const struct weights_tensor *t = weights_tensor(w, "b");
    assert_int_equal(truncate(weights_path(w), (off_t)o.n - 1), 0);
    assert_int_equal(weights_read(w, t, 0, 48, b), ERR_MODEL);
    assert_message("model.gguf");
    assert_message("ends at offset");
    assert_int_equal(weights_read(w, t, 0, 8, b), ERR_MODEL); /* what is left may be another's */
    assert_message("bytes now");
    weights_close(&w);

    w = open_bytes(&o); /* written to in place */
    t = weights_tensor(w, "b");
    const struct timespec times[2] = {{1000, 0}, {1000, 0}};
    FILE *f = fopen(weights_path(w), "r+b");
    assert_non_null(f);
    fputc('G', f);
    fclose(f);
    assert_int_equal(utimensat(AT_FDCWD, weights_path(w), times, 0), 0);
    assert_int_equal(weights_read(w, t, 0, 48, b), ERR_MODEL);
    assert_message("written to");
    weights_close(&w);

    w = open_bytes(&o); /* replaced by name: what was opened stays as it was */
    t = weights_tensor(w, "b");
    assert_int_equal(unlink(weights_path(w)), 0);
    write_file("model.gguf", &(struct out){{'x'}, 1});
    assert_int_equal(weights_read(w, t, 0, 48, b), OK);
    assert_int_equal(b[47], 79);
    weights_close(&w);
}

static void split_files_are_one_model(void **state)
{
    (void)state;
    struct out o;
    struct weights *w;
    char path[256] = "";
    unsigned char b[4];
    for (int part = 1; part >= 0; part--) {
        put_head(&o, 1, 3);
        put_meta(&o, "split.no", META_U16, (uint64_t)part);
        put_meta(&o, "split.count", META_U16, 2);
        put_meta(&o, "split.tensors.count", META_I32, 2);
        put_tensor(&o, part ? "second" : "first", 1, 0);
        while (o.n % 32)
            put_int(&o, 0, 1);
        for (int i = 0; i < 16; i++)
            put_int(&o, (uint64_t)(i + 100 * part), 1);
        char name[64];
        snprintf(name, sizeof name, "s-%05d-of-00002.gguf", part + 1);
        snprintf(path, sizeof path, "%s", write_file(name, &o));
    }
    if (weights_open(path, &w) != OK)
        fail_msg("%s", status_message());
    assert_int_equal(weights_file_count(w), 2);
    assert_int_equal(weights_tensor_count(w), 2);
    assert_int_equal(weights_meta_count(w), 3);
    const struct weights_tensor *t = weights_tensor(w, "second");
    assert_non_null(t);
    assert_int_equal(t->file, 1);
    assert_non_null(strstr(weights_file_path(w, 1), "s-00002-of-00002.gguf"));
    assert_int_equal(weights_file_bytes(w, 1), o.n);
    assert_int_equal(weights_read(w, t, 3, 1, b), OK);
    assert_int_equal(b[0], 103);
    assert_int_equal(weights_read(w, weights_tensor(w, "first"), 3, 1, b), OK);
    assert_int_equal(b[0], 3);
    weights_close(&w);
}

/* ---- the reader --------------------------------------------------------------------------- */

static void the_reader_stops_at_its_limit(void **state)
{
    (void)state;
    static struct out o;
    static struct reader r;
    static unsigned char all[sizeof o.data];
    struct file f;
    uint32_t u;
    o.n = sizeof o.data;
    for (size_t i = 0; i < o.n; i++)
        o.data[i] = (unsigned char)(i * 7);
    assert_int_equal(file_open(&f, write_file("bytes", &o)), OK);

    reader_init(&r, &f, 10);
    reader_where(&r, "part %d", 5);
    assert_int_equal(reader_u32(&r, "a", &u), OK);
    assert_int_equal(reader_u32(&r, "b", &u), OK);
    assert_int_equal(u, 0x312A231C);
    assert_int_equal(reader_left(&r), 2);
    assert_int_equal(reader_u32(&r, "c", &u), ERR_MODEL);
    assert_message(
        "bytes: part 5, c at offset 8: needs 4 bytes, but a header has at most 10 bytes");

    /* Any mix of lengths gives the file's bytes. */
    static const size_t steps[] = {1, 3, 8, 500, 4096, 5000, 1, 16};
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        reader_init(&r, &f, 0);
        memset(all, 0, sizeof all);
        size_t at = 0;
        for (size_t i = s; at < o.n; i++) {
            size_t n = steps[i % (sizeof steps / sizeof *steps)];
            n = n > o.n - at ? o.n - at : n;
            assert_int_equal(reader_bytes(&r, "x", n, all + at), OK);
            at += n;
        }
        assert_memory_equal(all, o.data, o.n);
        assert_int_equal(reader_left(&r), 0);
    }
    /* A read that ends past the file's end. */
    assert_int_equal(file_read(&f, o.n - 1, 2, all), ERR_MODEL);
    assert_message("past the end of the file (16384 bytes)");
    assert_int_equal(file_read(&f, UINT64_MAX, 2, all), ERR_MODEL);
    file_close(&f);
    file_close(&f);
}

static void text_is_shown_safely(void **state)
{
    (void)state;
    char shown[STR_SHOW];
    assert_string_equal(str_show(shown, "a\x1b[0m\n\0z", 8), "a\\x1b[0m\\x0a\\x00z");
    assert_string_equal(str_show(shown, "\xc3\xa9\xc2\x9b\xff", 5), "\xc3\xa9\\xc2\\x9b\\xff");
    char text[500];
    memset(text, 'k', sizeof text);
    str_show(shown, text, sizeof text);
    assert_int_equal(strlen(shown), STR_SHOW - 1);
    assert_string_equal(shown + STR_SHOW - 5, "k...");
    /* A character is never cut. */
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    for (size_t skip = 0; skip < 2; skip++) {
        text[0] = 'k';
        str_show(shown, text + skip, sizeof text - skip);
        assert_true(str_utf8_valid(shown, strlen(shown)));
    }
    assert_true(str_utf8_valid("\xf4\x8f\xbf\xbf", 4));
    assert_false(str_utf8_valid("\xf4\x90\x80\x80", 4));
    assert_false(str_utf8_valid("\xed\xa0\x80", 3));
    assert_false(str_utf8_valid("\xe2\x82", 2));
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder());
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(look_ups_hold_the_type),
        cmocka_unit_test(look_ups_hold_the_range),
        cmocka_unit_test(tensors_are_found_and_read),
        cmocka_unit_test(a_file_that_changes_is_refused),
        cmocka_unit_test(split_files_are_one_model),
        cmocka_unit_test(the_reader_stops_at_its_limit),
        cmocka_unit_test(text_is_shown_safely),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
