/* Speech: see tawny.h. */
#include <math.h>
#include <string.h>

#include "engine/api_vad.h"
#include "engine/transcribe.h"

bool tawny_file_is_speech(const struct tawny_file *file)
{
    return whisper_is(file->w);
}

enum tawny_status tawny_speech_open(struct tawny_device *device,
                                    const struct tawny_model_params *params,
                                    struct tawny_speech **out)
{
    *out = NULL;
    if (!params || !params->path)
        return api_status(status_fail(ERR_USAGE, "no path of a model was given"));
    struct tawny_speech *t = mem_alloc(sizeof *t);
    if (!t)
        return TAWNY_ERROR_MEMORY;
    t->device = device;
    enum status s = speech_model_load(
        device->gpu,
        &(struct engine_load_params){
            .path = params->path, .on_progress = params->on_progress, .ctx = params->ctx},
        &t->m);
    if (s == OK)
        s = speech_open(t->m, NULL, &t->s);
    if (s == OK)
        *out = t;
    else
        tawny_speech_close(&t);
    return api_status(s);
}

void tawny_speech_close(struct tawny_speech **speech)
{
    struct tawny_speech *t = *speech;
    *speech = NULL;
    if (!t)
        return;
    speech_close(&t->s);
    speech_model_unload(&t->m);
    mem_free(t);
}

void tawny_speech_cancel(struct tawny_speech *speech)
{
    atomic_store(&speech->s->cancelled, true);
}

void tawny_speech_get_memory(const struct tawny_speech *speech, struct tawny_memory *out)
{
    *out = api_memory(speech->device->gpu);
}

void tawny_speech_get_info(const struct tawny_speech *speech, struct tawny_speech_info *out)
{
    const struct speech_model *m = speech->m;
    *out = (struct tawny_speech_info){
        .path = m->path,
        .multilingual = m->w.multilingual,
        .n_audio_layers = m->w.audio.n_layers,
        .n_text_layers = m->w.text.n_layers,
        .n_embd = m->w.text.n_embd,
        .n_mels = m->w.n_mels,
        .n_vocab = m->w.n_vocab,
        .n_languages = m->w.multilingual ? m->w.ids.n_languages : 1,
        .n_params = m->n_params,
        .weight_bytes = m->weight_bytes,
        .load_seconds = m->load_seconds,
        .window_seconds = (double)whisper_frames(&m->w) * WHISPER_HOP / WHISPER_RATE,
    };
}

_Static_assert((int)TAWNY_MAX_LANGUAGES == (int)WHISPER_MAX_LANGUAGES, "tawny.h");

const char *tawny_language(uint32_t i, const char **name)
{
    if (name)
        *name = whisper_language_name(i);
    return whisper_language(i);
}

/* ---- benchmarks --------------------------------------------------------------------------- */

enum tawny_status tawny_speech_time(struct tawny_speech *speech, uint32_t windows,
                                    uint32_t n_tokens, struct tawny_speech_timing *out)
{
    struct speech_timing t;
    atomic_store(&speech->s->cancelled, false);
    enum status s = speech_time(speech->s, windows, n_tokens, &t);
    if (s == OK)
        *out = (struct tawny_speech_timing){t.listen_seconds, t.step_seconds};
    return api_status(s);
}

enum tawny_status tawny_speech_profile(struct tawny_speech *speech, bool listening,
                                       uint32_t windows, struct tawny_profile_line *out,
                                       uint32_t max, uint32_t *count)
{
    struct plan *p;
    *count = 0;
    if (!speech->device->profile)
        return api_status(status_fail(ERR_USAGE, "a profile needs a device opened with `profile`"));
    enum status s = speech_profile(speech->s, listening, windows, &p);
    if (s != OK)
        return api_status(s);
    s = api_profile(p, out, max, count);
    plan_destroy(&p);
    return api_status(s);
}

/* ---- transcribing ------------------------------------------------------------------------- */

/* What the caller of tawny_transcribe() wants to be told. */
struct told {
    const struct tawny_transcribe_params *p;
    struct sound_voiced *voiced; /* or NULL */
    struct tawny_word *words;    /* of a segment */
    size_t room;
    enum status status;
};

/* Times are of the sound without its silence, where that was left out. */
static double time_of(const struct told *t, double seconds, bool end)
{
    return t->voiced ? sound_voiced_time(t->voiced, seconds, end) : seconds;
}

static bool tell_words(struct told *t, const struct transcript_segment *s)
{
    if (s->n_words > t->room) {
        struct tawny_word *more = mem_realloc(t->words, 2 * s->n_words * sizeof *more);
        if (!more) {
            t->status = ERR_MEMORY;
            return false;
        }
        t->words = more;
        t->room = 2 * s->n_words;
    }
    for (uint32_t i = 0; i < s->n_words; i++)
        t->words[i] = (struct tawny_word){s->words[i].text, time_of(t, s->words[i].start, false),
                                          time_of(t, s->words[i].end, true), s->words[i].prob};
    return true;
}

static bool on_segment(void *ctx, const struct transcript_segment *s)
{
    struct told *t = ctx;
    uint64_t seek = (uint64_t)(time_of(t, (double)s->seek / 100, false) * 100 + 0.5);
    return tell_words(t, s) &&
           t->p->on_segment(t->p->ctx,
                            &(struct tawny_segment){.id = s->id,
                                                    .seek = t->voiced ? seek : s->seek,
                                                    .start = time_of(t, s->start, false),
                                                    .end = time_of(t, s->end, true),
                                                    .text = s->text,
                                                    .tokens = s->tokens,
                                                    .n_tokens = s->n_tokens,
                                                    .temperature = s->temperature,
                                                    .avg_logprob = s->avg_logprob,
                                                    .compression_ratio = s->compression_ratio,
                                                    .no_speech_prob = s->no_speech_prob,
                                                    .words = t->words,
                                                    .n_words = s->n_words});
}

static void on_progress(void *ctx, double done, double total)
{
    const struct told *t = ctx;
    t->p->on_progress(t->p->ctx, time_of(t, done, true), total);
}

static float or_default(float v, float def)
{
    return isnan(v) ? 0 : v != 0 ? v : def;
}

static enum status check_counts(const struct tawny_transcribe_params *p)
{
    if (p->n_temperatures > TAWNY_MAX_TEMPERATURES)
        return status_fail(ERR_USAGE, "%u temperatures (at most %d)", p->n_temperatures,
                           TAWNY_MAX_TEMPERATURES);
    if (p->batch > TAWNY_MAX_BATCH)
        return status_fail(ERR_USAGE, "a batch of %u windows (at most %d)", p->batch,
                           TAWNY_MAX_BATCH);
    if (p->beam_size > TAWNY_MAX_BEAMS)
        return status_fail(ERR_USAGE, "%u beams (at most %d)", p->beam_size, TAWNY_MAX_BEAMS);
    return OK;
}

static enum status check_params(const struct tawny_transcribe_params *p)
{
    TRY(check_counts(p));
    if ((p->path != NULL) + (p->data != NULL) + (p->samples != NULL) != 1)
        return status_fail(ERR_USAGE, "sound is a path, or the bytes of a file, or samples: one "
                                      "must be given");
    if (p->hallucination_silence_threshold != 0 &&
        (!p->word_timestamps || !(p->hallucination_silence_threshold > 0)))
        return status_fail(ERR_USAGE,
                           "a hallucination silence threshold of %g needs the times of words, and "
                           "must be above 0",
                           (double)p->hallucination_silence_threshold);
    if (!(p->patience >= 0 && p->patience <= 100) || !(fabsf(p->length_penalty) <= 100))
        return status_fail(ERR_USAGE, "a patience of %g and a length penalty of %g",
                           (double)p->patience, (double)p->length_penalty);
    for (uint32_t i = 0; i < p->n_temperatures; i++) {
        if (!(p->temperatures[i] >= 0))
            return status_fail(ERR_USAGE, "a temperature of %g", (double)p->temperatures[i]);
    }
    return OK;
}

/* All but the sound and who is told. */
static struct transcribe_params params_of(const struct tawny_transcribe_params *p)
{
    static const float temperatures[] = {0, 0.2f, 0.4f, 0.6f, 0.8f, 1};
    return (struct transcribe_params){
        .language = p->language,
        .detect_language = p->detect_language,
        .translate = p->translate,
        .no_times = p->no_timestamps,
        .no_context = p->no_context,
        .prompt = p->prompt,
        .hotwords = p->hotwords,
        .temperatures = p->n_temperatures ? p->temperatures : temperatures,
        .n_temperatures = p->n_temperatures ? p->n_temperatures : 6,
        .best_of = p->best_of ? p->best_of : TAWNY_BEAMS,
        .beams = p->beam_size ? p->beam_size : TAWNY_BEAMS,
        .patience = p->patience,
        .length_penalty = p->length_penalty,
        .most_compression = or_default(p->compression_ratio_threshold, 2.4f),
        .least_logprob = or_default(p->logprob_threshold, -1),
        .no_speech = or_default(p->no_speech_threshold, 0.6f),
        .seed = p->seed,
        .batch = p->batch,
        .words = p->word_timestamps,
        .prepended = p->prepend_punctuations,
        .appended = p->append_punctuations,
        .hallucination = (double)p->hallucination_silence_threshold,
    };
}

enum status api_speech_needs(const struct tawny_transcribe_params *p, struct speech_params *out)
{
    static const struct tawny_transcribe_params defaults;
    struct transcribe_params how = params_of(p ? p : &defaults);
    *out = transcribe_needs(&how);
    return p ? check_counts(p) : OK;
}

static void tell(const struct tawny_speech *speech, const struct told *told,
                 const struct transcribe_result *r, struct tawny_transcript *out)
{
    const struct speech *s = speech->s;
    *out = (struct tawny_transcript){
        .language = whisper_language(r->language),
        .language_name = whisper_language_name(r->language),
        .language_prob = r->language_prob,
        .n_languages = r->n_probs,
        .seconds = told->voiced ? sound_voiced_heard(told->voiced) : r->seconds,
        .speech_seconds = r->seconds,
        .n_windows = r->n_windows,
        .n_segments = r->n_segments,
        .cancelled = r->cancelled,
        .listen_seconds = s->listen_seconds,
        .say_seconds = s->say_seconds,
        .n_tokens = s->tokens,
    };
    memcpy(out->language_probs, r->probs, sizeof r->probs);
}

enum tawny_status tawny_transcribe(struct tawny_speech *speech,
                                   const struct tawny_transcribe_params *params,
                                   struct tawny_transcript *result)
{
    struct told told = {.p = params};
    struct transcribe_result r = {0};
    struct voice_params voice;
    struct feed *feed = NULL;
    struct sound_samples samples;
    struct sound_feed fed;
    enum status s;
    TRY_GOTO(check_params(params));
    atomic_store(&speech->s->cancelled, false);
    if (!params->samples)
        TRY_GOTO(feed_open(&(struct audio_params){.path = params->path,
                                                  .data = params->data,
                                                  .bytes = params->data_bytes,
                                                  .stop = &speech->s->cancelled},
                           &feed));
    sound_of_feed(feed, &fed);
    sound_of_samples(params->samples, params->n_samples, &samples);
    struct sound *sound = feed ? &fed.sound : &samples.sound;
    if (params->vad) {
        TRY_GOTO(api_voice_params(&params->vad_params, &voice));
        TRY_GOTO(sound_voiced_open(params->vad->vad, &voice, sound, &told.voiced));
        sound = sound_voiced(told.voiced);
    }
    speech->s->listen_seconds = speech->s->say_seconds = 0;
    speech->s->tokens = 0;
    struct transcribe_params how = params_of(params);
    how.sound = sound;
    how.on_segment = params->on_segment ? on_segment : NULL;
    how.on_progress = params->on_progress ? on_progress : NULL;
    how.ctx = &told;
    s = transcribe(speech->s, &how, &r);
    if (s == OK)
        s = told.status;
    if (s == OK && result)
        tell(speech, &told, &r, result);
fail:
    sound_voiced_close(&told.voiced);
    feed_close(&feed);
    mem_free(told.words);
    return api_status(s);
}
