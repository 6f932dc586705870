/* Which heads of the decoder look at the moment that is being said: the file says it, or it was
 * found out by those who trained the models. */
#include <inttypes.h>
#include <stdlib.h>

#include "models/whisper.h"

/* Of the models that OpenAI trained: how large each is, and its heads as layer * 32 + head. */
struct known {
    uint32_t layers, heads, vocab;
    uint32_t n;
    uint16_t at[23];
};

#define AT(layer, head) ((layer)*32 + (head))

static const struct known known[] = {
    {4,
     6,
     51864,
     8,
     {AT(1, 0), AT(2, 0), AT(2, 5), AT(3, 0), AT(3, 1), AT(3, 2), AT(3, 3),
      AT(3, 4)}},                                                                   /* tiny.en */
    {4, 6, 51865, 6, {AT(2, 2), AT(3, 0), AT(3, 2), AT(3, 3), AT(3, 4), AT(3, 5)}}, /* tiny */
    {6, 8, 51864, 5, {AT(3, 3), AT(4, 7), AT(5, 1), AT(5, 5), AT(5, 7)}},           /* base.en */
    {6,
     8,
     51865,
     8,
     {AT(3, 1), AT(4, 2), AT(4, 3), AT(4, 7), AT(5, 1), AT(5, 2), AT(5, 4), AT(5, 6)}}, /* base */
    {12,
     12,
     51864,
     19,
     {AT(6, 6), AT(7, 0), AT(7, 3), AT(7, 8), AT(8, 2), AT(8, 5), AT(8, 7), AT(9, 0), AT(9, 4),
      AT(9, 8), AT(9, 10), AT(10, 0), AT(10, 1), AT(10, 2), AT(10, 3), AT(10, 6), AT(10, 11),
      AT(11, 2), AT(11, 4)}}, /* small.en */
    {12,
     12,
     51865,
     10,
     {AT(5, 3), AT(5, 9), AT(8, 0), AT(8, 4), AT(8, 7), AT(8, 8), AT(9, 0), AT(9, 7), AT(9, 9),
      AT(10, 5)}}, /* small */
    {24,
     16,
     51864,
     18,
     {AT(11, 4), AT(14, 1), AT(14, 12), AT(14, 14), AT(15, 4), AT(16, 0), AT(16, 4), AT(16, 9),
      AT(17, 12), AT(17, 14), AT(18, 7), AT(18, 10), AT(18, 15), AT(20, 0), AT(20, 3), AT(20, 9),
      AT(20, 14), AT(21, 12)}}, /* medium.en */
    {24,
     16,
     51865,
     6,
     {AT(13, 15), AT(15, 4), AT(15, 15), AT(16, 1), AT(20, 0), AT(23, 4)}}, /* medium */
    {32,
     20,
     51865,
     23,
     {AT(10, 12), AT(13, 17), AT(16, 11), AT(16, 12), AT(16, 13), AT(17, 15),
      AT(17, 16), AT(18, 4),  AT(18, 11), AT(18, 19), AT(19, 11), AT(21, 2),
      AT(21, 3),  AT(22, 3),  AT(22, 9),  AT(22, 12), AT(23, 5),  AT(23, 7),
      AT(23, 13), AT(25, 5),  AT(26, 1),  AT(26, 12), AT(27, 15)}}, /* large-v2 */
    {32,
     20,
     51866,
     10,
     {AT(7, 0), AT(10, 17), AT(12, 18), AT(13, 12), AT(16, 1), AT(17, 14), AT(19, 11), AT(21, 4),
      AT(24, 1), AT(25, 6)}}, /* large-v3 */
    {4,
     20,
     51866,
     6,
     {AT(2, 4), AT(2, 11), AT(3, 3), AT(3, 6), AT(3, 11), AT(3, 14)}}, /* large-v3-turbo */
};

static int by_layer(const void *x, const void *y)
{
    const struct whisper_head *a = x, *b = y;
    if (a->layer != b->layer)
        return a->layer < b->layer ? -1 : 1;
    return (a->head > b->head) - (a->head < b->head);
}

static enum status take_file(const struct weights *w, struct whisper *m, const int32_t *pairs,
                             uint64_t n)
{
    const char *path = weights_path(w);
    if (n % 2 || n / 2 > (uint64_t)m->text.n_layers * m->text.n_heads)
        return status_fail(ERR_MODEL,
                           "%s: whisper.alignment_heads has %" PRIu64 " numbers; pairs of layer "
                           "and head, at most %" PRIu64,
                           path, n, (uint64_t)m->text.n_layers * m->text.n_heads);
    for (uint64_t i = 0; i < n; i += 2) {
        uint32_t layer = (uint32_t)pairs[i], head = (uint32_t)pairs[i + 1];
        if (layer >= m->text.n_layers || head >= m->text.n_heads)
            return status_fail(ERR_MODEL,
                               "%s: whisper.alignment_heads names head %" PRId32
                               " of layer %" PRId32 "; there are %" PRIu32 " and %" PRIu32,
                               path, pairs[i + 1], pairs[i], m->text.n_heads, m->text.n_layers);
        m->heads[m->n_heads++] = (struct whisper_head){layer, head};
    }
    return OK;
}

static void take_known(struct whisper *m)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct known *k = &known[i];
        if (k->layers != m->text.n_layers || k->heads != m->text.n_heads || k->vocab != m->n_vocab)
            continue;
        for (; m->n_heads < k->n; m->n_heads++) {
            uint32_t at = k->at[m->n_heads];
            m->heads[m->n_heads] = (struct whisper_head){at / 32, at % 32};
        }
        return;
    }
}

enum status whisper_load_heads(const struct weights *w, struct whisper *m)
{
    const struct whisper_side *side = &m->text;
    const int32_t *pairs;
    uint64_t n;
    TRY(weights_i32s(w, "whisper.alignment_heads", &pairs, &n));
    m->heads = arena_calloc(&m->arena, (size_t)side->n_layers * side->n_heads, sizeof *m->heads);
    if (!m->heads)
        return ERR_MEMORY;
    if (n)
        TRY(take_file(w, m, pairs, n));
    else
        take_known(m);
    uint32_t upper = m->n_heads ? side->n_layers : side->n_layers / 2;
    for (uint32_t i = upper * side->n_heads; i < side->n_layers * side->n_heads; i++)
        m->heads[m->n_heads++] = (struct whisper_head){i / side->n_heads, i % side->n_heads};
    qsort(m->heads, m->n_heads, sizeof *m->heads, by_layer);
    return OK;
}
