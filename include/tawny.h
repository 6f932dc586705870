/* tawny.h - language models wholly on the GPU, through Vulkan.
 *
 * The whole public interface: devices, model files, tokens, models, sessions, generation.
 *
 *     struct tawny_device *device;   tawny_device_open(NULL, &device);
 *     struct tawny_model *model;     tawny_model_open(device, &(struct tawny_model_params){
 *                                        .path = "model.gguf"}, &model);
 *     struct tawny_session *session; tawny_session_open(model, NULL, &session);
 *     tawny_generate(session, &(struct tawny_generate_params){.prompt = "Hello",
 *                                                             .on_text = print}, NULL);
 *
 * Rules. Calls that can fail return enum tawny_status and leave one message for the calling
 * thread (tawny_message). Params structs: zero is the default of every field; NULL stands for all
 * defaults. Close functions take a pointer to the handle, accept NULL in it, and null it. Handles
 * are closed in the order session, model, device.
 * Threads. A device, its models and their sessions belong to one thread at a time; tawny_cancel
 * may be called from any thread and from signal handlers. Files and their vocabularies may be
 * shared.
 * Nothing is computed on the CPU: what the device cannot run is refused when the model opens. */
#ifndef TAWNY_H
#define TAWNY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TAWNY_API __attribute__((visibility("default")))
#else
#define TAWNY_API
#endif

/* ---- results ------------------------------------------------------------------------------ */

/* These are also the program's exit codes. */
enum tawny_status {
    TAWNY_OK = 0,
    TAWNY_ERROR = 1,         /* I/O, a full context, cancelled, anything without its own code */
    TAWNY_ERROR_USAGE = 2,   /* the caller asked for something that does not exist or fit */
    TAWNY_ERROR_MODEL = 3,   /* model file missing, damaged, or not supported */
    TAWNY_ERROR_DEVICE = 4,  /* no Vulkan device, or one without a needed feature */
    TAWNY_ERROR_MEMORY = 5,  /* GPU or host memory does not suffice */
    TAWNY_ERROR_LOST = 6,    /* the GPU was lost or hung */
    TAWNY_ERROR_VERIFY = 7,  /* a verification found a mismatch */
};

/* What went wrong in this thread's last failed call: one sentence that names the file, tensor,
 * operation or request, the value and the limit. "" if nothing failed. Valid until the next. */
TAWNY_API const char *tawny_message(void);

/* "0.1.0" */
TAWNY_API const char *tawny_version(void);

enum tawny_log_level { TAWNY_LOG_ERROR, TAWNY_LOG_WARN, TAWNY_LOG_INFO, TAWNY_LOG_DEBUG };

/* Where notes for people go: which device was chosen, what is slow and why. Default: warnings, to
 * stderr. `text` has no newline. fn NULL: stderr. */
TAWNY_API void tawny_log_set(enum tawny_log_level level,
                             void (*fn)(void *ctx, enum tawny_log_level level, const char *text),
                             void *ctx);

/* ---- devices ------------------------------------------------------------------------------ */

struct tawny_device_info {
    uint32_t index;          /* may be given as `device` below */
    char name[256];
    char driver[256];        /* name and version */
    char kind[16];           /* "discrete", "integrated", "virtual", "software", "other" */
    char uuid[37];
    char pci[16];            /* "" if unknown */
    char features[256];      /* "fp16 int8 dot bf16 coopmat coopmat2 subgroups 32", in words */
    uint32_t api_version;    /* Vulkan's, packed */
    uint32_t units;          /* multiprocessors or compute units, 0 if unknown */
    uint64_t memory_total;   /* bytes that weights can use */
    uint64_t memory_free;
    uint64_t max_allocation;
    char unusable[256];      /* "" or why tawny cannot use it */
    int64_t verified_at;     /* when `tawny verify` last ran here with this driver and these
                                kernels, seconds since 1970; 0: never */
    uint32_t verified_cases, verified_wrong;
    bool verified_all;       /* every kernel was run */
    char avoided[512];       /* what it found wrong, and what is not used therefore:
                                "matvec/32 norm/32", a kernel and its size of subgroups */
};

/* Fills up to `max` entries of `out`, sets *count to the number of devices (0 is no error). */
TAWNY_API enum tawny_status tawny_devices(struct tawny_device_info *out, uint32_t max,
                                          uint32_t *count);

struct tawny_device_params {
    const char *device;      /* index, part of the name, or (beginning of the) UUID; NULL:
                                $TAWNY_DEVICE, else the best. A software device is taken
                                only when there is no other or when asked for, and is named in
                                a warning when unasked */
    const char *cache_dir;   /* compiled kernels; NULL: $XDG_CACHE_HOME/tawny; "": none */
    uint64_t features_off;   /* bits of features not to use, for tests */
    bool profile;            /* measure every dispatch; see tawny_profile */
    bool any_variant;        /* use also the variants of kernels that `tawny verify` found wrong on
                                this device */
    bool no_int_dot;         /* multiply quantised weights in f32 also where the device has integer
                                dot products, for which activations are rounded to 8 bits: slower,
                                and nearer to what the weights say */
    /* Called while kernels are compiled, which takes seconds the first time that a device runs a
     * model, from the thread that waits for them; done == total ends it. May be NULL. */
    void (*on_compile)(void *ctx, uint32_t done, uint32_t total);
    void *ctx;
};

struct tawny_device;

/* Blocks 0.1 to 0.5 s while drivers load. TAWNY_ERROR_DEVICE says what there is. */
TAWNY_API enum tawny_status tawny_device_open(const struct tawny_device_params *params,
                                              struct tawny_device **out);
TAWNY_API void tawny_device_close(struct tawny_device **device);
TAWNY_API void tawny_device_get_info(const struct tawny_device *device,
                                     struct tawny_device_info *out);

/* ---- model files, without a GPU ----------------------------------------------------------- */

struct tawny_file;

/* Reads and checks the header only. `path`: a GGUF file, or the first of a split one. */
TAWNY_API enum tawny_status tawny_file_open(const char *path, struct tawny_file **out);
TAWNY_API void tawny_file_close(struct tawny_file **file);

struct tawny_file_info {
    const char *format;       /* "GGUF v3" */
    const char *architecture; /* "llama"; "" if the file does not say */
    const char *name;         /* general.name or "" */
    uint32_t n_meta, n_tensors;
    uint64_t n_params;        /* weights in all tensors */
    uint64_t tensor_bytes;    /* in the file */
};
TAWNY_API void tawny_file_get_info(const struct tawny_file *file, struct tawny_file_info *out);

/* Metadata entry i as text. Arrays show their first items; `value` is cut to `room` - 1 bytes.
 * Returns the full length. *key and *type ("u32", "array of string", ...) belong to the file. */
TAWNY_API size_t tawny_file_meta(const struct tawny_file *file, uint32_t i, const char **key,
                                 const char **type, char *value, size_t room);

struct tawny_tensor_info {
    const char *name;
    const char *type;         /* "Q4_K" */
    uint32_t n_dims;
    uint64_t ne[4];           /* ne[0] is the contiguous dimension */
    uint64_t offset, bytes;   /* in the file */
};
TAWNY_API void tawny_file_tensor(const struct tawny_file *file, uint32_t i,
                                 struct tawny_tensor_info *out);

/* What a model will take on a device, in bytes, before anything is loaded. */
struct tawny_memory_plan {
    uint64_t weights, kv, scratch, state, staging;
    uint64_t total;
    uint64_t device_free;     /* 0 if no device was given */
    uint32_t n_ctx;           /* the context it is for */
    uint32_t n_windows, n_texts; /* of a speech model: at once */
    bool fits;                /* total <= device_free (true without a device) */
};

struct tawny_session_params; /* below */

/* `device` may be NULL. Session params as for tawny_session_open; a speech model takes none, and
 * is planned for a transcription with the defaults. */
TAWNY_API enum tawny_status tawny_file_plan(const struct tawny_file *file,
                                            struct tawny_device *device,
                                            const struct tawny_session_params *params,
                                            struct tawny_memory_plan *out);

struct tawny_transcribe_params; /* below */

/* The same of a speech model, for a transcription as tawny_transcribe() would make it; NULL: with
 * the defaults. Sound and callbacks are not looked at; what tells speech from silence is not
 * counted. */
TAWNY_API enum tawny_status tawny_file_plan_speech(const struct tawny_file *file,
                                                   struct tawny_device *device,
                                                   const struct tawny_transcribe_params *params,
                                                   struct tawny_memory_plan *out);

/* ---- tokens ------------------------------------------------------------------------------- */

struct tawny_vocab;

/* A file's tokenizer; needs no GPU. Immutable; independent of the file once open. */
TAWNY_API enum tawny_status tawny_vocab_open(const struct tawny_file *file,
                                             struct tawny_vocab **out);
TAWNY_API void tawny_vocab_close(struct tawny_vocab **vocab);

TAWNY_API uint32_t tawny_vocab_size(const struct tawny_vocab *vocab);

/* Text to ids. `special`: text of control tokens becomes those tokens. `add_bos`: what the model
 * wants in front (and behind) is added. *ids is allocated; free it with tawny_free. */
TAWNY_API enum tawny_status tawny_tokenize(const struct tawny_vocab *vocab, const char *text,
                                           size_t len, bool special, bool add_bos, int32_t **ids,
                                           size_t *n);

/* Ids to text (any bytes, zero-terminated, *len without the zero); `special` shows control tokens.
 * The space that some vocabularies put in front of a text is left out.
 * *text is allocated; free it with tawny_free. */
TAWNY_API enum tawny_status tawny_detokenize(const struct tawny_vocab *vocab, const int32_t *ids,
                                             size_t n, bool special, char **text, size_t *len);

TAWNY_API void tawny_free(void *p);

/* ---- models ------------------------------------------------------------------------------- */

struct tawny_model_params {
    const char *path;
    /* Called now and then while loading, from the calling thread; false stops the load. */
    bool (*on_progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

struct tawny_model;

/* Streams the weights to the GPU; blocks. The device must outlive the model. */
TAWNY_API enum tawny_status tawny_model_open(struct tawny_device *device,
                                             const struct tawny_model_params *params,
                                             struct tawny_model **out);
TAWNY_API void tawny_model_close(struct tawny_model **model);

struct tawny_model_info {
    const char *path, *architecture, *name;
    const char *chat_form;    /* "chatml", "llama-2", "llama-3", "plain" */
    uint32_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_vocab;
    uint32_t n_ctx_train;     /* positions it was trained for */
    uint64_t n_params, weight_bytes;
    double load_seconds;
};
TAWNY_API void tawny_model_get_info(const struct tawny_model *model, struct tawny_model_info *out);

/* The model's tokenizer; owned by the model. */
TAWNY_API const struct tawny_vocab *tawny_model_vocab(const struct tawny_model *model);

/* ---- sessions ----------------------------------------------------------------------------- */

struct tawny_session_params {
    uint32_t n_ctx;   /* positions; 0: what the model was trained for, at most 4096. Rounded up to
                         pages of 256 in memory, not in what may be used */
    uint32_t n_batch; /* most prompt tokens in one step; 0: 512 to 2048, by device and model */
    uint32_t steps;   /* most tokens a submit, 1 to 16; 0: 8 */
};

/* One sequence with its keys and values. It remembers its tokens: a prompt that begins as the
 * last one ended is continued, not computed again. */
struct tawny_session;

TAWNY_API enum tawny_status tawny_session_open(struct tawny_model *model,
                                               const struct tawny_session_params *params,
                                               struct tawny_session **out);
TAWNY_API void tawny_session_close(struct tawny_session **session);

/* Forgets everything. */
TAWNY_API void tawny_session_reset(struct tawny_session *session);

/* Stops the running tawny_generate or tawny_eval soon; it returns what it has, with reason
 * TAWNY_STOP_CANCELLED. Async-signal-safe. */
TAWNY_API void tawny_cancel(struct tawny_session *session);

struct tawny_sampling {
    float temperature;       /* 0 or less: greedy, ties to the lowest id */
    uint32_t top_k;          /* 0: off */
    float top_p;             /* 0 or 1: off */
    float min_p;             /* 0: off */
    float repeat_penalty;    /* 0 or 1: off */
    float presence_penalty;  /* 0: off */
    float frequency_penalty; /* 0: off */
    uint32_t penalty_last_n; /* how many tokens back; 0: 64 */
    uint64_t seed;           /* same seed, same text */
    const int32_t *bias_ids; /* n_bias tokens ... */
    const float *bias;       /* ... and what is added to their logits */
    uint32_t n_bias;
};

struct tawny_message_part {
    const char *role;        /* "system", "user", "assistant" */
    const char *content;
};

enum tawny_stop {
    TAWNY_STOP_EOG,          /* the model ended its answer */
    TAWNY_STOP_LENGTH,       /* n_predict tokens were made */
    TAWNY_STOP_CONTEXT,      /* the context is full */
    TAWNY_STOP_STRING,       /* a stop string appeared */
    TAWNY_STOP_CANCELLED,
};

struct tawny_generate_params {
    /* One of: text, tokens, messages (in the model's chat form). */
    const char *prompt;
    bool prompt_special;     /* text of control tokens in `prompt` becomes those tokens */
    const int32_t *tokens;
    size_t n_tokens;
    const struct tawny_message_part *messages;
    size_t n_messages;

    uint32_t n_predict;      /* most tokens to make; 0: until it ends or the context is full */
    struct tawny_sampling sampling;
    bool ignore_eog;         /* go on after tokens that end an answer, for measurements */
    const char *const *stop; /* n_stop strings that end the text and do not appear in it */
    size_t n_stop;

    /* Pieces of text as they are made, never a part of a UTF-8 character; false stops. */
    bool (*on_text)(void *ctx, const char *text, size_t len);
    /* Prompt tokens done so far. */
    void (*on_prompt)(void *ctx, size_t done, size_t total);
    void *ctx;
};

struct tawny_result {
    enum tawny_stop stop;
    size_t n_prompt;         /* tokens of the prompt ... */
    size_t n_cached;         /* ... of which were still in the session */
    size_t n_made;
    double prompt_seconds, made_seconds, first_seconds; /* first: call to first token */
    char *text;              /* what was made; free with tawny_free. NULL where not asked for */
    int32_t *ids;            /* n_made tokens; free with tawny_free */
};

/* Blocks until done. `result` may be NULL. A prompt longer than the context is
 * TAWNY_ERROR_USAGE with both numbers. */
TAWNY_API enum tawny_status tawny_generate(struct tawny_session *session,
                                           const struct tawny_generate_params *params,
                                           struct tawny_result *result);

struct tawny_eval_params {
    const int32_t *tokens;
    size_t n_tokens;
    uint32_t chunk;          /* tokens a step; 0: the session's n_batch */
    /* For position i: the logits of the token after it, n_vocab floats, valid during the call;
     * false stops. Positions come in order. */
    bool (*on_logits)(void *ctx, size_t i, const float *logits, uint32_t n_vocab);
    void *ctx;
    size_t first;            /* positions before this one give no logits */
};

/* Resets the session, runs the tokens, hands out logits. Blocks. */
TAWNY_API enum tawny_status tawny_eval(struct tawny_session *session,
                                       const struct tawny_eval_params *params);

/* GPU memory in use on the device, bytes; `allocated`: what the driver gave for it. */
struct tawny_memory {
    uint64_t weights, kv, scratch, state, staging, allocated;
};

/* Sums over the life of the session, and what is in use on its device. */
struct tawny_stats {
    uint64_t prompt_tokens, made_tokens;
    double prompt_seconds, made_seconds;
    uint64_t prompt_submits, made_submits;
    uint64_t prompt_dispatches, made_dispatches;
    uint64_t made_bytes_up, made_bytes_down;  /* over the bus, while making tokens */
    uint64_t weight_bytes_token;              /* weights a made token reads */
    uint64_t host_allocs_made;                /* host allocations while making tokens: only when a
                                                 plan of a new shape is recorded */
    struct tawny_memory memory;
    bool int_dot;                             /* steps multiply quantised weights with activations
                                                 rounded to 8 bits */
};
TAWNY_API void tawny_session_get_stats(const struct tawny_session *session,
                                       struct tawny_stats *out);

/* One line of a profile: a kind of dispatch of the decode step. */
struct tawny_profile_line {
    const char *name;
    uint32_t count;          /* dispatches a step */
    double seconds;          /* all of them together, last step measured */
    uint64_t bytes;          /* weights they read */
};

/* Runs decode steps with a timestamp around each dispatch; the device must have been opened with
 * `profile`. Fills up to `max` lines. Changes the session's state as one generated token does. */
TAWNY_API enum tawny_status tawny_profile(struct tawny_session *session,
                                          struct tawny_profile_line *out, uint32_t max,
                                          uint32_t *count);

/* ---- speech ------------------------------------------------------------------------------- */

/* A speech model in GPU memory, with what it takes to listen to one window of sound. */
struct tawny_speech;

/* Whether a file is a speech model. */
TAWNY_API bool tawny_file_is_speech(const struct tawny_file *file);

/* Streams the weights to the GPU; blocks. The device must outlive it. */
TAWNY_API enum tawny_status tawny_speech_open(struct tawny_device *device,
                                              const struct tawny_model_params *params,
                                              struct tawny_speech **out);
TAWNY_API void tawny_speech_close(struct tawny_speech **speech);

/* Stops the running tawny_transcribe soon; it returns TAWNY_OK with `cancelled` set. May be called
 * from any thread and from a signal handler. */
TAWNY_API void tawny_speech_cancel(struct tawny_speech *speech);

struct tawny_speech_info {
    const char *path;
    bool multilingual;
    uint32_t n_audio_layers, n_text_layers, n_embd, n_mels, n_vocab, n_languages;
    uint64_t n_params, weight_bytes;
    double load_seconds, window_seconds;
};
TAWNY_API void tawny_speech_get_info(const struct tawny_speech *speech,
                                     struct tawny_speech_info *out);

/* Of its device. */
TAWNY_API void tawny_speech_get_memory(const struct tawny_speech *speech,
                                       struct tawny_memory *out);

/* What so many windows of noise cost, and tokens about them. */
struct tawny_speech_timing {
    double listen_seconds;    /* all windows side by side: from samples to what the decoder reads */
    double step_seconds;      /* a token of each text */
};

/* For benchmarks: listens to 1 to TAWNY_MAX_BATCH windows and makes n_tokens tokens about each,
 * whatever they are; n_tokens is less than the text's context. Blocks. */
TAWNY_API enum tawny_status tawny_speech_time(struct tawny_speech *speech, uint32_t windows,
                                              uint32_t n_tokens, struct tawny_speech_timing *out);

/* After that, with as many windows: as tawny_profile, of a listening (to so many of the windows as
 * are heard at once) or of a step. */
TAWNY_API enum tawny_status tawny_speech_profile(struct tawny_speech *speech, bool listening,
                                                 uint32_t windows, struct tawny_profile_line *out,
                                                 uint32_t max, uint32_t *count);

/* When a word is said; valid during the call. */
struct tawny_word {
    const char *text;         /* UTF-8; with the space in front, and marks that belong to it */
    double start, end;        /* seconds */
    float probability;        /* mean over its tokens */
};

/* One piece of the text; valid during the call. */
struct tawny_segment {
    uint32_t id;              /* 0, 1 ... */
    uint64_t seek;            /* where its window begins, in hundredths of a second */
    double start, end;        /* seconds */
    const char *text;         /* UTF-8; most begin with a space */
    const int32_t *tokens;    /* with those of times */
    size_t n_tokens;
    float temperature, avg_logprob, compression_ratio, no_speech_prob;
    const struct tawny_word *words; /* with word_timestamps; n_words of them */
    size_t n_words;
};

/* What tells speech from silence. */
struct tawny_vad;

/* `path`: Silero's model in the ggml form of whisper.cpp, versions 5 and 6; NULL: by loudness.
 * Blocks for milliseconds. The device must outlive it, and it every transcription that uses it. */
TAWNY_API enum tawny_status tawny_vad_open(struct tawny_device *device, const char *path,
                                           struct tawny_vad **out);
TAWNY_API void tawny_vad_close(struct tawny_vad **vad);

/* Times in seconds; 0 stands for the default, less for none. */
struct tawny_vad_params {
    float threshold;          /* 0.5: chunks of 32 ms as likely as this begin speech; 0.15 less
                                 ends it */
    double min_speech;        /* 0.25: what is shorter is none */
    double min_silence;       /* 0.1: that ends speech */
    double max_speech;        /* 0, none: speech is cut at its last silence of 98 ms before so much;
                                 at most 600 */
    double pad;               /* 0.03: taken along on both sides */
    double overlap;           /* 0.1: taken along behind as well */
};

enum { TAWNY_MAX_TEMPERATURES = 16, TAWNY_BEAMS = 5, TAWNY_MAX_BEAMS = 16, TAWNY_MAX_BATCH = 16 };

struct tawny_transcribe_params {
    /* One of: a media file of any kind ("-": standard input), the bytes of one, samples. */
    const char *path;
    const void *data;
    size_t data_bytes;
    const float *samples;     /* mono, 16 kHz */
    size_t n_samples;

    const char *language;     /* "en" or "english"; NULL: what the beginning sounds like */
    bool translate;           /* to English */
    bool detect_language;     /* end when the language is known */
    const char *prompt;       /* text that is taken to come before; NULL: none */
    const char *hotwords;     /* words that every window is told of; NULL: none */
    bool no_timestamps;       /* one segment a window */
    bool no_context;          /* windows do not see the text before them */

    /* A window is tried at each temperature in turn until its text is likely and does not repeat
     * itself. n_temperatures 0: 0, 0.2, 0.4, 0.6, 0.8, 1. */
    float temperatures[TAWNY_MAX_TEMPERATURES];
    uint32_t n_temperatures;
    uint32_t best_of;         /* answers at temperatures above 0, of which the likeliest is taken;
                                 0: 5 */
    uint32_t beam_size;       /* at temperature 0: beginnings of the text that are looked at at
                                 once, 1 to 16; 1: greedy; 0: 5 */
    float patience;           /* of beams: how many times as many texts must have ended; 0: 1 */
    float length_penalty;     /* 0: the likeliest is that with the best mean over its tokens; else
                                 sums are divided by ((5 + tokens) / 6) to this power (below 0
                                 counts as the power 0) */
    /* For these three 0 stands for the default, and NaN turns them off. */
    float compression_ratio_threshold; /* 2.4: text that zlib makes smaller repeats itself. Where
                                 it does at every temperature, what goes round at least three
                                 times is said once, and the next window is not told of the text */
    float logprob_threshold;           /* -1: mean over the tokens; below it text is unlikely */
    float no_speech_threshold;         /* 0.6: unlikely text of such a window is silence */
    uint64_t seed;

    struct tawny_vad *vad;    /* only what it takes for speech is heard; NULL: everything is */
    struct tawny_vad_params vad_params;
    uint32_t batch;           /* windows of sound at once, at most 16: faster, but each stands for
                                 itself: they are cut where there is least to hear, and are not told
                                 what was said before; 0, 1: one after the other */
    bool word_timestamps;     /* when each word is said; segments begin and end with theirs */
    const char *prepend_punctuations; /* marks that belong to the next word; NULL: "'“¿([{- */
    const char *append_punctuations;  /* ... to the one before; NULL:
                                 "'.。,，!！?？:：”)]}、 */
    float hallucination_silence_threshold; /* with word_timestamps: seconds of silence around
                                 unlikely words, from which on these are dropped; 0: none are */

    bool (*on_segment)(void *ctx, const struct tawny_segment *segment); /* false stops */
    /* Seconds of sound; total is below 0 while it is not known. */
    void (*on_progress)(void *ctx, double done, double total);
    void *ctx;
};

enum { TAWNY_MAX_LANGUAGES = 100 };

/* "en" of language i, and its name "english"; NULL past the last. */
TAWNY_API const char *tawny_language(uint32_t i, const char **name);

struct tawny_transcript {
    const char *language;     /* "en" */
    const char *language_name; /* "english" */
    float language_prob;      /* 1 where it was given */
    uint32_t n_languages;     /* 0 where it was given */
    float language_probs[TAWNY_MAX_LANGUAGES];
    double seconds;           /* of sound */
    double speech_seconds;    /* of it that was heard: less with a vad */
    uint32_t n_windows, n_segments;
    bool cancelled;
    double listen_seconds, say_seconds; /* of work: encoder, decoder */
    uint64_t n_tokens;        /* made, also those that were thrown away */
};

/* Blocks until the end of the sound. `result` may be NULL. */
TAWNY_API enum tawny_status tawny_transcribe(struct tawny_speech *speech,
                                             const struct tawny_transcribe_params *params,
                                             struct tawny_transcript *result);

/* ---- listening ---------------------------------------------------------------------------- */

/* Text of a sound that is still going on. What was heard last is heard again with every second that
 * comes; words that two texts in a row have in common are certain and stay. */
struct tawny_listener;

struct tawny_line {
    double start, end;        /* seconds since the beginning */
    const char *text;         /* valid during the call */
};

struct tawny_listen_params {
    /* language, task, prompt, vad and thresholds; sound and callbacks in it are not read. Strings
     * outlive the listener. */
    struct tawny_transcribe_params how;
    double step;              /* seconds of sound between two texts; 0: 1; at most 25 */
    /* A line that is certain as a whole; false ends it. */
    bool (*on_line)(void *ctx, const struct tawny_line *line);
    /* What follows the last line, after every text: certain words, and those that may change. May
     * be NULL. */
    void (*on_tail)(void *ctx, const char *certain, const char *open);
    void *ctx;
};

/* One listener at a time on a tawny_speech, which outlives it. */
TAWNY_API enum tawny_status tawny_listen_open(struct tawny_speech *speech,
                                              const struct tawny_listen_params *params,
                                              struct tawny_listener **out);
TAWNY_API void tawny_listen_close(struct tawny_listener **listener);

/* More sound, mono, 16 kHz. Blocks while it is heard: once for every step that is complete. */
TAWNY_API enum tawny_status tawny_listen_push(struct tawny_listener *listener,
                                              const float *samples, size_t n);

/* No more comes: all that was heard becomes lines. */
TAWNY_API enum tawny_status tawny_listen_end(struct tawny_listener *listener);

#ifdef __cplusplus
}
#endif

#endif
