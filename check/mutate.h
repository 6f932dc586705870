/* mutate.h - shaders with something made wrong: whatever checks kernels must notice.
 *
 * A site is an instruction that has a wrong twin of the same form: a plus that becomes a minus, a
 * bound that is off by one, a barrier that is left out. */
#ifndef TAWNY_CHECK_MUTATE_H
#define TAWNY_CHECK_MUTATE_H

#include "kernels/shaders.h"

/* How many sites a module has; O(its size). */
uint32_t check_mutate_sites(const struct gpu_shader *shader);

/* Makes the table in use one in which `name` has the mutation of that site, until the next call;
 * `what` (at least 64 bytes) says which: "FAdd to FSub". ERR_USAGE: no such module or site.
 * Call before any pipeline is made; not thread-safe. */
enum status check_mutate_use(const struct shader_table *table, const char *name, uint32_t site,
                             char *what);

/* Makes the table in use one in which modules come from files `dir`/NAME.spv where there are such,
 * until the next call. ERR: a file that is no SPIR-V, or no file of that form at all. As above. */
enum status check_mutate_load(const struct shader_table *table, const char *dir);

#endif
