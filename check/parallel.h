/* parallel.h - the rows of a reference on all processors. */
#ifndef TAWNY_CHECK_PARALLEL_H
#define TAWNY_CHECK_PARALLEL_H

#include <stdint.h>

#include "base/status.h"

/* Calls fn for pieces [from, to) that together are [0, n), on as many threads as there are
 * processors; on this one alone where n * work, in multiplications or so, is not worth it. Blocks.
 * The result may not depend on how [0, n) is cut. fn may call check_in() and check_out_*() of a
 * check_mem that this thread does not touch meanwhile. Returns the first failure, with its
 * message. */
enum status check_parallel(uint32_t n, uint64_t work,
                           enum status (*fn)(void *ctx, uint32_t from, uint32_t to), void *ctx);

/* How many threads instead of one a processor, 64 at most; 0: that again. For tests; not
 * thread-safe. */
void check_parallel_threads(uint32_t threads);

#endif
