/*
 * Words too common to tell anything.
 */
#ifndef STRADS_STOP_WORDS_H
#define STRADS_STOP_WORDS_H

#include "names.h"

/* Those of English for `name` "english", else those of the file of that name, which are separated
 * by blanks and line ends; a word may stand there more than once. Collective: all ranks succeed or
 * fail together. The caller frees `words`, on failure too. Returns STRADS_OK, ERR_INPUT,
 * ERR_MEMORY, or as strads_text_open. Thread: owner. */
STRADS_MUST_CHECK int strads_stop_words_read(struct strads_fabric *fabric, const char *name,
					     struct strads_names *words);

#endif
