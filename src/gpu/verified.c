/* What verification found: a few lines of text with a checksum at the end. The file may be
 * anyone's: whatever is not exactly as it was written here counts for nothing. */
#include "gpu/vk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST_BYTES = 16 << 10, MOST_LINE = 320 };

static uint64_t checksum(const char *text, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return h;
}

const char *gpu_variant_text(const char *shader, uint32_t subgroup, char out[GPU_VARIANT_TEXT])
{
    snprintf(out, GPU_VARIANT_TEXT, "%.32s/%u", shader, subgroup ? subgroup : 1);
    return out;
}

static char *make_path(const struct gpu_info *info, const char *cache_dir)
{
    char home[4096];
    const char *dir = vk_cache_dir(cache_dir, home, sizeof home);
    size_t size = dir ? strlen(dir) + 128 : 0;
    char *path = dir ? mem_alloc(size) : NULL;
    if (path)
        snprintf(path, size, "%s/%04x-%04x-%08x-%s.verified", dir, info->vendor, info->device,
                 info->driver_version, info->uuid);
    return path;
}

/* A name of the driver's as part of a line. */
static void one_line(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; text[n] && n + 1 < size; n++)
        out[n] = (unsigned char)text[n] < ' ' ? ' ' : text[n];
    out[n] = 0;
}

/* The lines that say what a record counts for. */
static int write_head(const struct gpu_info *info, const char *build, char *out, size_t size)
{
    char name[sizeof info->name], driver[sizeof info->driver];
    one_line(info->name, name, sizeof name);
    one_line(info->driver, driver, sizeof driver);
    return snprintf(out, size, "tawny verify 1\nbuild %s\ndevice %s\ndriver %s\n", build, name,
                    driver);
}

/* ---- reading ------------------------------------------------------------------------------ */

/* The number behind `key` on the next line, which must be there and in range. */
static bool take_number(char **text, const char *key, int64_t most, int64_t *out)
{
    size_t n = strlen(key);
    char *end;
    if (strncmp(*text, key, n) || (*text)[n] != ' ' || (*text)[n + 1] < '0' || (*text)[n + 1] > '9')
        return false;
    errno = 0;
    *out = strtoll(*text + n + 1, &end, 10);
    if (errno || *end != '\n' || *out > most)
        return false;
    *text = end + 1;
    return true;
}

static bool is_variant(const char *name, size_t n)
{
    size_t slash = strcspn(name, "/");
    return n < GPU_VARIANT_TEXT && slash && slash < n - 1 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == slash &&
           slash + 1 + strspn(name + slash + 1, "0123456789") == n;
}

static bool parse(char *text, struct gpu_verified *v)
{
    int64_t when, cases, wrong, complete;
    if (!take_number(&text, "when", INT64_C(1) << 40, &when) ||
        !take_number(&text, "cases", UINT32_MAX, &cases) ||
        !take_number(&text, "wrong", cases, &wrong) ||
        !take_number(&text, "complete", 1, &complete) || !when)
        return false;
    *v = (struct gpu_verified){
        .when = when, .cases = (uint32_t)cases, .wrong = (uint32_t)wrong, .complete = complete};
    for (; !strncmp(text, "failed ", 7); v->n_failed++) {
        size_t n = strcspn(text + 7, "\n");
        if (v->n_failed == GPU_MAX_FAILED || !text[7 + n] || !is_variant(text + 7, n))
            return false;
        memcpy(v->failed[v->n_failed], text + 7, n);
        text += 7 + n + 1;
    }
    return !*text;
}

/* All of a regular file, zero-terminated; NULL: there is none, or it is too large. */
static char *read_all(const char *path, size_t *n)
{
    struct stat st;
    char *text = NULL;
    /* Not blocking: it could be a FIFO. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    *n = 0;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= MOST_BYTES)
        text = mem_alloc((size_t)st.st_size + 1);
    if (text) {
        ssize_t got = read(fd, text, (size_t)st.st_size);
        *n = got > 0 ? (size_t)got : 0;
        text[*n] = 0;
    }
    close(fd);
    return text;
}

/* Cuts the last line off if it is the checksum of all before it. */
static bool check_sum(char *text, size_t n)
{
    enum { LINE = 21 }; /* "sum 0123456789abcdef\n" */
    char want[LINE + 1];
    if (n < LINE || strlen(text) != n)
        return false;
    snprintf(want, sizeof want, "sum %016" PRIx64 "\n", checksum(text, n - LINE));
    if (strcmp(text + n - LINE, want))
        return false;
    text[n - LINE] = 0;
    return true;
}

void vk_say_avoided(const struct gpu_verified *v)
{
    char list[400] = "", day[32];
    size_t n = 0;
    time_t when = (time_t)v->when;
    struct tm tm;
    if (!gmtime_r(&when, &tm))
        return;
    strftime(day, sizeof day, "%Y-%m-%d", &tm);
    uint32_t i = 0;
    for (; i < v->n_failed && n + GPU_VARIANT_TEXT + 8 < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", v->failed[i]);
    log_warn("tawny verify found these wrong on this device on %s, and they are avoided: %s%s", day,
             list, i < v->n_failed ? ", ..." : "");
}

void gpu_verified_read(const struct gpu_info *info, const char *cache_dir, const char *build,
                       struct gpu_verified *out)
{
    char head[4 * MOST_LINE];
    size_t n = 0;
    *out = (struct gpu_verified){0};
    char *path = make_path(info, cache_dir);
    char *text = path ? read_all(path, &n) : NULL;
    if (text) {
        int len = write_head(info, build, head, sizeof head);
        if (!check_sum(text, n) || strncmp(text, "tawny verify 1\nbuild ", 21))
            log_warn("%s is damaged: what tawny verify found on this device is not known", path);
        else if (strncmp(text, head, (size_t)len))
            log_info("%s is of another build or driver, and does not count", path);
        else if (!parse(text + len, out)) {
            *out = (struct gpu_verified){0};
            log_warn("%s is damaged: what tawny verify found on this device is not known", path);
        }
    }
    mem_free(text);
    mem_free(path);
}

const struct gpu_verified *gpu_get_verified(const struct gpu *g)
{
    return &g->verified;
}

bool gpu_avoids(const struct gpu *g, const char *shader, uint32_t subgroup)
{
    char name[GPU_VARIANT_TEXT];
    if (!g->verified.n_failed || g->any_variant)
        return false;
    gpu_variant_text(shader, subgroup, name);
    for (uint32_t i = 0; i < g->verified.n_failed; i++)
        if (!strcmp(g->verified.failed[i], name))
            return true;
    return false;
}

/* ---- writing ------------------------------------------------------------------------------ */

enum status gpu_verified_write(const struct gpu_info *info, const char *cache_dir,
                               const char *build, const struct gpu_verified *v)
{
    char *path = make_path(info, cache_dir), *text = mem_alloc(MOST_BYTES), sum[24];
    enum status s = OK;
    if (!path || !text) {
        s = status_fail(ERR, "there is no folder to keep what was found (set XDG_CACHE_HOME)");
        goto fail;
    }
    size_t n = (size_t)write_head(info, build, text, MOST_BYTES);
    n += (size_t)snprintf(text + n, MOST_BYTES - n,
                          "when %" PRId64 "\ncases %u\nwrong %u\ncomplete %d\n", v->when, v->cases,
                          v->wrong, v->complete);
    for (uint32_t i = 0; i < v->n_failed; i++)
        n += (size_t)snprintf(text + n, MOST_BYTES - n, "failed %s\n", v->failed[i]);
    snprintf(sum, sizeof sum, "sum %016" PRIx64 "\n", checksum(text, n));
    if (!vk_file_write(path, text, n, sum, strlen(sum)))
        s = status_fail(ERR, "%s cannot be written: %s", path, strerror(errno));
fail:
    mem_free(text);
    mem_free(path);
    return s;
}
