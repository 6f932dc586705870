/* api_vad.h - voice activity behind tawny.h. Only the api_*.c sources include this. */
#ifndef TAWNY_ENGINE_API_VAD_H
#define TAWNY_ENGINE_API_VAD_H

#include "engine/api.h"
#include "engine/voiced.h"

struct tawny_vad {
    struct vad *vad;
};

/* With defaults filled in. ERR_USAGE names what is out of its range. */
enum status api_voice_params(const struct tawny_vad_params *p, struct voice_params *out);

#endif
