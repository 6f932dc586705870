/* ids.h - token ids as text: whole numbers separated by white space. */
#ifndef TAWNY_CLI_IDS_H
#define TAWNY_CLI_IDS_H

#include "cli.h"

/* *ids is to be freed with mem_free. ERR_USAGE names the first word that is no id; `name` is of
 * what is read, for messages. */
enum status ids_parse(const char *name, const char *text, size_t len, int32_t **ids, size_t *n);

#endif
