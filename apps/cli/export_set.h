/*
 * A data set of a model file as a file of its own.
 */
#ifndef STRADS_CLI_EXPORT_SET_H
#define STRADS_CLI_EXPORT_SET_H

#include "hdf5_get.h"

enum strads_export_format {
	STRADS_EXPORT_NPY,  /* NumPy's, version 1.0; texts become its byte strings */
	STRADS_EXPORT_TEXT, /* a row a line, numbers with all digits that they have */
};

/* Replaces `path` by the data set, a few MiB at a time. `name` is the data set's, for messages.
 * Returns STRADS_OK, ERR_IO (not to be written, or the data set not to be read), ERR_MEMORY. */
STRADS_MUST_CHECK int strads_export_set(const struct strads_hdf5_set *set, const char *name,
					enum strads_export_format format, const char *path);

#endif
