/* audio.h - any media file as samples that speech models take: mono, 16 kHz, float.
 *
 * FFmpeg's libraries open and decode it: containers of the list in audio.c, the best audio stream
 * of the file, mixed down and resampled as `ffmpeg -ac 1 -ar 16000 -f s16le` does. They read
 * through this room's own functions only: no protocol is opened, no other file, and formats that
 * name other files (playlists) are refused. Nothing is kept: memory does not grow with length, but
 * for the tables that some containers have (40 MB for 10 h of AAC in MP4).
 *
 * For the whole process FFmpeg's messages are turned off, and blocks of memory above 200 MiB, which
 * only damaged files ask for, are refused to it.
 *
 * Messages name the input, the format or stream, and what is wrong. */
#ifndef TAWNY_AUDIO_AUDIO_H
#define TAWNY_AUDIO_AUDIO_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { AUDIO_RATE = 16000 };

struct audio_params {
    const char *path; /* of a file or pipe; "-": standard input; NULL: memory */
    const void *data; /* memory, not copied: it outlives the reader */
    size_t bytes;
    const char *name;   /* what messages call it; NULL: the path, "standard input", "memory" */
    double max_seconds; /* of decoded audio, more is an error; 0: no limit */
    /* Once it is true, reading ends with an error within 50 ms, also where it waits for a pipe;
     * NULL: never. */
    const atomic_bool *stop;
};

struct audio; /* one thread at a time */

/* Opens it and finds its audio. Blocks for the file's head. ERR: it cannot be read, is no media
 * file that is taken, or has no audio. On failure *out is NULL. */
enum status audio_open(const struct audio_params *params, struct audio **out);
void audio_close(struct audio **a);

/* The next samples, [-1, 1] unless the file holds louder ones; those that are no numbers become 0.
 * *count is less than `max` only at the end, 0 from then on. Blocks. ERR: reading or decoding
 * failed, or there is more than max_seconds; the samples before it have been given. */
enum status audio_read(struct audio *a, float *dst, size_t max, size_t *count);

/* What the container says of the length, in seconds; negative if it does not. */
double audio_seconds(const struct audio *a);

/* "wav / pcm_s16le, 44100 Hz, 2 channels"; lives as long as the reader. */
const char *audio_format(const struct audio *a);

#endif
