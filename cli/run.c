/* tawny run: text from a prompt, from each line of a file, or in a conversation. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "ask.h"
#include "base/mem.h"

static struct {
    const char *prompt, *file, *system;
    int64_t predict, ctx, batch, top_k, seed, last_n;
    double temp, top_p, min_p, repeat, presence, frequency;
    struct texts stop, bias;
    bool chat, raw, lines, ignore_eog;
} opt = {.predict = -1,
         .temp = 0.8,
         .top_k = 40,
         .top_p = 0.95,
         .min_p = 0.05,
         .seed = -1,
         .last_n = 64,
         .repeat = 1};

static const struct option options[] = {
    {"-p --prompt", OPT_TEXT, &opt.prompt, "TEXT", "the prompt; - is stdin"},
    {"-f --file", OPT_TEXT, &opt.file, "FILE", "the prompt's file; - is stdin"},
    {"--lines", OPT_FLAG, &opt.lines, NULL, "each line of the file is a prompt of its own"},
    {"-sys --system", OPT_TEXT, &opt.system, "TEXT", "a system message in front"},
    {"--chat", OPT_FLAG, &opt.chat, NULL, "the prompt is a user's message"},
    {"--raw", OPT_FLAG, &opt.raw, NULL, "the prompt is text as it is"},
    {"-n --predict --n-predict", OPT_INT, &opt.predict, "N",
     "most tokens to make; -1: until the answer ends", -1, INT32_MAX},
    {"-c --ctx-size", OPT_INT, &opt.ctx, "N",
     "positions of the context; 0: the model's, at most 4096", 0, 1 << 24},
    {"-b --batch-size", OPT_INT, &opt.batch, "N", "most prompt tokens in a step; 0: 512 to 2048", 0,
     1 << 16},
    {"--temp --temperature", OPT_REAL, &opt.temp, "T", "temperature; 0: always the likeliest", 0,
     1000},
    {"--top-k", OPT_INT, &opt.top_k, "N", "of the N likeliest; 0: of all", 0, INT32_MAX},
    {"--top-p", OPT_REAL, &opt.top_p, "P", "of the likeliest with this sum; 1: of all", 0, 1},
    {"--min-p", OPT_REAL, &opt.min_p, "P", "none below P times the likeliest; 0: off", 0, 1},
    {"-s --seed", OPT_INT, &opt.seed, "N", "same seed, same text; -1: a new one", -1, 9e18},
    {"--repeat-penalty", OPT_REAL, &opt.repeat, "X", "divides what was there before; 1: off", 0,
     1000},
    {"--presence-penalty", OPT_REAL, &opt.presence, "X", "taken from what was there", -1000, 1000},
    {"--frequency-penalty", OPT_REAL, &opt.frequency, "X", "taken as often as it was there", -1000,
     1000},
    {"--repeat-last-n", OPT_INT, &opt.last_n, "N", "tokens that the penalties look at", 1,
     INT32_MAX},
    {"--logit-bias", OPT_LIST, &opt.bias, "ID=V", "added to a token's logit; repeatable"},
    {"-r --stop", OPT_LIST, &opt.stop, "TEXT", "ends the answer, not shown; repeatable"},
    {"--ignore-eos", OPT_FLAG, &opt.ignore_eog, NULL, "go on after the answer's end"},
    OPTION_DEVICE,
    OPTION_ANY_VARIANT,
    OPTION_NO_INT_DOT,
    OPTION_JSON,
    OPTION_STATS,
};

/* ---- options ------------------------------------------------------------------------------ */

struct biases {
    int32_t ids[TEXTS_MAX];
    float values[TEXTS_MAX];
};

/* "15=-2.5", and llama.cpp's "15-2.5" and "15+1". */
static enum status read_bias(const char *text, int32_t *id, float *value)
{
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    bool has_id = end != text && !errno && v >= 0 && v <= INT32_MAX;
    const char *rest = *end == '=' ? end + 1 : end;
    double bias = strtod(rest, &end);
    if (!has_id || end == rest || *end || !(fabs(bias) <= 1e9) ||
        (rest[-1] != '=' && *rest != '+' && *rest != '-'))
        return status_fail(ERR_USAGE, "--logit-bias: '%s' is not ID=V", text);
    *id = (int32_t)v;
    *value = (float)bias;
    return OK;
}

static enum status check_options(size_t n_operands, char **operands)
{
    bool dash = n_operands > 1;
    if (dash && strcmp(operands[1], "-"))
        return status_fail(ERR_USAGE,
                           "run: '%s' is one argument too many; a prompt is given with -p",
                           operands[1]);
    if ((opt.prompt != NULL) + (opt.file != NULL) + dash > 1)
        return status_fail(ERR_USAGE, "the prompt is given more than once (-p, -f, -)");
    if (opt.chat && opt.raw)
        return status_fail(ERR_USAGE, "--chat and --raw exclude each other");
    if (opt.raw && opt.system)
        return status_fail(ERR_USAGE, "--system needs a chat; it was given with --raw");
    for (size_t i = 0; i < opt.stop.n; i++) {
        if (!*opt.stop.text[i])
            return status_fail(ERR_USAGE, "--stop: an empty text");
    }
    if (dash)
        opt.file = "-";
    if (opt.prompt && !strcmp(opt.prompt, "-")) {
        opt.prompt = NULL;
        opt.file = "-";
    }
    if (!opt.prompt && !opt.file && !isatty(STDIN_FILENO))
        opt.file = "-";
    if (!opt.prompt && !opt.file && (global.json || opt.lines))
        return status_fail(ERR_USAGE, "%s needs a prompt (-p, -f or stdin)",
                           global.json ? "--json" : "--lines");
    return OK;
}

static enum status set_sampling(struct tawny_sampling *out, struct biases *biases)
{
    uint32_t random;
    for (size_t i = 0; i < opt.bias.n; i++)
        TRY(read_bias(opt.bias.text[i], &biases->ids[i], &biases->values[i]));
    if (opt.seed < 0 && getrandom(&random, sizeof random, 0) != sizeof random)
        return status_fail(ERR, "no random seed: %s", strerror(errno));
    *out = (struct tawny_sampling){
        .temperature = (float)opt.temp,
        .top_k = (uint32_t)opt.top_k,
        .top_p = (float)opt.top_p,
        .min_p = (float)opt.min_p,
        .repeat_penalty = (float)opt.repeat,
        .presence_penalty = (float)opt.presence,
        .frequency_penalty = (float)opt.frequency,
        .penalty_last_n = (uint32_t)opt.last_n,
        .seed = opt.seed < 0 ? random : (uint64_t)opt.seed,
        .bias_ids = biases->ids,
        .bias = biases->values,
        .n_bias = (uint32_t)opt.bias.n,
    };
    return OK;
}

/* ---- prompts ------------------------------------------------------------------------------ */

/* The prompt of -p or -f; one newline at the end of a file is not part of it. */
static enum status read_prompt(char **text, size_t *len)
{
    if (opt.prompt) {
        *len = strlen(opt.prompt);
        *text = mem_alloc(*len + 1);
        if (!*text)
            return ERR_MEMORY;
        memcpy(*text, opt.prompt, *len);
        return OK;
    }
    TRY(read_whole(opt.file, text, len));
    if (*len && (*text)[*len - 1] == '\n')
        (*text)[--*len] = 0;
    const char *zero = memchr(*text, 0, *len);
    if (zero) {
        size_t at = (size_t)(zero - *text);
        mem_free(*text);
        *text = NULL;
        return status_fail(ERR_USAGE, "%s: a zero byte at offset %zu of the prompt", opt.file, at);
    }
    return OK;
}

static enum status ask_lines(const struct ask *a, char *text)
{
    for (char *line = text; line && !interrupted();) {
        char *next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        size_t len = strlen(line);
        if (len && line[len - 1] == '\r')
            line[len - 1] = 0;
        if (*line)
            TRY(ask_once(a, line));
        line = next;
    }
    return OK;
}

static enum status answer(struct ask *a, char *text)
{
    const struct tawny_model_info *m = &a->o->model_info;
    bool plain = !strcmp(m->chat_form, "plain");
    a->chat = opt.chat || opt.system || (!opt.raw && !plain);
    /* The plain form has no token that ends an answer. */
    if (a->chat && plain && a->stop.n < TEXTS_MAX)
        a->stop.text[a->stop.n++] = "\nUser:";
    TRY(open_session(a->o, &(struct tawny_session_params){.n_ctx = (uint32_t)opt.ctx,
                                                          .n_batch = (uint32_t)opt.batch}));
    if (!text)
        return converse(a);
    return opt.lines ? ask_lines(a, text) : ask_once(a, text);
}

static enum status run(char **operands, size_t n_operands)
{
    struct opened o = {0};
    struct biases biases;
    struct ask a = {.o = &o,
                    .n_predict = opt.predict > 0 ? (uint32_t)opt.predict : 0,
                    .ignore_eog = opt.ignore_eog,
                    .stop = opt.stop,
                    .system = opt.system};
    char *text = NULL;
    size_t len;
    enum status s;
    TRY(check_options(n_operands, operands));
    TRY(set_sampling(&a.sampling, &biases));
    if (opt.prompt || opt.file)
        TRY(read_prompt(&text, &len));
    TRY_GOTO(open_model(&o, operands[0], false));
    s = answer(&a, text);
    if (global.stats && !global.json && o.session)
        stats_print(&o);
fail:
    close_all(&o);
    mem_free(text);
    return s;
}

const struct verb verb_run = {
    .name = "run",
    .operands = "MODEL [-]",
    .summary = "Writes text",
    .more = "Without a prompt it reads one from stdin, or, on a terminal, holds a conversation.\n"
            "A model with a chat form that is known takes the prompt as a user's message; any\n"
            "other gets it as it is. The answer goes to stdout, all else to stderr. Ctrl-C stops\n"
            "the answer, a second one leaves.",
    OPTIONS(options),
    .min_operands = 1,
    .max_operands = 2,
    .run = run,
};
