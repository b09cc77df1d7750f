/*
 * A Lasso over products: the solution and the gap of the same problem with all products multiplied
 * out.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apps/pairs/pairs.h"
#include "lasso_job.h"
#include "strads/gap.h"

#define ROWS 60
#define COLS 20

struct fixture {
	struct lasso_problem base; /* values in [0, 1] */
	struct lasso_problem both; /* of both signs */
	struct lasso_problem test;
	struct lasso_result *results;
	struct lasso_result *expected;
};

static void
make_positive(struct lasso_problem *p)
{
	for (size_t k = 0; k < (size_t)p->rows * p->cols; k++)
		p->x[k] = fmin(fabs(p->x[k]), 1);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->base = lasso_problem_new(ROWS, COLS, 0.5, 0.2, 1);
	f->both = lasso_problem_new(ROWS, COLS, 0.5, 0.2, 2);
	f->test = lasso_problem_new(30, COLS, 0.5, 0.2, 3);
	make_positive(&f->base);
	make_positive(&f->test);
	f->results = lasso_results_new();
	f->expected = lasso_results_new();
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	lasso_problem_free(&f->base);
	lasso_problem_free(&f->both);
	lasso_problem_free(&f->test);
	free(f->results);
	free(f->expected);
	free(f);
	return 0;
}

/* All products a < b as column a·J + b; the other columns are empty. The caller frees. */
static struct lasso_problem
multiplied_out(const struct lasso_problem *p)
{
	struct lasso_problem all = {.rows = p->rows, .cols = p->cols * p->cols};
	size_t rows = p->rows, cols = p->cols;

	all.x = calloc(rows * all.cols, sizeof *all.x);
	all.y = calloc(rows, sizeof *all.y);
	assert_true(all.x && all.y);
	memcpy(all.y, p->y, rows * sizeof *all.y);
	for (size_t a = 0; a < cols; a++)
		for (size_t b = a + 1; b < cols; b++)
			for (size_t i = 0; i < rows; i++)
				all.x[(a * cols + b) * rows + i] =
				    p->x[a * rows + i] * p->x[b * rows + i];
	return all;
}

static struct lasso_job
pairs_job(enum strads_job_kind kind, int ranks, const struct lasso_problem *p)
{
	struct lasso_job job = lasso_job_defaults(kind, ranks, p);

	job.fit = strads_pairs_fit;
	return job;
}

/* What the job found is optimal for the problem with all products multiplied out. */
static void
assert_optimal(const struct lasso_job *job, const struct lasso_problem *all,
	       const struct lasso_result *result)
{
	struct lasso_solution s =
	    lasso_problem_solve(all, job->lasso.standardize, job->lasso.intercept,
				job->lasso.lambda, job->lasso.lambda_ratio);

	assert_float_equal(result->last.lambda_max, s.lambda_max, 1e-9 * s.lambda_max);
	assert_float_equal(result->last.objective, s.objective, 1e-8 * s.objective);
	assert_true(lasso_problem_violation(all, job->lasso.standardize, job->lasso.intercept,
					    (struct lasso_penalty){.l1_ratio = 1},
					    result->last.lambda, result->beta,
					    result->intercept) < 1e-3);
	free(s.beta);
}

static void
fit__same_as_with_all_products_multiplied_out(void **state)
{
	struct fixture *f = *state;

	for (int setting = 0; setting < 8; setting++) {
		const struct lasso_problem *p = setting / 4 ? &f->both : &f->base;
		struct lasso_problem all = multiplied_out(p);

		for (int ranks = 1; ranks <= 4; ranks++) {
			struct lasso_job job = pairs_job(STRADS_JOB_SIM, ranks, p);

			job.lasso.standardize =
			    setting % 2 ? STRADS_STANDARDIZE_UNIT : STRADS_STANDARDIZE_NONE;
			job.lasso.intercept = setting / 2 % 2 > 0;
			lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
			assert_optimal(&job, &all, &f->results[0]);
		}
		lasso_problem_free(&all);
	}
}

static void
fit__every_scheduler_on_what_was_found(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem all = multiplied_out(&f->base);

	for (int scheduler = 0; scheduler <= STRADS_LINEAR_SIGNALLING; scheduler++) {
		struct lasso_job job = pairs_job(STRADS_JOB_SIM, 3, &f->base);

		job.lasso.scheduler = (enum strads_linear_scheduler)scheduler;
		job.lasso.standardize = STRADS_STANDARDIZE_UNIT;
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
		assert_optimal(&job, &all, &f->results[0]);
	}
	lasso_problem_free(&all);
}

/* The gap that is reported is certified over all products: at the model found, that of the
 * vectors. */
static void
fit__reports_the_gap_over_all_products(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem all = multiplied_out(&f->base);
	double r[ROWS], mean = 0, square = 0;

	for (size_t i = 0; i < ROWS; i++)
		mean += all.y[i] / ROWS;
	for (size_t i = 0; i < ROWS; i++)
		square += (all.y[i] - mean) * (all.y[i] - mean);
	for (int tenths = 1; tenths <= 3; tenths++) {
		struct lasso_job job = pairs_job(STRADS_JOB_SIM, 2, &f->base);
		double gap;

		job.lasso.lambda_ratio = 0.02 * tenths;
		job.lasso.tol = 0;
		job.lasso.max_sets = (uint64_t)(10 * tenths);
		lasso_job_assert(&job, STRADS_LINEAR_LIMIT, f->results);
		assert_true(f->results[0].last.gap > 1e-9);
		gap = strads_gap_reference(ROWS, all.cols, all.x, all.y, f->results[0].beta,
					   f->results[0].last.lambda, r) /
		      (0.5 * square);
		assert_float_equal(f->results[0].last.gap, gap, 1e-9 + 1e-9 * gap);
	}
	lasso_problem_free(&all);
}

static void
fit__same_bits_on_every_fabric(void **state)
{
	static const char *const fabrics[] = {"shm", "ofi"};
	struct fixture *f = *state;
	struct lasso_job job = pairs_job(STRADS_JOB_SIM, 3, &f->base);

	job.lasso.intercept = true;
	job.test = &f->test;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->expected);
	job.job.kind = STRADS_JOB_LOCAL;
	for (int k = 0; k < 2; k++) {
		if (!strads_fabric_has_provider(fabrics[k]))
			continue;
		job.fabric = fabrics[k];
		lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
		assert_memory_equal(f->results[0].beta, f->expected[0].beta,
				    sizeof f->expected[0].beta);
		assert_memory_equal(&f->results[0].last.gap, &f->expected[0].last.gap,
				    sizeof(double));
		assert_memory_equal(&f->results[0].last.test_mse, &f->expected[0].last.test_mse,
				    sizeof(double));
	}
}

static void
fit__reports_held_out_error(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem all = multiplied_out(&f->test);
	struct lasso_job job = pairs_job(STRADS_JOB_SIM, 3, &f->base);
	double sse = 0;

	job.lasso.intercept = true;
	job.test = &f->test;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	for (size_t i = 0; i < all.rows; i++) {
		double r = all.y[i] - f->results[0].intercept;

		for (size_t j = 0; j < all.cols; j++)
			r -= all.x[j * all.rows + i] * f->results[0].beta[j];
		sse += r * r;
	}
	assert_float_equal(f->results[0].last.test_mse, sse / all.rows, 1e-9 * sse);
	lasso_problem_free(&all);
}

/* Three products among those of many sparse columns. */
static void
fit__finds_planted_products(void **state)
{
	static const uint32_t planted[3][2] = {{6, 17}, {10, 44}, {21, 59}};
	struct fixture *f = *state;
	struct lasso_problem p = lasso_problem_new(400, 60, 0.3, 0, 7);
	struct lasso_job job = pairs_job(STRADS_JOB_LOCAL, 2, &p);

	make_positive(&p);
	for (size_t i = 0; i < p.rows; i++) {
		p.y[i] = 0.01 * p.x[5 * p.rows + i];
		for (int k = 0; k < 3; k++)
			p.y[i] +=
			    2 * p.x[planted[k][0] * p.rows + i] * p.x[planted[k][1] * p.rows + i];
	}
	job.lasso.lambda_ratio = 0.01;
	job.lasso.tol = 1e-6;
	lasso_job_assert(&job, STRADS_LINEAR_CONVERGED, f->results);
	for (int k = 0; k < 3; k++)
		assert_float_equal(f->results[0].beta[planted[k][0] * 60 + planted[k][1]], 2, 0.2);
	lasso_problem_free(&p);
}

static void
assert_refused(const struct lasso_job *job, struct lasso_result *results, const char *what)
{
	assert_int_equal(lasso_job_run(job, results), 0);
	for (int rank = 0; rank < job->job.ranks; rank++) {
		assert_true(results[rank].end.status < 0);
		assert_non_null(strstr(results[rank].end.error, what));
	}
}

static void
fit__refuses_what_makes_no_sense(void **state)
{
	struct fixture *f = *state;
	struct lasso_problem one = lasso_problem_new(10, 1, 0.5, 0, 1);
	struct lasso_job job = pairs_job(STRADS_JOB_SIM, 2, &f->base);

	job.lasso.standardize = STRADS_STANDARDIZE_CENTER_UNIT;
	assert_refused(&job, f->results, "--standardize none or unit");
	job.lasso.standardize = STRADS_STANDARDIZE_NONE;
	job.lasso.lambda = 0;
	assert_refused(&job, f->results, "need a penalty");
	job = pairs_job(STRADS_JOB_SIM, 2, &one);
	assert_refused(&job, f->results, "two columns");
	lasso_problem_free(&one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(fit__same_as_with_all_products_multiplied_out, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(fit__every_scheduler_on_what_was_found, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(fit__reports_the_gap_over_all_products, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(fit__same_bits_on_every_fabric, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(fit__reports_held_out_error, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(fit__finds_planted_products, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(fit__refuses_what_makes_no_sense, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
