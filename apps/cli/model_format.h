/*
 * A model as the bytes of a file of either format.
 */
#ifndef STRADS_CLI_MODEL_FORMAT_H
#define STRADS_CLI_MODEL_FORMAT_H

#include "model.h"

/* "squared" or "logistic". */
const char *strads_model_family(enum strads_linear_family family);

/* Both: the whole file in *image, to be freed with free(). Return STRADS_OK, ERR_MEMORY, ERR_IO
 * (the library refused). */
STRADS_MUST_CHECK int strads_model_text(const struct strads_linear_model *model,
					const struct strads_model_about *about, void **image,
					size_t *bytes);
STRADS_MUST_CHECK int strads_model_hdf5(const struct strads_linear_model *model,
					const struct strads_model_about *about, void **image,
					size_t *bytes);

#endif
