#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static const char *kind_name(mode_t mode)
{
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
           : S_ISCHR(mode)  ? "a character device"
           : S_ISBLK(mode)  ? "a block device"
                            : "not a file";
}

enum status file_open(struct file *f, const char *path)
{
    enum status s = OK;
    struct stat st;
    *f = (struct file){.fd = -1};
    /* O_NONBLOCK: opening a pipe that nobody writes to would wait for ever. */
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (f->fd < 0) {
        s = status_fail(ERR_MODEL, "%s: cannot open: %s", path, strerror(errno));
        goto fail;
    }
    if (fstat(f->fd, &st)) {
        s = status_fail(ERR_MODEL, "%s: cannot stat: %s", path, strerror(errno));
        goto fail;
    }
    if (!S_ISREG(st.st_mode)) {
        s = status_fail(ERR_MODEL, "%s: is %s, not a model file", path, kind_name(st.st_mode));
        goto fail;
    }
    f->size = (uint64_t)st.st_size;
    f->mtime_s = st.st_mtim.tv_sec;
    f->mtime_ns = st.st_mtim.tv_nsec;
    f->path = mem_alloc(strlen(path) + 1);
    if (!f->path) {
        s = ERR_MEMORY;
        goto fail;
    }
    memcpy(f->path, path, strlen(path));
    return OK;
fail:
    file_close(f);
    return s;
}

void file_close(struct file *f)
{
    if (f->fd > 0 || (f->fd == 0 && f->path))
        close(f->fd);
    mem_free(f->path);
    *f = (struct file){.fd = -1};
}

enum status file_read(const struct file *f, uint64_t offset, uint64_t bytes, void *dst)
{
    unsigned char *p = dst;
    if (offset > f->size || bytes > f->size - offset)
        return status_fail(ERR_MODEL,
                           "%s: %" PRIu64 " bytes at offset %" PRIu64
                           " are past the end of the file (%" PRIu64 " bytes)",
                           f->path, bytes, offset, f->size);
    while (bytes) {
        /* Linux reads at most 2 GiB a call. */
        size_t want = bytes > (1u << 30) ? (1u << 30) : (size_t)bytes;
        ssize_t got = pread(f->fd, p, want, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_fail(ERR_MODEL, "%s: cannot read %zu bytes at offset %" PRIu64 ": %s",
                               f->path, want, offset, strerror(errno));
        if (got == 0)
            return status_fail(ERR_MODEL,
                               "%s: ends at offset %" PRIu64 " now, but had %" PRIu64
                               " bytes when it was opened",
                               f->path, offset, f->size);
        p += got;
        offset += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
    return OK;
}

enum status file_unchanged(const struct file *f)
{
    struct stat st;
    if (fstat(f->fd, &st))
        return status_fail(ERR_MODEL, "%s: cannot stat: %s", f->path, strerror(errno));
    if ((uint64_t)st.st_size != f->size)
        return status_fail(ERR_MODEL,
                           "%s: has %" PRIu64 " bytes now, but had %" PRIu64 " when it was opened",
                           f->path, (uint64_t)st.st_size, f->size);
    if (st.st_mtim.tv_sec != f->mtime_s || st.st_mtim.tv_nsec != f->mtime_ns)
        return status_fail(ERR_MODEL, "%s: was written to while it was being read", f->path);
    return OK;
}

void reader_init(struct reader *r, const struct file *file, uint64_t limit)
{
    r->file = file;
    r->pos = 0;
    r->end = limit && limit < file->size ? limit : file->size;
    r->where[0] = 0;
    r->item = 0;
    r->in_items = false;
    r->buf_pos = 0;
    r->buf_len = 0;
}

void reader_where(struct reader *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->where, sizeof r->where, fmt, ap);
    va_end(ap);
}

uint64_t reader_left(const struct reader *r)
{
    return r->end - r->pos;
}

enum status reader_fail(const struct reader *r, const char *field, uint64_t offset, const char *fmt,
                        ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    char item[32] = "";
    if (r->in_items)
        snprintf(item, sizeof item, " %" PRIu64, r->item);
    return status_fail(ERR_MODEL, "%s: %s%s%s%s at offset %" PRIu64 ": %s", r->file->path, r->where,
                       r->where[0] ? ", " : "", field, item, offset, text);
}

enum status reader_has(const struct reader *r, const char *field, uint64_t bytes)
{
    if (bytes <= reader_left(r))
        return OK;
    if (r->end < r->file->size)
        return reader_fail(r, field, r->pos,
                           "needs %" PRIu64 " bytes, but a header has at most %" PRIu64 " bytes",
                           bytes, r->end);
    return reader_fail(r, field, r->pos,
                       "needs %" PRIu64 " bytes, but %" PRIu64 " are left (the file has %" PRIu64
                       " bytes)",
                       bytes, reader_left(r), r->file->size);
}

enum status reader_bytes(struct reader *r, const char *field, uint64_t bytes, void *dst)
{
    unsigned char *p = dst;
    TRY(reader_has(r, field, bytes));
    while (bytes) {
        uint64_t skip = r->pos - r->buf_pos;
        if (skip >= r->buf_len) {
            if (bytes >= READER_BUF) { /* long arrays need no copy */
                TRY(file_read(r->file, r->pos, bytes, p));
                r->pos += bytes;
                return OK;
            }
            uint64_t n = reader_left(r) < READER_BUF ? reader_left(r) : READER_BUF;
            r->buf_len = 0;
            TRY(file_read(r->file, r->pos, n, r->buf));
            r->buf_pos = r->pos;
            r->buf_len = (size_t)n;
            skip = 0;
        }
        size_t n = r->buf_len - (size_t)skip;
        if (n > bytes)
            n = (size_t)bytes;
        memcpy(p, r->buf + skip, n);
        p += n;
        r->pos += n;
        bytes -= n;
    }
    return OK;
}

static enum status reader_le(struct reader *r, const char *field, unsigned bytes, uint64_t *out)
{
    unsigned char b[8];
    TRY(reader_bytes(r, field, bytes, b));
    *out = 0;
    for (unsigned i = 0; i < bytes; i++)
        *out |= (uint64_t)b[i] << (8 * i);
    return OK;
}

enum status reader_u32(struct reader *r, const char *field, uint32_t *out)
{
    uint64_t v;
    TRY(reader_le(r, field, 4, &v));
    *out = (uint32_t)v;
    return OK;
}

enum status reader_u64(struct reader *r, const char *field, uint64_t *out)
{
    return reader_le(r, field, 8, out);
}
