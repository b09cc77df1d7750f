/*
 * Attributes and data sets of an HDF5 file, as a model file has them.
 */
#ifndef STRADS_CLI_HDF5_GET_H
#define STRADS_CLI_HDF5_GET_H

#include "strads/transport.h"

#include <hdf5.h>

/* Thread of all: any, one at a time. */

/* Opens a file to be read; the caller closes it with H5Fclose. Returns STRADS_OK, ERR_IO (missing,
 * not to be opened), ERR_INPUT (no HDF5 file). */
STRADS_MUST_CHECK int strads_hdf5_open(const char *path, hid_t *file);

/* Attributes; false where there is none of that name and kind. A text is cut to `room` − 1 bytes.
 */
bool strads_hdf5_get_real(hid_t at, const char *name, double *value);
bool strads_hdf5_get_count(hid_t at, const char *name, uint64_t *value);
bool strads_hdf5_get_text(hid_t at, const char *name, char *text, size_t room);

/* A data set of numbers, or of texts of one length, padded with NULs. */
struct strads_hdf5_set {
	hid_t set, space, type; /* type: as little-endian numbers or texts in memory */
	int dims;               /* 1 or more */
	hsize_t rows;           /* the first dimension … */
	hsize_t columns;        /* … and the others together */
	size_t bytes;           /* of a value */
	bool text;
};

/* Opens a data set; the caller closes it. False where there is none of that name and of such
 * values. */
bool strads_hdf5_set_open(hid_t file, const char *name, struct strads_hdf5_set *set);
void strads_hdf5_set_close(struct strads_hdf5_set *set);

/* Reads rows first … first + n − 1 into `values` [n][columns] of the type `as`, or of the set's own
 * where `as` is negative. Returns whether it worked. */
bool strads_hdf5_set_read(const struct strads_hdf5_set *set, hsize_t first, hsize_t n, hid_t as,
			  void *values);

#endif
