/*
 * The model file of a factorization, read back with the library.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <hdf5.h>

#include "../../../apps/cli/mf_model.h"
#include "data_job.h"

#define K 3

static const char text[] = "anna x1 2\nanna x2 4\nben x1 3\nben x10 1\nco x2 5\n";

/* What the ranks of a job save, and rank 0 reads directly. */
struct saved {
	char data[512], path[512];
	int precision;
	int status;
	bool biases;
	double w[3 * (K + 1)], h[3 * (K + 1)];
	double objective;
};

static void
report(void *arg, const struct strads_mf_progress *progress, bool final)
{
	struct strads_mf_result *result = arg;

	(void) final;
	result->last = *progress;
}

static int
save(struct strads_fabric *fabric, struct saved *saved)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_mf_settings settings = {.model = saved->path,
					      .factors = K,
					      .lambda = 0.25,
					      .weighted = true,
					      .biases = saved->biases,
					      .precision = saved->precision,
					      .algorithm = STRADS_MF_CCDPP,
					      .inner = 1,
					      .iterations = 3,
					      .seed = 5};
	const struct strads_ratings_options reading = {
	    .data = saved->data, .wide = saved->precision == STRADS_MF_DOUBLE};
	struct strads_mf_result result = {.status = "limit"};
	struct strads_mf_options options;
	enum strads_mf_outcome outcome;
	struct strads_ratings ratings = {0};
	struct strads_mf_model *model = NULL;
	int status;

	strads_engine_defaults(&settings.launch.engine);
	options = strads_mf_settings_fit(&settings);
	status = strads_ratings_read(fabric, &reading, &ratings);
	if (status == STRADS_OK)
		status = strads_mf_fit(fabric, &ratings, &options, NULL, report, &result, &outcome,
				       &model);
	if (status == STRADS_OK && strads_job_rank(job) == 0) {
		status = strads_mf_model_save(&settings, &result, &ratings, model);
		if (status == STRADS_OK)
			status = strads_mf_model_read(model, STRADS_MF_USERS, 0, 3, saved->w);
		if (status == STRADS_OK)
			status = strads_mf_model_read(model, STRADS_MF_ITEMS, 0, 3, saved->h);
		saved->objective = result.last.objective;
		saved->status = status;
	}
	if (model)
		status = strads_job_agree(job, status);
	strads_mf_model_delete(&model);
	strads_ratings_free(&ratings);
	return status;
}

/* Simulated: all ranks are in this process and write to the same structure. */
static int
rank_main(struct strads_job *job, void *arg)
{
	struct strads_fabric_options options = {.fabric = "auto"};
	struct strads_fabric *fabric = NULL;
	int status = strads_fabric_open(job, &options, &fabric);

	if (status == STRADS_OK)
		status = save(fabric, arg);
	strads_fabric_close(&fabric);
	return status != STRADS_OK;
}

static double
real_of(hid_t file, const char *name)
{
	hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
	double value = -1;

	assert_true(attribute >= 0 && H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) >= 0);
	H5Aclose(attribute);
	return value;
}

/* A data set of the columns first … first + n − 1 of `expected` [3][columns]. */
static void
assert_columns(hid_t file, const char *name, const double *expected, size_t columns, size_t first,
	       size_t n, size_t real_bytes)
{
	hid_t set = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(set);
	hid_t type = H5Dget_type(set);
	double got[3 * K];
	hsize_t shape[2];

	assert_int_equal(H5Sget_simple_extent_dims(space, shape, NULL), 2);
	assert_int_equal(shape[0], 3);
	assert_int_equal(shape[1], n);
	assert_int_equal(H5Tget_size(type), real_bytes);
	assert_true(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0);
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(got + i * n, expected + i * columns + first,
				    n * sizeof *expected);
	H5Tclose(type);
	H5Sclose(space);
	H5Dclose(set);
}

static void
assert_names(hid_t file, const char *name, const char *expected, size_t bytes)
{
	hid_t set = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(set);
	char got[64] = "";

	assert_int_equal(3 * H5Tget_size(type), bytes);
	assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0);
	assert_memory_equal(got, expected, bytes);
	H5Tclose(type);
	H5Dclose(set);
}

static void
check(int ranks, int precision, bool biases)
{
	struct strads_job_options job = {
	    .kind = STRADS_JOB_SIM, .ranks = ranks, .timeout_ms = 30000, .sim = {.seed = 1}};
	struct saved saved = {.precision = precision, .biases = biases, .status = STRADS_AGAIN};
	size_t real_bytes = precision == STRADS_MF_DOUBLE ? 8 : 4, columns = K + biases;
	hid_t file;

	snprintf(saved.data, sizeof saved.data, "%s", data_file("named", text, strlen(text)));
	snprintf(saved.path, sizeof saved.path, "%s/model.h5", data_folder());
	assert_int_equal(strads_job_run(&job, rank_main, &saved), 0);
	assert_int_equal(saved.status, STRADS_OK);
	file = H5Fopen(saved.path, H5F_ACC_RDONLY, H5P_DEFAULT);
	assert_true(file >= 0);
	assert_true(real_of(file, "factors") == K);
	assert_true(real_of(file, "lambda") == 0.25);
	assert_true(real_of(file, "weighted") == 1);
	assert_true(real_of(file, "mean") == 3);
	assert_true(real_of(file, "iterations") == 3);
	assert_true(real_of(file, "objective") == saved.objective);
	assert_true(real_of(file, "biases") == biases);
	assert_columns(file, "W", saved.w, columns, 0, K, real_bytes);
	assert_columns(file, "H", saved.h, columns, 0, K, real_bytes);
	assert_int_equal(H5Lexists(file, "user_bias", H5P_DEFAULT), biases);
	if (biases) {
		assert_columns(file, "user_bias", saved.w, columns, K, 1, real_bytes);
		assert_columns(file, "item_bias", saved.h, columns, K, 1, real_bytes);
	}
	assert_names(file, "users", "co\0\0ben\0anna", 12);
	assert_names(file, "items", "x1\0x2\0x10", 9);
	H5Fclose(file);
}

static void
save__writes_factors_and_ids(void **state)
{
	(void)state;
	check(1, STRADS_MF_SINGLE, false);
	check(2, STRADS_MF_SINGLE, true);
	check(3, STRADS_MF_DOUBLE, false);
	check(3, STRADS_MF_DOUBLE, true);
}

static void
save__says_where_it_cannot_write(void **state)
{
	struct strads_job_options job = {.kind = STRADS_JOB_SIM, .ranks = 2, .timeout_ms = 30000};
	struct saved saved = {.status = STRADS_AGAIN};

	(void)state;
	snprintf(saved.data, sizeof saved.data, "%s", data_file("named", text, strlen(text)));
	snprintf(saved.path, sizeof saved.path, "%s/none/model.h5", data_folder());
	assert_int_equal(strads_job_run(&job, rank_main, &saved), 1);
	assert_int_equal(saved.status, STRADS_ERR_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(save__writes_factors_and_ids),
	    cmocka_unit_test(save__says_where_it_cannot_write),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}
