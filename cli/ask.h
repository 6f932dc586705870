/* ask.h - one question and its answer: what `tawny run` does once, for each line, or in turns. */
#ifndef TAWNY_CLI_ASK_H
#define TAWNY_CLI_ASK_H

#include "cli.h"

struct ask {
    struct opened *o;
    struct tawny_sampling sampling;
    uint32_t n_predict;
    bool ignore_eog;
    struct texts stop;
    bool chat;          /* prompts are messages of a user; otherwise text as it is */
    const char *system; /* NULL: none */
};

/* Asks with messages (n > 0) or with `text`. The answer is written to stdout as it is made, unless
 * --json was given; it ends with a newline. result->text and ->ids are to be freed with tawny_free;
 * on failure there is nothing to free. A full context and Ctrl-C are no failures here. */
enum status ask(const struct ask *a, const struct tawny_message_part *messages, size_t n,
                const char *text, struct tawny_result *result);

/* The same for one prompt in a session of its own: resets the session, wraps the prompt as a
 * message if a->chat, prints the JSON object with --json and the figures with --stats. ERR when the
 * context was full, after the answer. */
enum status ask_once(const struct ask *a, const char *prompt);

/* "eog", "length", "context", "string", "cancelled". */
const char *ask_stop_name(enum tawny_stop stop);
/* Speed of an answer, on stderr. */
void ask_print_speed(const struct ask *a, const struct tawny_result *r);

/* A conversation on the terminal, until Ctrl-D or /exit. */
enum status converse(struct ask *a);

#endif
