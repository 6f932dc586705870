/* sound.h - where the samples of a transcription come from: mono, 16 kHz, in order. */
#ifndef TAWNY_ENGINE_SOUND_H
#define TAWNY_ENGINE_SOUND_H

#include "audio/feed.h"

/* What all kinds begin with. One thread at a time. */
struct sound {
    /* As audio_read(). */
    enum status (*read)(struct sound *s, float *dst, size_t max, size_t *count);
    /* All of it, in seconds; negative while that is not known. */
    double (*seconds)(struct sound *s);
};

/* Samples in memory of the caller's. */
struct sound_samples {
    struct sound sound;
    const float *samples;
    uint64_t n, at;
};
void sound_of_samples(const float *samples, uint64_t n, struct sound_samples *out);

/* What a feed gives; it outlives the sound. */
struct sound_feed {
    struct sound sound;
    struct feed *feed;
};
void sound_of_feed(struct feed *feed, struct sound_feed *out);

#endif
