/* Input and output of the verbs: see cli.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli.h"

/* ---- input -------------------------------------------------------------------------------- */

enum status read_whole(const char *path, char **text, size_t *len)
{
    enum { STEP = 64 * 1024 };
    static const size_t most = (size_t)1 << 31;
    bool standard = !strcmp(path, "-");
    FILE *f = standard ? stdin : fopen(path, "rb");
    const char *name = standard ? "standard input" : path;
    size_t room = 0;
    enum status s = OK;
    *text = NULL;
    *len = 0;
    if (!f)
        return status_fail(ERR, "%s: %s", name, strerror(errno));
    do {
        if (*len + STEP + 1 > room) {
            room = 2 * room + STEP + 1;
            char *more = mem_realloc(*text, room);
            s = more ? OK : ERR_MEMORY;
            if (!more)
                break;
            *text = more;
        }
        *len += fread(*text + *len, 1, STEP, f);
        if (*len > most)
            s = status_fail(ERR_USAGE, "%s: more than %zu bytes", name, most);
    } while (s == OK && !feof(f) && !ferror(f) && !interrupted());
    if (s == OK && interrupted())
        s = status_fail(ERR, "interrupted");
    else if (s == OK && ferror(f))
        s = status_fail(ERR, "%s: %s", name, strerror(errno));
    if (!standard)
        fclose(f);
    if (s == OK) {
        (*text)[*len] = 0;
    } else {
        mem_free(*text);
        *text = NULL;
    }
    return s;
}

/* ---- stdout ------------------------------------------------------------------------------- */

static enum status out_fail(void)
{
    if (errno == EPIPE)
        _exit(OK);
    return status_fail(ERR, "standard output: %s", strerror(errno));
}

enum status out_write(const char *text, size_t len)
{
    if (len && fwrite(text, 1, len, stdout) != len)
        return out_fail();
    return OK;
}

enum status out_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vprintf(fmt, ap);
    va_end(ap);
    return n < 0 ? out_fail() : OK;
}

enum status out_flush(void)
{
    if (fflush(stdout))
        return out_fail();
    return ferror(stdout) ? status_fail(ERR, "standard output: not all was written") : OK;
}

static int dump_to_stdout(const char *text, size_t len, void *ctx)
{
    (void)ctx;
    return fwrite(text, 1, len, stdout) == len ? 0 : -1;
}

enum status out_json(json_t *value, bool pretty)
{
    size_t flags = JSON_REAL_PRECISION(9) | (pretty ? JSON_INDENT(2) : 0);
    if (!value)
        return status_fail(ERR_MEMORY, "no memory for the result as JSON");
    int failed = json_dump_callback(value, dump_to_stdout, NULL, flags);
    json_decref(value);
    if (failed)
        return out_fail();
    TRY(out_write("\n", 1));
    return out_flush();
}

json_t *json_text(const char *text, size_t len)
{
    json_t *whole = json_stringn(text, len);
    if (whole)
        return whole;
    char *fixed = mem_alloc(3 * len + 1), *out = fixed;
    if (!fixed)
        return NULL;
    for (size_t i = 0, n; i < len; i += n) {
        for (n = 1; n < 4 && i + n < len && !str_utf8_valid(text + i, n); n++)
            ;
        bool valid = str_utf8_valid(text + i, n);
        n = valid ? n : 1;
        memcpy(out, valid ? text + i : "\xef\xbf\xbd", valid ? n : 3);
        out += valid ? n : 3;
    }
    whole = json_stringn(fixed, (size_t)(out - fixed));
    mem_free(fixed);
    return whole;
}

/* ---- stderr ------------------------------------------------------------------------------- */

void say(const char *fmt, ...)
{
    char text[2048], line[4 * sizeof text + 16];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t n = (size_t)snprintf(line, sizeof line, "tawny: ");
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            n += (size_t)snprintf(line + n, sizeof line - n, "\\x%02x", (unsigned char)*p);
        else
            line[n++] = *p;
    }
    line[n++] = '\n';
    fwrite(line, 1, n, stderr);
}

const char *size_text(char out[SIZE_TEXT], uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double v = (double)bytes / 1024;
    unsigned u = 0;
    if (bytes < 1024) {
        snprintf(out, SIZE_TEXT, "%" PRIu64 " B", bytes);
        return out;
    }
    for (; v >= 1024 && u < 3; u++)
        v /= 1024;
    snprintf(out, SIZE_TEXT, "%.2f %s", v, units[u]);
    return out;
}

/* ---- progress ----------------------------------------------------------------------------- */

static bool bar_shown;

void progress_clear(void)
{
    if (bar_shown)
        fputs("\r\033[K", stderr);
    bar_shown = false;
}

void progress(const char *what, uint64_t done, uint64_t total)
{
    enum { WIDTH = 30 };
    const double patience = 0.3; /* what is done sooner needs no bar */
    static int terminal = -1;
    static const char *now;
    static double since;
    static unsigned last = UINT32_MAX;
    if (terminal < 0)
        terminal = isatty(STDERR_FILENO);
    if (!terminal || global.quiet)
        return;
    if (done >= total) {
        progress_clear();
        return;
    }
    if (!bar_shown && (!now || strcmp(now, what) || done <= 1)) {
        now = what;
        since = time_now();
    }
    if (time_now() - since < patience)
        return;
    unsigned percent = (unsigned)(100.0 * (double)done / (double)total);
    if (bar_shown && percent == last)
        return;
    last = percent;
    char bar[WIDTH + 1];
    for (unsigned i = 0; i < WIDTH; i++)
        bar[i] = i * 100 < percent * WIDTH ? '#' : '.';
    bar[WIDTH] = 0;
    double spent = time_now() - since, left = spent * (100 - percent) / (percent ? percent : 1);
    fprintf(stderr, "\r\033[K%s %s %u %%", what, bar, percent);
    if (percent && spent > 2)
        fprintf(stderr, ", %.0f s left", left);
    bar_shown = true;
}
