#include "kernels/shaders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct shader_table *in_use = &shader_table;

static int compare(const void *name, const void *shader)
{
    return strcmp(name, ((const struct gpu_shader *)shader)->name);
}

const struct gpu_shader *shader_find(const char *name)
{
    return bsearch(name, in_use->shaders, in_use->count, sizeof *in_use->shaders, compare);
}

bool shader_uses_matrices(const struct gpu_shader *shader)
{
    enum { HEADER_WORDS = 5, OP_CAPABILITY = 17, COOPERATIVE_MATRIX_KHR = 6022 };
    /* Capabilities come first, two words each. */
    for (size_t i = HEADER_WORDS; i + 1 < shader->bytes / 4; i += 2) {
        if ((shader->code[i] & 0xffff) != OP_CAPABILITY)
            return false;
        if (shader->code[i + 1] == COOPERATIVE_MATRIX_KHR)
            return true;
    }
    return false;
}

const char *shader_build(char out[SHADER_BUILD_TEXT])
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < shader_table.count; i++) {
        const struct gpu_shader *s = &shader_table.shaders[i];
        for (const char *c = s->name; *c; c++)
            h = (h ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
        for (size_t w = 0; w < s->bytes / 4; w++)
            h = (h ^ s->code[w]) * UINT64_C(0x100000001b3);
    }
    snprintf(out, SHADER_BUILD_TEXT, "%s-%016" PRIx64, TAWNY_VERSION, h);
    return out;
}

void shader_use_table(const struct shader_table *table)
{
    in_use = table ? table : &shader_table;
}
