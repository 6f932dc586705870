/* What a speech model costs: for benchmarks. */
#include <inttypes.h>

#include "base/log.h"
#include "engine/speech_inside.h"

static enum status listen(struct speech *s, uint32_t n)
{
    enum status st;
    uint64_t values = n * (uint64_t)whisper_samples(&s->m->w);
    uint32_t used[K_MAX_OUT], x = 1;
    float *noise = mem_calloc(values, sizeof *noise);
    if (!noise)
        return ERR_MEMORY;
    for (uint64_t i = 0; i < values; i++) {
        x = x * 1664525 + 1013904223;
        noise[i] = (float)(int32_t)x * 0x1p-35f;
    }
    for (uint32_t i = 0; i < n; i++)
        used[i] = whisper_frames(&s->m->w);
    st = speech_listen(s, 0, n, noise, used);
    mem_free(noise);
    return st;
}

static enum status say(struct speech *s, uint32_t n, uint32_t n_tokens)
{
    int32_t start = (int32_t)s->m->w.ids.start;
    struct speech_request requests[K_MAX_OUT];
    struct speech_answer *answers = mem_calloc(n, sizeof *answers);
    if (!answers)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < n; i++)
        requests[i] = (struct speech_request){
            .window = i, .prompt = &start, .n_prompt = 1, .n_most = n_tokens, .endless = true};
    enum status st = speech_say(s, requests, n, answers);
    for (uint32_t i = 0; i < n && st == OK; i++) {
        if (answers[i].n != n_tokens && !answers[i].cancelled)
            st = status_fail(ERR, "%" PRIu32 " tokens were made of %" PRIu32, answers[i].n,
                             n_tokens);
    }
    mem_free(answers);
    return st;
}

enum status speech_time(struct speech *s, uint32_t n, uint32_t n_tokens, struct speech_timing *out)
{
    if (!n || n > K_MAX_OUT || !n_tokens || n_tokens >= s->m->w.text.n_ctx ||
        n_tokens >= SPEECH_MOST)
        return status_fail(ERR_USAGE,
                           "%" PRIu32 " windows, %" PRIu32 " tokens: 1 to %u, 1 to %" PRIu32, n,
                           n_tokens, K_MAX_OUT, s->m->w.text.n_ctx - 1);
    TRY(speech_reserve(s, &(struct speech_params){.rows = n, .windows = n}));
    double listened = s->listen_seconds, stepped = s->step_seconds;
    TRY(listen(s, n));
    TRY(say(s, n, n_tokens));
    *out = (struct speech_timing){.listen_seconds = s->listen_seconds - listened,
                                  .step_seconds = (s->step_seconds - stepped) / n_tokens};
    return OK;
}

enum status speech_profile(struct speech *s, bool listening, uint32_t n, struct plan **out)
{
    uint64_t ticket;
    TRY(listening ? speech_plan_timed(s, SPEECH_LISTEN, speech_hears(s, n), out)
                  : speech_plan_timed(s, SPEECH_NEXT, n, out));
    enum status st = plan_run(*out, 1, &ticket);
    if (st == OK)
        st = gpu_wait(s->gpu, ticket);
    if (st != OK)
        plan_destroy(out);
    return st;
}
