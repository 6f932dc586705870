#include "kernels/shaders.h"

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

void shader_use_table(const struct shader_table *table)
{
    in_use = table ? table : &shader_table;
}
