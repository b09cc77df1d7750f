#include "export_set.h"

#include "file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read at a time. */
#define PIECE_BYTES (4U << 20)

/* What is written. */
struct exporting {
	const struct strads_hdf5_set *set;
	const char *name;
	enum strads_export_format format;
};

/* ---- NumPy -------------------------------------------------------------------------------- */

/* "<f4", "|S12", … */
static void
describe(const struct strads_hdf5_set *set, char *text, size_t room)
{
	char kind = 'S';

	if (!set->text && H5Tget_class(set->type) == H5T_FLOAT)
		kind = 'f';
	else if (!set->text)
		kind = H5Tget_sign(set->type) == H5T_SGN_2 ? 'i' : 'u';
	snprintf(text, room, "%c%c%zu", set->text || set->bytes == 1 ? '|' : '<', kind, set->bytes);
}

/* Magic, version, the length of what follows, and a dictionary padded so that data begin at a
 * multiple of 64 bytes. */
static bool
put_header(const struct strads_hdf5_set *set, FILE *out)
{
	unsigned char start[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0, 0};
	char kind[32], text[1024];
	hsize_t shape[H5S_MAX_RANK];
	size_t length, padded;

	if (H5Sget_simple_extent_dims(set->space, shape, NULL) < 1)
		return false;
	describe(set, kind, sizeof kind);
	length = (size_t)snprintf(text, sizeof text,
				  "{'descr': '%s', 'fortran_order': False, 'shape': (", kind);
	for (int i = 0; i < set->dims; i++)
		length += (size_t)snprintf(text + length, sizeof text - length, "%" PRIuHSIZE ", ",
					   shape[i]);
	length += (size_t)snprintf(text + length, sizeof text - length, "), }");
	padded = (sizeof start + length + 1 + 63) / 64 * 64 - sizeof start;
	memset(text + length, ' ', padded - length);
	text[padded - 1] = '\n';
	start[8] = (unsigned char)padded;
	start[9] = (unsigned char)(padded >> 8);
	return fwrite(start, sizeof start, 1, out) == 1 && fwrite(text, padded, 1, out) == 1;
}

/* ---- Text --------------------------------------------------------------------------------- */

/* How the values of the set are read to be printed. */
static hid_t
printed_type(const struct strads_hdf5_set *set)
{
	if (set->text)
		return H5I_INVALID_HID;
	if (H5Tget_class(set->type) == H5T_FLOAT)
		return H5T_NATIVE_DOUBLE;
	return H5Tget_sign(set->type) == H5T_SGN_2 ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
}

static void
print_value(const struct strads_hdf5_set *set, const char *value, FILE *out)
{
	hid_t type = printed_type(set);
	union {
		double real;
		int64_t number;
		uint64_t count;
	} printed;

	if (set->text) {
		fwrite(value, strnlen(value, set->bytes), 1, out);
		return;
	}
	memcpy(&printed, value, sizeof printed);
	if (type == H5T_NATIVE_DOUBLE)
		fprintf(out, "%.*g", set->bytes == sizeof(float) ? 9 : 17, printed.real);
	else if (type == H5T_NATIVE_INT64)
		fprintf(out, "%" PRId64, printed.number);
	else
		fprintf(out, "%" PRIu64, printed.count);
}

static void
print_rows(const struct strads_hdf5_set *set, const char *values, hsize_t n, FILE *out)
{
	size_t bytes = set->text ? set->bytes : sizeof(uint64_t);

	for (hsize_t i = 0; i < n; i++)
		for (hsize_t j = 0; j < set->columns; j++) {
			print_value(set, values + (i * set->columns + j) * bytes, out);
			putc(j + 1 < set->columns ? ' ' : '\n', out);
		}
}

/* ---- Either ------------------------------------------------------------------------------- */

static int
write_rows(const struct exporting *exporting, FILE *out)
{
	const struct strads_hdf5_set *set = exporting->set;
	bool text = exporting->format == STRADS_EXPORT_TEXT;
	hid_t as = text ? printed_type(set) : H5I_INVALID_HID;
	size_t row = set->columns * (text && !set->text ? 8 : set->bytes);
	hsize_t step = row > 0 && row < PIECE_BYTES ? PIECE_BYTES / row : 1;
	char *values = malloc(step * row + 1);
	int status = STRADS_OK;

	if (!values)
		return strads_fail(STRADS_ERR_MEMORY, "no memory for rows of %s", exporting->name);
	for (hsize_t at = 0; status == STRADS_OK && at < set->rows; at += step) {
		hsize_t left = set->rows - at, n = left < step ? left : step;

		if (!strads_hdf5_set_read(set, at, n, as, values))
			status =
			    strads_fail(STRADS_ERR_IO, "HDF5 cannot read %s: the file is damaged",
					exporting->name);
		else if (text)
			print_rows(set, values, n, out);
		else
			fwrite(values, row, n, out);
	}
	free(values);
	return status;
}

static int
write_file(const char *name, void *arg)
{
	const struct exporting *exporting = arg;
	FILE *out = fopen(name, "w");
	int status = STRADS_OK;
	bool bad;

	if (!out)
		return strads_fail(STRADS_ERR_IO, "cannot write %s: %s", name, strerror(errno));
	errno = 0;
	bad = exporting->format == STRADS_EXPORT_NPY && !put_header(exporting->set, out);
	if (!bad)
		status = write_rows(exporting, out);
	bad = ferror(out) || bad;
	bad = fclose(out) || bad;
	if (bad && status == STRADS_OK)
		status = strads_fail(STRADS_ERR_IO, "cannot write %s: %s", exporting->name,
				     errno ? strerror(errno) : "is the disk full?");
	return status;
}

int
strads_export_set(const struct strads_hdf5_set *set, const char *name,
		  enum strads_export_format format, const char *path)
{
	struct exporting exporting = {set, name, format};

	return strads_file_replace_by(path, "data set", write_file, &exporting);
}
