/*
 * Attributes and data sets of an HDF5 file.
 */
#ifndef STRADS_CLI_HDF5_PUT_H
#define STRADS_CLI_HDF5_PUT_H

#include "../data/names.h"
#include "strads/transport.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/* Each writes something of that name at `at`, a file, a group or a data set, and returns whether it
 * worked; the library keeps the reason. Thread: any, one at a time. */

/* Attributes: a double, an unsigned number of 64 bits, a text. */
bool strads_hdf5_put_real(hid_t at, const char *name, double value);
bool strads_hdf5_put_count(hid_t at, const char *name, uint64_t value);
bool strads_hdf5_put_text(hid_t at, const char *name, const char *value);

/* A data set of n values of the type `given`, as the type `stored`. */
bool strads_hdf5_put_array(hid_t at, const char *name, hid_t stored, hid_t given, uint64_t n,
			   const void *values);

/* A data set of texts of one length, that of the longest, padded with NULs. */
bool strads_hdf5_put_names(hid_t at, const char *name, const struct strads_names *names);

/* Puts all there is into a file. Returns whether it worked; *why is the status, explained, where
 * something other than the library failed. */
typedef bool strads_hdf5_put_all(hid_t file, void *arg, int *why);

/* Writes the model `name` by `put`, as strads_file_replace_by. Returns STRADS_OK, ERR_IO, or *why.
 */
STRADS_MUST_CHECK int strads_hdf5_save(const char *name, strads_hdf5_put_all *put, void *arg);

#endif
