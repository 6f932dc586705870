/* The greedy text of a model, with other shaders: for the test of what faults in shaders do.
 *
 *     greedy SHADERS MODEL PROMPT...
 *
 * SHADERS: a folder of modules as for check_kernels --shaders; NAME:N for one as for --mutant; or
 * "-" for the library's own. One line a prompt, of token ids. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/mutate.h"
#include "tawny.h"

enum { N_PREDICT = 24 };

static enum tawny_status answer(struct tawny_session *session, const char *prompt)
{
    struct tawny_message_part message = {.role = "user", .content = prompt};
    struct tawny_result result = {0};
    tawny_session_reset(session);
    enum tawny_status s = tawny_generate(
        session,
        &(struct tawny_generate_params){
            .messages = &message, .n_messages = 1, .n_predict = N_PREDICT, .ignore_eog = true},
        &result);
    for (size_t i = 0; i < result.n_made && s == TAWNY_OK; i++)
        printf("%d%c", result.ids[i], i + 1 < result.n_made ? ' ' : '\n');
    tawny_free(result.text);
    tawny_free(result.ids);
    return s;
}

/* The modules that the first argument asks for. */
static enum status use_shaders(const char *which)
{
    char name[64], what[64];
    const char *colon = strrchr(which, ':');
    if (!strcmp(which, "-"))
        return OK;
    if (!colon || (size_t)(colon - which) >= sizeof name)
        return check_mutate_load(&shader_table, which);
    snprintf(name, sizeof name, "%.*s", (int)(colon - which), which);
    return check_mutate_use(&shader_table, name, (uint32_t)strtoul(colon + 1, NULL, 10), what);
}

int main(int argc, char **argv)
{
    struct tawny_device *device = NULL;
    struct tawny_model *model = NULL;
    struct tawny_session *session = NULL;
    if (argc < 4) {
        fputs("usage: greedy SHADERS MODEL PROMPT...\n", stderr);
        return TAWNY_ERROR_USAGE;
    }
    enum tawny_status s = (enum tawny_status)use_shaders(argv[1]);
    if (s == TAWNY_OK)
        s = tawny_device_open(NULL, &device);
    if (s == TAWNY_OK)
        s = tawny_model_open(device, &(struct tawny_model_params){.path = argv[2]}, &model);
    if (s == TAWNY_OK)
        s = tawny_session_open(model, NULL, &session);
    for (int i = 3; i < argc && s == TAWNY_OK; i++)
        s = answer(session, argv[i]);
    if (s != TAWNY_OK)
        fprintf(stderr, "greedy: %s\n", tawny_message());
    tawny_session_close(&session);
    tawny_model_close(&model);
    tawny_device_close(&device);
    return (int)s;
}
