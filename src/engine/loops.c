#include "engine/loops.h"

#include <string.h>

bool loops_at_end(const int32_t *text, uint32_t n)
{
    for (uint32_t round = 1; round <= n / LOOPS_ROUNDS; round++) {
        uint32_t again = 0;
        while (again + round < n && text[n - 1 - again] == text[n - 1 - again - round])
            again++;
        if (again >= LOOPS_AGAIN && again >= (LOOPS_ROUNDS - 1) * round)
            return true;
    }
    return false;
}

/* The shortest round that a loop at the beginning of the text has, 0: there is none; *again: how
 * many tokens follow the first round. */
static uint32_t loop_at(const int32_t *text, uint32_t n, uint32_t *again)
{
    for (uint32_t round = 1; round <= n / LOOPS_ROUNDS; round++) {
        *again = 0;
        while (*again + round < n && text[*again + round] == text[*again])
            (*again)++;
        if (*again >= LOOPS_AGAIN && *again >= (LOOPS_ROUNDS - 1) * round)
            return round;
    }
    return 0;
}

uint32_t loops_mark(const int32_t *text, uint32_t n, bool *again)
{
    uint32_t marked = 0;
    memset(again, 0, n * sizeof *again);
    for (uint32_t i = 0; i < n;) {
        uint32_t more, round = loop_at(text + i, n - i, &more);
        if (!round) {
            i++;
            continue;
        }
        if (i + round + more < n)
            more -= more % round;
        memset(again + i + round, true, more * sizeof *again);
        marked += more;
        i += round + more;
    }
    return marked;
}

bool loops_stay(size_t bytes, size_t packed, uint32_t left, float most)
{
    const double token = 4.5, small = 2.8, unmet = 50;
    double rest = token * left < unmet + small * left ? token * left : unmet + small * left;
    return (double)bytes + token * left > (double)most * ((double)packed + rest);
}
