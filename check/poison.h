/* poison.h - rubbish in shared memory.
 *
 * Shared memory is not cleared between dispatches. On a software device it still holds what the
 * last workgroup of the same kernel left, often the right answer, and so hides a read that comes
 * before the write. Every run of a case begins with a dispatch that fills it with 0xffc0dead: NaN
 * as f32, a NaN and a number as two f16. */
#ifndef TAWNY_CHECK_POISON_H
#define TAWNY_CHECK_POISON_H

#include "gpu/gpu.h"

/* Appends that dispatch, and a barrier, to a recording. */
enum status check_poison(struct gpu *g, struct gpu_cmd *c);

#endif
