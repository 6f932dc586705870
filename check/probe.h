/* probe.h - what the references must know of a device before they can agree with it in every bit.
 *
 * Vulkan lets fma() round once or twice ("Precision of Individual Operations": inherited from
 * a * b + c). Hardware rounds once, as C's fmaf() does; llvmpipe of Mesa 25 rounds twice. */
#ifndef TAWNY_CHECK_PROBE_H
#define TAWNY_CHECK_PROBE_H

#include "gpu/gpu.h"

/* Runs one fma on the device, and has the references of this process follow it from then on: with
 * two roundings there are no references in f32 (check_ref_bits()), and those of the sampler round
 * twice. Blocks for the compilation of a small shader. */
enum status check_probe(struct gpu *g);

#endif
