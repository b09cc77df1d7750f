/* Models as files: what was saved can be read back to the bit, and a failed save harms nothing. */
#include "../../../apps/cli/file.h"
#include "../../../apps/cli/model.h"

#include <dirent.h>
#include <hdf5.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t indices[] = {0, 6, UINT64_C(4294967295)};
static double values[] = {1.0 / 3, -2.5e-17, 12345.678901234567};
static const struct strads_linear_model model = {
    .count = 3, .cols = UINT64_C(4294967296), .index = indices, .value = values, .intercept = -0.1};
static const struct strads_model_about about = {
    .lambda = 14.6, .objective = 104661.707, .gap = 1e-7, .status = "converged"};

/* Every test runs in an empty folder of its own. */
static int
enter_folder(void **state)
{
	char *folder = strdup("model_files.XXXXXX");

	if (!folder || !mkdtemp(folder) || chdir(folder))
		return -1;
	*state = folder;
	return 0;
}

/* Names of what lies in the folder, counted; deletes all. */
static int
empty_folder(void)
{
	DIR *here = opendir(".");
	int count = 0;

	assert_non_null(here);
	for (struct dirent *entry = readdir(here); entry; entry = readdir(here)) {
		if (entry->d_name[0] == '.')
			continue;
		unlink(entry->d_name);
		count++;
	}
	closedir(here);
	return count;
}

static int
leave_folder(void **state)
{
	empty_folder();
	if (chdir("..") || rmdir(*state))
		return -1;
	free(*state);
	return 0;
}

static void
text__round_trip(void **state)
{
	char line[128];
	double value;
	uint64_t index;
	FILE *in;

	(void)state;
	assert_int_equal(strads_model_save("a.model", &model, &about), STRADS_OK);
	in = fopen("a.model", "r");
	assert_non_null(in);
	assert_non_null(fgets(line, sizeof line, in));
	assert_int_equal(sscanf(line, "intercept %lf", &value), 1);
	assert_true(value == model.intercept);
	for (uint64_t k = 0; k < model.count; k++) {
		assert_non_null(fgets(line, sizeof line, in));
		assert_int_equal(sscanf(line, "%" SCNu64 " %lf", &index, &value), 2);
		assert_true(index == indices[k] + 1);
		assert_true(value == values[k]);
	}
	assert_null(fgets(line, sizeof line, in));
	fclose(in);
}

static void
read_set(hid_t file, const char *name, hid_t type, hsize_t count, void *into)
{
	hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
	hid_t space = H5Dget_space(set);

	assert_true(set >= 0);
	assert_true((hsize_t)H5Sget_simple_extent_npoints(space) == count);
	assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, into) >= 0);
	H5Sclose(space);
	H5Dclose(set);
}

static void
read_attribute(hid_t file, const char *name, hid_t type, void *into)
{
	hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);

	assert_true(attribute >= 0);
	assert_true(H5Aread(attribute, type, into) >= 0);
	H5Aclose(attribute);
}

static void
read_in_path(hid_t file, const char *name, hid_t type, void *into)
{
	hid_t group = H5Gopen2(file, "path", H5P_DEFAULT);

	assert_true(group >= 0);
	read_attribute(group, name, type, into);
	H5Gclose(group);
}

static void
hdf5__round_trip(void **state)
{
	uint64_t index[3], cols;
	double value[3], intercept, lambda;
	hid_t file;

	(void)state;
	assert_int_equal(strads_model_save("a.h5", &model, &about), STRADS_OK);
	file = H5Fopen("a.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
	assert_true(file >= 0);
	read_set(file, "index", H5T_NATIVE_UINT64, 3, index);
	read_set(file, "value", H5T_NATIVE_DOUBLE, 3, value);
	read_attribute(file, "cols", H5T_NATIVE_UINT64, &cols);
	read_attribute(file, "intercept", H5T_NATIVE_DOUBLE, &intercept);
	read_attribute(file, "lambda", H5T_NATIVE_DOUBLE, &lambda);
	H5Fclose(file);
	assert_memory_equal(index, indices, sizeof indices);
	assert_memory_equal(value, values, sizeof values);
	assert_true(cols == model.cols);
	assert_true(intercept == model.intercept);
	assert_true(lambda == about.lambda);
}

/* Two λs: nothing, then `model`. */
static struct strads_linear_point points[] = {
    {.at = {.lambda = 20, .objective = 9, .gap = 0, .test_mse = 4}, .model = {.intercept = 2}},
    {.at = {.lambda = 14.6, .objective = 8, .gap = 1e-7, .test_mse = 3}},
};

static struct strads_fit_path
path_of_two(void)
{
	points[1].model = model;
	return (struct strads_fit_path){.path = {.count = 2, .point = points}, .chosen = 1};
}

static void
path__text_has_a_section_for_each_lambda(void **state)
{
	const struct strads_fit_path fit = path_of_two();
	struct strads_model_about whole = about;
	char line[128], expected[2][64];
	FILE *in;

	(void)state;
	whole.path = &fit;
	assert_int_equal(strads_model_save("p.model", &model, &whole), STRADS_OK);
	in = fopen("p.model", "r");
	assert_non_null(in);
	snprintf(expected[0], sizeof expected[0], "lambda %.17g\n", 20.0);
	snprintf(expected[1], sizeof expected[1], "lambda %.17g\n", 14.6);
	assert_string_equal(fgets(line, sizeof line, in), expected[0]);
	assert_string_equal(fgets(line, sizeof line, in), "intercept 2\n");
	assert_string_equal(fgets(line, sizeof line, in), expected[1]);
	for (uint64_t k = 0; k <= model.count; k++)
		assert_non_null(fgets(line, sizeof line, in));
	assert_null(fgets(line, sizeof line, in));
	fclose(in);
}

static void
path__hdf5_has_the_chosen_model_and_all(void **state)
{
	double mean[] = {5, 4}, error[] = {0.5, 0.25}, lambda[] = {20, 14.6};
	double value[3], lambdas[2], mse[2], least;
	uint64_t start[3], index[3], chosen;
	struct strads_fit_path fit = path_of_two();
	struct strads_model_about whole = about;
	hid_t file;

	(void)state;
	fit.cross = (struct strads_lasso_cross){
	    .folds = 5, .count = 2, .lambda = lambda, .mean = mean, .error = error, .best = 1};
	whole.path = &fit;
	assert_int_equal(strads_model_save("p.h5", &model, &whole), STRADS_OK);
	file = H5Fopen("p.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
	assert_true(file >= 0);
	read_set(file, "index", H5T_NATIVE_UINT64, 3, index);
	assert_memory_equal(index, indices, sizeof indices);
	read_set(file, "path/start", H5T_NATIVE_UINT64, 3, start);
	assert_true(start[0] == 0 && start[1] == 0 && start[2] == 3);
	read_set(file, "path/index", H5T_NATIVE_UINT64, 3, index);
	read_set(file, "path/value", H5T_NATIVE_DOUBLE, 3, value);
	assert_memory_equal(index, indices, sizeof indices);
	assert_memory_equal(value, values, sizeof values);
	read_set(file, "path/lambda", H5T_NATIVE_DOUBLE, 2, lambdas);
	assert_memory_equal(lambdas, lambda, sizeof lambda);
	read_set(file, "path/cv_mse", H5T_NATIVE_DOUBLE, 2, mse);
	assert_memory_equal(mse, mean, sizeof mean);
	read_in_path(file, "chosen", H5T_NATIVE_UINT64, &chosen);
	read_in_path(file, "lambda_min", H5T_NATIVE_DOUBLE, &least);
	H5Fclose(file);
	assert_true(chosen == 1 && least == 14.6);
}

static void
save__without_nonzeros(void **state)
{
	const struct strads_linear_model zero = {.cols = 5, .intercept = 2};
	uint64_t none[1];
	hid_t file;

	(void)state;
	assert_int_equal(strads_model_save("z.model", &zero, &about), STRADS_OK);
	assert_int_equal(strads_model_save("z.h5", &zero, &about), STRADS_OK);
	file = H5Fopen("z.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
	assert_true(file >= 0);
	read_set(file, "index", H5T_NATIVE_UINT64, 0, none);
	H5Fclose(file);
}

static void
save__full_device(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(strads_model_save("/dev/full", &model, &about), STRADS_ERR_IO);
	assert_string_equal(strads_error(),
			    "cannot write the model /dev/full: No space left on device");
	assert_int_equal(stat("/dev/full", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

/* A limit on the size of files stands for a disk that fills up half way. */
static void
save__disk_fills_up(void **state)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	const struct rlimit small = {20, RLIM_INFINITY};
	char line[128];
	FILE *file = fopen("a.model", "w");

	(void)state;
	assert_non_null(file);
	fputs("what was there before\n", file);
	fclose(file);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(strads_model_save("a.model", &model, &about), STRADS_ERR_IO);
	assert_int_equal(strads_model_save("b.h5", &model, &about), STRADS_ERR_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	file = fopen("a.model", "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof line, file));
	assert_string_equal(line, "what was there before\n");
	fclose(file);
	assert_int_equal(empty_folder(), 1); /* no temporary file, no half model */
}

static void
save__through_a_link(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(strads_model_save("a.model", &model, &about), STRADS_OK);
	assert_int_equal(symlink("a.model", "link"), 0);
	assert_int_equal(strads_model_save("link", &model, &about), STRADS_OK);
	assert_int_equal(lstat("link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void
writable__answers_before_the_run(void **state)
{
	(void)state;
	assert_int_equal(strads_file_writable("a.model", "model"), STRADS_OK);
	assert_int_equal(empty_folder(), 0);
	assert_int_equal(strads_file_writable("none/a.model", "model"), STRADS_ERR_IO);
	assert_non_null(strstr(strads_error(), "the model none/a.model: No such file"));
	assert_int_equal(strads_file_writable(".", "model"), STRADS_ERR_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(text__round_trip, enter_folder, leave_folder),
	    cmocka_unit_test_setup_teardown(hdf5__round_trip, enter_folder, leave_folder),
	    cmocka_unit_test_setup_teardown(path__text_has_a_section_for_each_lambda, enter_folder,
					    leave_folder),
	    cmocka_unit_test_setup_teardown(path__hdf5_has_the_chosen_model_and_all, enter_folder,
					    leave_folder),
	    cmocka_unit_test_setup_teardown(save__without_nonzeros, enter_folder, leave_folder),
	    cmocka_unit_test_setup_teardown(save__full_device, enter_folder, leave_folder),
	    cmocka_unit_test_setup_teardown(save__disk_fills_up, enter_folder, leave_folder),
	    cmocka_unit_test_setup_teardown(save__through_a_link, enter_folder, leave_folder),
	    cmocka_unit_test_setup_teardown(writable__answers_before_the_run, enter_folder,
					    leave_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
