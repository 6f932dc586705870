/* tawny transcribe: speech to text with times. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "inputs.h"
#include "subtitles.h"

static struct {
    const char *language, *task, *format, *dir, *prompt, *hotwords, *context, *vad_model;
    const char *word_times, *highlight, *prepended, *appended;
    bool translate, no_times, no_context, detect, words, vad;
    struct subtitle_layout layout;
    int64_t line_width, line_count, line_words;
    double temperature, increment, compression, logprob, no_speech, patience, penalty,
        hallucination;
    double vad_threshold, vad_overlap, vad_longest;
    int64_t best_of, beams, batch, seed, vad_speech, vad_silence, vad_pad;
} opt = {.task = "transcribe",
         .vad_threshold = 0.5,
         .vad_speech = 250,
         .vad_silence = 100,
         .vad_pad = 30,
         .vad_overlap = 0.1,
         .increment = 0.2,
         .compression = 2.4,
         .logprob = -1,
         .no_speech = 0.6,
         .best_of = TAWNY_BEAMS,
         .beams = TAWNY_BEAMS,
         .batch = 1,
         .word_times = "False",
         .highlight = "False",
         .prepended = "\"'“¿([{-",
         .appended = "\"'.。,，!！?？:：”)]}、",
         .patience = 1,
         .penalty = -1};

static const struct option options[] = {
    {"-l --language", OPT_TEXT, &opt.language, "L",
     "\"en\" or \"english\"; auto: what the beginning sounds like"},
    {"-dl --detect-language", OPT_FLAG, &opt.detect, NULL, "print the language alone"},
    {"--task", OPT_TEXT, &opt.task, "T", "transcribe, or translate to English"},
    {"-tr --translate", OPT_FLAG, &opt.translate, NULL, "--task translate"},
    {"-f --output-format --output_format", OPT_TEXT, &opt.format, "F",
     "txt srt vtt json tsv csv lrc; to a folder also all, or a,b"},
    {"-o --output-dir --output_dir", OPT_TEXT, &opt.dir, "DIR",
     "files named after the input go there; else stdout"},
    {"--prompt --initial-prompt --initial_prompt", OPT_TEXT, &opt.prompt, "TEXT",
     "text that is taken to come before"},
    {"--hotwords", OPT_TEXT, &opt.hotwords, "TEXT", "words that every window is told of"},
    {"-nt --no-timestamps", OPT_FLAG, &opt.no_times, NULL, "one piece of text a window of 30 s"},
    {"--no-context", OPT_FLAG, &opt.no_context, NULL, "windows do not see the text before them"},
    {"--condition-on-previous-text --condition_on_previous_text", OPT_TEXT, &opt.context, "B",
     "False: --no-context"},
    {"--temperature", OPT_REAL, &opt.temperature, "T", "of the first try; 0: the likeliest", 0, 10},
    {"--temperature-increment-on-fallback --temperature_increment_on_fallback", OPT_REAL,
     &opt.increment, "T", "how much hotter each further try is, up to 1; 0: one try", 0, 10},
    {"-bo --best-of --best_of", OPT_INT, &opt.best_of, "N", "answers a temperature above 0", 1,
     100},
    {"-bs --beam-size --beam_size", OPT_INT, &opt.beams, "N",
     "texts looked at at once at temperature 0; 1: greedy", 1, TAWNY_MAX_BEAMS},
    {"--patience", OPT_REAL, &opt.patience, "X", "of beams: N times X texts must have ended", 0,
     100},
    {"--length-penalty --length_penalty", OPT_REAL, &opt.penalty, "X",
     "of the longer among them, 0 to 1; below 0: mean per token", -1, 1},
    {"--compression-ratio-threshold --compression_ratio_threshold", OPT_REAL, &opt.compression, "X",
     "text that zlib makes smaller is tried again; 0: off", 0, 1000},
    {"--logprob-threshold --logprob_threshold", OPT_REAL, &opt.logprob, "X",
     "text less likely is tried again; 0: off", -1000, 0},
    {"--no-speech-threshold --no_speech_threshold", OPT_REAL, &opt.no_speech, "P",
     "unlikely text where this much is silence is dropped; 0: off", 0, 1},
    {"--batch --batch-size --batch_size", OPT_INT, &opt.batch, "N",
     "windows at once, each for itself; 1: in order", 1, TAWNY_MAX_BATCH},
    {"--word-timestamps --word_timestamps", OPT_TEXT, &opt.word_times, "B",
     "True: when each word is said; in json, srt, vtt"},
    {"--highlight-words --highlight_words", OPT_TEXT, &opt.highlight, "B",
     "True: a subtitle a word, which is underlined"},
    {"--max-line-width --max_line_width", OPT_INT, &opt.line_width, "N",
     "characters of a line; 0: any", 0, 100000},
    {"--max-line-count --max_line_count", OPT_INT, &opt.line_count, "N",
     "with it: lines of a subtitle; 0: any", 0, 100000},
    {"--max-words-per-line --max_words_per_line", OPT_INT, &opt.line_words, "N",
     "without: words of a subtitle; 0: any", 0, 100000},
    {"--prepend-punctuations --prepend_punctuations", OPT_TEXT, &opt.prepended, "MARKS",
     "that belong to the next word"},
    {"--append-punctuations --append_punctuations", OPT_TEXT, &opt.appended, "MARKS",
     "that belong to the word before"},
    {"--hallucination-silence-threshold --hallucination_silence_threshold", OPT_REAL,
     &opt.hallucination, "S", "with words: unlikely text in such a silence is dropped; 0: off", 0,
     1000},
    {"-s --seed", OPT_INT, &opt.seed, "N", "of temperatures above 0", 0, 9e18},
    {"--vad", OPT_FLAG, &opt.vad, NULL, "hear only speech; without a model, what is loud"},
    {"-vm --vad-model", OPT_TEXT, &opt.vad_model, "FILE", "Silero's, a ggml .bin file; --vad"},
    {"-vt --vad-threshold", OPT_REAL, &opt.vad_threshold, "P", "what begins speech", 0.001, 1},
    {"-vspd --vad-min-speech-duration-ms", OPT_INT, &opt.vad_speech, "MS", "shorter speech is none",
     0, 60000},
    {"-vsd --vad-min-silence-duration-ms", OPT_INT, &opt.vad_silence, "MS", "that ends speech", 0,
     60000},
    {"-vmsd --vad-max-speech-duration-s", OPT_REAL, &opt.vad_longest, "S",
     "speech is cut at a silence before so much; 0: not", 0, 600},
    {"-vp --vad-speech-pad-ms", OPT_INT, &opt.vad_pad, "MS", "heard before and after speech", 0,
     10000},
    {"-vo --vad-samples-overlap", OPT_REAL, &opt.vad_overlap, "S", "heard after it as well", 0, 10},
    OPTION_DEVICE,
    OPTION_ANY_VARIANT,
    OPTION_NO_INT_DOT,
    OPTION_JSON,
    OPTION_STATS,
};

/* Formats that were asked for. */
static bool wanted[SUBTITLE_FORMATS];

static struct tawny_vad *vad; /* NULL: everything is heard */

/* ---- options ------------------------------------------------------------------------------ */

static enum status read_formats(void)
{
    const char *list = opt.format ? opt.format : global.json ? "json" : "txt";
    size_t n = 0;
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, ",");
        bool all = len == 3 && !memcmp(p, "all", 3), found = all;
        for (int i = 0; i < SUBTITLE_FORMATS; i++) {
            if (all || (len == strlen(subtitle_names[i]) && !memcmp(p, subtitle_names[i], len)))
                wanted[i] = found = true;
        }
        if (!found)
            return status_fail(ERR_USAGE,
                               "--output-format: '%.*s' is none of txt, srt, vtt, json, tsv, csv, "
                               "lrc, all",
                               (int)(len < 64 ? len : 64), p);
        p += len + (p[len] == ',');
    }
    for (int i = 0; i < SUBTITLE_FORMATS; i++)
        n += wanted[i];
    if (!n)
        return status_fail(ERR_USAGE, "--output-format: no format is given");
    if (n > 1 && !opt.dir)
        return status_fail(ERR_USAGE, "--output-format %s needs --output-dir", list);
    if (global.json && !wanted[SUBTITLES_JSON])
        return status_fail(ERR_USAGE, "--json and --output-format %s exclude each other", list);
    return OK;
}

static enum status check_options(void)
{
    if (!strcmp(opt.task, "translate"))
        opt.translate = true;
    else if (strcmp(opt.task, "transcribe"))
        return status_fail(ERR_USAGE, "--task: '%s' is neither transcribe nor translate", opt.task);
    if (opt.language && !strcmp(opt.language, "auto"))
        opt.language = NULL;
    bool context = true;
    if (opt.context)
        TRY(args_bool("--condition-on-previous-text", opt.context, &context));
    opt.no_context |= !context;
    TRY(args_bool("--word-timestamps", opt.word_times, &opt.words));
    TRY(args_bool("--highlight-words", opt.highlight, &opt.layout.highlight));
    opt.layout.line_width = (uint32_t)opt.line_width;
    opt.layout.line_count = (uint32_t)opt.line_count;
    opt.layout.line_words = (uint32_t)opt.line_words;
    if (!opt.words && (opt.layout.highlight || opt.line_width || opt.line_count || opt.line_words ||
                       opt.hallucination > 0))
        return status_fail(ERR_USAGE,
                           "--highlight-words, --max-line-width, --max-line-count, "
                           "--max-words-per-line and --hallucination-silence-threshold need "
                           "--word-timestamps True");
    return read_formats();
}

/* ---- one input ---------------------------------------------------------------------------- */

struct job {
    struct subtitles out[SUBTITLE_FORMATS];
    FILE *files[SUBTITLE_FORMATS];
    enum status status; /* of writing */
};

static bool on_segment(void *ctx, const struct tawny_segment *segment)
{
    struct job *job = ctx;
    progress_clear();
    for (int i = 0; i < SUBTITLE_FORMATS && job->status == OK; i++) {
        if (job->files[i])
            job->status = subtitles_add(&job->out[i], segment);
    }
    if (job->status == OK && !opt.dir && ferror(stdout))
        job->status = out_flush();
    return job->status == OK;
}

static void on_progress(void *ctx, double done, double total)
{
    (void)ctx;
    if (total > 0)
        progress("transcribing", (uint64_t)(done * 100), (uint64_t)(total * 100));
}

/* The folders that `path` lies in; where one cannot be made, opening the file says so. */
static void make_folders(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        mkdir(path, 0777);
        *p = '/';
    }
}

static enum status open_file(const char *name, const char *format, FILE **out)
{
    size_t room = strlen(opt.dir) + strlen(name) + 16;
    char *path = mem_alloc(room);
    if (!path)
        return ERR_MEMORY;
    snprintf(path, room, "%s/%s.%s", opt.dir, name, format);
    make_folders(path);
    *out = fopen(path, "w");
    enum status s = *out ? OK : status_fail(ERR, "%s: %s", path, strerror(errno));
    mem_free(path);
    return s;
}

static enum status open_files(struct job *job, const char *name)
{
    for (int i = 0; i < SUBTITLE_FORMATS; i++) {
        if (!wanted[i])
            continue;
        job->files[i] = stdout;
        if (opt.dir)
            TRY(open_file(name, subtitle_names[i], &job->files[i]));
        TRY(subtitles_begin(&job->out[i], (enum subtitle_format)i, opt.words ? &opt.layout : NULL,
                            job->files[i]));
    }
    return OK;
}

static enum status close_files(struct job *job, enum status s, const struct tawny_transcript *t)
{
    for (int i = 0; i < SUBTITLE_FORMATS; i++) {
        if (!job->files[i])
            continue;
        enum status ended = subtitles_end(&job->out[i], s == OK ? t : NULL);
        bool bad = job->files[i] != stdout && (ferror(job->files[i]) | fclose(job->files[i]));
        if (s == OK)
            s = ended;
        if (s == OK && bad)
            s = status_fail(ERR, "%s: a .%s file could not be written", opt.dir, subtitle_names[i]);
    }
    return s == OK && !opt.dir ? out_flush() : s;
}

static void print_stats(const struct tawny_speech *speech, const char *input,
                        const struct tawny_transcript *t, double seconds)
{
    struct tawny_memory m;
    say("%s: %.1f s of sound (%.1f s heard) in %.2f s (%.1f x real time): %" PRIu32
        " windows, listening %.2f s, writing %.2f s, %" PRIu64 " tokens; language %s (%.2f)",
        input, t->seconds, t->speech_seconds, seconds, seconds > 0 ? t->seconds / seconds : 0,
        t->n_windows, t->listen_seconds, t->say_seconds, t->n_tokens, t->language,
        (double)t->language_prob);
    tawny_speech_get_memory(speech, &m);
    memory_print(&m);
}

static float threshold(double v)
{
    return v != 0 ? (float)v : (float)(0.0 / 0.0);
}

/* Of an option whose 0 is no default. */
static double or_none(double v)
{
    return v != 0 ? v : -1;
}

static struct tawny_vad_params vad_params(void)
{
    return (struct tawny_vad_params){
        .threshold = (float)opt.vad_threshold,
        .min_speech = or_none((double)opt.vad_speech / 1000),
        .min_silence = or_none((double)opt.vad_silence / 1000),
        .max_speech = opt.vad_longest,
        .pad = or_none((double)opt.vad_pad / 1000),
        .overlap = or_none(opt.vad_overlap),
    };
}

/* The language of one input, as a line or an object. */
static enum status detect(struct tawny_speech *speech, const char *input)
{
    struct tawny_transcript t;
    TRY(from_api(tawny_transcribe(
        speech,
        &(struct tawny_transcribe_params){
            .path = input, .detect_language = true, .vad = vad, .vad_params = vad_params()},
        &t)));
    progress_clear();
    if (!t.n_windows)
        return status_fail(ERR, "%s: no sound", input);
    if (!global.json)
        return out_printf("%s\t%.4f\t%s\n", t.language, (double)t.language_prob, input);
    json_t *probs = json_object();
    for (uint32_t i = 0; i < t.n_languages; i++)
        json_object_set_new(probs, tawny_language(i, NULL), json_real((double)t.language_probs[i]));
    return out_json(json_pack("{s:o, s:s, s:f, s:o}", "input", json_text(input, strlen(input)),
                              "language", t.language, "language_probability",
                              (double)t.language_prob, "probabilities", probs),
                    false);
}

static enum status one(struct tawny_speech *speech, const char *input, const char *name)
{
    if (opt.detect)
        return detect(speech, input);
    struct job job = {0};
    struct tawny_transcript t;
    struct tawny_transcribe_params p = {
        .path = input,
        .language = opt.language,
        .translate = opt.translate,
        .prompt = opt.prompt,
        .hotwords = opt.hotwords,
        .no_timestamps = opt.no_times,
        .no_context = opt.no_context,
        .best_of = (uint32_t)opt.best_of,
        .beam_size = (uint32_t)opt.beams,
        .patience = (float)opt.patience,
        .length_penalty = opt.penalty < 0   ? 0
                          : opt.penalty > 0 ? (float)opt.penalty
                                            : -1,
        .compression_ratio_threshold = threshold(opt.compression),
        .logprob_threshold = threshold(opt.logprob),
        .no_speech_threshold = threshold(opt.no_speech),
        .seed = (uint64_t)opt.seed,
        .vad = vad,
        .vad_params = vad_params(),
        .batch = (uint32_t)opt.batch,
        .word_timestamps = opt.words,
        .prepend_punctuations = opt.prepended,
        .append_punctuations = opt.appended,
        .hallucination_silence_threshold = (float)opt.hallucination,
        .on_segment = on_segment,
        .on_progress = on_progress,
        .ctx = &job,
    };
    double at = opt.temperature;
    do {
        p.temperatures[p.n_temperatures++] = (float)at;
        at += opt.increment;
    } while (opt.increment > 0 && at < 1 + 1e-6 && p.n_temperatures < TAWNY_MAX_TEMPERATURES);
    double start = time_now();
    enum status s;
    TRY_GOTO(open_files(&job, name));
    s = from_api(tawny_transcribe(speech, &p, &t));
    if (s == OK)
        s = job.status;
fail:
    progress_clear();
    s = close_files(&job, s, &t);
    if (s == OK && t.cancelled && interrupted())
        s = status_fail(ERR, "interrupted");
    if (s == OK && global.stats)
        print_stats(speech, input, &t, time_now() - start);
    return s;
}

/* ---- the verb ----------------------------------------------------------------------------- */

/* Every input; a broken one is reported, and the others are done. */
static enum status all(struct tawny_speech *speech, const struct inputs *in)
{
    enum status first = OK;
    size_t bad = in->bad;
    for (size_t i = 0; i < in->n && !interrupted(); i++) {
        enum status s = one(speech, in->list[i].path, in->list[i].name);
        if (s == OK)
            continue;
        if (s == ERR_LOST || s == ERR_USAGE || in->n + in->bad == 1)
            return s;
        if (!interrupted())
            say("%s", status_message());
        first = first == OK ? s : first;
        bad++;
    }
    if (interrupted())
        return status_fail(ERR, "interrupted");
    if (!bad)
        return OK;
    return status_fail(first == OK ? ERR : first, "%zu of %zu inputs could not be transcribed", bad,
                       in->n + in->bad);
}

static enum status run(char **operands, size_t n)
{
    struct opened o = {0};
    struct inputs inputs;
    enum status s;
    TRY(check_options());
    TRY(inputs_find(operands + 1, n - 1, &inputs));
    if (opt.dir && mkdir(opt.dir, 0777) && errno != EEXIST)
        TRY_GOTO(status_fail(ERR, "%s: %s", opt.dir, strerror(errno)));
    TRY_GOTO(check_speech_file(operands[0]));
    TRY_GOTO(open_device(&o, false));
    if (opt.vad || opt.vad_model)
        TRY_GOTO(from_api(tawny_vad_open(o.device, opt.vad_model, &vad)));
    TRY_GOTO(open_speech(&o, operands[0]));
    interrupt_speech(o.speech);
    s = all(o.speech, &inputs);
fail:
    interrupt_speech(NULL);
    tawny_vad_close(&vad);
    close_all(&o);
    inputs_free(&inputs);
    return s;
}

const struct verb verb_transcribe = {
    .name = "transcribe",
    .operands = "MODEL AUDIO...",
    .summary = "Writes what is said in media files",
    .more = "MODEL is a ggml .bin file as whisper.cpp has it, or a folder as Hugging Face or\n"
            "CTranslate2 have it; AUDIO is any file with sound, a folder of such files, or - for\n"
            "standard input. The text goes to stdout as it is found, or to files in a folder. A\n"
            "file that cannot be read is reported, the others are done, and the exit code says so.",
    OPTIONS(options),
    .min_operands = 2,
    .max_operands = SIZE_MAX,
    .run = run,
};
