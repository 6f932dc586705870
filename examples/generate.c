/* Text from a model, with the library alone:
 *
 *     cc generate.c $(pkg-config --cflags --libs tawny) -o generate
 *     ./generate model.gguf "Once upon a time"
 */
#include <stdio.h>
#include <string.h>
#include <tawny.h>

static bool print(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    return fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    struct tawny_device *device = NULL;
    struct tawny_model *model = NULL;
    struct tawny_session *session = NULL;
    struct tawny_result result;
    enum tawny_status status;

    if (argc != 3) {
        fprintf(stderr, "usage: generate MODEL PROMPT\n");
        return TAWNY_ERROR_USAGE;
    }
    status = tawny_device_open(NULL, &device);
    if (status == TAWNY_OK)
        status = tawny_model_open(device, &(struct tawny_model_params){.path = argv[1]}, &model);
    if (status == TAWNY_OK)
        status = tawny_session_open(model, NULL, &session);
    if (status == TAWNY_OK) {
        struct tawny_model_info info;
        struct tawny_message_part message = {"user", argv[2]};
        struct tawny_generate_params params = {.n_predict = 48, .on_text = print};
        tawny_model_get_info(model, &info);
        /* A model that was trained on conversations gets the prompt as a message. */
        if (strcmp(info.chat_form, "plain")) {
            params.messages = &message;
            params.n_messages = 1;
        } else {
            params.prompt = argv[2];
        }
        status = tawny_generate(session, &params, &result);
    }
    if (status == TAWNY_OK) {
        printf("\n");
        fprintf(stderr, "%zu tokens in %.2f s\n", result.n_made, result.made_seconds);
        tawny_free(result.text);
        tawny_free(result.ids);
    } else {
        fprintf(stderr, "generate: %s\n", tawny_message());
    }
    tawny_session_close(&session);
    tawny_model_close(&model);
    tawny_device_close(&device);
    return (int)status;
}
