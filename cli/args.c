/* The command line: one table of options a verb, one reader for all, --help written from the table.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"

struct global global;

static bool want_help, want_version;

static const struct option global_options[] = {
    {"-v --verbose", OPT_COUNT, &global.verbose, NULL, "say more on stderr; twice: still more"},
    {"-q --quiet", OPT_FLAG, &global.quiet, NULL, "errors only, no progress"},
    {"-h --help", OPT_FLAG, &want_help, NULL, "this text"},
    {"--version", OPT_FLAG, &want_version, NULL, "the version"},
};
enum { N_GLOBAL = sizeof global_options / sizeof *global_options };

/* ---- reading ------------------------------------------------------------------------------ */

/* True if the first `len` bytes of `given` are one of the spellings. */
static bool is_named(const struct option *o, const char *given, size_t len)
{
    for (const char *p = o->names; *p;) {
        size_t n = strcspn(p, " ");
        if (n == len && !memcmp(p, given, n))
            return true;
        p += n;
        p += strspn(p, " ");
    }
    return false;
}

static const struct option *find(const struct verb *verb, const char *given, size_t len)
{
    for (size_t i = 0; verb && i < verb->n_options; i++) {
        if (is_named(&verb->options[i], given, len))
            return &verb->options[i];
    }
    for (size_t i = 0; i < N_GLOBAL; i++) {
        if (is_named(&global_options[i], given, len))
            return &global_options[i];
    }
    return NULL;
}

static bool takes_value(const struct option *o)
{
    return o->kind != OPT_FLAG && o->kind != OPT_COUNT;
}

enum status args_int(const char *what, const char *text, double min, double max, int64_t *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end)
        return status_fail(ERR_USAGE, "%s: '%s' is not a whole number", what, text);
    if (errno || (double)v < min || (double)v > max)
        return status_fail(ERR_USAGE, "%s: %s is not from %.0f to %.0f", what, text, min, max);
    *out = v;
    return OK;
}

enum status args_bool(const char *what, const char *text, bool *out)
{
    *out = !strcasecmp(text, "true");
    if (*out || !strcasecmp(text, "false"))
        return OK;
    return status_fail(ERR_USAGE, "%s: '%s' is neither True nor False", what, text);
}

static enum status read_real(const char *what, const char *text, const struct option *o)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || isnan(v))
        return status_fail(ERR_USAGE, "%s: '%s' is not a number", what, text);
    if (v < o->min || v > o->max)
        return status_fail(ERR_USAGE, "%s: %s is not from %g to %g", what, text, o->min, o->max);
    *(double *)o->value = v;
    return OK;
}

static enum status put_value(const struct option *o, const char *what, const char *text)
{
    struct texts *list;
    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)o->value = true;
        break;
    case OPT_COUNT:
        ++*(int64_t *)o->value;
        break;
    case OPT_INT:
        return args_int(what, text, o->min, o->max, o->value);
    case OPT_REAL:
        return read_real(what, text, o);
    case OPT_TEXT:
        *(const char **)o->value = text;
        break;
    case OPT_LIST:
        list = o->value;
        if (list->n == TEXTS_MAX)
            return status_fail(ERR_USAGE, "%s: given more than %d times", what, TEXTS_MAX);
        list->text[list->n++] = text;
        break;
    }
    return OK;
}

/* Takes the option at argv[i]; *i is left at the last word it took. */
static enum status read_option(const struct verb *verb, char **argv, size_t *i)
{
    char *given = argv[*i], *equals = !strncmp(given, "--", 2) ? strchr(given, '=') : NULL,
         name[64];
    size_t len = equals ? (size_t)(equals - given) : strlen(given);
    const struct option *o = find(verb, given, len);
    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), given);
    if (!o)
        return status_fail(ERR_USAGE, "unknown option '%s'; see tawny %s%s", name,
                           verb ? "help " : "--help", verb ? verb->name : "");
    if (!takes_value(o)) {
        if (equals)
            return status_fail(ERR_USAGE, "%s takes no value", name);
        return put_value(o, name, NULL);
    }
    if (equals)
        return put_value(o, name, equals + 1);
    if (!argv[*i + 1])
        return status_fail(ERR_USAGE, "%s needs a value (%s)", name, o->arg);
    return put_value(o, name, argv[++*i]);
}

static enum status check_operands(const struct verb *verb, char **argv, size_t n)
{
    if (n < verb->min_operands)
        return status_fail(ERR_USAGE, "%s needs %.*s; see tawny help %s", verb->name,
                           (int)strcspn(verb->operands, " "), verb->operands, verb->name);
    if (n > verb->max_operands)
        return status_fail(ERR_USAGE, "%s: '%s' is one argument too many; see tawny help %s",
                           verb->name, argv[verb->max_operands], verb->name);
    return OK;
}

enum status args_read(const struct verb *verb, char **argv, size_t *n_operands, bool *help,
                      bool *version)
{
    bool options = true;
    size_t n = 0, i;
    for (i = 0; argv[i]; i++) {
        if (options && !strcmp(argv[i], "--"))
            options = false;
        else if (options && argv[i][0] == '-' && argv[i][1])
            TRY(read_option(verb, argv, &i));
        else if (!verb)
            break;
        else
            argv[n++] = argv[i];
    }
    *n_operands = verb ? n : i;
    *help = want_help;
    *version = want_version;
    if (!verb || want_help || want_version)
        return OK;
    return check_operands(verb, argv, n);
}

/* ---- help --------------------------------------------------------------------------------- */

static void help_default(const struct option *o)
{
    if (o->kind == OPT_INT)
        printf(" (%" PRId64 ")", *(const int64_t *)o->value);
    if (o->kind == OPT_REAL)
        printf(" (%g)", *(const double *)o->value);
}

static void help_option(const struct option *o)
{
    enum { COLUMN = 30 };
    char left[128] = "  ";
    for (const char *p = o->names; *p; p++) {
        size_t len = strlen(left);
        snprintf(left + len, sizeof left - len, "%s", *p == ' ' ? ", " : (char[]){*p, 0});
    }
    if (o->arg) {
        size_t len = strlen(left);
        snprintf(left + len, sizeof left - len, " %s", o->arg);
    }
    if (strlen(left) + 2 > COLUMN)
        printf("%s\n%*s%s", left, COLUMN, "", o->help);
    else
        printf("%-*s%s", COLUMN, left, o->help);
    help_default(o);
    putchar('\n');
}

static const struct verb *const verbs[] = {&verb_run,     &verb_transcribe, &verb_listen,
                                           &verb_devices, &verb_inspect,    &verb_tokenize,
                                           &verb_eval,    &verb_bench,      &verb_verify};
enum { N_VERBS = sizeof verbs / sizeof *verbs };

const struct verb *args_verb(const char *name)
{
    for (size_t i = 0; i < N_VERBS; i++) {
        if (!strcmp(verbs[i]->name, name))
            return verbs[i];
    }
    return NULL;
}

void args_usage(FILE *to)
{
    fprintf(to, "usage: tawny VERB [OPTION...] [ARGUMENT...]\n\n");
    for (size_t i = 0; i < N_VERBS; i++)
        fprintf(to, "  %-12s%s\n", verbs[i]->name, verbs[i]->summary);
    fprintf(to, "  %-12s%s\n", "help", "what a verb takes: tawny help VERB");
    fprintf(to, "\ntawny --version prints the version.\n");
}

void args_help(const struct verb *verb)
{
    printf("usage: tawny %s [OPTION...]%s%s\n\n%s.\n\n", verb->name, *verb->operands ? " " : "",
           verb->operands, verb->summary);
    for (size_t i = 0; i < verb->n_options; i++)
        help_option(&verb->options[i]);
    for (size_t i = 0; i < N_GLOBAL; i++)
        help_option(&global_options[i]);
    if (verb->more)
        printf("\n%s\n", verb->more);
}
