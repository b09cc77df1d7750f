#include "mf_model.h"

#include "hdf5_put.h"

#include <stdlib.h>
#include <string.h>

/* What is written. */
struct saving {
	const struct strads_mf_settings *settings;
	const struct strads_mf_result *result;
	const struct strads_ratings *ratings;
	struct strads_mf_model *model;
	int status; /* of what failed beside HDF5 */
};

/* Columns `first` to `first` + `count` − 1 of one side, read and written a part of the rows at a
 * time. */
static bool
put_rows(struct saving *saving, hid_t set, hid_t space, enum strads_mf_side side, hsize_t first,
	 hsize_t count, double *rows)
{
	uint64_t all = strads_mf_model_rows(saving->model, side);
	const hsize_t from[2] = {0, first};
	bool done = true;

	for (hsize_t at[2] = {0, 0}; done && at[0] < all; at[0] += STRADS_MF_ROWS_MAX) {
		uint64_t left = all - at[0];
		hsize_t shape[2] = {left < STRADS_MF_ROWS_MAX ? left : STRADS_MF_ROWS_MAX, count};
		hsize_t read[2] = {shape[0], strads_mf_model_columns(saving->model)};
		hid_t part = H5Screate_simple(2, read, NULL);

		saving->status =
		    strads_mf_model_read(saving->model, side, at[0], (uint32_t)shape[0], rows);
		done = saving->status == STRADS_OK && part >= 0 &&
		       H5Sselect_hyperslab(part, H5S_SELECT_SET, from, NULL, shape, NULL) >= 0 &&
		       H5Sselect_hyperslab(space, H5S_SELECT_SET, at, NULL, shape, NULL) >= 0 &&
		       H5Dwrite(set, H5T_NATIVE_DOUBLE, part, space, H5P_DEFAULT, rows) >= 0;
		if (part >= 0)
			H5Sclose(part);
	}
	return done;
}

/* A data set of one side's factors, or of its biases: one column. */
static bool
put_columns(struct saving *saving, hid_t file, const char *name, enum strads_mf_side side,
	    bool biases)
{
	hsize_t factors = saving->settings->factors;
	hsize_t shape[2] = {strads_mf_model_rows(saving->model, side), biases ? 1 : factors};
	hid_t type =
	    saving->settings->precision == STRADS_MF_DOUBLE ? H5T_IEEE_F64LE : H5T_IEEE_F32LE;
	hid_t space = H5Screate_simple(2, shape, NULL);
	hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	double *rows = malloc((size_t)STRADS_MF_ROWS_MAX * strads_mf_model_columns(saving->model) *
			      sizeof *rows);
	bool done = rows && set >= 0 &&
		    put_rows(saving, set, space, side, biases ? factors : 0, shape[1], rows);

	free(rows);
	if (set >= 0)
		H5Dclose(set);
	if (space >= 0)
		H5Sclose(space);
	return done;
}

static bool
put_factors(struct saving *saving, hid_t file)
{
	return put_columns(saving, file, "W", STRADS_MF_USERS, false) &&
	       put_columns(saving, file, "H", STRADS_MF_ITEMS, false) &&
	       (!saving->settings->biases ||
		(put_columns(saving, file, "user_bias", STRADS_MF_USERS, true) &&
		 put_columns(saving, file, "item_bias", STRADS_MF_ITEMS, true)));
}

static bool
put_all(hid_t file, void *arg, int *why)
{
	struct saving *saving = arg;
	const struct strads_mf_settings *settings = saving->settings;
	const struct strads_mf_result *result = saving->result;
	bool done = strads_hdf5_put_text(file, "format", "strads-mf-1") &&
		    strads_hdf5_put_text(file, "algorithm",
					 strads_mf_algorithm_name(settings->algorithm)) &&
		    strads_hdf5_put_count(file, "factors", settings->factors) &&
		    strads_hdf5_put_real(file, "lambda", settings->lambda) &&
		    strads_hdf5_put_count(file, "weighted", settings->weighted) &&
		    strads_hdf5_put_count(file, "biases", settings->biases) &&
		    strads_hdf5_put_count(file, "seed", settings->seed) &&
		    strads_hdf5_put_real(file, "mean", saving->ratings->mean) &&
		    strads_hdf5_put_count(file, "iterations", result->last.iterations) &&
		    strads_hdf5_put_real(file, "objective", result->last.objective) &&
		    strads_hdf5_put_real(file, "train_rmse", result->last.train_rmse) &&
		    strads_hdf5_put_real(file, "test_rmse", result->last.test_rmse) &&
		    strads_hdf5_put_text(file, "status", result->status) &&
		    strads_hdf5_put_names(file, "users", &saving->ratings->users) &&
		    strads_hdf5_put_names(file, "items", &saving->ratings->items) &&
		    put_factors(saving, file);

	*why = saving->status;
	return done;
}

int
strads_mf_model_save(const struct strads_mf_settings *settings,
		     const struct strads_mf_result *result, const struct strads_ratings *ratings,
		     struct strads_mf_model *model)
{
	struct saving saving = {settings, result, ratings, model, STRADS_OK};

	return strads_hdf5_save(settings->model, put_all, &saving);
}
