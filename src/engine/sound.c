#include "engine/sound.h"

#include <string.h>

static enum status read_samples(struct sound *s, float *dst, size_t max, size_t *count)
{
    struct sound_samples *m = (struct sound_samples *)(void *)s;
    *count = max < m->n - m->at ? max : (size_t)(m->n - m->at);
    if (*count)
        memcpy(dst, m->samples + m->at, *count * sizeof *dst);
    m->at += *count;
    return OK;
}

static double seconds_of_samples(struct sound *s)
{
    return (double)((struct sound_samples *)(void *)s)->n / AUDIO_RATE;
}

void sound_of_samples(const float *samples, uint64_t n, struct sound_samples *out)
{
    *out = (struct sound_samples){{read_samples, seconds_of_samples}, samples, n, 0};
}

static enum status read_feed(struct sound *s, float *dst, size_t max, size_t *count)
{
    return feed_read(((struct sound_feed *)(void *)s)->feed, dst, max, count);
}

static double seconds_of_feed(struct sound *s)
{
    return feed_seconds(((struct sound_feed *)(void *)s)->feed);
}

void sound_of_feed(struct feed *feed, struct sound_feed *out)
{
    *out = (struct sound_feed){{read_feed, seconds_of_feed}, feed};
}
