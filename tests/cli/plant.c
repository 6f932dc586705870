/* The program with a fault in one of its shaders: TAWNY_TEST_PLANT="MODULE:KIND:N" makes the N-th
 * instruction (from 0) of that kind wrong, as in "norm:FAdd to FSub:1" (check/mutate.h). Exit code
 * 99: there is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/mutate.h"

__attribute__((constructor)) static void plant(void)
{
    char module[64], kind[64], what[64];
    unsigned number;
    const char *want = getenv("TAWNY_TEST_PLANT");
    if (!want)
        return;
    if (sscanf(want, "%63[^:]:%63[^:]:%u", module, kind, &number) != 3)
        exit(98);
    for (uint32_t site = 0; check_mutate_use(&shader_table, module, site, what) == OK; site++) {
        if (!strcmp(what, kind) && number-- == 0)
            return;
    }
    exit(99);
}
