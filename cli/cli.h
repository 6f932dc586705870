/* cli.h - what the verbs of the program share: options, files, output, devices and models.
 *
 * A verb is one file with one `struct verb`: its words for --help, a table of its options and a
 * function. Options are written straight into the verb's own static variables, whose values before
 * that are the defaults, which --help shows. The process runs one verb.
 *
 * Results go to stdout, everything else to stderr. A verb returns a status, which is the exit code;
 * main() prints status_message() as the one line `tawny: MESSAGE`. */
#ifndef TAWNY_CLI_H
#define TAWNY_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>
#include <tawny.h>

#include "base/status.h"

/* ---- options ------------------------------------------------------------------------------ */

enum option_kind {
    OPT_FLAG,  /* bool: becomes true */
    OPT_COUNT, /* int64_t: one more each time */
    OPT_INT,   /* int64_t from min to max */
    OPT_REAL,  /* double from min to max */
    OPT_TEXT,  /* const char * into argv */
    OPT_LIST,  /* struct texts: given once or more */
};

struct option {
    const char *names; /* all spellings: "-n --predict" */
    enum option_kind kind;
    void *value;
    const char *arg; /* "N"; NULL for flags */
    const char *help;
    double min, max; /* of numbers */
};

enum { TEXTS_MAX = 64 };
struct texts {
    const char *text[TEXTS_MAX];
    size_t n;
};

struct verb {
    const char *name;
    const char *operands; /* "MODEL" or "" */
    const char *summary;  /* one line */
    const char *more;     /* paragraphs under the options in --help, or NULL */
    const struct option *options;
    size_t n_options;
    size_t min_operands, max_operands;
    enum status (*run)(char **operands, size_t n);
};

extern const struct verb verb_run, verb_transcribe, verb_listen, verb_devices, verb_inspect,
    verb_tokenize, verb_eval, verb_bench, verb_verify;

/* NULL if there is none of that name. */
const struct verb *args_verb(const char *name);

/* Options that every verb takes. */
struct global {
    const char *device;
    bool quiet, json, stats, any_variant, no_int_dot;
    int64_t verbose;
};
extern struct global global;

#define OPTION_DEVICE                                                                              \
    {                                                                                              \
        "--device -dev", OPT_TEXT, &global.device, "D",                                            \
            "index, part of the name, or UUID; else $TAWNY_DEVICE, else the best"                  \
    }
#define OPTION_ANY_VARIANT                                                                         \
    {                                                                                              \
        "--no-verified-variants", OPT_FLAG, &global.any_variant, NULL,                             \
            "use also kernels that tawny verify found wrong"                                       \
    }
#define OPTION_NO_INT_DOT                                                                          \
    {                                                                                              \
        "--no-int-dot", OPT_FLAG, &global.no_int_dot, NULL,                                        \
            "multiply quantised weights in f32, activations not rounded to 8 bits"                 \
    }
#define OPTION_JSON                                                                                \
    {                                                                                              \
        "--json", OPT_FLAG, &global.json, NULL, "print JSON"                                       \
    }
#define OPTION_STATS                                                                               \
    {                                                                                              \
        "--stats", OPT_FLAG, &global.stats, NULL, "figures of speed, bus and memory on stderr"     \
    }
#define OPTIONS(table) .options = table, .n_options = sizeof(table) / sizeof *(table)

/* Reads argv up to its NULL. With a verb, operands are moved to the front of argv and counted in
 * *n_operands; without one (options in front of the verb), reading ends at the first operand, whose
 * index *n_operands becomes. *help, *version: asked for.
 * ERR_USAGE names the option, the value and the range. */
enum status args_read(const struct verb *verb, char **argv, size_t *n_operands, bool *help,
                      bool *version);
/* All verbs, a line each. */
void args_usage(FILE *to);
/* The verb's --help. */
void args_help(const struct verb *verb);

/* A whole number in [min, max], nothing behind it. */
enum status args_int(const char *what, const char *text, double min, double max, int64_t *out);

/* True or False, as openai-whisper's program takes them. */
enum status args_bool(const char *what, const char *text, bool *out);

/* ---- input and output --------------------------------------------------------------------- */

/* A whole file ("-": stdin), zero-terminated, to be freed with mem_free. ERR names the file. */
enum status read_whole(const char *path, char **text, size_t *len);

/* Writes to stdout; after the first failure nothing more is written. ERR says why; a reader that
 * has gone away ends the program quietly. */
enum status out_write(const char *text, size_t len);
enum status out_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
enum status out_flush(void);
/* Prints `value` on one line (indented for people if `pretty`) and releases it. */
enum status out_json(json_t *value, bool pretty);

/* A JSON string of any bytes: what is no UTF-8 becomes U+FFFD. */
json_t *json_text(const char *text, size_t len);

/* A line on stderr, "tawny: TEXT"; control characters are escaped. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "1.50 GiB" in a buffer of the caller's. */
enum { SIZE_TEXT = 24 };
const char *size_text(char out[SIZE_TEXT], uint64_t bytes);

/* ---- Ctrl-C ------------------------------------------------------------------------------- */

/* The first Ctrl-C cancels `session` (NULL: none) or sets the flag of interrupted(); the second
 * ends the program at once with exit code EXIT_INTERRUPTED. */
enum { EXIT_INTERRUPTED = 130 };
void interrupt_init(void);
void interrupt_session(struct tawny_session *session);
void interrupt_speech(struct tawny_speech *speech);
bool interrupted(void);
/* Ctrl-C counts as not pressed: after an answer that was stopped. */
void interrupt_forget(void);
/* While true, Ctrl-C ends the program at once: nothing is being computed. */
void interrupt_leaves(bool yes);

/* ---- devices, models, sessions ------------------------------------------------------------ */

/* What a verb that computes needs; closed in one go. */
struct opened {
    struct tawny_device *device;
    struct tawny_model *model;
    struct tawny_session *session;
    struct tawny_speech *speech;
    struct tawny_device_info device_info;
    struct tawny_model_info model_info;
    uint32_t n_ctx; /* of the session */
};

/* Callbacks of loading: progress on a terminal. False: the user interrupts. */
bool on_load(void *ctx, uint64_t done, uint64_t total);
void on_compile(void *ctx, uint32_t done, uint32_t total);

/* ERR_MODEL, before any driver is loaded, for a file that is missing or bad; whether it is a speech
 * model. */
enum status look_at_model(const char *path, bool *speech);
/* Checks the file before it opens the device, so that a bad one is refused at once. A progress bar
 * shows on a terminal. On failure *o can be closed all the same. */
enum status open_model(struct opened *o, const char *path, bool profile);
/* The device that is asked for. */
enum status open_device(struct opened *o, bool profile);
/* Onto that: a speech model, whose file has been looked at. */
enum status open_speech(struct opened *o, const char *path);
/* ERR_MODEL, before any driver is loaded, for what is no speech model. */
enum status check_speech_file(const char *path);
enum status open_session(struct opened *o, const struct tawny_session_params *params);
void close_all(struct opened *o);

json_t *device_json(const struct tawny_device_info *info);
/* {"dispatches_per_token", ..., "memory": {...}} */
json_t *stats_json(const struct opened *o);
/* The same for people, on stderr. */
void stats_print(const struct opened *o);
/* GPU memory in use, a line on stderr. */
void memory_print(const struct tawny_memory *m);

/* A bar on stderr if that is a terminal and -q was not given; done == total removes it. */
void progress(const char *what, uint64_t done, uint64_t total);
void progress_clear(void);

static inline enum status from_api(enum tawny_status s)
{
    return (enum status)s;
}

#endif
