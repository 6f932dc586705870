/* api.h - what stands behind the handles of tawny.h.
 *
 * Only the api_*.c sources include this. They check arguments and translate; the work is done by
 * the rooms behind. */
#ifndef TAWNY_ENGINE_API_H
#define TAWNY_ENGINE_API_H

#include <tawny.h>

#include "engine/engine.h"
#include "engine/speech.h"
#include "formats/weights.h"

struct tawny_device {
    struct gpu *gpu;
    bool profile;
};

struct tawny_file {
    struct weights *w;
    char *architecture, *name;
    uint64_t n_params, tensor_bytes;
    struct arena arena;
};

struct tawny_vocab {
    struct tok *tok;
};

struct tawny_model {
    struct tawny_device *device;
    struct engine_model *em;
    struct tawny_vocab vocab; /* tok is em's */
};

struct tawny_session {
    struct tawny_model *model;
    struct engine *e;
};

struct tawny_speech {
    struct tawny_device *device;
    struct speech_model *m;
    struct speech *s;
};

/* The result of the rooms behind is the public one: the numbers are the same. */
static inline enum tawny_status api_status(enum status s)
{
    return (enum tawny_status)s;
}

/* Sums a plan's timestamps by the names of its dispatches. */
enum status api_profile(struct plan *p, struct tawny_profile_line *out, uint32_t max,
                        uint32_t *count);

/* What is in use. */
struct tawny_memory api_memory(const struct gpu *g);

struct engine_params api_engine_params(const struct tawny_session_params *p);

/* What a transcription takes; p NULL: one with the defaults. ERR_USAGE for what is too many. */
enum status api_speech_needs(const struct tawny_transcribe_params *p, struct speech_params *out);

#endif
