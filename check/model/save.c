/* --save and --against: a folder of digests and tensors.
 *
 *   verify.txt      "tawny verify 1", then lines "KEY VALUE": model, device, driver, predict,
 * tokens. Written last: a folder without it is not finished. weights.tsv     digest, tensor
 *   dispatches.tsv  run, plan, index, layer, kernel, module, digest of what was written
 *   RRR-LLL.npy     float32: what the last dispatch of layer LLL (counted from 0 in this run) of
 * run RRR of a plan wrote
 *
 * A digest is of bytes as they lie on the device, the order being that of the dispatch's spans, so
 * that it is the same wherever they lie. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "check/model/inside.h"

static const char magic[] = "tawny verify 1";

struct model_save {
    FILE *weights, *ops;         /* being written */
    FILE *old_weights, *old_ops; /* being compared with; NULL once the plans have parted */
    uint32_t run, layer;         /* of the last tensor */
    bool any_layer;
    char *text; /* "TOKEN TOKEN ..." */
};

/* ---- files -------------------------------------------------------------------------------- */

static enum status path_in(const char *folder, const char *name, char *buf, size_t size)
{
    int n = snprintf(buf, size, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= size)
        return status_fail(ERR_USAGE, "%.80s...: the name is too long", folder);
    return OK;
}

static enum status open_in(const char *folder, const char *name, const char *mode, FILE **out)
{
    char path[4096];
    TRY(path_in(folder, name, path, sizeof path));
    *out = fopen(path, mode);
    return *out ? OK : status_fail(ERR, "%s: %s", path, strerror(errno));
}

static enum status close_file(FILE **f, const char *folder)
{
    FILE *old = *f;
    *f = NULL;
    if (!old)
        return OK;
    bool bad = ferror(old) != 0;
    bad = fclose(old) != 0 || bad;
    return bad ? status_fail(ERR, "%s: %s", folder, strerror(errno)) : OK;
}

static enum status write_summary(const struct check_model *m)
{
    const struct check_model_report *r = &m->report;
    FILE *f;
    TRY(open_in(m->params.save, "verify.txt", "w", &f));
    fprintf(f, "%s\nmodel %s\ndevice %s\ndriver %s\npredict %" PRIu32 "\ntokens %s\n", magic,
            r->name, r->device, r->driver, m->params.n_predict, m->save->text);
    return close_file(&f, m->params.save);
}

/* ERR_USAGE unless the folder was made with the same tokens. */
static enum status read_summary(const struct check_model *m, const char *folder)
{
    FILE *f;
    char *line = NULL;
    size_t room = 0;
    uint32_t predict = 0;
    bool known = false, same = false;
    TRY(open_in(folder, "verify.txt", "r", &f));
    while (getline(&line, &room, f) >= 0) {
        line[strcspn(line, "\n")] = 0;
        known = known || !strcmp(line, magic);
        sscanf(line, "predict %" SCNu32, &predict);
        if (!strncmp(line, "tokens ", 7))
            same = !strcmp(line + 7, m->save->text);
    }
    free(line);
    fclose(f);
    if (!known)
        return status_fail(ERR_USAGE, "%s: verify.txt is not of `tawny verify --save`", folder);
    if (!same || predict != m->params.n_predict)
        return status_fail(ERR_USAGE,
                           "%s was saved with another prompt, another tokenizer or another number "
                           "of tokens to make",
                           folder);
    return OK;
}

static char *tokens_text(const int32_t *tokens, uint32_t n)
{
    char *text = mem_alloc((size_t)n * 12 + 1), *at = text;
    for (uint32_t i = 0; text && i < n; i++)
        at += sprintf(at, "%s%" PRId32, i ? " " : "", tokens[i]);
    return text;
}

enum status save_open(struct check_model *m, const int32_t *tokens, uint32_t n)
{
    const char *to = m->params.save, *from = m->params.against;
    char path[4096];
    if (!to && !from)
        return OK;
    m->save = mem_alloc(sizeof *m->save);
    if (!m->save)
        return ERR_MEMORY;
    m->save->text = tokens_text(tokens, n);
    if (!m->save->text)
        return ERR_MEMORY;
    if (from) {
        TRY(read_summary(m, from));
        m->report.against = m->report.same = true;
        TRY(open_in(from, "weights.tsv", "r", &m->save->old_weights));
        TRY(open_in(from, "dispatches.tsv", "r", &m->save->old_ops));
    }
    if (!to)
        return OK;
    if (mkdir(to, 0777) && errno != EEXIST)
        return status_fail(ERR, "%s: %s", to, strerror(errno));
    TRY(path_in(to, "verify.txt", path, sizeof path));
    if (unlink(path) && errno != ENOENT)
        return status_fail(ERR, "%s: %s", path, strerror(errno));
    TRY(open_in(to, "weights.tsv", "w", &m->save->weights));
    return open_in(to, "dispatches.tsv", "w", &m->save->ops);
}

enum status save_close(struct check_model *m, bool complete)
{
    struct model_save *v = m->save;
    if (!v)
        return OK;
    enum status s = close_file(&v->weights, m->params.save);
    enum status t = close_file(&v->ops, m->params.save);
    close_file(&v->old_weights, m->params.against);
    close_file(&v->old_ops, m->params.against);
    if (s == OK)
        s = t;
    if (s == OK && complete && m->params.save)
        s = write_summary(m);
    mem_free(v->text);
    mem_free(v);
    m->save = NULL;
    return s;
}

/* ---- digests ------------------------------------------------------------------------------ */

static void differs(struct check_model *m, const char *text)
{
    struct check_model_report *r = &m->report;
    if (r->same)
        snprintf(r->against_text, sizeof r->against_text, "%s", text);
    r->same = false;
}

enum status save_tensor(struct check_model *m, const char *name, uint64_t digest)
{
    struct model_save *v = m->save;
    char line[256], text[256];
    if (!v)
        return OK;
    if (v->weights && fprintf(v->weights, "%016" PRIx64 "\t%s\n", digest, name) < 0)
        return status_fail(ERR, "%s: %s", m->params.save, strerror(errno));
    if (!v->old_weights || !fgets(line, sizeof line, v->old_weights))
        return OK;
    line[strcspn(line, "\n")] = 0;
    snprintf(text, sizeof text, "%016" PRIx64 "\t%s", digest, name);
    if (!strcmp(line, text))
        return OK;
    snprintf(text, sizeof text, "the weights are others, first of tensor %.80s", name);
    differs(m, text);
    return close_file(&v->old_weights, m->params.against);
}

/* The fields in front of the digest are the same, or the plans have parted. */
static enum status compare_op(struct check_model *m, const struct plan *p, uint32_t run, uint32_t i,
                              const char *ours)
{
    struct model_save *v = m->save;
    char line[512], text[400], where[160];
    model_where(p, i, where, sizeof where);
    if (!fgets(line, sizeof line, v->old_ops))
        *line = 0;
    line[strcspn(line, "\n")] = 0;
    if (!strcmp(line, ours))
        return OK;
    const char *a = strrchr(line, '\t'), *b = strrchr(ours, '\t');
    if (a && b && a - line == b - ours && !strncmp(line, ours, (size_t)(b - ours))) {
        snprintf(text, sizeof text, "%s is the first with other bits", where);
        if (m->report.same) {
            snprintf(m->report.against_plan, sizeof m->report.against_plan, "%s", plan_name(p));
            m->report.against_run = run;
            m->report.against_dispatch = i;
        }
        differs(m, text);
        return OK;
    }
    snprintf(text, sizeof text,
             "from %s on the plans hold other dispatches; layers are still compared at their ends",
             where);
    differs(m, text);
    return close_file(&v->old_ops, m->params.against);
}

enum status save_op(struct check_model *m, const struct plan *p, uint32_t run, uint32_t i,
                    uint64_t digest)
{
    struct model_save *v = m->save;
    const struct plan_op *op = plan_get(p, i);
    char line[512];
    if (!v)
        return OK;
    snprintf(line, sizeof line, "%" PRIu32 "\t%s\t%" PRIu32 "\t%d\t%s\t%s\t%016" PRIx64, run,
             plan_name(p), i, op->layer, op->name, op->pipe.shader->name, digest);
    if (v->ops && fprintf(v->ops, "%s\n", line) < 0)
        return status_fail(ERR, "%s: %s", m->params.save, strerror(errno));
    return v->old_ops ? compare_op(m, p, run, i, line) : OK;
}

/* ---- tensors ------------------------------------------------------------------------------ */

enum { NPY_HEADER = 128 };

static enum status write_npy(const char *folder, const char *name, const float *values, uint64_t n)
{
    char header[NPY_HEADER + 1];
    FILE *f;
    TRY(open_in(folder, name, "wb", &f));
    memset(header, ' ', NPY_HEADER);
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
    int len = snprintf(header + 10, NPY_HEADER - 10,
                       "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRIu64 ",), }", n);
    header[10 + len] = ' ';
    header[NPY_HEADER - 1] = '\n';
    fwrite(header, 1, NPY_HEADER, f);
    fwrite(values, sizeof *values, n, f);
    return close_file(&f, folder);
}

/* What there is of it up to n values; a file that is missing or of another size compares nothing.
 */
static enum status read_npy(const char *folder, const char *name, float **values, uint64_t n)
{
    char path[4096];
    struct stat st;
    FILE *f;
    *values = NULL;
    TRY(path_in(folder, name, path, sizeof path));
    if (stat(path, &st) || (uint64_t)st.st_size != NPY_HEADER + n * sizeof **values)
        return OK;
    TRY(open_in(folder, name, "rb", &f));
    *values = mem_calloc(n, sizeof **values);
    bool all =
        *values && !fseek(f, NPY_HEADER, SEEK_SET) && fread(*values, sizeof **values, n, f) == n;
    fclose(f);
    if (*values && !all) {
        mem_free(*values);
        *values = NULL;
        return status_fail(ERR, "%s: cannot be read", path);
    }
    return *values ? OK : ERR_MEMORY;
}

static enum status compare_layer(struct check_model *m, struct check_layer *l, const char *name,
                                 const float *values, uint64_t n)
{
    float *old;
    struct diff d = {0};
    TRY(read_npy(m->params.against, name, &old, n));
    l->compared = old != NULL;
    for (uint64_t i = 0; old && i < n; i++)
        diff_add(&d, (double)values[i], (double)old[i], !memcmp(&values[i], &old[i], sizeof *old));
    l->other_bits = d.other;
    l->other_nmse = diff_nmse(&d);
    l->other_largest = d.largest;
    l->other_correlation = diff_correlation(&d);
    mem_free(old);
    return OK;
}

enum status save_layer(struct check_model *m, struct check_layer *l, const float *values,
                       uint64_t n)
{
    struct model_save *v = m->save;
    char name[32];
    v->layer = v->any_layer && v->run == l->run ? v->layer + 1 : 0;
    v->run = l->run;
    v->any_layer = true;
    snprintf(name, sizeof name, "%03" PRIu32 "-%03" PRIu32 ".npy", v->run, v->layer);
    if (m->params.against)
        TRY(compare_layer(m, l, name, values, n));
    return m->params.save ? write_npy(m->params.save, name, values, n) : OK;
}
