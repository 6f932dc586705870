/* spare.h - large pieces of host memory that are used again.
 *
 * What is known of device memory comes and goes with every op, mostly in the same sizes, and fresh
 * pages cost more than what is written to them. So up to 1 GiB of what was given back is kept.
 * Pieces above 256 MiB are not: a KV pool may be larger than the host's memory while one op touches
 * little of it. Safe on all threads. */
#ifndef TAWNY_CHECK_SPARE_H
#define TAWNY_CHECK_SPARE_H

#include <stdbool.h>
#include <stdint.h>

/* A piece; memory is taken where it is touched. `clean`: all zero; else with anything in it.
 * NULL after a failure (status_message() says what). */
void *spare_get(uint64_t bytes, bool clean);

/* Gives back what spare_get() returned for as many bytes, or NULL. `clean`: it is all zero. */
void spare_put(void *p, uint64_t bytes, bool clean);

#endif
