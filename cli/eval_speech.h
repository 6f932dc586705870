/* eval_speech.h - how many words a speech model gets wrong. */
#ifndef TAWNY_CLI_EVAL_SPEECH_H
#define TAWNY_CLI_EVAL_SPEECH_H

#include "cli.h"

/* `references`: lines of a media file, a tab, and what is said in it; "-": stdin. Prints the word
 * error rate. A file that cannot be read ends it. */
enum status eval_speech(const char *model, const char *references);

#endif
