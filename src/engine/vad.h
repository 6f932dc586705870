/* vad.h - how likely it is that there is speech: Silero's model, or without one a gate on loudness.
 *
 * Sound goes to the GPU in blocks of VAD_BLOCK chunks of 32 ms; a block takes some milliseconds
 * there and 2 MB. The gate takes for speech what is louder than -40 dB of full scale, and what is
 * louder than -60 dB and 6 dB above the quietest of the last seconds. */
#ifndef TAWNY_ENGINE_VAD_H
#define TAWNY_ENGINE_VAD_H

#include "gpu/gpu.h"
#include "models/silero.h"

enum { VAD_BLOCK = 256, VAD_BLOCK_SAMPLES = VAD_BLOCK * SILERO_CHUNK };

struct vad {
    struct gpu *gpu;
    bool gate; /* no model */
    struct silero model;
    const struct gpu_buf *weights, *state, *samples, *probs, *scratch;
    struct plan *plan;
    float *host;                 /* of the block, as the plan takes it */
    float before[SILERO_BEFORE]; /* what came before it */
    float quiet;                 /* of the gate, dB */
};

/* path NULL: the gate. Blocks. ERR_MODEL: the file is no such model. */
enum status vad_open(struct gpu *g, const char *path, struct vad **out);
void vad_close(struct vad **v);

/* A new sound begins. Blocks. */
enum status vad_reset(struct vad *v);

/* The next n chunks, at most VAD_BLOCK; only the last ones of a sound may be fewer. Blocks. */
enum status vad_hear(struct vad *v, const float *samples, uint32_t n, float *probs);

#endif
