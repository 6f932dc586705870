/* shaders.h - the SPIR-V modules inside the library.
 *
 * src/kernels/meson.build lists them; the build compiles each and tools/embed.py writes them
 * into one sorted table. The code is constant data of the library: nobody owns it, nobody frees
 * it. */
#ifndef TAWNY_KERNELS_SHADERS_H
#define TAWNY_KERNELS_SHADERS_H

#include <stddef.h>

#include "gpu/gpu.h"

struct shader_table {
    const struct gpu_shader *shaders; /* sorted by name, which is the one in meson.build */
    size_t count;
};

/* Every module of the library. */
extern const struct shader_table shader_table;

/* The same modules compiled with REVERSE_TID=1. Only in test programs. */
extern const struct shader_table shader_table_reversed;

/* The module of that name in the table in use; NULL if there is none. Costs a binary search. */
const struct gpu_shader *shader_find(const char *name);

/* True for modules that multiply on matrix units, by the capability that they declare. */
bool shader_uses_matrices(const struct gpu_shader *shader);

/* Which shaders and version this is, "0.1.0-0123456789abcdef": of the library's own table, whatever
 * is in use. Costs a pass over them all (about 1 ms). */
enum { SHADER_BUILD_TEXT = 64 };
const char *shader_build(char out[SHADER_BUILD_TEXT]);

/* Makes shader_find() look into another table, until the next call; NULL: the library's own. For
 * tests, before any pipeline is made; not thread-safe. */
void shader_use_table(const struct shader_table *table);

#endif
