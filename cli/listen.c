/* tawny listen: what is said, as it is said. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "capture.h"

static struct {
    const char *language, *task, *prompt, *format, *source, *vad_model;
    bool translate;
    double step, vad_threshold;
} opt = {.task = "transcribe", .format = "s16le", .step = 1, .vad_threshold = 0.5};

static const struct option options[] = {
    {"-l --language", OPT_TEXT, &opt.language, "L",
     "\"en\" or \"english\"; auto: what the beginning sounds like"},
    {"--task", OPT_TEXT, &opt.task, "T", "transcribe, or translate to English"},
    {"-tr --translate", OPT_FLAG, &opt.translate, NULL, "--task translate"},
    {"--prompt --initial-prompt --initial_prompt", OPT_TEXT, &opt.prompt, "TEXT",
     "text that is taken to come before"},
    {"--step", OPT_REAL, &opt.step, "S", "seconds of sound between two texts", 0.1, 25},
    {"--source", OPT_TEXT, &opt.source, "NAME", "a microphone, as the sound server calls it"},
    {"--format", OPT_TEXT, &opt.format, "F", "of standard input: s16le or f32le"},
    {"-vm --vad-model", OPT_TEXT, &opt.vad_model, "FILE",
     "Silero's, a ggml .bin file; else what is loud is heard"},
    {"-vt --vad-threshold", OPT_REAL, &opt.vad_threshold, "P", "what begins speech", 0.001, 1},
    OPTION_DEVICE,
    OPTION_ANY_VARIANT,
    OPTION_NO_INT_DOT,
    OPTION_JSON,
};

static struct capture_params source;

static enum status check_options(char **operands, size_t n)
{
    if (!strcmp(opt.task, "translate"))
        opt.translate = true;
    else if (strcmp(opt.task, "transcribe"))
        return status_fail(ERR_USAGE, "--task: '%s' is neither transcribe nor translate", opt.task);
    if (opt.language && !strcmp(opt.language, "auto"))
        opt.language = NULL;
    if (n > 1 && strcmp(operands[1], "-"))
        return status_fail(ERR_USAGE,
                           "'%s': only - may follow the model, for raw samples on standard input; "
                           "tawny transcribe takes files",
                           operands[1]);
    source.input = n > 1;
    source.source = opt.source;
    if (!strcmp(opt.format, "f32le"))
        source.format = CAPTURE_F32LE;
    else if (strcmp(opt.format, "s16le"))
        return status_fail(ERR_USAGE, "--format: '%s' is neither s16le nor f32le", opt.format);
    if (opt.source && source.input)
        return status_fail(ERR_USAGE, "--source and - exclude each other");
    return OK;
}

/* ---- what it writes ----------------------------------------------------------------------- */

/* What is not certain yet stands in the terminal's last line. */
struct writer {
    bool shows_tail;
    enum status status;
};

static void clear_tail(const struct writer *w)
{
    if (w->shows_tail)
        fputs("\r\033[K", stderr);
}

static bool on_line(void *ctx, const struct tawny_line *line)
{
    struct writer *w = ctx;
    const char *text = line->text;
    clear_tail(w);
    while (*text == ' ')
        text++;
    if (!*text)
        return true;
    if (global.json)
        w->status = out_json(json_pack("{s:f, s:f, s:o}", "start", line->start, "end", line->end,
                                       "text", json_text(text, strlen(text))),
                             false);
    else
        w->status = out_printf("%s\n", text);
    if (w->status == OK)
        w->status = out_flush();
    return w->status == OK;
}

static size_t columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79;
}

/* The end of a text that has room in so many columns, at a taking two of them; control characters
 * become blanks. */
static void show(const char *text, size_t room)
{
    size_t len = strlen(text), from = len;
    for (size_t used = 0; from && used + 2 <= room;) {
        from--;
        if (((unsigned char)text[from] & 0xc0) != 0x80)
            used += (unsigned char)text[from] < 0x80 ? 1 : 2;
    }
    while (((unsigned char)text[from] & 0xc0) == 0x80)
        from++;
    for (; from < len; from++)
        fputc((unsigned char)text[from] < ' ' ? ' ' : text[from], stderr);
}

static void on_tail(void *ctx, const char *certain, const char *open)
{
    const struct writer *w = ctx;
    size_t room = columns(), rest = strlen(open);
    if (!w->shows_tail)
        return;
    clear_tail(w);
    show(certain, rest < room ? room - rest : 0);
    fputs("\033[2m", stderr);
    show(open, room);
    fputs("\033[m", stderr);
    fflush(stderr);
}

/* ---- the verb ----------------------------------------------------------------------------- */

/* Until the sound ends, or Ctrl-C: then what was said before it is still written. */
static enum status hear(struct tawny_listener *listener, struct writer *writer)
{
    enum { ROOM = 30 * CAPTURE_RATE };
    struct capture *capture = NULL;
    size_t n, least = (size_t)(opt.step * CAPTURE_RATE);
    bool ended = false;
    enum status s = ERR_MEMORY, read = OK;
    float *samples = mem_alloc(ROOM * sizeof *samples);
    if (!samples)
        return ERR_MEMORY;
    TRY_GOTO(capture_open(&source, &capture));
    while (!ended && read == OK && writer->status == OK) {
        read = capture_read(capture, samples, least, ROOM, &n, &ended);
        if (read != OK) { /* what came before is still written */
            clear_tail(writer);
            say("%s", status_message());
            status_clear();
        }
        TRY_GOTO(from_api(tawny_listen_push(listener, samples, n)));
    }
    if (writer->status == OK)
        TRY_GOTO(from_api(tawny_listen_end(listener)));
    s = writer->status != OK ? writer->status : read;
fail:
    clear_tail(writer);
    capture_close(&capture);
    mem_free(samples);
    return s;
}

static enum status run(char **operands, size_t n)
{
    struct opened o = {0};
    struct tawny_vad *vad = NULL;
    struct tawny_listener *listener = NULL;
    struct writer writer = {.shows_tail = isatty(STDERR_FILENO) && !global.quiet};
    enum status s;
    TRY(check_options(operands, n));
    TRY(check_speech_file(operands[0]));
    TRY_GOTO(open_device(&o, false));
    TRY_GOTO(from_api(tawny_vad_open(o.device, opt.vad_model, &vad)));
    TRY_GOTO(open_speech(&o, operands[0]));
    TRY_GOTO(from_api(tawny_listen_open(
        o.speech,
        &(struct tawny_listen_params){
            .how = {.language = opt.language,
                    .translate = opt.translate,
                    .prompt = opt.prompt,
                    .n_temperatures = 1,
                    .beam_size = 1,
                    .vad = vad,
                    .vad_params = {.threshold = (float)opt.vad_threshold, .pad = 0.2}},
            .step = opt.step,
            .on_line = on_line,
            .on_tail = on_tail,
            .ctx = &writer},
        &listener)));
    s = hear(listener, &writer);
    interrupt_forget(); /* it is how listening ends */
fail:
    tawny_listen_close(&listener);
    tawny_vad_close(&vad);
    close_all(&o);
    return s;
}

const struct verb verb_listen = {
    .name = "listen",
    .operands = "MODEL [-]",
    .summary = "Writes what is said into a microphone, as it is said",
    .more =
        "MODEL is a speech model, as for transcribe; - stands for raw samples on standard input:\n"
        "mono, 16 kHz. A line is written once all its words are certain; on a terminal what may\n"
        "still change is shown behind it. Ends with the sound, or with Ctrl-C, when all that was\n"
        "heard is written.",
    OPTIONS(options),
    .min_operands = 1,
    .max_operands = 2,
    .run = run,
};
