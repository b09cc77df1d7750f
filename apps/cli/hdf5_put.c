#include "hdf5_put.h"

#include "file.h"

#include <stdlib.h>
#include <string.h>

static bool
put_number(hid_t at, const char *name, hid_t stored, hid_t given, const void *value)
{
	hid_t space = H5Screate(H5S_SCALAR);
	hid_t attribute = H5Acreate2(at, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
	bool done = attribute >= 0 && H5Awrite(attribute, given, value) >= 0;

	if (attribute >= 0)
		H5Aclose(attribute);
	if (space >= 0)
		H5Sclose(space);
	return done;
}

bool
strads_hdf5_put_real(hid_t at, const char *name, double value)
{
	return put_number(at, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

bool
strads_hdf5_put_count(hid_t at, const char *name, uint64_t value)
{
	return put_number(at, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &value);
}

bool
strads_hdf5_put_text(hid_t at, const char *name, const char *value)
{
	hid_t type = H5Tcopy(H5T_C_S1);
	bool done = type >= 0 && H5Tset_size(type, strlen(value) + 1) >= 0 &&
		    put_number(at, name, type, type, value);

	if (type >= 0)
		H5Tclose(type);
	return done;
}

bool
strads_hdf5_put_array(hid_t at, const char *name, hid_t stored, hid_t given, uint64_t n,
		      const void *values)
{
	hsize_t shape = n;
	hid_t space = H5Screate_simple(1, &shape, NULL);
	hid_t set = H5Dcreate2(at, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	bool done = set >= 0 &&
		    (n == 0 || H5Dwrite(set, given, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);

	if (set >= 0)
		H5Dclose(set);
	if (space >= 0)
		H5Sclose(space);
	return done;
}

bool
strads_hdf5_put_names(hid_t at, const char *name, const struct strads_names *names)
{
	size_t longest = 1;
	char *texts;
	hid_t type;
	bool done;

	for (size_t i = 0; i < names->count; i++) {
		size_t length = strlen(strads_names_word(names, i));

		longest = length > longest ? length : longest;
	}
	texts = calloc(names->count + 1, longest);
	type = H5Tcopy(H5T_C_S1);
	for (size_t i = 0; texts && i < names->count; i++)
		stpncpy(texts + i * longest, strads_names_word(names, i), longest);
	done = texts && type >= 0 && H5Tset_size(type, longest) >= 0 &&
	       H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
	       strads_hdf5_put_array(at, name, type, type, names->count, texts);
	if (type >= 0)
		H5Tclose(type);
	free(texts);
	return done;
}

/* ---- The file ---- */

struct save {
	const char *name; /* as its user gave it */
	strads_hdf5_put_all *put;
	void *arg;
};

static int
write_file(const char *name, void *arg)
{
	const struct save *save = arg;
	int why = STRADS_OK;
	hid_t file;
	bool done;

	H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* failures are told once, by the caller */
	file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	done = file >= 0 && save->put(file, save->arg, &why);
	if (file >= 0 && H5Fclose(file) < 0)
		done = false;
	if (why)
		return why;
	if (!done)
		return strads_fail(STRADS_ERR_IO,
				   "HDF5 cannot write the model %s: is there room for it?",
				   save->name);
	return STRADS_OK;
}

int
strads_hdf5_save(const char *name, strads_hdf5_put_all *put, void *arg)
{
	struct save save = {.name = name, .put = put, .arg = arg};

	return strads_file_replace_by(name, "model", write_file, &save);
}
