/* voiced.h - a sound without its silence.
 *
 * Samples that are speech (vad.h, voice.h), one stretch behind the other with 0.1 s of silence
 * between them, as whisper.cpp makes them; and where they were. It reads ahead of its reader by a
 * block (8.2 s) and as much as a stretch takes to become certain. */
#ifndef TAWNY_ENGINE_VOICED_H
#define TAWNY_ENGINE_VOICED_H

#include "engine/sound.h"
#include "engine/vad.h"
#include "engine/voice.h"

struct sound_voiced;

/* `params` as voice.h's, of which `chunk` is not read. The vad and the inner sound outlive it. */
enum status sound_voiced_open(struct vad *vad, const struct voice_params *params,
                              struct sound *inner, struct sound_voiced **out);
void sound_voiced_close(struct sound_voiced **s);

/* The sound to read from; its seconds() are those of the inner sound. */
struct sound *sound_voiced(struct sound_voiced *s);

/* Where a time of the sound lies in the inner one, in seconds; of a time between two stretches, the
 * beginning of the later one, or with `end` the end of the earlier one. What was read more than an
 * hour before the last sample is forgotten. */
double sound_voiced_time(const struct sound_voiced *s, double t, bool end);

/* Seconds of the inner sound that were read. */
double sound_voiced_heard(const struct sound_voiced *s);

#endif
