/* feed.h - sound decoded ahead of its reader, in a thread of its own.
 *
 * The thread opens the input and decodes into a ring of FEED_SAMPLES (65 s, 4 MiB) until that is
 * full, so that decoding costs the reader nothing and memory does not grow with the length of the
 * sound. The ring is all that the two share; what goes wrong in the thread becomes the reader's
 * status and message at the place in the sound where it happened. */
#ifndef TAWNY_AUDIO_FEED_H
#define TAWNY_AUDIO_FEED_H

#include "audio/audio.h"

enum { FEED_SAMPLES = 1 << 20 };

struct feed; /* one reader at a time */

/* Starts the thread, which opens the input: errors of that come from feed_read(). `stop` (of the
 * params) ends a wait of either side within 50 ms; the sound then seems to be over. What params
 * points to outlives the feed. Does not block. */
enum status feed_open(const struct audio_params *params, struct feed **out);

/* Stops the thread, wherever it is, and waits for it: at most 50 ms, or as long as the decoder
 * takes for one packet. */
void feed_close(struct feed **f);

/* As audio_read(). */
enum status feed_read(struct feed *f, float *dst, size_t max, size_t *count);

/* As audio_seconds(); negative also while the input is being opened. */
double feed_seconds(struct feed *f);

#endif
