/*
 * Stochastic gradient steps by strata beside the same steps one after the other.
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
#define FIRST 8 /* factors that the first sweep moves, and whose steps shrink together */

/* A row, its two sums, and λ for each of its ratings. */
struct row {
	double x[MF_K_MAX];
	double sum[2];
	double bias, bias_sum;
	double lambda;
	double ratings;
};

struct fixture {
	char path[512];
	struct mf_result *results;
	bool has[USERS][ITEMS];
	double a[USERS][ITEMS];
	struct row w[USERS], h[ITEMS];
	double scale, mean;
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
	snprintf(f->path, sizeof f->path, "%s", mf_job_ratings("sgd", USERS, ITEMS));
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

static struct mf_job
sgd_job(const char *path, int ranks)
{
	struct mf_job job = mf_job_defaults(STRADS_JOB_SIM, ranks, path);

	job.mf.algorithm = STRADS_MF_SGD;
	job.mf.factors = 11;
	return job;
}

/* ---- One step after the other --------------------------------------------------------------- */

static void
serial_start(struct fixture *f, const struct strads_mf_options *options)
{
	double n = 0, sum = 0, squares = 0;

	memset(f->w, 0, sizeof f->w);
	memset(f->h, 0, sizeof f->h);
	for (uint32_t i = 0; i < USERS; i++)
		for (uint32_t j = 0; j < ITEMS; j++)
			if (f->has[i][j]) {
				n++;
				sum += f->a[i][j];
				squares += f->a[i][j] * f->a[i][j];
				f->w[i].ratings++;
				f->h[j].ratings++;
			}
	f->scale = sqrt(squares / n - sum / n * (sum / n));
	f->mean = options->biases ? sum / n : 0;
	for (uint32_t i = 0; i < USERS; i++) {
		struct row *w = &f->w[i];

		w->sum[0] = w->sum[1] = w->bias_sum = 1;
		w->lambda = options->lambda / (options->weighted ? 1 : w->ratings) / f->scale;
		for (uint32_t k = 0; k < options->factors; k++)
			w->x[k] = (double)(strads_random(options->seed, i, k) >> 11) * 0x1p-53 /
				  sqrt(options->factors) / sqrt(f->scale);
	}
	for (uint32_t j = 0; j < ITEMS; j++) {
		struct row *h = &f->h[j];

		h->sum[0] = h->sum[1] = h->bias_sum = 1;
		h->lambda = options->lambda / (options->weighted ? 1 : h->ratings) / f->scale;
	}
}

static void
serial_move(struct row *w, struct row *h, double e, double rate, uint32_t from, uint32_t end)
{
	double *sum_w = &w->sum[from > 0], *sum_h = &h->sum[from > 0];
	double step_w = rate / sqrt(*sum_w), step_h = rate / sqrt(*sum_h);

	for (uint32_t k = from; k < end; k++) {
		double g = w->lambda * w->x[k] - e * h->x[k], d = h->lambda * h->x[k] - e * w->x[k];

		w->x[k] -= step_w * g;
		h->x[k] -= step_h * d;
		*sum_w += g * g / (end - from);
		*sum_h += d * d / (end - from);
	}
}

static void
serial_bias(const struct fixture *f, struct row *row, double e, double rate)
{
	double g = f->scale * row->lambda * row->bias - e;

	row->bias -= rate / sqrt(row->bias_sum) * g;
	row->bias_sum += g * g;
}

static void
serial_rating(struct fixture *f, const struct strads_mf_options *options, bool first_sweep,
	      uint32_t i, uint32_t j)
{
	struct row *w = &f->w[i], *h = &f->h[j];
	uint32_t first = options->factors < FIRST ? options->factors : FIRST;
	double e = (f->a[i][j] - f->mean) / f->scale - w->bias - h->bias;

	for (uint32_t k = 0; k < options->factors; k++)
		e -= w->x[k] * h->x[k];
	if (options->biases) {
		serial_bias(f, w, e, options->rate);
		serial_bias(f, h, e, options->rate);
	}
	serial_move(w, h, e, options->rate, 0, first);
	if (!first_sweep && options->factors > first)
		serial_move(w, h, e, options->rate, first, options->factors);
}

static uint64_t
at_most(uint64_t n, uint64_t most)
{
	return n < most ? n : most;
}

/* A rank's ratings of a tile by users, then items, cut into eight runs, of which the first have one
 * more where they are not alike: a rating of each, again and again. */
static void
serial_tile(struct fixture *f, const struct mf_job *job, bool first_sweep,
	    const uint32_t (*ratings)[2], uint64_t n)
{
	uint64_t at[9] = {0}, end[8];

	for (uint64_t run = 0; run < 8; run++)
		at[run + 1] = end[run] = at[run] + n / 8 + (run < n % 8);
	for (uint64_t done = 0, run = 0; done < n; run = (run + 1) % 8)
		if (at[run] < end[run]) {
			serial_rating(f, &job->mf, first_sweep, ratings[at[run]][0],
				      ratings[at[run]][1]);
			at[run]++;
			done++;
		}
}

/* A rank's ratings of a block: tiles along diagonals. */
static void
serial_stratum(struct fixture *f, const struct mf_job *job, bool first_sweep, int rank, int block)
{
	uint64_t ranks = (uint64_t)job->job.ranks, first = f->results[rank].first_user;
	uint64_t users = f->results[rank].own_users, user_tiles = at_most(users, 8);
	uint64_t item_tiles = at_most((ITEMS + ranks - 1) / ranks, 8);
	uint32_t ratings[USERS * ITEMS][2];

	for (uint64_t s = 0; s < item_tiles; s++)
		for (uint64_t x = 0; x < user_tiles; x++) {
			uint64_t n = 0;

			for (uint64_t i = x; i < users; i += user_tiles)
				for (uint64_t j = (uint64_t)block; j < ITEMS; j += ranks)
					if (f->has[first + i][j] &&
					    j / ranks % item_tiles == (s + x) % item_tiles) {
						ratings[n][0] = (uint32_t)(first + i);
						ratings[n++][1] = (uint32_t)j;
					}
			serial_tile(f, job, first_sweep, ratings, n);
		}
}

static double
serial_objective(const struct fixture *f, uint32_t factors)
{
	double sum = 0;

	for (uint32_t i = 0; i < USERS; i++)
		for (uint32_t j = 0; j < ITEMS; j++) {
			double r = f->a[i][j] - f->mean;

			if (!f->has[i][j])
				continue;
			r -= f->scale * (f->w[i].bias + f->h[j].bias);
			for (uint32_t k = 0; k < factors; k++)
				r -= f->scale * f->w[i].x[k] * f->h[j].x[k];
			sum += r * r;
		}
	for (uint32_t i = 0; i < USERS; i++)
		sum +=
		    f->w[i].lambda * f->w[i].ratings * f->scale * pow(f->scale * f->w[i].bias, 2);
	for (uint32_t j = 0; j < ITEMS; j++)
		sum +=
		    f->h[j].lambda * f->h[j].ratings * f->scale * pow(f->scale * f->h[j].bias, 2);
	for (uint32_t k = 0; k < factors; k++) {
		for (uint32_t i = 0; i < USERS; i++)
			sum += f->w[i].lambda * f->w[i].ratings * pow(f->scale * f->w[i].x[k], 2);
		for (uint32_t j = 0; j < ITEMS; j++)
			sum += f->h[j].lambda * f->h[j].ratings * pow(f->scale * f->h[j].x[k], 2);
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
	int ranks = job->job.ranks;
	double unit;

	mf_job_assert(job, STRADS_MF_LIMIT, f->results);
	serial_start(f, &job->mf);
	for (uint64_t sweep = 0; sweep < job->mf.iterations; sweep++)
		for (int t = 0; t < ranks; t++)
			for (int rank = 0; rank < ranks; rank++)
				serial_stratum(f, job, sweep == 0, rank, (rank + t) % ranks);
	assert_close(f->results[0].last.objective, serial_objective(f, job->mf.factors), slack);
	unit = sqrt(f->scale);
	for (uint32_t k = 0; k < job->mf.factors; k++) {
		for (uint32_t i = 0; i < USERS; i++)
			assert_close(f->results[0].w[i][k], unit * f->w[i].x[k], slack);
		for (uint32_t j = 0; j < ITEMS; j++)
			assert_close(f->results[0].h[j][k], unit * f->h[j].x[k], slack);
	}
	for (uint32_t i = 0; job->mf.biases && i < USERS; i++)
		assert_close(f->results[0].w[i][job->mf.factors], f->scale * f->w[i].bias, slack);
	for (uint32_t j = 0; job->mf.biases && j < ITEMS; j++)
		assert_close(f->results[0].h[j][job->mf.factors], f->scale * f->h[j].bias, slack);
}

/* ---- Tests ---------------------------------------------------------------------------------- */

static void
fit__equals_a_serial_one(void **state)
{
	struct fixture *f = *state;

	for (int ranks = 1; ranks <= 4; ranks++)
		for (int weighted = 0; weighted <= 1; weighted++) {
			struct mf_job job = sgd_job(f->path, ranks);

			job.mf.weighted = weighted;
			assert_serial(f, &job, 1e-10);
			job.mf.biases = true;
			assert_serial(f, &job, 1e-10);
			job.mf.factors = 3;
			job.mf.iterations = 1;
			assert_serial(f, &job, 1e-10);
		}
}

static void
fit__in_single_precision_is_close_to_a_serial_one(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = sgd_job(f->path, 3);

	job.ratings.wide = false;
	assert_serial(f, &job, 1e-3);
	job.mf.biases = true;
	assert_serial(f, &job, 1e-3);
}

static void
fit__lowers_errors(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = sgd_job(f->path, 2);
	const struct mf_result *result = f->results;

	job.ratings.holdout = 0.1;
	job.mf.iterations = 60;
	job.mf.lambda = 0.02;
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_true(result->last.train_rmse < 0.5 * result->point[0].train_rmse);
	assert_true(result->last.test_rmse < 0.7 * result->point[0].test_rmse);
}

/* Those of W and H, also when the run ends between two sweeps. */
static void
assert_errors(const struct fixture *f, uint32_t factors, bool biases)
{
	const struct mf_result *result = f->results;
	double all = 0, squares;

	for (uint32_t i = 0; i < USERS; i++)
		for (uint32_t j = 0; j < ITEMS; j++) {
			double r = f->a[i][j];

			if (biases)
				r -= result->mean + result->w[i][factors] + result->h[j][factors];
			for (uint32_t k = 0; k < factors; k++)
				r -= result->w[i][k] * result->h[j][k];
			all += f->has[i][j] ? r * r : 0;
		}
	squares = pow(result->last.train_rmse, 2) * (double)result->ratings +
		  pow(result->last.test_rmse, 2) * (double)result->test_ratings;
	assert_int_equal(result->last.test_unseen, 0);
	assert_close(squares, all, 1e-11);
}

static void
errors__are_those_of_the_model(void **state)
{
	struct fixture *f = *state;

	for (int ranks = 1; ranks <= 4; ranks++) {
		struct mf_job job = sgd_job(f->path, ranks);

		job.ratings.holdout = 0.2;
		job.mf.biases = ranks % 2 == 0;
		mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
		assert_errors(f, job.mf.factors, job.mf.biases);
		job.mf.iterations = 0;
		job.mf.time_limit_s = 1e-4; /* of the simulated clock */
		mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
		assert_errors(f, job.mf.factors, job.mf.biases);
	}
}

/* Ranks without users, blocks without items, tiles without ratings. */
static void
fit__on_more_ranks_than_users_and_items(void **state)
{
	struct fixture *f = *state;
	const char text[] = "a x 1\na y 2\nb x 3\n";

	for (int ranks = 1; ranks <= 6; ranks++) {
		struct mf_job job = sgd_job(data_file("few", text, strlen(text)), ranks);

		job.mf.iterations = 40;
		job.mf.lambda = 1e-3;
		mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
		assert_true(f->results[0].last.train_rmse < 0.05);
	}
}

static void
fit__of_ratings_that_are_all_alike(void **state)
{
	struct fixture *f = *state;
	static const char *const texts[] = {"a x 3\na y 3\nb x 3\n", "a x 0\nb y 0\n",
					    "a x 1e15\nb x -1e15\nb y 1e15\n"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct mf_job job = sgd_job(data_file("alike", texts[i], strlen(texts[i])), 2);

		job.ratings.wide = false;
		job.mf.iterations = 30;
		job.mf.lambda = 0;
		mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
		assert_true(f->results[0].last.train_rmse <=
			    0.2 * fabs(f->results[0].mean) + (i == 2 ? 1e15 : 1e-6));
	}
}

/* What was held out whole has a row of zeros. */
static void
fit__leaves_users_without_ratings_at_zero(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = sgd_job(f->path, 2);
	unsigned zeros = 0;

	job.ratings.holdout = 0.97;
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_true(f->results[0].last.test_unseen > 0);
	assert_true(isfinite(f->results[0].last.test_rmse));
	for (uint32_t i = 0; i < USERS; i++) {
		double squares = 0;

		for (uint32_t k = 0; k < job.mf.factors; k++)
			squares += pow(f->results[0].w[i][k], 2);
		zeros += squares == 0;
	}
	assert_in_range(zeros, 1, USERS - 1);
}

static void
fit__takes_the_last_of_a_pair(void **state)
{
	struct fixture *f = *state;
	const char twice[] = "a x 1\na y 2\nb x 3\na x 5\n", once[] = "a x 5\na y 2\nb x 3\n";
	struct mf_job job = sgd_job(data_file("twice", twice, strlen(twice)), 2);
	double objective;

	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_int_equal(f->results[0].replaced, 1);
	objective = f->results[0].last.objective;
	job = sgd_job(data_file("once", once, strlen(once)), 2);
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_true(f->results[0].last.objective == objective);
}

static void
end__by_request(void **state)
{
	struct fixture *f = *state;
	struct mf_job job = sgd_job(f->path, 3);

	job.mf.iterations = 0;
	job.stop_rank = 2;
	mf_job_assert(&job, STRADS_MF_LIMIT, f->results);
	assert_true(f->results[0].evaluations <= 3);
}

static void
options__out_of_range_are_refused(void **state)
{
	struct fixture *f = *state;
	static const double rates[] = {0, -1, NAN, INFINITY};
	struct mf_job job;

	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		job = sgd_job(f->path, 2);
		job.mf.rate = rates[i];
		assert_int_equal(mf_job_run(&job, f->results), 0);
		assert_int_equal(f->results[0].end.status, STRADS_ERR_INPUT);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(fit__equals_a_serial_one),
	    TEST(fit__in_single_precision_is_close_to_a_serial_one),
	    TEST(fit__lowers_errors),
	    TEST(errors__are_those_of_the_model),
	    TEST(fit__on_more_ranks_than_users_and_items),
	    TEST(fit__of_ratings_that_are_all_alike),
	    TEST(fit__leaves_users_without_ratings_at_zero),
	    TEST(fit__takes_the_last_of_a_pair),
	    TEST(end__by_request),
	    TEST(options__out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}
