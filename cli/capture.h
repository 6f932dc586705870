/* capture.h - sound as it comes: a microphone, or raw samples on standard input.
 *
 * A thread reads it, so that none is lost while the device is busy; what waits is kept, up to
 * CAPTURE_SECONDS: then the thread stops reading standard input, and of a microphone the oldest is
 * dropped, which is said. */
#ifndef TAWNY_CLI_CAPTURE_H
#define TAWNY_CLI_CAPTURE_H

#include "cli.h"

enum { CAPTURE_RATE = 16000, CAPTURE_SECONDS = 600 };

enum capture_format { CAPTURE_S16LE, CAPTURE_F32LE };

struct capture_params {
    bool input;                 /* standard input, else a microphone */
    enum capture_format format; /* of standard input: mono, 16 kHz */
    const char *source;         /* a microphone's name; NULL: the default one */
};

struct capture;

/* A microphone is reached through libpulse-simple (PulseAudio, PipeWire), which is looked for when
 * it is wanted; the server makes of it what is asked for. ERR: there is none, or it cannot be
 * opened. */
enum status capture_open(const struct capture_params *params, struct capture **out);
/* Stops the thread and waits for it: 50 ms. */
void capture_close(struct capture **c);

/* Waits until `least` samples are there, or no more will come (*ended), which is so after Ctrl-C
 * too; then gives up to `max` of them. ERR: reading failed; what came before was given. */
enum status capture_read(struct capture *c, float *dst, size_t least, size_t max, size_t *count,
                         bool *ended);

#endif
