/* The program: finds the verb, runs it, prints the one line of an error. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* With one of the first three files closed, a model file would take its number and be written to.
 * A closed stdout stays an error: what takes its place cannot be written. */
static void keep_first_files(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            _exit(ERR);
    }
}

static void on_log(void *ctx, enum tawny_log_level level, const char *text)
{
    (void)ctx;
    progress_clear();
    say("%s%s", level == TAWNY_LOG_WARN ? "warning: " : "", text);
}

static void set_log(void)
{
    enum tawny_log_level level = TAWNY_LOG_WARN;
    if (global.quiet)
        level = TAWNY_LOG_ERROR;
    else if (global.verbose)
        level = global.verbose > 1 ? TAWNY_LOG_DEBUG : TAWNY_LOG_INFO;
    tawny_log_set(level, on_log, NULL);
}

static enum status help(const char *name)
{
    if (!name) {
        args_usage(stdout);
        return out_flush();
    }
    const struct verb *verb = args_verb(name);
    if (!verb)
        return status_fail(ERR_USAGE, "no verb '%s'; tawny --help lists them", name);
    args_help(verb);
    return out_flush();
}

static enum status run(char **argv)
{
    size_t n;
    bool want_help, want_version;
    TRY(args_read(NULL, argv, &n, &want_help, &want_version));
    argv += n;
    if (want_version)
        TRY(out_printf("tawny %s\n", tawny_version()));
    if (want_version || (want_help && !*argv))
        return want_help ? help(NULL) : out_flush();
    if (!*argv) {
        args_usage(stderr);
        return ERR_USAGE;
    }
    if (!strcmp(*argv, "help"))
        return help(argv[1]);
    const struct verb *verb = args_verb(*argv);
    if (!verb)
        return status_fail(ERR_USAGE, "no verb '%s'; tawny --help lists them", *argv);
    argv++;
    TRY(args_read(verb, argv, &n, &want_help, &want_version));
    if (want_help)
        return help(verb->name);
    if (want_version)
        return out_printf("tawny %s\n", tawny_version());
    set_log();
    return verb->run(argv, n);
}

int main(int argc, char **argv)
{
    (void)argc;
    keep_first_files();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    interrupt_init();
    enum status s = run(argv + (argc > 0));
    if (s == OK)
        s = out_flush();
    progress_clear();
    if (s != OK && *status_message() && !interrupted())
        say("%s", status_message());
    return interrupted() ? EXIT_INTERRUPTED : (int)s;
}
