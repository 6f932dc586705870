/* load.h - what loading a model of any kind takes. Only the engine's own sources include this. */
#ifndef TAWNY_ENGINE_LOAD_H
#define TAWNY_ENGINE_LOAD_H

#include "engine/engine.h"

/* Takes memory for n tensors (bufs[i], also on failure what was taken so far), streams them there
 * in their GPU layout and fills in their addresses. Blocks; params->on_progress is called. */
enum status engine_send(struct gpu *g, const struct weights *w,
                        const struct engine_load_params *params, struct model_tensor *tensors,
                        uint32_t n, const struct gpu_buf **bufs);

/* ERR_MEMORY, before anything is taken, if weights of `need` bytes cannot fit. */
enum status engine_check_room(struct gpu *g, const char *path, uint64_t need);

#endif
