/* file.h - model files: opened without ever hanging, read without ever trusting them.
 *
 * Only regular files are taken (a directory, pipe, socket or device is refused by name). Reading
 * is pread(): a file that shrinks or is written to while it is being read is an error, not a
 * signal. All failures are ERR_MODEL and name the file. */
#ifndef TAWNY_BASE_FILE_H
#define TAWNY_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct file {
    int fd;
    char *path;
    uint64_t size; /* when it was opened */
    int64_t mtime_s, mtime_ns;
};

/* On failure *f holds nothing and may be given to file_close(). */
enum status file_open(struct file *f, const char *path);
/* Takes a zeroed or a closed file too. */
void file_close(struct file *f);

/* Reads exactly `bytes` bytes at `offset`; thread-safe. */
enum status file_read(const struct file *f, uint64_t offset, uint64_t bytes, void *dst);

/* ERR_MODEL if the file's size or time of change is no longer what it was when it was opened. */
enum status file_unchanged(const struct file *f);

enum { READER_BUF = 16 * 1024, READER_WHERE = 192 };

/* Reads a file's header from front to back and never past `end`. `where` says what is being read;
 * every message is "FILE: WHERE, FIELD at offset N: ...". */
struct reader {
    const struct file *file;
    uint64_t pos; /* of the next byte */
    uint64_t end; /* the file's size, or the limit for headers if that is less */
    char where[READER_WHERE];
    uint64_t item; /* shown behind FIELD while in_items */
    bool in_items;
    uint64_t buf_pos;
    size_t buf_len;
    unsigned char buf[READER_BUF];
};

/* Headers longer than `limit` bytes are refused; 0: no limit. The file must outlive the reader. */
void reader_init(struct reader *r, const struct file *file, uint64_t limit);

/* What is being read from here on, e.g. "tensor 3 'output.weight'". */
void reader_where(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

uint64_t reader_left(const struct reader *r);

/* ERR_MODEL unless `bytes` more bytes are there: call it before allocating them. */
enum status reader_has(const struct reader *r, const char *field, uint64_t bytes);

enum status reader_bytes(struct reader *r, const char *field, uint64_t bytes, void *dst);

/* Little-endian numbers. */
enum status reader_u32(struct reader *r, const char *field, uint32_t *out);
enum status reader_u64(struct reader *r, const char *field, uint64_t *out);

/* ERR_MODEL with "FILE: WHERE, FIELD at offset OFFSET: " and the text. */
enum status reader_fail(const struct reader *r, const char *field, uint64_t offset, const char *fmt,
                        ...) __attribute__((format(printf, 4, 5)));

#endif
