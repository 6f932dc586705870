#include "npy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static enum status fail(const struct npy *out)
{
    return status_fail(ERR, "%s: %s", out->path, strerror(errno));
}

static enum status open_temporary(struct npy *out)
{
    static const char ending[] = ".XXXXXX";
    size_t len = strlen(out->path);
    out->temporary = mem_alloc(len + sizeof ending);
    if (!out->temporary)
        return ERR_MEMORY;
    memcpy(out->temporary, out->path, len);
    memcpy(out->temporary + len, ending, sizeof ending);
    int fd = mkstemp(out->temporary);
    if (fd < 0) {
        mem_free(out->temporary);
        out->temporary = NULL;
        return fail(out);
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    out->f = fdopen(fd, "wb");
    return out->f ? OK : fail(out);
}

static enum status put_header(struct npy *out, uint64_t rows, uint64_t columns)
{
    /* Magic and version, the header's length, the header; 128 bytes in all, ending in '\n'. */
    enum { SIZE = 128, TEXT = 10 };
    char header[SIZE + 1];
    memset(header, ' ', SIZE);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = SIZE - TEXT;
    header[9] = 0;
    int n =
        snprintf(header + TEXT, SIZE - TEXT,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRIu64 ", %" PRIu64 "), }",
                 rows, columns);
    header[TEXT + n] = ' ';
    header[SIZE - 1] = '\n';
    return fwrite(header, 1, SIZE, out->f) == SIZE ? OK : fail(out);
}

enum status npy_start(struct npy *out, const char *path, uint64_t rows, uint64_t columns)
{
    struct stat st;
    enum status s;
    *out = (struct npy){.path = path};
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        out->f = fopen(path, "wb");
        s = out->f ? OK : fail(out);
    } else {
        s = open_temporary(out);
    }
    if (s == OK)
        s = put_header(out, rows, columns);
    if (s != OK)
        npy_drop(out);
    return s;
}

enum status npy_put(struct npy *out, const float *values, size_t n)
{
    return fwrite(values, sizeof *values, n, out->f) == n ? OK : fail(out);
}

enum status npy_finish(struct npy *out)
{
    FILE *f = out->f;
    out->f = NULL;
    if (fclose(f))
        return fail(out);
    if (out->temporary && rename(out->temporary, out->path))
        return fail(out);
    mem_free(out->temporary);
    out->temporary = NULL;
    return OK;
}

void npy_drop(struct npy *out)
{
    if (out->f)
        fclose(out->f);
    if (out->temporary)
        unlink(out->temporary);
    mem_free(out->temporary);
    *out = (struct npy){0};
}
