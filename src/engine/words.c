#include "engine/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const double frame_seconds = 0.02;
static const char sentence_ends[] = ".。!！?？";

/* The text's bytes, and where each token's begin. */
struct bytes {
    char *all;
    size_t *at; /* n_text + 1 */
};

static const char *text_of(const struct bytes *b, const struct word *w, size_t *len)
{
    *len = b->at[w->first + w->n] - b->at[w->first];
    return b->all + b->at[w->first];
}

static void strip(const char **text, size_t *len)
{
    while (*len && strchr(" \t\r\n\v\f", **text)) {
        (*text)++;
        (*len)--;
    }
    while (*len && strchr(" \t\r\n\v\f", (*text)[*len - 1]))
        (*len)--;
}

bool words_is_part(const char *text, size_t len, const char *set)
{
    size_t n = strlen(set);
    for (size_t i = 0; i + len <= n; i++) {
        if (!memcmp(set + i, text, len))
            return true;
    }
    return false;
}

/* The same, less the blanks around the text. */
static bool is_mark(const char *text, size_t len, const char *set)
{
    strip(&text, &len);
    return words_is_part(text, len, set);
}

/* ---- time --------------------------------------------------------------------------------- */

/* The way of least cost from the first row and frame to the last; times[row]: the frame at which
 * each row begins. */
static enum status warp(const struct words_params *p, uint32_t *times)
{
    uint32_t rows = p->n_text + 1, n = p->frames, i = rows, j = n;
    float *cost = mem_calloc(2 * (n + 1ull), sizeof *cost);
    uint8_t *trace = mem_calloc((rows + 1ull) * (n + 1ull), 1);
    if (!cost || !trace) {
        mem_free(cost);
        mem_free(trace);
        return ERR_MEMORY;
    }
    float *above = cost, *here = cost + n + 1;
    for (uint32_t k = 1; k <= n; k++)
        above[k] = INFINITY;
    for (uint32_t r = 1; r <= rows; r++) {
        uint8_t *t = trace + r * (n + 1ull);
        here[0] = INFINITY;
        for (uint32_t k = 1; k <= n; k++) {
            float c0 = above[k - 1], c1 = above[k], c2 = here[k - 1], c = c2;
            t[k] = 2;
            if (c0 < c1 && c0 < c2) {
                c = c0;
                t[k] = 0;
            } else if (c1 < c0 && c1 < c2) {
                c = c1;
                t[k] = 1;
            }
            here[k] = (float)((double)c - (double)p->looks[(r - 1ull) * p->stride + k - 1]);
        }
        float *swap = above;
        above = here;
        here = swap;
    }
    while (i > 0 || j > 0) {
        if (i > 0)
            times[i - 1] = j ? j - 1 : 0;
        uint8_t way = !i ? 2 : !j ? 1 : trace[i * (n + 1ull) + j];
        i -= way != 2;
        j -= way != 1;
    }
    mem_free(cost);
    mem_free(trace);
    return OK;
}

/* ---- words -------------------------------------------------------------------------------- */

static enum status read_bytes(const struct words_params *p, struct arena *a, struct bytes *out)
{
    size_t len = 0;
    for (uint32_t i = 0; i < p->n_text; i++)
        len += tok_piece(p->tok, p->text[i], false).len;
    out->all = arena_calloc(a, len + 1, 1);
    out->at = arena_calloc(a, p->n_text + 1ull, sizeof *out->at);
    if (!out->all || !out->at)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < p->n_text; i++) {
        struct tok_str piece = tok_piece(p->tok, p->text[i], false);
        if (piece.len)
            memcpy(out->all + out->at[i], piece.s, piece.len);
        out->at[i + 1] = out->at[i] + piece.len;
    }
    return OK;
}

/* Bytes of the character at s, 0 if it is none. */
static size_t character(const char *s, size_t len)
{
    for (size_t n = 1; n <= 4 && n <= len; n++) {
        if (str_utf8_valid(s, n))
            return n;
    }
    return 0;
}

/* Tokens first .. first + n - 1 end where a character does, or where the text has none. */
static bool is_whole(const struct bytes *b, uint32_t first, uint32_t n, uint32_t n_text)
{
    size_t at = b->at[first], end = b->at[first + n], all = b->at[n_text];
    while (at < end) {
        size_t len = character(b->all + at, end - at);
        if (!len)
            return !character(b->all + at, all - at);
        at += len;
    }
    return true;
}

/* A part goes to the word before it, unless it begins one. */
static bool begins(const struct words_params *p, const struct bytes *b, uint32_t first, uint32_t n)
{
    static const char marks[] = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    size_t len;
    const char *text = text_of(b, &(struct word){.first = first, .n = n}, &len);
    return !p->spaces || (len && *text == ' ') || is_mark(text, len, marks);
}

static void split(const struct words_params *p, const struct bytes *b, struct words *w)
{
    for (uint32_t first = 0, n; first < p->n_text; first += n) {
        for (n = 1; first + n < p->n_text && !is_whole(b, first, n, p->n_text); n++)
            ;
        if (!is_whole(b, first, n, p->n_text)) /* the end of it is missing */
            break;
        if (!w->n || begins(p, b, first, n))
            w->all[w->n++] = (struct word){.first = first, .n = n};
        else
            w->all[w->n - 1].n += n;
    }
}

static void put_times(const struct words_params *p, const uint32_t *times, struct words *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        struct word *x = &w->all[i];
        double sum = 0;
        for (uint32_t k = 0; k < x->n; k++)
            sum += (double)p->probs[x->first + k];
        x->prob = (float)(sum / x->n);
        x->start = times[x->first] * frame_seconds;
        x->end = times[x->first + x->n] * frame_seconds;
    }
}

/* ---- what openai-whisper makes of them ---------------------------------------------------- */

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Of the words that take time, at most 0.7 s. */
static enum status median_duration(const struct words *w, double *out, bool *any)
{
    double *d = mem_calloc(w->n + 1ull, sizeof *d);
    uint32_t n = 0;
    if (!d)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < w->n; i++) {
        if (w->all[i].end != w->all[i].start)
            d[n++] = w->all[i].end - w->all[i].start;
    }
    qsort(d, n, sizeof *d, by_size);
    *any = n > 0;
    *out = !n ? 0 : n % 2 ? d[n / 2] : (d[n / 2 - 1] + d[n / 2]) / 2;
    *out = fmin(*out, 0.7);
    mem_free(d);
    return OK;
}

static bool ends_sentence(const struct bytes *b, const struct word *w)
{
    size_t len;
    const char *text = text_of(b, w, &len);
    return words_is_part(text, len, sentence_ends);
}

static void cut_long(const struct bytes *b, struct words *w, double most)
{
    for (uint32_t i = 1; i < w->n; i++) {
        struct word *x = &w->all[i];
        if (x->end - x->start <= most)
            continue;
        if (ends_sentence(b, x))
            x->end = x->start + most;
        else if (ends_sentence(b, x - 1))
            x->start = x->end - most;
    }
}

/* Marks join the words that they belong to; what is left of them has no tokens. */
static void merge_marks(const struct words_params *p, const struct bytes *b, struct words *w)
{
    size_t len;
    for (uint32_t i = w->n ? w->n - 1 : 0, j = i; i-- > 0;) {
        const char *text = text_of(b, &w->all[i], &len);
        if (len && *text == ' ' && is_mark(text, len, p->prepended)) {
            w->all[j].first = w->all[i].first;
            w->all[j].n += w->all[i].n;
            w->all[i].n = 0;
        } else {
            j = i;
        }
    }
    for (uint32_t i = 0, j = 1; j < w->n; j++) {
        const char *before = text_of(b, &w->all[i], &len);
        bool open = !len || before[len - 1] != ' ';
        const char *text = text_of(b, &w->all[j], &len);
        if (open && words_is_part(text, len, p->appended)) {
            if (!w->all[i].n)
                w->all[i].first = w->all[j].first;
            w->all[i].n += w->all[j].n;
            w->all[j].n = 0;
        } else {
            i = j;
        }
    }
}

static double hundredths(double v)
{
    return rint(v * 100) / 100;
}

/* The first words after a pause are not longer than others, and the piece's own times count where a
 * word is far from them. */
static void fit(struct words_piece *piece, struct word *w, double last_speech, double median)
{
    double most = 2 * median;
    struct word *last = &w[piece->n - 1];
    if (w->end - last_speech > median * 4 &&
        (w->end - w->start > most || (piece->n > 1 && w[1].end - w->start > most * 2))) {
        if (piece->n > 1 && w[1].end - w[1].start > most)
            w->end = w[1].start = fmax(w[1].end / 2, w[1].end - most);
        w->start = fmax(0, w->end - most);
    }
    if (piece->start < w->end && piece->start - 0.5 > w->start)
        w->start = fmax(0, fmin(w->end - median, piece->start));
    else
        piece->start = w->start;
    if (piece->end > last->start && piece->end + 0.5 < last->end)
        last->end = fmax(last->start + median, piece->end);
    else
        piece->end = last->end;
}

/* To each piece as many words as have its tokens. */
static void deal(const struct words_params *p, struct words_piece *pieces, uint32_t n,
                 double median, struct words *w)
{
    uint32_t next = 0, kept = 0;
    double last_speech = p->last_speech;
    for (uint32_t i = 0; i < n; i++) {
        struct words_piece *piece = &pieces[i];
        piece->first = kept;
        for (uint32_t saved = 0; next < w->n && saved < piece->n_text; next++) {
            struct word x = w->all[next];
            saved += x.n;
            if (!x.n)
                continue;
            x.start = hundredths(p->offset + x.start);
            x.end = hundredths(p->offset + x.end);
            w->all[kept++] = x;
        }
        piece->n = kept - piece->first;
        if (!piece->n)
            continue;
        fit(piece, &w->all[piece->first], last_speech, median);
        last_speech = piece->end;
    }
    w->n = kept;
}

static enum status put_texts(const struct bytes *b, struct words *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        size_t len, at = 0;
        const char *bytes = text_of(b, &w->all[i], &len);
        char *text = arena_calloc(&w->arena, 3 * len + 1, 1);
        w->all[i].text = text;
        if (!text)
            return ERR_MEMORY;
        for (size_t k = 0, n; k < len; k += n ? n : 1) {
            n = character(bytes + k, len - k);
            memcpy(text + at, n ? bytes + k : "\xef\xbf\xbd", n ? n : 3);
            at += n ? n : 3;
        }
    }
    return OK;
}

enum status words_find(const struct words_params *p, struct words_piece *pieces, uint32_t n,
                       struct words *out)
{
    struct bytes b;
    double median;
    bool any;
    *out = (struct words){0};
    for (uint32_t i = 0; i < n; i++)
        pieces[i].first = pieces[i].n = 0;
    if (!p->n_text || !p->frames)
        return OK;
    uint32_t *times = arena_calloc(&out->arena, p->n_text + 1ull, sizeof *times);
    out->all = arena_calloc(&out->arena, p->n_text, sizeof *out->all);
    if (!times || !out->all)
        return ERR_MEMORY;
    TRY(read_bytes(p, &out->arena, &b));
    TRY(warp(p, times));
    split(p, &b, out);
    put_times(p, times, out);
    TRY(median_duration(out, &median, &any));
    if (any)
        cut_long(&b, out, 2 * median);
    merge_marks(p, &b, out);
    deal(p, pieces, n, median, out);
    return put_texts(&b, out);
}

void words_release(struct words *w)
{
    arena_free(&w->arena);
    *w = (struct words){0};
}
