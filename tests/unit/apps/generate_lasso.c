/*
 * Generated Lasso problems.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data_job.h"
#include "generate.h"
#include "inflate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS     200
#define COLS     1000
#define NONZEROS 20

static char data[512], response[512], solution[512];

static struct strads_generate_lasso_options
problem(const char *name)
{
	snprintf(data, sizeof(data), "%s/%s", data_folder(), name);
	snprintf(response, sizeof(response), "%s/y", data_folder());
	snprintf(solution, sizeof(solution), "%s/beta", data_folder());
	return (struct strads_generate_lasso_options){
	    .rows = ROWS,
	    .cols = COLS,
	    .nonzeros = NONZEROS,
	    .planted = 17,
	    .noise = 0.0,
	    .seed = 5,
	    .data = data,
	    .response = strstr(name, ".mtx") ? response : NULL,
	    .solution = solution,
	};
}

static void
load(const char *path, char **text, size_t *bytes)
{
	assert_int_equal(strads_inflate_file(path, text, bytes), STRADS_OK);
	(*text)[*bytes] = '\0';
}

/* The generated MatrixMarket file as a dense matrix, x[row][col]. */
static void
load_matrix(double x[ROWS][COLS])
{
	size_t bytes;
	char *text, *at;
	long count;

	load(data, &text, &bytes);
	memset(x, 0, ROWS * COLS * sizeof(double));
	at = strchr(text, '\n') + 1;
	assert_int_equal(strtol(at, &at, 10), ROWS);
	assert_int_equal(strtol(at, &at, 10), COLS);
	count = strtol(at, &at, 10);
	assert_int_equal(count, COLS * NONZEROS);
	while (count--) {
		long row = strtol(at, &at, 10) - 1, col = strtol(at, &at, 10) - 1;

		assert_true(x[row][col] == 0.0);
		x[row][col] = strtod(at, &at);
	}
	free(text);
}

static void
generate_lasso__columns_are_as_stated(void **state)
{
	static double x[ROWS][COLS];
	struct strads_generate_lasso_options options = problem("x.mtx");
	int chained = 0, below = 0, total = 0;

	(void)state;
	assert_int_equal(strads_generate_lasso(&options), STRADS_OK);
	load_matrix(x);
	for (int j = 0; j < COLS; j++) {
		int nonzeros = 0, shared = 0;

		for (int i = 0; i < ROWS; i++) {
			assert_true(x[i][j] >= 0.0 && x[i][j] <= 1.0);
			nonzeros += x[i][j] != 0.0;
			shared += j && x[i][j] != 0.0 && x[i][j - 1] != 0.0;
			below += x[i][j] != 0.0 && x[i][j] <= 0.5;
			total += x[i][j] != 0.0;
		}
		assert_int_equal(nonzeros, NONZEROS);
		if (shared == NONZEROS) {
			chained++;
			for (int i = 0; i < ROWS; i++)
				assert_true(x[i][j] >= 0.9 * x[i][j - 1] - 1e-6 &&
					    x[i][j] <= 0.9 * x[i][j - 1] + 0.1 + 1e-6);
		}
	}
	/* A tenth of 1,000 columns, and half of the values: five standard deviations of room. */
	assert_in_range(chained, 52, 148);
	assert_in_range(below, total * 44 / 100, total * 56 / 100);
}

static void
generate_lasso__response_is_x_times_the_planted_solution(void **state)
{
	static double x[ROWS][COLS];
	struct strads_generate_lasso_options options = problem("x.mtx");
	double y[ROWS] = {0};
	size_t bytes;
	char *text, *at;
	long last = 0;
	int planted = 0;

	(void)state;
	assert_int_equal(strads_generate_lasso(&options), STRADS_OK);
	load_matrix(x);
	load(solution, &text, &bytes);
	at = text;
	while (at < text + bytes - 1) {
		long col = strtol(at, &at, 10);
		double beta = strtod(at, &at);

		at++;
		assert_true(col > last && col <= COLS);
		assert_true(fabs(beta) > 0.5 && fabs(beta) <= 1.5);
		last = col;
		planted++;
		for (int i = 0; i < ROWS; i++)
			y[i] += x[i][col - 1] * beta;
	}
	assert_int_equal(planted, 17);
	free(text);
	load(response, &text, &bytes);
	at = text;
	for (int i = 0; i < ROWS; i++)
		assert_true(fabs(strtod(at, &at) - y[i]) <= 1e-12);
	free(text);
}

static void
generate_lasso__svmlight_is_the_same_problem(void **state)
{
	struct strads_generate_lasso_options options = problem("x.mtx");
	struct data_outcome market[DATA_RANKS_MAX], svmlight[DATA_RANKS_MAX];
	struct strads_dataset_options read = {.data = data, .response = response};
	uint64_t memory[] = {0, 4096, 1};

	(void)state;
	options.noise = 0.3;
	assert_int_equal(strads_generate_lasso(&options), STRADS_OK);
	data_job_read(STRADS_JOB_SELF, 1, &read, market);
	assert_int_equal(market[0].status, STRADS_OK);
	options = problem("x.svm");
	options.noise = 0.3;
	read.response = NULL;
	read.min_cols = COLS;
	for (int m = 0; m < 3; m++) {
		options.memory_bytes = memory[m];
		assert_int_equal(strads_generate_lasso(&options), STRADS_OK);
		data_job_read(STRADS_JOB_SELF, 1, &read, svmlight);
		assert_int_equal(svmlight[0].status, STRADS_OK);
		assert_int_equal(svmlight[0].in_order, market[0].in_order);
	}
}

static void
generate_lasso__noise_has_the_stated_size(void **state)
{
	struct strads_generate_lasso_options options = problem("x.mtx");
	double clean[ROWS], mean = 0.0, spread = 0.0, noise = 0.0;
	size_t bytes;
	char *text, *at;

	(void)state;
	assert_int_equal(strads_generate_lasso(&options), STRADS_OK);
	load(response, &text, &bytes);
	at = text;
	for (int i = 0; i < ROWS; i++)
		mean += (clean[i] = strtod(at, &at)) / ROWS;
	free(text);
	options.noise = 0.5;
	assert_int_equal(strads_generate_lasso(&options), STRADS_OK);
	load(response, &text, &bytes);
	at = text;
	for (int i = 0; i < ROWS; i++) {
		double error = strtod(at, &at) - clean[i];

		noise += error * error;
		spread += (clean[i] - mean) * (clean[i] - mean);
	}
	free(text);
	assert_true(sqrt(noise / spread) > 0.4 && sqrt(noise / spread) < 0.6);
}

static void
generate_lasso__same_seed_same_bytes(void **state)
{
	struct strads_generate_lasso_options options = problem("x.svm");
	size_t bytes[3];
	char *text[3];

	(void)state;
	for (int k = 0; k < 3; k++) {
		options.seed = k == 2 ? 6 : 5;
		assert_int_equal(strads_generate_lasso(&options), STRADS_OK);
		load(data, &text[k], &bytes[k]);
	}
	assert_string_equal(text[0], text[1]);
	assert_string_not_equal(text[0], text[2]);
	for (int k = 0; k < 3; k++)
		free(text[k]);
}

static void
generate_lasso__dense_columns(void **state)
{
	struct strads_generate_lasso_options options = problem("dense.svm");
	struct strads_dataset_options read = {.data = data};
	struct data_outcome outcome[DATA_RANKS_MAX];

	(void)state;
	options.cols = 10;
	options.planted = 10;
	options.nonzeros = ROWS;
	assert_int_equal(strads_generate_lasso(&options), STRADS_OK);
	data_job_read(STRADS_JOB_SIM, 2, &read, outcome);
	assert_int_equal(outcome[0].entries_total, 10 * ROWS);
}

static void
generate_lasso__options_out_of_range(void **state)
{
	struct strads_generate_lasso_options options = problem("x.svm");

	(void)state;
	options.nonzeros = ROWS + 1;
	assert_int_equal(strads_generate_lasso(&options), STRADS_ERR_ARGUMENT);
	options = problem("x.svm");
	options.planted = COLS + 1;
	assert_int_equal(strads_generate_lasso(&options), STRADS_ERR_ARGUMENT);
	options = problem("x.svm");
	options.noise = -1.0;
	assert_int_equal(strads_generate_lasso(&options), STRADS_ERR_ARGUMENT);
	options = problem("x.mtx");
	options.response = NULL;
	assert_int_equal(strads_generate_lasso(&options), STRADS_ERR_ARGUMENT);
	options = problem("x.svm");
	options.data = "no/such/folder/x.svm";
	assert_int_equal(strads_generate_lasso(&options), STRADS_ERR_IO);
	assert_non_null(strstr(strads_error(), "no/such/folder/x.svm"));
}

static void
generate_lasso__full_disk(void **state)
{
	struct strads_generate_lasso_options options = problem("x.svm");

	(void)state;
	options.solution = NULL;
	options.data = "/dev/full";
	assert_int_equal(strads_generate_lasso(&options), STRADS_ERR_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(generate_lasso__columns_are_as_stated),
	    cmocka_unit_test(generate_lasso__response_is_x_times_the_planted_solution),
	    cmocka_unit_test(generate_lasso__svmlight_is_the_same_problem),
	    cmocka_unit_test(generate_lasso__noise_has_the_stated_size),
	    cmocka_unit_test(generate_lasso__same_seed_same_bytes),
	    cmocka_unit_test(generate_lasso__dense_columns),
	    cmocka_unit_test(generate_lasso__options_out_of_range),
	    cmocka_unit_test(generate_lasso__full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}
