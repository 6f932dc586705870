#include "capture.h"

#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef TAWNY_PULSE
#include <pulse/error.h>
#include <pulse/simple.h>
#endif

#include "base/mem.h"

enum {
    MOST = CAPTURE_SECONDS * CAPTURE_RATE, /* samples that wait */
    PIECE = CAPTURE_RATE / 20,             /* that are read at a time */
    SLICE_MS = 50,
};

struct capture {
    struct capture_params params;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows up to `pulse` */
    pthread_cond_t more;
    float *samples;
    size_t n, room;
    bool quit, ended, lost;
    enum status status;
    char message[1024];
    void *library, *pulse;
};

/* ---- a microphone ------------------------------------------------------------------------- */

#ifdef TAWNY_PULSE
/* Functions of the library, of the types that its header says. */
static struct {
    __typeof__(pa_simple_new) *new_stream;
    __typeof__(pa_simple_read) *read;
    __typeof__(pa_simple_free) *free_stream;
    __typeof__(pa_strerror) *text;
} lib;

/* dlsym() gives a pointer to data. */
static bool find(struct capture *c, const char *name, void *function)
{
    void *p = dlsym(c->library, name);
    memcpy(function, &p, sizeof p);
    return p;
}

static enum status open_microphone(struct capture *c)
{
    static const pa_sample_spec spec = {
        .format = PA_SAMPLE_S16LE, .rate = CAPTURE_RATE, .channels = 1};
    static const pa_buffer_attr attr = {.maxlength = UINT32_MAX, .fragsize = 2 * PIECE};
    int error = 0;
    c->library = dlopen("libpulse-simple.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!c->library)
        return status_fail(ERR, "no microphone: libpulse-simple.so.0 is not there (Debian: "
                                "libpulse0); - takes raw samples from standard input");
    if (!find(c, "pa_simple_new", &lib.new_stream) || !find(c, "pa_simple_read", &lib.read) ||
        !find(c, "pa_simple_free", &lib.free_stream) || !find(c, "pa_strerror", &lib.text))
        return status_fail(ERR, "no microphone: libpulse-simple.so.0 lacks a function");
    c->pulse = lib.new_stream(NULL, "tawny", PA_STREAM_RECORD, c->params.source, "listen", &spec,
                              NULL, &attr, &error);
    if (c->pulse)
        return OK;
    return status_fail(ERR, "microphone %s: %s",
                       c->params.source ? c->params.source : "(the default one)", lib.text(error));
}

static enum status read_microphone(struct capture *c, void *dst, size_t bytes, size_t *got)
{
    int error = 0;
    *got = bytes;
    if (lib.read(c->pulse, dst, bytes, &error) >= 0)
        return OK;
    *got = 0;
    return status_fail(ERR, "microphone: %s", lib.text(error));
}

static void close_microphone(struct capture *c)
{
    if (c->pulse)
        lib.free_stream(c->pulse);
    if (c->library)
        dlclose(c->library);
}
#else
static enum status open_microphone(struct capture *c)
{
    (void)c;
    return status_fail(ERR, "no microphone: tawny was built without PulseAudio's headers; - takes "
                            "raw samples from standard input");
}

static enum status read_microphone(struct capture *c, void *dst, size_t bytes, size_t *got)
{
    (void)c, (void)dst, (void)bytes;
    *got = 0;
    return OK;
}

static void close_microphone(struct capture *c)
{
    (void)c;
}
#endif

/* ---- the thread --------------------------------------------------------------------------- */

static bool is_over(struct capture *c)
{
    pthread_mutex_lock(&c->lock);
    bool over = c->quit;
    pthread_mutex_unlock(&c->lock);
    return over || interrupted();
}

/* *got 0 without an error: the end. */
static enum status read_input(struct capture *c, void *dst, size_t bytes, size_t *got)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    *got = 0;
    while (!is_over(c)) {
        if (poll(&p, 1, SLICE_MS) == 0)
            continue;
        ssize_t n = read(STDIN_FILENO, dst, bytes);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return status_fail(ERR, "standard input: %s", strerror(errno));
        *got = (size_t)n;
        break;
    }
    return OK;
}

/* Waits while standard input is too far ahead; drops the oldest of a microphone. */
static enum status make_room(struct capture *c, size_t more)
{
    while (c->params.input && c->n + more > MOST && !c->quit) {
        pthread_mutex_unlock(&c->lock);
        nanosleep(&(struct timespec){.tv_nsec = SLICE_MS * 1000000l}, NULL);
        pthread_mutex_lock(&c->lock);
    }
    if (c->n + more > MOST && !c->quit) {
        c->lost = true;
        c->n -= more;
        memmove(c->samples, c->samples + more, c->n * sizeof *c->samples);
    }
    if (c->n + more <= c->room)
        return OK;
    size_t room = 2 * (c->n + more);
    float *p = mem_realloc(c->samples, room * sizeof *p);
    if (!p)
        return ERR_MEMORY;
    c->samples = p;
    c->room = room;
    return OK;
}

static float sample_of(const unsigned char *at, enum capture_format format)
{
    float v;
    if (format == CAPTURE_S16LE)
        return (float)(int16_t)(at[0] | at[1] << 8) / 32768;
    memcpy(&v, at, sizeof v);
    return isfinite(v) ? v : 0;
}

static enum status take(struct capture *c, const unsigned char *bytes, size_t n)
{
    enum capture_format format = c->params.input ? c->params.format : CAPTURE_S16LE;
    size_t size = format == CAPTURE_S16LE ? 2 : 4;
    pthread_mutex_lock(&c->lock);
    enum status s = make_room(c, n / size);
    for (size_t i = 0; s == OK && i < n / size; i++)
        c->samples[c->n++] = sample_of(bytes + i * size, format);
    pthread_cond_signal(&c->more);
    pthread_mutex_unlock(&c->lock);
    return s;
}

static void *run(void *ctx)
{
    struct capture *c = ctx;
    unsigned char bytes[4 * PIECE];
    size_t held = 0, got = 1, size = c->params.input && c->params.format == CAPTURE_F32LE ? 4 : 2;
    enum status s = OK;
    while (s == OK && got && !is_over(c)) {
        if (c->params.input)
            s = read_input(c, bytes + held, sizeof bytes - held, &got);
        else
            s = read_microphone(c, bytes, 2 * PIECE, &got);
        held += got; /* a sample may come in parts */
        if (s == OK)
            s = take(c, bytes, held / size * size);
        memmove(bytes, bytes + held / size * size, held % size);
        held %= size;
    }
    pthread_mutex_lock(&c->lock);
    c->ended = true;
    c->status = s;
    snprintf(c->message, sizeof c->message, "%s", status_message());
    pthread_cond_signal(&c->more);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- who reads it ------------------------------------------------------------------------- */

/* Signals are for the program's own thread. */
static enum status start(struct capture *c)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&c->thread, NULL, run, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error ? status_fail(ERR, "no thread to read sound: %s", strerror(error)) : OK;
}

enum status capture_open(const struct capture_params *params, struct capture **out)
{
    enum status s;
    *out = NULL;
    struct capture *c = mem_alloc(sizeof *c);
    if (!c)
        return ERR_MEMORY;
    c->params = *params;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->more, NULL);
    if (!params->input)
        TRY_GOTO(open_microphone(c));
    TRY_GOTO(start(c));
    *out = c;
    return OK;
fail:
    close_microphone(c);
    mem_free(c);
    return s;
}

void capture_close(struct capture **capture)
{
    struct capture *c = *capture;
    *capture = NULL;
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->quit = true;
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    close_microphone(c);
    pthread_cond_destroy(&c->more);
    pthread_mutex_destroy(&c->lock);
    mem_free(c->samples);
    mem_free(c);
}

enum status capture_read(struct capture *c, float *dst, size_t least, size_t max, size_t *count,
                         bool *ended)
{
    pthread_mutex_lock(&c->lock);
    while (c->n < least && !c->ended)
        pthread_cond_wait(&c->more, &c->lock);
    size_t n = c->n < max ? c->n : max;
    if (n)
        memcpy(dst, c->samples, n * sizeof *dst);
    c->n -= n;
    memmove(c->samples, c->samples + n, c->n * sizeof *dst);
    *count = n;
    *ended = c->ended && !c->n;
    bool lost = c->lost;
    c->lost = false;
    enum status s = *ended ? c->status : OK;
    pthread_mutex_unlock(&c->lock);
    if (lost)
        say("warning: sound comes faster than it is heard; some was left out");
    return s == OK ? OK : status_fail(s, "%s", c->message);
}
