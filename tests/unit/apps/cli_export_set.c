/*
 * Data sets of every kind as files of their own, read back by hand.
 */
#include "../../../apps/cli/export_set.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data_job.h"

#define ROWS    5
#define COLUMNS 3

struct fixture {
	char model[512], path[512];
	char *bytes; /* of the exported file */
	size_t size;
};

static void
put(hid_t file, const char *name, int dims, const hsize_t *shape, hid_t type, const void *values)
{
	hid_t space = H5Screate_simple(dims, shape, NULL);
	hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

	assert_true(set >= 0 && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
	H5Dclose(set);
	H5Sclose(space);
}

static const float floats[ROWS][COLUMNS] = {{0.1F, -2}, {3e-30F}, {7, 8, 9}, {0}, {1e30F}};
static const double doubles[ROWS] = {0.1, -1e300, 3, 0, 1.0 / 3};
static const uint64_t counts[2] = {UINT64_MAX, 7};
static const int32_t signs[2] = {-5, 6};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	const hsize_t shape[2] = {ROWS, COLUMNS}, two = 2, none[2] = {0, COLUMNS};
	hid_t text = H5Tcopy(H5T_C_S1), file;

	assert_non_null(f);
	snprintf(f->model, sizeof f->model, "%s/sets.h5", data_folder());
	snprintf(f->path, sizeof f->path, "%s/exported", data_folder());
	file = H5Fcreate(f->model, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	assert_true(file >= 0);
	put(file, "floats", 2, shape, H5T_NATIVE_FLOAT, floats);
	put(file, "doubles", 1, shape, H5T_NATIVE_DOUBLE, doubles);
	put(file, "counts", 1, &two, H5T_NATIVE_UINT64, counts);
	put(file, "signs", 1, &two, H5T_NATIVE_INT32, signs);
	put(file, "none", 2, none, H5T_NATIVE_FLOAT, floats);
	H5Tset_size(text, 4);
	H5Tset_strpad(text, H5T_STR_NULLPAD);
	put(file, "texts", 1, &two, text, "annaco\0");
	H5Tclose(text);
	H5Fclose(file);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->bytes);
	free(f);
	return 0;
}

static void export(struct fixture *f, const char *name, enum strads_export_format format)
{
	struct strads_hdf5_set set;
	hid_t file;
	FILE *in;

	assert_int_equal(strads_hdf5_open(f->model, &file), STRADS_OK);
	assert_true(strads_hdf5_set_open(file, name, &set));
	assert_int_equal(strads_export_set(&set, name, format, f->path), STRADS_OK);
	strads_hdf5_set_close(&set);
	H5Fclose(file);
	in = fopen(f->path, "r");
	assert_non_null(in);
	free(f->bytes);
	f->bytes = calloc(1, 4096);
	assert_non_null(f->bytes);
	f->size = fread(f->bytes, 1, 4095, in);
	fclose(in);
}

/* The header says `kind` and `shape`, and the data behind it are these. */
static void
assert_npy(struct fixture *f, const char *name, const char *kind, const char *shape,
	   const void *values, size_t bytes)
{
	char expected[256];
	size_t length;

	export(f, name, STRADS_EXPORT_NPY);
	assert_true(f->size >= 10);
	assert_memory_equal(f->bytes, "\x93NUMPY\x01\x00", 8);
	length = (unsigned char)f->bytes[8] + 256U * (unsigned char)f->bytes[9];
	assert_int_equal((10 + length) % 64, 0);
	assert_int_equal(f->size, 10 + length + bytes);
	snprintf(expected, sizeof expected,
		 "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, shape);
	assert_memory_equal(f->bytes + 10, expected, strlen(expected));
	assert_int_equal(f->bytes[10 + length - 1], '\n');
	assert_memory_equal(f->bytes + 10 + length, values, bytes);
}

static void
assert_text(struct fixture *f, const char *name, const char *expected)
{
	export(f, name, STRADS_EXPORT_TEXT);
	assert_string_equal(f->bytes, expected);
}

static void
export__to_npy(void **state)
{
	struct fixture *f = *state;

	assert_npy(f, "floats", "<f4", "5, 3, ", floats, sizeof floats);
	assert_npy(f, "doubles", "<f8", "5, ", doubles, sizeof doubles);
	assert_npy(f, "counts", "<u8", "2, ", counts, sizeof counts);
	assert_npy(f, "signs", "<i4", "2, ", signs, sizeof signs);
	assert_npy(f, "texts", "|S4", "2, ", "annaco\0", 8);
	assert_npy(f, "none", "<f4", "0, 3, ", "", 0);
}

static void
export__to_text(void **state)
{
	struct fixture *f = *state;

	assert_text(f, "floats",
		    "0.100000001 -2 0\n3.00000001e-30 0 0\n7 8 9\n0 0 0\n1.00000002e+30 0 0\n");
	assert_text(f, "doubles",
		    "0.10000000000000001\n-1.0000000000000001e+300\n3\n0\n"
		    "0.33333333333333331\n");
	assert_text(f, "counts", "18446744073709551615\n7\n");
	assert_text(f, "signs", "-5\n6\n");
	assert_text(f, "texts", "anna\nco\n");
	assert_text(f, "none", "");
}

static void
export__leaves_no_file_that_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	struct strads_hdf5_set set;
	hid_t file;

	assert_int_equal(strads_hdf5_open(f->model, &file), STRADS_OK);
	assert_true(strads_hdf5_set_open(file, "floats", &set));
	assert_int_equal(strads_export_set(&set, "floats", STRADS_EXPORT_NPY, "/none/there"),
			 STRADS_ERR_IO);
	strads_hdf5_set_close(&set);
	assert_false(strads_hdf5_set_open(file, "missing", &set));
	H5Fclose(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(export__to_npy),
	    TEST(export__to_text),
	    TEST(export__leaves_no_file_that_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}
