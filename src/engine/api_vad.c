/* Voice activity: see tawny.h. */
#include <math.h>

#include "engine/api_vad.h"

enum tawny_status tawny_vad_open(struct tawny_device *device, const char *path,
                                 struct tawny_vad **out)
{
    *out = NULL;
    struct tawny_vad *t = mem_alloc(sizeof *t);
    if (!t)
        return TAWNY_ERROR_MEMORY;
    enum status s = vad_open(device->gpu, path, &t->vad);
    if (s == OK)
        *out = t;
    else
        mem_free(t);
    return api_status(s);
}

void tawny_vad_close(struct tawny_vad **vad)
{
    struct tawny_vad *t = *vad;
    *vad = NULL;
    if (!t)
        return;
    vad_close(&t->vad);
    mem_free(t);
}

/* Samples of a time of which 0 stands for `def`, and less for none; refused above `most`. */
static enum status samples(const char *what, double seconds, double def, double most, int64_t *out)
{
    if (!(seconds <= most))
        return status_fail(ERR_USAGE, "%s of %g s: at most %g", what, seconds, most);
    double v = seconds > 0 ? seconds : seconds < 0 ? 0 : def;
    *out = (int64_t)llround(v * VOICE_RATE);
    return OK;
}

enum status api_voice_params(const struct tawny_vad_params *p, struct voice_params *out)
{
    *out = (struct voice_params){.threshold = p->threshold != 0 ? p->threshold : 0.5f};
    if (!(out->threshold > 0 && out->threshold <= 1))
        return status_fail(ERR_USAGE, "a threshold of speech of %g: above 0, at most 1",
                           (double)out->threshold);
    TRY(samples("a shortest speech", p->min_speech, 0.25, 60, &out->min_speech));
    TRY(samples("a shortest silence", p->min_silence, 0.1, 60, &out->min_silence));
    TRY(samples("padding", p->pad, 0.03, 10, &out->pad));
    TRY(samples("an overlap", p->overlap, 0.1, 10, &out->overlap));
    TRY(samples("a longest speech", p->max_speech, 0, 600, &out->max_speech));
    /* As whisper.cpp, which counts the padding and the last chunk in. */
    if (out->max_speech)
        out->max_speech -= SILERO_CHUNK + 2 * out->pad;
    return out->max_speech < 0 ? status_fail(ERR_USAGE,
                                             "a longest speech of %g s: must be more than the "
                                             "padding on both sides",
                                             p->max_speech)
                               : OK;
}
