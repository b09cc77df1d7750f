/*
 * Coefficients against scikit-learn's, on the diabetes data and, where STRADS_TEST_DATA names the
 * folder that has it, on the original STRADS' sample.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../apps/data/fold.h"
#include "lasso_job.h"

#define PYTHON  "/usr/bin/python3"
#define SKIPPED 77

static const char *const standardize_names[] = {
    [STRADS_STANDARDIZE_NONE] = "none",
    [STRADS_STANDARDIZE_UNIT] = "unit",
    [STRADS_STANDARDIZE_CENTER_UNIT] = "center-unit",
    [STRADS_STANDARDIZE_ZSCORE] = "zscore",
};

static bool
have_sklearn(void)
{
	if (access(PYTHON, X_OK) == 0 && system(PYTHON " -c 'import sklearn' 2>/dev/null") == 0)
		return true;
	print_message("skipped: %s has no scikit-learn\n", PYTHON);
	return false;
}

static void
compare(const struct lasso_job *job, const struct lasso_result *result, uint64_t cols)
{
	const char *response = job->file->response ? job->file->response : "-";
	char command[2048];
	FILE *python;
	int status, n;

	n = snprintf(command, sizeof command, "%s '%s' '%s' '%s' %s %d %.17g %g", PYTHON,
		     SKLEARN_SCRIPT, job->file->data, response,
		     standardize_names[job->lasso.standardize], job->lasso.intercept,
		     result->last.lambda, job->lasso.l1_ratio);
	for (uint64_t j = 0; job->lasso.weight && j < cols; j++)
		n += snprintf(command + n, sizeof command - (size_t)n, " %g", job->lasso.weight[j]);
	python = popen(command, "w");
	assert_non_null(python);
	fprintf(python, "%.17g\n", result->intercept);
	for (uint64_t j = 0; j < cols; j++)
		fprintf(python, "%.17g\n", result->beta[j]);
	status = pclose(python);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
diabetes__agrees_with_sklearn(void **state)
{
	static const double weight[] = {1, 3, 0.5, 1, 2, 1, 0.25, 4, 1, 1};
	struct strads_dataset_options file = {.data = DIABETES};
	struct lasso_result *results = lasso_results_new();

	(void)state;
	if (!have_sklearn()) {
		free(results);
		skip();
	}
	for (int setting = 0; setting < 8; setting++) {
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_LOCAL, 1 + setting % 3, NULL);

		job.file = &file;
		job.lasso.standardize = (enum strads_standardize)(setting % 4);
		job.lasso.intercept = setting % 2 > 0;
		job.lasso.l1_ratio = setting == 4 || setting == 5 ? 0.4 : 1;
		job.lasso.weight = setting > 5 ? weight : NULL;
		job.lasso.lambda_ratio = 0.03;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		compare(&job, &results[0], 10);
	}
	free(results);
}

/* The folds' errors, piped to the script. */
static void
compare_folds(const struct lasso_job *job, const struct lasso_result *result, uint32_t rows)
{
	const struct strads_dataset all = {.x.rows = rows};
	uint32_t *fold = calloc(rows, sizeof *fold);
	char command[2048];
	FILE *python;
	int status;

	assert_non_null(fold);
	assert_int_equal(strads_fold_assign(&all, job->lasso.seed, job->folds, fold), STRADS_OK);
	snprintf(command, sizeof command, "%s '%s' '%s'", PYTHON, SKLEARN_CV_SCRIPT,
		 job->file->data);
	python = popen(command, "w");
	assert_non_null(python);
	for (uint32_t i = 0; i < rows; i++)
		fprintf(python, "%u ", fold[i]);
	fputc('\n', python);
	for (uint64_t k = 0; k < result->points; k++)
		fprintf(python, "%.17g ", result->point[k].lambda);
	for (uint32_t f = 0; f < job->folds; f++) {
		fputc('\n', python);
		for (uint64_t k = 0; k < result->points; k++)
			fprintf(python, "%.17g ", result->mse[f][k]);
	}
	fprintf(python, "\n%llu\n", (unsigned long long)result->best);
	free(fold);
	status = pclose(python);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
diabetes__folds_agree_with_sklearn(void **state)
{
	struct strads_dataset_options file = {.data = DIABETES};
	struct lasso_result *results = lasso_results_new();

	(void)state;
	if (!have_sklearn()) {
		free(results);
		skip();
	}
	for (int ranks = 1; ranks <= 4; ranks++) {
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_LOCAL, ranks, NULL);

		job.file = &file;
		job.folds = (uint32_t)(2 + 2 * ranks);
		job.lasso.path.count = 25;
		job.lasso.path.min_ratio = 1e-3;
		job.lasso.intercept = true;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		compare_folds(&job, &results[0], 442);
	}
	free(results);
}

/* STRADS' λ is twice ours: its .1 is .05, where the objective it halves is known too. */
static void
strads_sample__agrees_with_sklearn_and_golden_objective(void **state)
{
	const char *folder = getenv("STRADS_TEST_DATA");
	struct lasso_result *results = lasso_results_new();
	char data[1024], response[1024];
	struct strads_dataset_options file = {.data = data, .response = response};
	bool sklearn;

	(void)state;
	snprintf(data, sizeof data, "%s/lasso_small/strads500x1000.X.mtx.xz", folder ? folder : "");
	snprintf(response, sizeof response, "%s/lasso_small/strads500x1000.Y.mtx",
		 folder ? folder : "");
	if (!folder || access(data, R_OK) != 0) {
		print_message("skipped: STRADS_TEST_DATA names no folder with lasso_small/\n");
		free(results);
		skip();
	}
	sklearn = have_sklearn();
	for (int ranks = 1; ranks <= 3; ranks++) {
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_LOCAL, ranks, NULL);

		job.file = &file;
		job.lasso.set_size = 128;
		job.lasso.lambda = ranks == 2 ? 0.005 : 0.05;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		assert_true(
		    fabs(results[0].last.objective - (ranks == 2 ? .13359760 : .45059135)) <= 1e-7);
		assert_int_equal(results[0].last.nonzeros, ranks == 2 ? 390 : 111);
		if (sklearn)
			compare(&job, &results[0], 1000);
	}
	free(results);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(diabetes__agrees_with_sklearn),
	    cmocka_unit_test(diabetes__folds_agree_with_sklearn),
	    cmocka_unit_test(strads_sample__agrees_with_sklearn_and_golden_objective),
	};

	if (!have_sklearn() && !getenv("STRADS_TEST_DATA"))
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
