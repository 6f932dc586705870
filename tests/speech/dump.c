/* Runs a speech model on a window of sound and writes what it computes on the way:
 * dump MODEL SAMPLES USED FOLDER TOKEN... reads f32 samples, frames in use, and a prompt; writes
 * mel.f32, sound.f32 (the encoder's residual stream), logits.f32 (after the prompt's last token;
 * what is never chosen at -1e30), and prints the probability of silence, and the tokens with
 * log-probabilities that follow. Then both again, for the time that they take, on stderr. An
 * argument "beam:SIZE:PATIENCE:PENALTY" behind the tokens is a search, whose tokens are a line
 * "beam ID ID ..." at the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/speech.h"
#include "kernels/shaders.h"

static enum status save(struct speech *s, const char *folder, const char *name,
                        const struct gpu_buf *buf, uint64_t bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.f32", folder, name);
    void *host = mem_alloc(bytes);
    FILE *f = fopen(path, "wb");
    enum status st = host && f ? gpu_download(s->gpu, host, buf->addr, bytes) : ERR;
    if (st == OK && fwrite(host, 1, bytes, f) != bytes)
        st = ERR;
    if (f)
        fclose(f);
    mem_free(host);
    return st;
}

static enum status search(struct speech *s, struct speech_request r, const char *how)
{
    static struct speech_answer answer;
    if (sscanf(how, "beam:%u:%f:%f", &r.beams, &r.patience, &r.length_penalty) != 3)
        return status_fail(ERR_USAGE, "%s", how);
    TRY(speech_say(s, &r, 1, &answer));
    printf("beam");
    for (uint32_t i = 0; i < answer.n; i++)
        printf(" %d", answer.tokens[i]);
    printf("\n");
    return OK;
}

static enum status run(struct speech *s, char **argv, int argc)
{
    const struct whisper *w = &s->m->w;
    static struct speech_answer answer;
    static int32_t tokens[1024];
    static float samples[500000];
    FILE *f = fopen(argv[2], "rb");
    if (!f)
        return status_fail(ERR, "%s cannot be read", argv[2]);
    size_t n = fread(samples, 4, 500000, f);
    fclose(f);
    if (n < whisper_samples(w))
        memset(samples + n, 0, (500000 - n) * 4);
    uint32_t used = (uint32_t)atoi(argv[3]);
    struct speech_request r = {.prompt = tokens, .n_most = 1};
    for (int i = 5; i < argc && r.n_prompt < 1024 && argv[i][0] != 'b'; i++) {
        tokens[r.n_prompt] = atoi(argv[i]);
        if (tokens[r.n_prompt] == (int32_t)w->ids.start)
            r.start_at = r.n_prompt;
        r.n_prompt++;
    }
    TRY(speech_listen(s, 0, 1, samples, &used));
    TRY(save(s, argv[4], "mel", s->mel, 4ull * whisper_frames(w) * w->n_mels));
    TRY(save(s, argv[4], "sound", s->sound, 4ull * w->audio.n_ctx * w->audio.n_embd));
    TRY(speech_say(s, &r, 1, &answer));
    TRY(save(s, argv[4], "logits", s->logits, 4ull * w->n_vocab));
    r.n_most = 32;
    r.timed = true;
    TRY(speech_say(s, &r, 1, &answer));
    double listened = s->listen_seconds, said = s->say_seconds;
    uint64_t made = s->tokens;
    TRY(speech_listen(s, 0, 1, samples, &used));
    TRY(speech_say(s, &r, 1, &answer));
    fprintf(stderr, "listening %.2f ms, %.2f ms for %d tokens\n",
            1e3 * (s->listen_seconds - listened), 1e3 * (s->say_seconds - said),
            (int)(s->tokens - made));
    printf("%.9g\n", (double)answer.no_speech);
    for (uint32_t i = 0; i < answer.n; i++)
        printf("%d %.9g\n", answer.tokens[i], (double)answer.logprobs[i]);
    for (int i = 5 + (int)r.n_prompt; i < argc; i++)
        TRY(search(s, r, argv[i]));
    return OK;
}

int main(int argc, char **argv)
{
    struct gpu *g = NULL;
    struct speech_model *m = NULL;
    struct speech *s = NULL;
    enum status st = ERR_USAGE;
    char build[SHADER_BUILD_TEXT];
    if (argc > 5)
        st = gpu_open(&(struct gpu_params){.build = shader_build(build)}, &g);
    if (st == OK)
        st = speech_model_load(g, &(struct engine_load_params){.path = argv[1]}, &m);
    if (st == OK)
        st = speech_open(m, &(struct speech_params){.rows = K_MAX_OUT}, &s);
    if (st == OK)
        st = run(s, argv, argc);
    if (st != OK)
        fprintf(stderr, "dump: %s\n", status_message());
    speech_close(&s);
    speech_model_unload(&m);
    gpu_close(&g);
    return st != OK;
}
