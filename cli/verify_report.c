/* The report of tawny verify. */
#include "verify_report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "cli.h"

const char *line_name(const struct suite_line *l, char out[64])
{
    snprintf(out, 64, "%s/%s", l->family->name, l->type_name);
    return out;
}

const char *case_failure(const struct suite_case *c)
{
    return c->status == OK ? c->out->result.first : c->message;
}

bool line_same_bits(const struct suite_line *l)
{
    return l->same_bits == l->cases;
}

const char *line_result(const struct suite_line *l, char out[64])
{
    if (l->wrong)
        snprintf(out, 64, "WRONG in %" PRIu32, l->wrong);
    else if (line_same_bits(l))
        snprintf(out, 64, "same bits");
    else
        snprintf(out, 64, "within %.1e of %.0e", l->worst.max, l->limit.max);
    return out;
}

static void write_head(const struct report *r, const struct suite *s)
{
    const struct gpu_info *g = suite_info(s);
    struct utsname os;
    char day[32] = "";
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm))
        strftime(day, sizeof day, "%Y-%m-%d %H:%M UTC", &tm);
    fprintf(r->file, "tawny verify report\ntawny        %s\ndate         %s\n", tawny_version(),
            day);
    if (!uname(&os))
        fprintf(r->file, "system       %s %s %s\n", os.sysname, os.release, os.machine);
    fprintf(r->file,
            "device       %s (%s), %04x:%04x\ndriver       %s (0x%08x)\nvulkan       %u.%u.%u\n",
            g->name, g->kind, g->vendor, g->device, g->driver, g->driver_version,
            g->api_version >> 22 & 0x7f, g->api_version >> 12 & 0x3ff, g->api_version & 0xfff);
    fprintf(r->file,
            "subgroups    %u to %u, default %u\nmatrix       %ux%ux%u\nshared       %u bytes\n"
            "capabilities 0x%" PRIx64 "\nseed         %" PRIu64 "\n\n",
            g->subgroup_min, g->subgroup_max, g->subgroup_default, g->coop_m, g->coop_n, g->coop_k,
            g->shared_bytes, g->caps, r->seed);
    fflush(r->file);
}

static bool make_file(struct report *r, const struct suite *s)
{
    const char *path = r->path ? r->path : r->own_path;
    if (!r->path)
        snprintf(r->own_path, sizeof r->own_path, "tawny-verify-%" PRIu64 ".txt", r->seed);
    r->file = fopen(path, "w");
    if (r->file)
        write_head(r, s);
    return r->file;
}

enum status report_open(struct report *r, const struct suite *s)
{
    if (r->path && !make_file(r, s))
        return status_fail(ERR, "--report %s: %s", r->path, strerror(errno));
    return OK;
}

static void write_around(FILE *f, const struct check_around *a)
{
    fprintf(f, "  index -8 to 8 around it, %s: got, expected\n", a->kind);
    for (uint32_t i = 0; i < a->n; i++)
        fprintf(f, "  %s%3d  %.9g  %.9g\n", i == a->here ? ">" : " ", (int)i - (int)a->here,
                a->got[i], a->want[i]);
}

void report_case(struct report *r, const struct suite *s, const struct suite_case *c)
{
    char name[64];
    if (!r->file && !r->refused && !make_file(r, s)) {
        say("warning: no report: %s: %s", r->own_path, strerror(errno));
        r->refused = true;
    }
    if (!r->file)
        return;
    fprintf(r->file, "FAILED %s, case %" PRIu32 "%s%s\n  %s\n  %s\n", line_name(c->line, name),
            c->number, c->step ? ", " : "", c->step ? c->step->text : "", c->out->text,
            case_failure(c));
    for (uint32_t i = 0; i < c->out->n_blamed; i++)
        fprintf(r->file, "  variant %s\n", c->out->blamed[i]);
    if (c->status == OK) {
        fprintf(r->file, "  %" PRIu64 " of %" PRIu64 " wrong; NMSE %.3g, largest error %.3g\n",
                c->out->result.wrong, c->out->result.values + c->out->result.exact,
                c->out->result.nmse, c->out->result.max);
        if (c->out->result.around.n)
            write_around(r->file, &c->out->result.around);
    }
    fprintf(r->file, "  again: tawny verify %s\n\n", c->again);
    fflush(r->file);
}

void report_close(struct report *r, const struct suite *s, const char *verdict)
{
    char name[64], result[64];
    if (!r->file)
        return;
    for (uint32_t i = 0; i < suite_lines(s); i++) {
        const struct suite_line *l = suite_get_line(s, i);
        fprintf(r->file, "%-20s %6" PRIu32 "  %s\n", line_name(l, name), l->cases,
                l->cases ? line_result(l, result) : "not run");
    }
    fprintf(r->file, "%s\n", verdict);
    if (fclose(r->file))
        say("warning: the report is not whole: %s", strerror(errno));
    else
        say("report: %s", r->path ? r->path : r->own_path);
    r->file = NULL;
}
