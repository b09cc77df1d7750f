/*
 * The model file of topics: HDF5. docs/formats.md has its layout.
 */
#ifndef STRADS_CLI_LDA_MODEL_H
#define STRADS_CLI_LDA_MODEL_H

#include "lda_record.h"

/* What is written: the words' counts, and where the documents' are to be read from. */
struct strads_lda_saved {
	const struct strads_lda_settings *settings;
	const struct strads_lda_result *result;
	const struct strads_names *vocabulary;
	const struct strads_lda_table *words;
	const double *coherence; /* [K] */
	struct strads_lda_model *model;
};

/* Replaces settings->model by all of it or leaves it as it was, reading the counts of documents
 * from the ranks that have them, one after the other. On one rank, while the others keep theirs.
 * Returns STRADS_OK, ERR_IO, ERR_MEMORY, or as strads_lda_model_documents. Thread: owner. */
STRADS_MUST_CHECK int strads_lda_model_save(const struct strads_lda_saved *saved);

#endif
