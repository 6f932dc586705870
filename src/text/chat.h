/* chat.h - a conversation as one prompt, in the form a model was trained on.
 *
 * The form is recognised from the template text in the model file; the full template language is
 * not read here. */
#ifndef TAWNY_TEXT_CHAT_H
#define TAWNY_TEXT_CHAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum chat_form { CHAT_PLAIN, CHAT_CHATML, CHAT_LLAMA2, CHAT_LLAMA3 };

/* By what the template contains; CHAT_PLAIN for NULL or anything not recognised. */
enum chat_form chat_recognise(const char *template_text, size_t len);
const char *chat_form_name(enum chat_form f);

struct chat_message {
    const char *role;    /* "system", "user", "assistant" */
    const char *content; /* zero-terminated */
};

/* The text of the whole conversation, ending where the assistant's answer begins if
 * `add_generation`. Without the token that begins a text (tok_encode puts it in front).
 * *parts marks which byte ranges are template, so that contents and roles stay data: pass it on
 * in tok_encode_params. text and parts are the caller's, to be freed with mem_free.
 *
 * llama-2 has only user and assistant turns; a system message joins the user's message after it.
 * llama-2 and llama-3 trim white space around contents, as their templates do. */
struct chat_part {
    size_t begin, end;
    bool special; /* encode with special tokens recognised */
};
enum status chat_format(enum chat_form f, const struct chat_message *messages, size_t n,
                        bool add_generation, char **text, struct chat_part **parts,
                        size_t *n_parts);

#endif
