/*
 * The model file of a factorization: HDF5. docs/formats.md has its layout.
 */
#ifndef STRADS_CLI_MF_MODEL_H
#define STRADS_CLI_MF_MODEL_H

#include "mf_record.h"

/* Replaces settings->model by the factors and ids, all of it or not at all, reading the factors
 * from the ranks that have them, a few thousand rows at a time. On one rank, while the others keep
 * theirs. Returns STRADS_OK, ERR_IO, ERR_MEMORY, or as strads_mf_model_read. Thread: owner. */
STRADS_MUST_CHECK int strads_mf_model_save(const struct strads_mf_settings *settings,
					   const struct strads_mf_result *result,
					   const struct strads_ratings *ratings,
					   struct strads_mf_model *model);

#endif
