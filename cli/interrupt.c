/* Ctrl-C: see cli.h. */
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "cli.h"

static _Atomic(struct tawny_session *) running;
static _Atomic(struct tawny_speech *) listening;
static volatile sig_atomic_t pressed, leaves;

static void leave(void)
{
    static const char newline = '\n';
    ssize_t ignored = write(STDERR_FILENO, &newline, 1);
    (void)ignored;
    _exit(EXIT_INTERRUPTED);
}

static void on_interrupt(int number)
{
    (void)number;
    if (leaves || pressed)
        leave();
    pressed = 1;
    struct tawny_session *session = atomic_load(&running);
    if (session)
        tawny_cancel(session);
    struct tawny_speech *speech = atomic_load(&listening);
    if (speech)
        tawny_speech_cancel(speech);
}

void interrupt_init(void)
{
    /* Not restarted: a read from a terminal ends. */
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

void interrupt_session(struct tawny_session *session)
{
    atomic_store(&running, session);
    /* One that came before the session was there. */
    if (session && pressed)
        tawny_cancel(session);
}

void interrupt_speech(struct tawny_speech *speech)
{
    atomic_store(&listening, speech);
    if (speech && pressed)
        tawny_speech_cancel(speech);
}

bool interrupted(void)
{
    return pressed;
}

void interrupt_forget(void)
{
    pressed = 0;
}

void interrupt_leaves(bool yes)
{
    leaves = yes;
}
