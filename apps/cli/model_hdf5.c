#include "hdf5_put.h"
#include "model_format.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define POINT(member) offsetof(struct strads_linear_point, member)

/* Numbers of the points, all of one kind, which stands at `offset` in a point. */
static bool
put_points(hid_t group, const char *name, const struct strads_linear_path *path, size_t offset)
{
	double *column = malloc(path->count * sizeof *column);
	bool done = column != NULL;

	for (uint64_t k = 0; done && k < path->count; k++)
		memcpy(&column[k], (const char *)&path->point[k] + offset, sizeof column[k]);
	done = done && strads_hdf5_put_array(group, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
					     path->count, column);
	free(column);
	return done;
}

/* The models, one after the other: that of point k has entries start[k] … start[k + 1] − 1. */
static bool
put_models(hid_t group, const struct strads_linear_path *path)
{
	uint64_t *start = calloc(path->count + 1, sizeof *start), *index = NULL;
	double *value = NULL;
	bool done = start != NULL;

	for (uint64_t k = 0; done && k < path->count; k++)
		start[k + 1] = start[k] + path->point[k].model.count;
	if (done) {
		index = malloc((start[path->count] + 1) * sizeof *index);
		value = malloc((start[path->count] + 1) * sizeof *value);
		done = index && value;
	}
	for (uint64_t k = 0; done && k < path->count; k++) {
		const struct strads_linear_model *model = &path->point[k].model;

		if (model->count == 0)
			continue;
		memcpy(index + start[k], model->index, model->count * sizeof *index);
		memcpy(value + start[k], model->value, model->count * sizeof *value);
	}
	done = done &&
	       strads_hdf5_put_array(group, "start", H5T_STD_U64LE, H5T_NATIVE_UINT64,
				     path->count + 1, start) &&
	       strads_hdf5_put_array(group, "index", H5T_STD_U64LE, H5T_NATIVE_UINT64,
				     start[path->count], index) &&
	       strads_hdf5_put_array(group, "value", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
				     start[path->count], value);
	free(start);
	free(index);
	free(value);
	return done;
}

static bool
put_cross(hid_t group, const struct strads_lasso_cross *cross)
{
	if (cross->count == 0)
		return true;
	return strads_hdf5_put_count(group, "folds", cross->folds) &&
	       strads_hdf5_put_real(group, "lambda_min", cross->lambda[cross->best]) &&
	       strads_hdf5_put_real(group, "lambda_1se", cross->lambda[cross->one_se]) &&
	       strads_hdf5_put_array(group, "cv_mse", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
				     cross->count, cross->mean) &&
	       strads_hdf5_put_array(group, "cv_standard_error", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
				     cross->count, cross->error);
}

static bool
put_errors(hid_t group, const struct strads_fit_path *fit)
{
	const struct strads_linear_path *path = &fit->path;

	if (fit->family == STRADS_LINEAR_LOGISTIC)
		return put_points(group, "train_log_loss", path, POINT(at.train_log_loss)) &&
		       put_points(group, "test_log_loss", path, POINT(at.test_log_loss));
	return put_points(group, "train_mse", path, POINT(at.train_mse)) &&
	       put_points(group, "test_mse", path, POINT(at.test_mse));
}

static bool
put_path(hid_t file, const struct strads_fit_path *fit)
{
	const struct strads_linear_path *path = &fit->path;
	hid_t group = H5Gcreate2(file, "path", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	bool done = group >= 0 && strads_hdf5_put_count(group, "chosen", fit->chosen) &&
		    put_points(group, "lambda", path, POINT(at.lambda)) &&
		    put_points(group, "intercept", path, POINT(model.intercept)) &&
		    put_points(group, "objective", path, POINT(at.objective)) &&
		    put_points(group, "gap", path, POINT(at.gap)) &&
		    put_points(group, "explained", path, POINT(at.explained)) &&
		    put_errors(group, fit) && put_models(group, path) &&
		    put_cross(group, &fit->cross);

	if (group >= 0)
		H5Gclose(group);
	return done;
}

static bool
put_model(hid_t file, const struct strads_linear_model *model,
	  const struct strads_model_about *about)
{
	return strads_hdf5_put_text(file, "format", "strads-lasso-1") &&
	       strads_hdf5_put_text(file, "family", strads_model_family(about->family)) &&
	       strads_hdf5_put_count(file, "cols", model->cols) &&
	       strads_hdf5_put_count(file, "base", model->base) &&
	       strads_hdf5_put_real(file, "intercept", model->intercept) &&
	       strads_hdf5_put_real(file, "lambda", about->lambda) &&
	       strads_hdf5_put_real(file, "objective", about->objective) &&
	       strads_hdf5_put_real(file, "gap", about->gap) &&
	       strads_hdf5_put_text(file, "status", about->status) &&
	       strads_hdf5_put_array(file, "index", H5T_STD_U64LE, H5T_NATIVE_UINT64, model->count,
				     model->index) &&
	       strads_hdf5_put_array(file, "value", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, model->count,
				     model->value) &&
	       (!about->path || put_path(file, about->path));
}

/* A file that lives in memory alone: the bytes reach the disk the way every output does. */
static hid_t
create_in_memory(void)
{
	hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = H5I_INVALID_HID;

	if (access >= 0 && H5Pset_fapl_core(access, 1 << 16, false) >= 0)
		file = H5Fcreate("model.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
	if (access >= 0)
		H5Pclose(access);
	return file;
}

static void *
take_image(hid_t file, size_t *bytes)
{
	ssize_t size;
	void *image;

	if (H5Fflush(file, H5F_SCOPE_LOCAL) < 0)
		return NULL;
	size = H5Fget_file_image(file, NULL, 0);
	image = size > 0 ? malloc((size_t)size) : NULL;
	if (image && H5Fget_file_image(file, image, (size_t)size) != size) {
		free(image);
		image = NULL;
	}
	*bytes = image ? (size_t)size : 0;
	return image;
}

int
strads_model_hdf5(const struct strads_linear_model *model, const struct strads_model_about *about,
		  void **image, size_t *bytes)
{
	void *made = NULL;
	size_t size = 0;
	hid_t file;

	H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* failures are told once, by the caller */
	file = create_in_memory();
	if (file >= 0 && put_model(file, model, about))
		made = take_image(file, &size);
	if (file >= 0)
		H5Fclose(file);
	if (!made)
		return strads_fail(STRADS_ERR_IO,
				   "HDF5 cannot lay out a model of %llu coefficients",
				   (unsigned long long)model->count);
	*image = made;
	*bytes = size;
	return STRADS_OK;
}
