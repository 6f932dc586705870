/* vocab.h - the tokenizer and the chat form that a model file asks for.
 *
 * What the file leaves out is filled as llama.cpp fills it: SentencePiece vocabularies get bos 1,
 * eos 2, unknown 0 (where those tokens exist), a bos in front and a space prefix; byte-level BPE
 * what its pre-tokenizer's family is used to, and no bos or eos of their own. Tokens whose text is
 * known to end a generation ("<|im_end|>", "<|eot_id|>" ...) do so, and are control tokens,
 * whatever the file says of them. */
#ifndef TAWNY_ENGINE_VOCAB_H
#define TAWNY_ENGINE_VOCAB_H

#include "base/status.h"
#include "formats/weights.h"
#include "text/chat.h"
#include "text/tok.h"

/* Makes the tokenizer of a model file; it keeps nothing of `w`. `rows` is how many tokens the
 * model has (rows of its embedding), which must be the vocabulary's size; 0: not checked.
 * ERR_MODEL for anything that cannot be right. Reads no tensor. */
enum status vocab_load(const struct weights *w, uint32_t rows, struct tok **out);

/* By tokenizer.chat_template; CHAT_PLAIN if there is none. */
enum status vocab_chat_form(const struct weights *w, enum chat_form *out);

#endif
