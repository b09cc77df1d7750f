/*
 * Leaving words out of documents: stop words, rare ones, and those that nearly all documents have.
 */
#ifndef STRADS_DOCUMENT_CUT_H
#define STRADS_DOCUMENT_CUT_H

#include "documents.h"

/* Leaves out, on all ranks alike, what the options say: the words that remain are numbered anew, in
 * the same order. Where the vocabulary is not known it becomes their numbers in the file, the first
 * of which is `lowest`. Sets left_words and this rank's left_tokens, and adapts words, vocabulary,
 * start, word and count. Collective: all ranks succeed or fail together. Returns STRADS_OK,
 * ERR_INPUT, ERR_IO, ERR_MEMORY, or as strads_counts_sum. Thread: owner. */
STRADS_MUST_CHECK int strads_document_cut(struct strads_fabric *fabric,
					  const struct strads_documents_options *options,
					  uint32_t lowest, struct strads_documents *documents);

#endif
