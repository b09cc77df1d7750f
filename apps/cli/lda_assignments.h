/*
 * The topic of every token as a text file.
 */
#ifndef STRADS_CLI_LDA_ASSIGNMENTS_H
#define STRADS_CLI_LDA_ASSIGNMENTS_H

#include "../lda/lda.h"

/* Replaces `path` by the assignments of all ranks, read a piece at a time, or leaves it as it was:
 * a line `document word topic` a token, all numbered from 0, in the order of documents and in them
 * of words. On one rank, while the others keep theirs. Returns STRADS_OK, ERR_IO, ERR_MEMORY, or as
 * strads_lda_model_tokens. Thread: owner. */
STRADS_MUST_CHECK int strads_lda_assignments_save(struct strads_lda_model *model, int ranks,
						  const char *path);

#endif
