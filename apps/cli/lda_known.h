/*
 * Reading a model file of topics.
 */
#ifndef STRADS_CLI_LDA_KNOWN_H
#define STRADS_CLI_LDA_KNOWN_H

#include "../lda/infer.h"

/* Reads what the documents do not need to be known for; the caller frees. Returns STRADS_OK, ERR_IO
 * (missing, damaged), ERR_INPUT (no model of `strads lda`, or its tables do not fit each other),
 * ERR_MEMORY. Thread: any, one at a time. */
STRADS_MUST_CHECK int strads_lda_known_read(const char *path, struct strads_lda_known *known);

#endif
