/*
 * Model files: text, or HDF5 where the name ends in .h5. docs/formats.md has their layout.
 */
#ifndef STRADS_CLI_MODEL_H
#define STRADS_CLI_MODEL_H

#include "fit_path.h"

/* What a model says beside the coefficients. */
struct strads_model_about {
	enum strads_linear_family family;
	double lambda;
	double objective;
	double gap;                         /* relative */
	const char *status;                 /* "converged", "limit", … */
	const struct strads_fit_path *path; /* that the model is a point of; or NULL */
};

/* Replaces `path` by the model, all of it or not at all. Returns STRADS_OK, ERR_IO (the sentence
 * names the path and the cause), ERR_MEMORY. Thread: any, one at a time for HDF5. */
STRADS_MUST_CHECK int strads_model_save(const char *path, const struct strads_linear_model *model,
					const struct strads_model_about *about);

#endif
