/* A text that is known goes through the decoder once more, and what its heads look at comes back.
 */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "engine/speech_inside.h"

/* Tokens from .. to - 1 of all, of which those from `first` on are text. */
static enum status look(struct speech *s, const int32_t *tokens, uint32_t from, uint32_t to,
                        uint32_t first, uint32_t n_text, const struct k_align *align, float *probs)
{
    struct k_align here = *align;
    uint32_t named[SPEECH_PROMPT] = {0};
    here.at = from;
    for (uint32_t i = from; i < to; i++) { /* each row tells of the token behind it */
        if (i + 1 >= first && i + 1 < first + n_text)
            named[i - from] = (uint32_t)tokens[i + 1];
    }
    TRY(gpu_upload(s->gpu, s->state->addr + s->at.align, &here, sizeof here));
    TRY(gpu_upload(s->gpu, s->state->addr + s->at.named, named, sizeof named));
    TRY(speech_put_rows(s, tokens + from, to - from, from, 0));
    TRY(speech_run(s, SPEECH_LOOK, 0, 1));
    const volatile float *found =
        (const volatile float *)(const void *)((const char *)s->results->map + s->at.probs);
    for (uint32_t i = from; i < to; i++) {
        if (i + 1 >= first && i + 1 < first + n_text)
            probs[i + 1 - first] = found[i - from];
    }
    return OK;
}

enum status speech_align(struct speech *s, const struct speech_aligning *r, float *looks,
                         float *probs)
{
    const struct whisper *w = &s->m->w;
    uint32_t n = r->n_start + r->n_text + 2, first = r->n_start + 1;
    double start = time_now();
    if (!s->aligns || r->window >= s->windows || !r->n_start || n > w->text.n_ctx)
        return status_fail(ERR_USAGE,
                           "when words are said: %" PRIu32 " tokens in a context of %" PRIu32, n,
                           w->text.n_ctx);
    int32_t *tokens = mem_calloc(n, sizeof *tokens);
    if (!tokens)
        return ERR_MEMORY;
    memcpy(tokens, r->start, r->n_start * sizeof *tokens);
    tokens[r->n_start] = (int32_t)w->ids.no_times;
    memcpy(tokens + first, r->text, r->n_text * sizeof *tokens);
    tokens[n - 1] = (int32_t)w->ids.end;
    struct k_align align = {.tokens = n, .frames = r->frames};
    enum status st = speech_hear(s, r->window);
    for (uint32_t at = 0; st == OK && at < n; at += SPEECH_PROMPT) {
        uint32_t to = n - at < SPEECH_PROMPT ? n : at + SPEECH_PROMPT;
        st = look(s, tokens, at, to, first, r->n_text, &align, probs);
    }
    mem_free(tokens);
    TRY(st);
    TRY(speech_run(s, SPEECH_ALIGN, 0, 1));
    uint64_t row = 4ull * w->audio.n_ctx;
    uint64_t out = s->looks->addr + row * w->text.n_ctx * w->n_heads;
    TRY(gpu_download(s->gpu, looks, out + row * r->n_start, row * (r->n_text + 1)));
    s->say_seconds += time_now() - start;
    return OK;
}
