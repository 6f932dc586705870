/* silero.h - Silero's model of voice activity (github.com/snakers4/silero-vad, versions 5 and 6, of
 * 16 kHz): what its files hold, and the plan that turns sound into probabilities of speech.
 *
 * Sound is heard in chunks of 512 samples (32 ms), each with the 64 samples before it and, at its
 * end, 64 mirrored ones. A chunk's four spectra go through four convolutions with ReLU; what is
 * left, 128 values, goes through a recurrent layer that remembers all chunks before. whisper.cpp
 * mirrors also at a chunk's beginning; here, as in the original, what was there before is heard.
 *
 * All weights are F32 in GPU memory (1.6 MB): the same bits on every device. */
#ifndef TAWNY_MODELS_SILERO_H
#define TAWNY_MODELS_SILERO_H

#include "models/models.h"

enum {
    SILERO_CHUNK = 512,
    SILERO_BEFORE = 64,
    SILERO_AFTER = 64,
    SILERO_SAMPLES = SILERO_BEFORE + SILERO_CHUNK + SILERO_AFTER, /* that a chunk takes */
    SILERO_HIDDEN = 128,
};

struct silero_conv {
    struct k_weight w; /* (out, in * 3), taps fastest */
    uint64_t b;        /* (out) */
};

struct silero {
    struct k_weight basis;      /* (258, 256): cosines, then sines */
    struct silero_conv conv[4]; /* the first takes 132 channels, of which the last 3 are 0 */
    struct silero_conv in;      /* (512, 128): what the recurrent layer takes from a chunk */
    uint64_t w, b;              /* (128, 512) and (512): ... and from itself */
    struct silero_conv out;     /* (1, 128) */
};

/* True if the weights say that they are such a model. */
bool silero_is(const struct weights *w);

/* Floats that the model takes in GPU memory. */
uint64_t silero_floats(void);

/* Reads the weights as they are to lie there: silero_floats() of them. Blocks. ERR_MODEL names the
 * file and what is wrong. */
enum status silero_read(const struct weights *w, float *to);

/* The model whose weights lie at `addr`, a multiple of 256. */
void silero_at(uint64_t addr, struct silero *out);

struct silero_step {
    uint32_t chunks;
    uint64_t samples; /* f32 [chunks][SILERO_SAMPLES] */
    uint64_t state;   /* f32 [2][SILERO_HIDDEN]: zeros before the first chunk of a sound */
    uint64_t probs;   /* f32 [chunks], written */
};
enum status silero_hear(struct plan *p, const struct silero *m, const struct silero_step *s);

/* How loud each chunk is, where there is no model: probs[i] = (log10 of its mean square, at least
 * -10, and at least 8 below that of the loudest chunk so far, which is at least 0, plus 4) / 4; the
 * first of `state` keeps that one. Samples lie here without those around them,
 * [chunks][SILERO_CHUNK]; `ones`: f32 [SILERO_CHUNK / 2] of 1 / SILERO_CHUNK; `used`: U32, chunks.
 * A chunk is taken for a spectrum, whose power is asked for. */
enum status silero_level(struct plan *p, const struct silero_step *s, uint64_t ones, uint64_t used);

#endif
