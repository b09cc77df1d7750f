/*
 * Factorizations beside a plain serial one, and how they end.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data_job.h"
#include "mf_job.h"
#include "strads/random.h"

#define USERS 50
#define ITEMS 40

struct fixture {
	char path[512];
	struct mf_result *results;
	/* The ratings, and the serial factorization. */
	bool has[USERS][ITEMS];
	double a[USERS][ITEMS], r[USERS][ITEMS];
	/* With biases b_i is w_iK where h_jK is 1, and c_j is h_j,K+1 where w_i,K+1 is 1. */
	double w[USERS][MF_K_MAX], h[ITEMS][MF_K_MAX];
	double ridge_w[USERS], ridge_h[ITEMS];
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	unsigned user, item;
	double value;
	FILE *file;

	assert_non_null(f);
	f->results = mf_results_new();
	snprintf(f->path, sizeof f->path, "%s", mf_job_ratings("fit", USERS, ITEMS));
	file = fopen(f->path, "r");
	assert_non_null(file);
	while (fscanf(file, "%u %u %lf", &user, &item, &value) == 3) {
		f->has[user - 1][item / 7] = true;
		f->a[user - 1][item / 7] = value;
	}
	fclose(file);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->results);
	free(f);
	return 0;
}

/* ---- The serial factorization --------------------------------------------------------------- */

/* Takes the mean off, and makes the columns of the biases. */
static void
serial_biases(struct fixture *f, uint32_t factors)
{
	double sum = 0, n = 0;

	for (uint32_t i = 0; i < USERS; i++)
		for (uint32_t j = 0; j < ITEMS; j++) {
			sum += f->a[i][j];
			n += f->has[i][j];
		}
	for (uint32_t i = 0; i < USERS; i++)
		for (uint32_t j = 0; j < ITEMS; j++) {
			f->r[i][j] = f->has[i][j] ? f->a[i][j] - sum / n : 0;
			f->w[i][factors] = 0;
			f->h[j][factors] = 1;
			f->w[i][factors + 1] = 1;
			f->h[j][factors + 1] = 0;
		}
}

static void
serial_start(struct fixture *f, const struct strads_mf_options *options)
{
	memset(f->h, 0, sizeof f->h);
	memcpy(f->r, f->a, sizeof f->a);
	for (uint32_t i = 0; i < USERS; i++) {
		f->ridge_w[i] = options->weighted ? 0 : options->lambda;
		for (uint32_t k = 0; k < options->factors; k++)
			f->w[i][k] = (double)(strads_random(options->seed, i, k) >> 11) * 0x1p-53 /
				     sqrt(options->factors);
	}
	for (uint32_t j = 0; j < ITEMS; j++)
		f->ridge_h[j] = options->weighted ? 0 : options->lambda;
	for (uint32_t i = 0; options->weighted && i < USERS; i++)
		for (uint32_t j = 0; j < ITEMS; j++) {
			f->ridge_w[i] += f->has[i][j] ? options->lambda : 0;
			f->ridge_h[j] += f->has[i][j] ? options->lambda : 0;
		}
	if (options->biases)
		serial_biases(f, options->factors);
}

/* Minimises over h_kj alone, by the residuals without it. */
static void
serial_item(struct fixture *f, uint32_t j, uint32_t k)
{
	double up = 0, down = f->ridge_h[j], h;

	for (uint32_t i = 0; i < USERS; i++)
		if (f->has[i][j]) {
			up += (f->r[i][j] + f->w[i][k] * f->h[j][k]) * f->w[i][k];
			down += f->w[i][k] * f->w[i][k];
		}
	h = up / down;
	for (uint32_t i = 0; i < USERS; i++)
		f->r[i][j] -= f->w[i][k] * (h - f->h[j][k]);
	f->h[j][k] = h;
}

static void
serial_user(struct fixture *f, uint32_t i, uint32_t k)
{
	double up = 0, down = f->ridge_w[i], w;

	for (uint32_t j = 0; j < ITEMS; j++)
		if (f->has[i][j]) {
			up += (f->r[i][j] + f->w[i][k] * f->h[j][k]) * f->h[j][k];
			down += f->h[j][k] * f->h[j][k];
		}
	w = up / down;
	for (uint32_t j = 0; j < ITEMS; j++)
		f->r[i][j] -= (w - f->w[i][k]) * f->h[j][k];
	f->w[i][k] = w;
}

/* Solves the equations m [n][n + 1] by elimination; the solution is in the last column. */
static void
eliminate(uint32_t n, double m[MF_K_MAX][MF_K_MAX + 1])
{
	for (uint32_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < n; i++) {
			double part = i == k ? 0 : m[i][k] / m[k][k];

			for (uint32_t j = k; j <= n; j++)
				m[i][j] -= part * m[k][j];
		}
	for (uint32_t i = 0; i < n; i++)
		m[i][n] /= m[i][i];
}

/* Minimises over h_j, or over w_i, by the residuals without it: all columns but the one of ones. */
static void
serial_row(struct fixture *f, const struct strads_mf_options *options, bool item, uint32_t at)
{
	uint32_t ones = options->factors + !item, n = options->factors + options->biases,
		 column[MF_K_MAX];
	double m[MF_K_MAX][MF_K_MAX + 1] = {{0}};
	double *x = item ? f->h[at] : f->w[at];

	for (uint32_t k = 0, c = 0; k < n; k++, c++) {
		c += options->biases && c == ones;
		column[k] = c;
		m[k][k] = item ? f->ridge_h[at] : f->ridge_w[at];
	}
	for (uint32_t o = 0; o < (item ? USERS : ITEMS); o++) {
		uint32_t i = item ? o : at, j = item ? at : o;
		const double *y = item ? f->w[i] : f->h[j];
		double without = f->r[i][j];

		for (uint32_t k = 0; k < n; k++)
			without += x[column[k]] * y[column[k]];
		for (uint32_t k = 0; f->has[i][j] && k < n; k++) {
			for (uint32_t l = 0; l < n; l++)
				m[k][l] += y[column[k]] * y[column[l]];
			m[k][n] += y[column[k]] * without;
		}
	}
	eliminate(n, m);
	for (uint32_t o = 0; o < (item ? USERS : ITEMS); o++)
		for (uint32_t k = 0; k < n; k++) {
			uint32_t i = item ? o : at, j = item ? at : o;
			const double *y = item ? f->w[i] : f->h[j];

			f->r[i][j] -= (m[k][n] - x[column[k]]) * y[column[k]];
		}
	for (uint32_t k = 0; k < n; k++)
		x[column[k]] = m[k][n];
}

static void
serial_als(struct fixture *f, const struct strads_mf_options *options)
{
	for (uint32_t j = 0; j < ITEMS; j++)
		serial_row(f, options, true, j);
	for (uint32_t i = 0; i < USERS; i++)
		serial_row(f, options, false, i);
}

static void
serial_items(struct fixture *f, uint32_t k)
{
	for (uint32_t j = 0; j < ITEMS; j++)
		serial_item(f, j, k);
}

static void
serial_users(struct fixture *f, uint32_t k)
{
	for (uint32_t i = 0; i < USERS; i++)
		serial_user(f, i, k);
}

static void
serial_ccd(struct fixture *f, const struct strads_mf_options *options)
{
	if (options->biases)
		serial_items(f, options->factors + 1);
	for (uint32_t k = 0; k < options->factors; k++)
		serial_items(f, k);
	if (options->biases)
		serial_users(f, options->factors);
	for (uint32_t k = 0; k < options->factors; k++)
		serial_users(f, k);
}

static void
serial_ccdpp(struct fixture *f, const struct strads_mf_options *options)
{
	for (uint32_t t = 0; options->biases && t < options->inner; t++)
		serial_items(f, options->factors + 1);
	for (uint32_t t = 0; options->biases && t < options->inner; t++)
		serial_users(f, options->factors);
	for (uint32_t k = 0; k < options->factors; k++)
		for (uint32_t t = 0; t < options->inner; t++) {
			serial_items(f, k);
			serial_users(f, k);
		}
}

static void
serial_sweep(struct fixture *f, const struct strads_mf_options *options)
{
	switch (options->algorithm) {
	case STRADS_MF_CCD:
		serial_ccd(f, options);
		break;
	case STRADS_MF_ALS:
		serial_als(f, options);
		break;
	default:
		serial_ccdpp(f, options);
	}
}

static double
serial_objective(const struct fixture *f, const struct strads_mf_options *options)
{
	uint32_t factors = options->factors;
	double sum = 0;

	for (uint32_t i = 0; i < USERS; i++)
		for (uint32_t j = 0; j < ITEMS; j++)
			sum += f->has[i][j] ? f->r[i][j] * f->r[i][j] : 0;
	for (uint32_t k = 0; k < factors + options->biases; k++) {
		uint32_t l = k == factors ? factors + 1 : k;

		for (uint32_t i = 0; i < USERS; i++)
			sum += f->ridge_w[i] * f->w[i][k] * f->w[i][k];
		for (uint32_t j = 0; j < ITEMS; j++)
			sum += f->ridge_h[j] * f->h[j][l] * f->h[j][l];
	}
	return sum;
}

static void
assert_close(double got, double expected, double slack)
{
	if (!(fabs(got - expected) <= slack * (1 + fabs(expected))))
		fail_msg("%.17g is not %.17g", got, expected);
}

static void
assert_serial(struct fixture *f, const struct mf_job *job, double slack)
{
	uint32_t factors = job->mf.factors;

	mf_job_assert(job, STRADS_MF_LIMIT, f->results);
	assert_int_equal(f->results[0].users, USERS);
	assert_int_equal(f->results[0].items, ITEMS);
	serial_start(f, &job->mf);
	for (uint64_t sweep = 0; sweep < job->mf.iterations; sweep++)
		serial_sweep(f, &job->mf);
	assert_close(f->results[0].last.objective, serial_objective(f, &job->mf), slack);
	for (uint32_t k = 0; k < factors + job->mf.biases; k++) {
		uint32_t l = k == factors ? factors + 1 : k;

		for (uint32_t i = 0; i < USERS; i++)
			assert_close(f->results[0].w[i][k], f->w[i][k], slack);
		for (uint32_t j = 0; j < ITEMS; j++)
			assert_close(f->results[0].h[j][k], f->h[j][l], slack);
	}
}

/* ---- Tests ---------------------------------------------------------------------------------- */

static void
fit__equals_a_serial_one(void **state)
{
	struct fixture *f = *state;

	for (int ranks = 1; ranks <= 4; ranks += ranks == 1 ? 2 : 1) {
		struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, ranks, f->path);

		for (uint32_t inner = 1; inner <= 3; inner++) {
			job.mf.algorithm = STRADS_MF_CCDPP;
			job.mf.inner = inner;
			assert_serial(f, &job, 1e-10);
		}
		job.mf.algorithm = STRADS_MF_CCD;
		assert_serial(f, &job, 1e-10);
		job.mf.weighted = false;
		assert_serial(f, &job, 1e-10);
		job.mf.algorithm = STRADS_MF_ALS;
		assert_serial(f, &job, 1e-10);
		job.mf.weighted = true;
		assert_serial(f, &job, 1e-10);
	}
}

static void
fit__in_single_precision_is_close_to_a_serial_one(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, 2, f->path);

	job.ratings.wide = false;
	assert_serial(f, &job, 1e-3);
	job.mf.algorithm = STRADS_MF_CCD;
	assert_serial(f, &job, 1e-3);
	job.mf.algorithm = STRADS_MF_ALS;
	assert_serial(f, &job, 1e-3);
}

static void
fit__with_biases_equals_a_serial_one(void **state)
{
	struct fixture *f = *state;

	for (int ranks = 1; ranks <= 3; ranks++)
		for (int algorithm = STRADS_MF_CCD; algorithm <= STRADS_MF_ALS; algorithm++) {
			struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, ranks, f->path);

			job.mf.algorithm = (enum strads_mf_algorithm)algorithm;
			job.mf.biases = true;
			assert_serial(f, &job, 1e-10);
			job.mf.inner = 2;
			job.mf.weighted = false;
			assert_serial(f, &job, 1e-10);
		}
}

static void
fit__with_one_factor(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, 2, f->path);

	job.mf.factors = 1;
	assert_serial(f, &job, 1e-10);
	job.mf.algorithm = STRADS_MF_ALS;
	assert_serial(f, &job, 1e-10);
}

static void
fit__with_more_factors_than_ratings(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, 3, f->path);

	job.mf.factors = MF_K_MAX;
	job.mf.algorithm = STRADS_MF_ALS;
	assert_serial(f, &job, 1e-10);
}

static void
assert_falls(struct fixture *f, const struct mf_job *job, double slack)
{
	mf_job_assert(job, STRADS_MF_LIMIT, f->results);
	for (uint64_t i = 1; i < f->results[0].evaluations; i++) {
		double before = f->results[0].point[i - 1].objective;
		double after = f->results[0].point[i].objective;

		if (!(after <= before * (1 + slack)))
			fail_msg("the objective rises from %.17g to %.17g", before, after);
	}
}

/* CCD and ALS are evaluated after each half. */
static void
objective__never_rises(void **state)
{
	struct fixture *f = *state;

	for (int kind = 0; kind < 4; kind++)
		for (int algorithm = STRADS_MF_CCD; algorithm <= STRADS_MF_ALS; algorithm++) {
			struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, 2, f->path);
			bool wide = kind & 1;

			job.ratings.wide = wide;
			job.mf.biases = kind & 2;
			job.mf.algorithm = (enum strads_mf_algorithm)algorithm;
			job.mf.iterations = 60;
			job.mf.lambda = 0.01;
			assert_falls(f, &job, wide ? 1e-13 : 1e-6);
			assert_int_equal(f->results[0].evaluations,
					 algorithm == STRADS_MF_CCDPP ? 60 : 120);
			assert_int_equal(f->results[0].last.iterations, 60);
			assert_int_equal(f->results[0].last.updates,
					 60 * (4 + job.mf.biases) * (USERS + ITEMS));
		}
}

/* The errors are those of W and H. */
static void
errors__are_those_of_the_model(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, 3, f->path);
	const struct mf_result *result = f->results;
	double squares = 0, all = 0;

	job.ratings.holdout = 0.2;
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_true(result->test_ratings > 50 && result->test_ratings < 250);
	for (uint32_t i = 0; i < USERS; i++)
		for (uint32_t j = 0; j < ITEMS; j++) {
			double r = f->a[i][j];

			for (uint32_t k = 0; k < job.mf.factors; k++)
				r -= result->w[i][k] * result->h[j][k];
			all += f->has[i][j] ? r * r : 0;
		}
	squares = pow(result->last.train_rmse, 2) * (double)result->ratings +
		  pow(result->last.test_rmse, 2) * (double)result->test_ratings;
	assert_int_equal(result->last.test_unseen, 0);
	assert_close(squares, all, 1e-11);
}

/* User 3 of the test file is not in the training file, item 9 neither; user 2 is. */
static void
errors__of_the_unseen_are_those_of_the_mean(void **state)
{
	struct fixture *f = *state;
	const char train[] = "1 1 2\n1 2 4\n2 1 3\n2 2 5\n", test[] = "3 1 1.5\n1 9 4\n3 9 6\n";
	char data[512], held[512];
	struct mf_job job;

	snprintf(data, sizeof data, "%s", data_file("seen", train, strlen(train)));
	snprintf(held, sizeof held, "%s", data_file("unseen", test, strlen(test)));
	for (int ranks = 1; ranks <= 4; ranks++) {
		job = mf_job_defaults(STRADS_JOB_SIM, ranks, data);
		job.mf.factors = 2;
		job.ratings.test = held;
		job.mf.biases = ranks > 2;
		mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
		assert_int_equal(f->results[0].last.test_unseen, 3);
		assert_close(f->results[0].last.test_rmse, sqrt((4 + 0.25 + pow(2.5, 2)) / 3),
			     1e-12);
	}
}

/* Root mean square of all ratings about a number. */
static double
spread(const struct fixture *f, double about)
{
	double sum = 0, n = 0;

	for (uint32_t i = 0; i < USERS; i++)
		for (uint32_t j = 0; j < ITEMS; j++)
			if (f->has[i][j]) {
				sum += pow(f->a[i][j] - about, 2);
				n++;
			}
	return sqrt(sum / n);
}

/* All ratings of an item may be held out, and all of a user. */
static void
errors__of_what_was_held_out_whole(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, 2, f->path);
	double without;

	job.ratings.holdout = 0.97;
	job.mf.iterations = 2;
	job.mf.lambda = 1e9;
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_true(f->results[0].last.test_unseen > 0);
	without = f->results[0].last.test_rmse;
	/* Nothing but the mean is left of the model then, for the seen as for the unseen. */
	job.mf.biases = true;
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_true(f->results[0].last.test_rmse < without);
	assert_close(f->results[0].last.test_rmse, spread(f, f->results[0].mean), 0.05);
	for (uint32_t i = 0; i < USERS; i++)
		for (uint32_t k = 0; k < 4; k++)
			assert_true(isfinite(f->results[0].w[i][k]));
}

static void
end__by_tolerance(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, 2, f->path);
	const struct mf_result *result = f->results;
	double last, before;

	job.mf.iterations = 0;
	job.mf.tol = 1e-3;
	mf_job_assert(&job, STRADS_MF_CONVERGED, f->results);
	assert_true(result->evaluations > 2);
	last = result->last.objective;
	before = result->point[result->evaluations - 2].objective;
	assert_true(before - last < 1e-3 * before);
	before = result->point[result->evaluations - 3].objective;
	last = result->point[result->evaluations - 2].objective;
	assert_true(before - last >= 1e-3 * before);
}

/* With hardly any penalty the held-out error soon rises. */
static void
end__by_patience(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, 2, f->path);
	const struct mf_result *result = f->results;
	double best = INFINITY;
	uint64_t best_at = 0;

	job.mf.iterations = 0;
	job.mf.lambda = 1e-6;
	job.mf.patience = 3;
	job.ratings.holdout = 0.3;
	mf_job_assert(&job, STRADS_MF_STALLED, f->results);
	for (uint64_t i = 0; i < result->evaluations; i++)
		if (result->point[i].test_rmse < best) {
			best = result->point[i].test_rmse;
			best_at = i;
		}
	assert_int_equal(result->evaluations - 1 - best_at, 3);
}

static void
end__by_time_and_by_request(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, 3, f->path);

	job.mf.iterations = 0;
	job.mf.time_limit_s = 3e-3; /* of the simulated clock */
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_true(f->results[0].last.seconds >= 3e-3);
	assert_true(isfinite(f->results[0].last.objective));
	job.mf.time_limit_s = 0;
	job.stop_rank = 2;
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_true(f->results[0].evaluations <= 3);
}

/* Their squares are still numbers of single precision. */
static void
fit__of_the_largest_ratings(void **state)
{
	struct fixture *f = *state;
	const char text[] = "1 1 1e15\n1 2 -1e15\n2 1 1e15\n2 2 1e15\n";
	struct mf_job job =
	    mf_job_defaults(STRADS_JOB_SIM, 2, data_file("huge", text, strlen(text)));

	job.mf.lambda = 0;
	job.ratings.wide = false;
	job.mf.iterations = 1;
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_true(isfinite(f->results[0].last.objective));
}

static void
options__out_of_range_are_refused(void **state)
{
	struct fixture *f = *state;
	const struct mf_job good = mf_job_defaults(STRADS_JOB_SIM, 2, f->path);
	struct mf_job bad[5] = {good, good, good, good, good};

	bad[0].mf.lambda = -1;
	bad[1].mf.inner = 0;
	bad[2].mf.tol = NAN;
	bad[3].mf.engine.staleness = 1;
	bad[4].mf.factors = STRADS_MF_FACTORS_MAX + 1;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(mf_job_run(&bad[i], f->results), 0);
		assert_int_equal(f->results[0].end.status, STRADS_ERR_INPUT);
	}
}

/* Sums of 4 TB for one item. */
static void
memory__beyond_the_budget_is_refused(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, 2, f->path);

	job.mf.algorithm = STRADS_MF_ALS;
	job.mf.factors = STRADS_MF_FACTORS_MAX;
	assert_int_equal(mf_job_run(&job, f->results), 0);
	for (int rank = 0; rank < 2; rank++) {
		assert_int_equal(f->results[rank].end.status, STRADS_ERR_MEMORY);
		assert_non_null(strstr(f->results[rank].end.error, "1048576 factors: sums"));
	}
}

/* Of the rows of W and H and of what is as long as the ratings. */
static void
memory__is_predicted(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, 1, f->path);
	uint64_t small, large;

	for (int algorithm = STRADS_MF_CCD; algorithm <= STRADS_MF_ALS; algorithm++) {
		job.mf.algorithm = (enum strads_mf_algorithm)algorithm;
		job.mf.factors = 4;
		mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
		small = f->results[0].last.memory_bytes;
		job.mf.factors = 24;
		mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
		large = f->results[0].last.memory_bytes;
		assert_true(large - small >= 20 * (USERS + ITEMS) * sizeof(double));
		assert_true(small > (USERS + ITEMS) * 4 * sizeof(double));
	}
}

/* Users without ratings of their own, owners without items, ranks without users. */
static void
fit__on_more_ranks_than_users(void **state)
{
	struct fixture *f = *state;
	const char text[] = "a x 1\na y 2\nb x 3\n";
	struct mf_job job =
	    mf_job_defaults(STRADS_JOB_SIM, 1, data_file("few", text, strlen(text)));
	double objective;

	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	objective = f->results[0].last.objective;
	job.job.ranks = 5;
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_close(f->results[0].last.objective, objective, 1e-12);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(fit__equals_a_serial_one),
	    TEST(fit__in_single_precision_is_close_to_a_serial_one),
	    TEST(fit__with_biases_equals_a_serial_one),
	    TEST(fit__with_one_factor),
	    TEST(fit__with_more_factors_than_ratings),
	    TEST(objective__never_rises),
	    TEST(errors__are_those_of_the_model),
	    TEST(errors__of_the_unseen_are_those_of_the_mean),
	    TEST(errors__of_what_was_held_out_whole),
	    TEST(end__by_tolerance),
	    TEST(end__by_patience),
	    TEST(end__by_time_and_by_request),
	    TEST(fit__of_the_largest_ratings),
	    TEST(options__out_of_range_are_refused),
	    TEST(memory__beyond_the_budget_is_refused),
	    TEST(memory__is_predicted),
	    TEST(fit__on_more_ranks_than_users),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}
