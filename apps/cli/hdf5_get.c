#include "hdf5_get.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
strads_hdf5_open(const char *path, hid_t *file)
{
	hid_t opened;

	H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* failures are told once, by the caller */
	if (access(path, R_OK))
		return strads_fail(STRADS_ERR_IO, "%s: %s", path, strerror(errno));
	opened = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
	if (opened < 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s is no HDF5 file: name a model that was written to a file "
				   "whose name ends in .h5",
				   path);
	*file = opened;
	return STRADS_OK;
}

/* ---- Attributes --------------------------------------------------------------------------- */

/* A single value of that class, converted to the type `as`. */
static bool
attribute_read(hid_t at, const char *name, H5T_class_t class, hid_t as, void *value)
{
	hid_t attribute = H5Aopen(at, name, H5P_DEFAULT);
	hid_t type = attribute >= 0 ? H5Aget_type(attribute) : H5I_INVALID_HID;
	hid_t space = attribute >= 0 ? H5Aget_space(attribute) : H5I_INVALID_HID;
	bool done = type >= 0 && H5Tget_class(type) == class && space >= 0 &&
		    H5Sget_simple_extent_npoints(space) == 1 && H5Aread(attribute, as, value) >= 0;

	if (space >= 0)
		H5Sclose(space);
	if (type >= 0)
		H5Tclose(type);
	if (attribute >= 0)
		H5Aclose(attribute);
	return done;
}

bool
strads_hdf5_get_real(hid_t at, const char *name, double *value)
{
	return attribute_read(at, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, value);
}

bool
strads_hdf5_get_count(hid_t at, const char *name, uint64_t *value)
{
	return attribute_read(at, name, H5T_INTEGER, H5T_NATIVE_UINT64, value);
}

bool
strads_hdf5_get_text(hid_t at, const char *name, char *text, size_t room)
{
	hid_t type = H5Tcopy(H5T_C_S1);
	bool done = type >= 0 && H5Tset_size(type, room) >= 0 &&
		    H5Tset_strpad(type, H5T_STR_NULLTERM) >= 0 &&
		    attribute_read(at, name, H5T_STRING, type, text);

	if (type >= 0)
		H5Tclose(type);
	return done;
}

/* ---- Data sets ---------------------------------------------------------------------------- */

/* A fixed-length text as it is stored. */
static hid_t
text_type(size_t bytes)
{
	hid_t type = H5Tcopy(H5T_C_S1);

	if (type >= 0 && H5Tset_size(type, bytes) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0)
		return type;
	if (type >= 0)
		H5Tclose(type);
	return H5I_INVALID_HID;
}

/* A number of that class and size, little-endian. */
static hid_t
number_type(hid_t stored, size_t bytes)
{
	bool is_signed = H5Tget_class(stored) == H5T_INTEGER && H5Tget_sign(stored) == H5T_SGN_2;

	if (H5Tget_class(stored) == H5T_FLOAT)
		return H5Tcopy(bytes <= 4 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE);
	if (bytes <= 1)
		return H5Tcopy(is_signed ? H5T_STD_I8LE : H5T_STD_U8LE);
	if (bytes <= 2)
		return H5Tcopy(is_signed ? H5T_STD_I16LE : H5T_STD_U16LE);
	if (bytes <= 4)
		return H5Tcopy(is_signed ? H5T_STD_I32LE : H5T_STD_U32LE);
	return H5Tcopy(is_signed ? H5T_STD_I64LE : H5T_STD_U64LE);
}

static bool
type_find(struct strads_hdf5_set *set)
{
	hid_t stored = H5Dget_type(set->set);
	H5T_class_t class = stored >= 0 ? H5Tget_class(stored) : H5T_NO_CLASS;
	size_t bytes = stored >= 0 ? H5Tget_size(stored) : 0;

	if (class == H5T_FLOAT || class == H5T_INTEGER) {
		set->type = number_type(stored, bytes);
	} else if (class == H5T_STRING && H5Tis_variable_str(stored) == 0) {
		set->text = true;
		set->type = text_type(bytes);
	}
	if (stored >= 0)
		H5Tclose(stored);
	set->bytes = set->type >= 0 ? H5Tget_size(set->type) : 0;
	return set->bytes > 0;
}

static bool
shape_find(struct strads_hdf5_set *set)
{
	hsize_t shape[H5S_MAX_RANK];

	set->space = H5Dget_space(set->set);
	set->dims = set->space >= 0 ? H5Sget_simple_extent_dims(set->space, shape, NULL) : 0;
	if (set->dims < 1)
		return false;
	set->rows = shape[0];
	set->columns = 1;
	for (int i = 1; i < set->dims; i++)
		set->columns *= shape[i];
	return true;
}

bool
strads_hdf5_set_open(hid_t file, const char *name, struct strads_hdf5_set *set)
{
	struct strads_hdf5_set new = {.space = H5I_INVALID_HID, .type = H5I_INVALID_HID};

	new.set = H5Dopen2(file, name, H5P_DEFAULT);
	if (new.set >= 0 && shape_find(&new) && type_find(&new)) {
		*set = new;
		return true;
	}
	strads_hdf5_set_close(&new);
	return false;
}

void
strads_hdf5_set_close(struct strads_hdf5_set *set)
{
	if (set->type >= 0)
		H5Tclose(set->type);
	if (set->space >= 0)
		H5Sclose(set->space);
	if (set->set >= 0)
		H5Dclose(set->set);
	set->type = set->space = set->set = H5I_INVALID_HID;
}

bool
strads_hdf5_set_read(const struct strads_hdf5_set *set, hsize_t first, hsize_t n, hid_t as,
		     void *values)
{
	hsize_t from[H5S_MAX_RANK] = {first}, shape[H5S_MAX_RANK];
	hsize_t total = n * set->columns;
	hid_t memory;
	bool done;

	if (total == 0)
		return true;
	memory = H5Screate_simple(1, &total, NULL);
	done = memory >= 0 && H5Sget_simple_extent_dims(set->space, shape, NULL) >= 1;
	shape[0] = n;
	done = done &&
	       H5Sselect_hyperslab(set->space, H5S_SELECT_SET, from, NULL, shape, NULL) >= 0 &&
	       H5Dread(set->set, as < 0 ? set->type : as, memory, set->space, H5P_DEFAULT,
		       values) >= 0;
	if (memory >= 0)
		H5Sclose(memory);
	return done;
}
