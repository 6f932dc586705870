/* A conversation on the terminal: lines with editing and history, answers that Ctrl-C stops. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <locale.h>

#if __has_include(<readline/readline.h>)
#include <readline/readline.h>
#include <readline/history.h>
#else
#include <editline/readline.h>
#endif

#include "ask.h"
#include "base/mem.h"

/* What has been said: messages, or one text without a chat form. */
struct talk {
    struct tawny_message_part *messages; /* contents are ours */
    size_t n, room;
    char *text;
};

static void forget(struct talk *t, size_t keep)
{
    while (t->n > keep)
        mem_free((void *)t->messages[--t->n].content);
    mem_free(t->text);
    t->text = NULL;
}

static char *joined(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    char *out = mem_alloc(n + m + 1);
    if (out) {
        memcpy(out, a, n);
        memcpy(out + n, b, m);
    }
    return out;
}

static enum status add_message(struct talk *t, const char *role, const char *content)
{
    if (t->n == t->room) {
        size_t room = 2 * t->room + 16;
        struct tawny_message_part *more = mem_realloc(t->messages, room * sizeof *more);
        if (!more)
            return ERR_MEMORY;
        t->messages = more;
        t->room = room;
    }
    char *own = joined(content, "");
    if (!own)
        return ERR_MEMORY;
    t->messages[t->n++] = (struct tawny_message_part){role, own};
    return OK;
}

static enum status add_text(struct talk *t, const char *more)
{
    char *text = joined(t->text ? t->text : "", more);
    if (!text)
        return ERR_MEMORY;
    mem_free(t->text);
    t->text = text;
    return OK;
}

static enum status start(const struct ask *a, struct talk *t)
{
    forget(t, 0);
    tawny_session_reset(a->o->session);
    return a->chat && a->system ? add_message(t, "system", a->system) : OK;
}

/* ---- a turn ------------------------------------------------------------------------------- */

static enum status turn(const struct ask *a, struct talk *t, const char *line)
{
    struct tawny_result r;
    TRY(a->chat ? add_message(t, "user", line) : add_text(t, line));
    enum status s = ask(a, t->messages, t->n, t->text, &r);
    if (s == ERR_USAGE && a->chat) {
        /* Too long for the context: the conversation goes on without this line. */
        say("%s; /clear begins anew", status_message());
        forget(t, t->n - 1);
        return OK;
    }
    if (s != OK)
        return s;
    s = a->chat ? add_message(t, "assistant", r.text) : add_text(t, r.text);
    if (r.stop == TAWNY_STOP_CONTEXT)
        say("the context of %u tokens is full; /clear begins anew", (unsigned)a->o->n_ctx);
    if (r.stop == TAWNY_STOP_CANCELLED)
        say("stopped");
    interrupt_forget();
    if (global.stats)
        ask_print_speed(a, &r);
    tawny_free(r.text);
    tawny_free(r.ids);
    return s;
}

/* Takes a line that begins with '/'. */
static enum status command(const struct ask *a, struct talk *t, const char *line, bool *leave)
{
    if (!strcmp(line, "/exit") || !strcmp(line, "/quit") || !strcmp(line, "/bye")) {
        *leave = true;
    } else if (!strcmp(line, "/clear")) {
        say("the conversation begins anew");
        return start(a, t);
    } else if (!strcmp(line, "/help")) {
        fputs("/clear   begin anew\n/exit    leave (also Ctrl-D)\n/help    this text\n"
              "Ctrl-C   stop the answer; again, or at the prompt: leave\n",
              stderr);
    } else {
        say("no command '%s'; /help lists them", line);
    }
    return OK;
}

static bool is_blank(const char *s)
{
    return !s[strspn(s, " \t\r")];
}

enum status converse(struct ask *a)
{
    struct talk t = {0};
    bool leave = false;
    setlocale(LC_CTYPE, "");
    rl_instream = stdin;
    rl_outstream = stderr;
    if (!global.quiet)
        fprintf(stderr, "%s on %s; /help lists commands, Ctrl-D leaves\n",
                *a->o->model_info.name ? a->o->model_info.name : a->o->model_info.path,
                a->o->device_info.name);
    enum status s = start(a, &t);
    while (s == OK && !leave) {
        interrupt_leaves(true);
        char *line = readline("> ");
        interrupt_leaves(false);
        if (!line) {
            fputc('\n', stderr);
            break;
        }
        if (!is_blank(line)) {
            add_history(line);
            s = line[0] == '/' ? command(a, &t, line, &leave) : turn(a, &t, line);
        }
        free(line);
    }
    forget(&t, 0);
    mem_free(t.messages);
    return s;
}
