/* vocab_speech.h - the tokenizer of a speech model, and which of its tokens are not said. */
#ifndef TAWNY_ENGINE_VOCAB_SPEECH_H
#define TAWNY_ENGINE_VOCAB_SPEECH_H

#include "formats/weights.h"
#include "models/whisper.h"
#include "text/tok.h"

/* Makes it from the file's tokens, which are bytes in the order of their ranks; the special ones
 * behind them get the names that openai-whisper gives them. ERR_MODEL for a vocabulary that cannot
 * be right. Keeps nothing of w. Costs about 0.2 s. */
enum status vocab_speech_load(const struct weights *w, const struct whisper_ids *ids,
                              uint32_t n_vocab, struct tok **out);

/* Sets bit i of never[(n_vocab + 31) / 32] for the tokens i that are not chosen: those that the
 * file names (whisper.suppress_ids), or else those that openai-whisper suppresses where it is not
 * told otherwise, signs that are not said, as "[" or a note; and special tokens. ERR_MODEL for an
 * id that there is not. */
enum status vocab_speech_never(const struct weights *w, const struct tok *t,
                               const struct whisper_ids *ids, uint32_t n_vocab, uint32_t *never);

/* The tokens that are not chosen first: those of whisper.suppress_ids_begin, or else the end of the
 * text and a space; *n of them, at most 3. */
enum status vocab_speech_not_first(const struct weights *w, const struct tok *t,
                                   const struct whisper_ids *ids, uint32_t n_vocab,
                                   uint32_t not_first[3], uint32_t *n);

#endif
