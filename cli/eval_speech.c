#include "eval_speech.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"

struct words {
    char **all; /* in `text` */
    size_t n;
    char *text;
};

struct errors {
    uint64_t words, substituted, deleted, inserted;
};

struct heard {
    char *text;
    size_t len, room;
    enum status status;
};

struct evaluation {
    struct opened o;
    struct errors sum;
    double seconds;
    uint64_t n_files;
    json_t *files; /* with --json */
};

/* ---- words -------------------------------------------------------------------------------- */

static bool is_mark(utf8proc_int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_SO;
}

/* Without case and marks; hyphens part words, apostrophes do not, others count as not there. */
static enum status split(const char *text, struct words *out)
{
    utf8proc_uint8_t *folded;
    utf8proc_ssize_t n =
        utf8proc_map((const utf8proc_uint8_t *)text, 0, &folded,
                     UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
    *out = (struct words){0};
    if (n < 0)
        return status_fail(ERR_USAGE, "a text is no UTF-8: %s", utf8proc_errmsg(n));
    out->text = mem_alloc((size_t)n + 1);
    out->all = mem_calloc((size_t)n / 2 + 1, sizeof *out->all);
    size_t at = 0;
    bool inside = false;
    for (utf8proc_ssize_t i = 0, step; out->text && out->all && i < n; i += step) {
        utf8proc_int32_t c;
        step = utf8proc_iterate(folded + i, n - i, &c);
        utf8proc_category_t k = utf8proc_category(c);
        if (k == UTF8PROC_CATEGORY_PD || k >= UTF8PROC_CATEGORY_ZS ||
            (k == UTF8PROC_CATEGORY_CC && c < ' ')) {
            inside = false;
            continue;
        }
        if (is_mark(c) && c != '\'')
            continue;
        if (!inside)
            out->all[out->n++] = out->text + (at += at > 0);
        inside = true;
        memcpy(out->text + at, folded + i, (size_t)step);
        at += (size_t)step;
    }
    free(folded);
    return out->text && out->all ? OK : ERR_MEMORY;
}

static void words_free(struct words *w)
{
    mem_free(w->all);
    mem_free(w->text);
}

/* A cell of the table: how the first i words became the first j. */
struct cell {
    uint32_t cost, substituted, deleted, inserted;
};

static struct cell least(struct cell same, struct cell deleted, struct cell inserted, bool equal)
{
    struct cell out = same;
    out.cost += !equal;
    out.substituted += !equal;
    if (deleted.cost + 1 < out.cost) {
        out = deleted;
        out.cost++;
        out.deleted++;
    }
    if (inserted.cost + 1 < out.cost) {
        out = inserted;
        out.cost++;
        out.inserted++;
    }
    return out;
}

/* The fewest changes of words (Levenshtein). */
static enum status compare(const struct words *want, const struct words *got, struct errors *e)
{
    struct cell *row = mem_calloc(got->n + 1, sizeof *row);
    if (!row)
        return ERR_MEMORY;
    for (size_t j = 0; j <= got->n; j++)
        row[j].cost = row[j].inserted = (uint32_t)j;
    for (size_t i = 1; i <= want->n; i++) {
        struct cell diagonal = row[0];
        row[0].cost = row[0].deleted = (uint32_t)i;
        for (size_t j = 1; j <= got->n; j++) {
            struct cell above = row[j];
            row[j] = least(diagonal, above, row[j - 1], !strcmp(want->all[i - 1], got->all[j - 1]));
            diagonal = above;
        }
    }
    *e = (struct errors){want->n, row[got->n].substituted, row[got->n].deleted,
                         row[got->n].inserted};
    mem_free(row);
    return OK;
}

/* ---- files -------------------------------------------------------------------------------- */

static bool on_segment(void *ctx, const struct tawny_segment *s)
{
    struct heard *h = ctx;
    size_t len = strlen(s->text);
    if (h->len + len + 2 > h->room) {
        char *more = mem_realloc(h->text, 2 * (h->len + len + 2));
        if (!more) {
            h->status = ERR_MEMORY;
            return false;
        }
        h->text = more;
        h->room = 2 * (h->len + len + 2);
    }
    h->text[h->len++] = ' ';
    memcpy(h->text + h->len, s->text, len + 1);
    h->len += len;
    return !interrupted();
}

static double rate(const struct errors *e)
{
    uint64_t wrong = e->substituted + e->deleted + e->inserted;
    return e->words ? (double)wrong / (double)e->words : wrong > 0;
}

static json_t *errors_json(const struct errors *e)
{
    return json_pack("{s:f, s:I, s:I, s:I, s:I}", "wer", rate(e), "words", (json_int_t)e->words,
                     "substituted", (json_int_t)e->substituted, "deleted", (json_int_t)e->deleted,
                     "inserted", (json_int_t)e->inserted);
}

static enum status count(struct evaluation *v, const char *path, const char *said,
                         const struct heard *h)
{
    struct words want = {0}, got = {0};
    struct errors e;
    enum status s = split(said, &want);
    if (s == OK)
        s = split(h->text ? h->text : "", &got);
    if (s == OK)
        s = compare(&want, &got, &e);
    words_free(&want);
    words_free(&got);
    if (s != OK)
        return s;
    v->sum.words += e.words;
    v->sum.substituted += e.substituted;
    v->sum.deleted += e.deleted;
    v->sum.inserted += e.inserted;
    v->n_files++;
    if (v->files) {
        json_t *file = errors_json(&e);
        json_object_set_new(file, "path", json_text(path, strlen(path)));
        json_object_set_new(file, "text", json_text(h->text ? h->text : "", h->len));
        json_array_append_new(v->files, file);
    }
    return OK;
}

static enum status evaluate(struct evaluation *v, const char *path, const char *said)
{
    struct heard h = {0};
    struct tawny_transcript t;
    enum status s = from_api(tawny_transcribe(
        v->o.speech,
        &(struct tawny_transcribe_params){.path = path, .on_segment = on_segment, .ctx = &h}, &t));
    if (s == OK)
        s = h.status;
    if (s == OK && interrupted())
        s = status_fail(ERR, "interrupted");
    if (s == OK) {
        v->seconds += t.seconds;
        s = count(v, path, said, &h);
    }
    mem_free(h.text);
    return s;
}

/* Lines of `list`, which is written into. */
static enum status evaluate_all(struct evaluation *v, const char *name, char *list, size_t len)
{
    uint64_t line = 0;
    for (char *p = list, *next; p < list + len; p = next) {
        size_t n = strcspn(p, "\n");
        next = p + n + 1;
        p[n] = 0;
        line++;
        if (n && p[n - 1] == '\r')
            p[n - 1] = 0;
        if (!*p)
            continue;
        char *tab = strchr(p, '\t');
        if (!tab)
            return status_fail(
                ERR_USAGE, "%s: line %" PRIu64 ": no tab between a file and its text", name, line);
        *tab = 0;
        progress("transcribing", (uint64_t)(p - list), len);
        TRY(evaluate(v, p, tab + 1));
    }
    progress_clear();
    return v->n_files ? OK : status_fail(ERR_USAGE, "%s: no file is named in it", name);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static enum status print(struct evaluation *v)
{
    const struct errors *e = &v->sum;
    if (v->files) {
        json_t *out = errors_json(e);
        json_object_set_new(out, "seconds", json_real(v->seconds));
        json_object_set(out, "files", v->files);
        return out_json(out, true);
    }
    TRY(out_printf("word error rate %.2f %%: %" PRIu64 " of %" PRIu64 " words (%" PRIu64
                   " substituted, %" PRIu64 " left out, %" PRIu64 " added) in %" PRIu64
                   " files, %.1f s\n",
                   100 * rate(e), e->substituted + e->deleted + e->inserted, e->words,
                   e->substituted, e->deleted, e->inserted, v->n_files, v->seconds));
    return out_flush();
}

enum status eval_speech(const char *model, const char *references)
{
    struct evaluation v = {0};
    char *list = NULL;
    size_t len;
    TRY(check_speech_file(model));
    TRY(read_whole(references, &list, &len));
    v.files = global.json ? json_array() : NULL;
    enum status s = OK;
    if (strlen(list) != len)
        s = status_fail(ERR_USAGE, "%s: no text: it holds a zero byte", references);
    if (s == OK)
        s = open_device(&v.o, false);
    if (s == OK)
        s = open_speech(&v.o, model);
    if (s == OK)
        interrupt_speech(v.o.speech);
    if (s == OK)
        s = evaluate_all(&v, references, list, len);
    progress_clear();
    if (s == OK)
        s = print(&v);
    close_all(&v.o);
    json_decref(v.files);
    mem_free(list);
    return s;
}
