/*
 * Objectives against scikit-learn's.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "logistic_problem.h"

#define PYTHON  "/usr/bin/python3"
#define SKIPPED 77

static const char *const standardize_names[] = {
    [STRADS_STANDARDIZE_NONE] = "none",
    [STRADS_STANDARDIZE_UNIT] = "unit",
    [STRADS_STANDARDIZE_CENTER_UNIT] = "center-unit",
    [STRADS_STANDARDIZE_ZSCORE] = "zscore",
};

static void
compare(const struct lasso_job *job, const struct lasso_result *result)
{
	const struct lasso_problem *p = job->problem;
	char command[1024];
	FILE *python;
	int status;

	snprintf(command, sizeof command, "%s '%s' %s %d %.17g %.17g", PYTHON, SKLEARN_SCRIPT,
		 standardize_names[job->logistic->standardize], job->logistic->intercept,
		 result->last.lambda, result->last.objective);
	python = popen(command, "w");
	assert_non_null(python);
	for (size_t i = 0; i < p->rows; i++) {
		fprintf(python, "%g", p->y[i]);
		for (size_t j = 0; j < p->cols; j++)
			fprintf(python, " %.17g", p->x[j * p->rows + i]);
		fputc('\n', python);
	}
	status = pclose(python);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
objective__agrees_with_sklearn(void **state)
{
	struct lasso_problem p = logistic_problem_new(120, 30, 0.5, 0, 31);
	struct lasso_result *results = lasso_results_new();

	(void)state;
	for (int setting = 0; setting < 4; setting++) {
		struct strads_logistic_options options = logistic_defaults();
		struct lasso_job job = lasso_job_defaults(STRADS_JOB_LOCAL, 1 + setting % 3, &p);

		job.logistic = &options;
		options.standardize = (enum strads_standardize)setting;
		options.intercept = setting % 2 > 0;
		options.lambda_ratio = 0.03;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, results);
		compare(&job, &results[0]);
	}
	free(results);
	lasso_problem_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(objective__agrees_with_sklearn),
	};

	if (access(PYTHON, X_OK) != 0 || system(PYTHON " -c 'import sklearn' 2>/dev/null") != 0) {
		print_message("skipped: %s has no scikit-learn\n", PYTHON);
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
