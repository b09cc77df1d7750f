#include "mf_job.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data_job.h"
#include "strads/random.h"

/* One rank's side. */
struct side {
	const struct mf_job *job;
	struct mf_result *result;
	int rank;
	volatile int stop;
};

struct mf_job
mf_job_defaults(enum strads_job_kind kind, int ranks, const char *data)
{
	struct mf_job job = {
	    .job = ranks_job(kind, ranks),
	    .fabric = "auto",
	    .ratings = {.data = data, .seed = 1, .wide = true},
	    .mf = {.algorithm = STRADS_MF_CCDPP,
		   .factors = 4,
		   .lambda = 0.1,
		   .weighted = true,
		   .inner = 1,
		   .rate = 0.1,
		   .iterations = 5,
		   .seed = 1},
	    .stop_rank = -1,
	};

	strads_engine_defaults(&job.mf.engine);
	job.mf.engine.memory_bytes = (size_t)64 << 20;
	return job;
}

uint64_t
mf_job_hash(const char *user, const char *item, double value)
{
	uint64_t hash = strads_random_mix((uint64_t)llrint(value * 1000) + 17);

	for (const char *c = user; *c; c++)
		hash = strads_random_mix(hash ^ (unsigned char)*c);
	for (const char *c = item; *c; c++)
		hash = strads_random_mix(hash + (unsigned char)*c);
	return hash;
}

static uint64_t
part_content(const struct strads_ratings *ratings, const struct strads_rank_one_rows *part)
{
	uint64_t content = 0;

	for (uint32_t i = 0; part->start && i < part->rows; i++)
		for (uint64_t e = part->start[i]; e < part->start[i + 1]; e++) {
			double value = part->wide ? ((const double *)part->residual)[e]
						  : (double)((const float *)part->residual)[e];

			if (e > part->start[i])
				assert_true(part->col[e] > part->col[e - 1]);
			content +=
			    mf_job_hash(strads_names_word(&ratings->users, ratings->first_user + i),
					strads_names_word(&ratings->items, part->col[e]), value);
		}
	return content;
}

static void
ratings_tell(const struct strads_ratings *ratings, struct mf_result *result)
{
	result->users = ratings->users.count;
	result->items = ratings->items.count;
	result->ratings = ratings->train_total;
	result->test_ratings = ratings->test_total;
	result->unknown = ratings->unknown;
	result->replaced = ratings->replaced;
	result->first_user = ratings->first_user;
	result->own_users = ratings->train.rows;
	result->own_ratings = ratings->train.start[ratings->train.rows];
	result->mean = ratings->mean;
	result->test_content = part_content(ratings, &ratings->test);
	result->content = part_content(ratings, &ratings->train) + result->test_content;
	snprintf(result->last_user, sizeof result->last_user, "%.15s",
		 strads_names_word(&ratings->users, ratings->users.count - 1));
	snprintf(result->last_item, sizeof result->last_item, "%.15s",
		 strads_names_word(&ratings->items, ratings->items.count - 1));
}

static void
report(void *arg, const struct strads_mf_progress *progress, bool final)
{
	struct side *side = arg;
	struct mf_result *result = side->result;

	if (result->evaluations < MF_POINTS_MAX)
		result->point[result->evaluations] = *progress;
	result->evaluations++;
	result->finals += final;
	result->last = *progress;
	if (side->rank == side->job->stop_rank)
		side->stop = 1;
}

/* Copies the factors of a small problem, by rows. */
static int
model_tell(struct strads_mf_model *model, struct mf_result *result)
{
	uint32_t columns = strads_mf_model_columns(model);
	double rows[MF_USERS_MAX * MF_K_MAX];
	int status = STRADS_OK;

	if (result->users > MF_USERS_MAX || result->items > MF_ITEMS_MAX || columns > MF_K_MAX)
		return STRADS_OK;
	for (uint32_t half = 0; status == STRADS_OK && half < 2; half++) {
		uint32_t users = (uint32_t)result->users, middle = users / 2;
		uint32_t first = half ? middle : 0, n = half ? users - middle : middle;

		status = strads_mf_model_read(model, STRADS_MF_USERS, first, n, rows);
		for (uint32_t i = 0; i < n; i++)
			memcpy(result->w[first + i], rows + i * columns, columns * sizeof *rows);
	}
	if (status == STRADS_OK)
		status =
		    strads_mf_model_read(model, STRADS_MF_ITEMS, 0, (uint32_t)result->items, rows);
	for (uint32_t j = 0; status == STRADS_OK && j < result->items; j++)
		memcpy(result->h[j], rows + j * columns, columns * sizeof *rows);
	return status;
}

static int
fit(struct strads_fabric *fabric, const void *arg, void *left)
{
	const struct mf_job *job = arg;
	struct mf_result *result = left;
	struct strads_job *ranks = strads_fabric_job(fabric);
	struct side side = {.job = job, .result = result, .rank = strads_job_rank(ranks)};
	struct strads_ratings ratings = {0};
	struct strads_mf_model *model = NULL;
	int status = strads_ratings_read(fabric, &job->ratings, &ratings);

	if (status == STRADS_OK)
		ratings_tell(&ratings, result);
	if (status == STRADS_OK && job->mf.factors > 0)
		status = strads_mf_fit(fabric, &ratings, &job->mf, &side.stop, report, &side,
				       &result->outcome, &model);
	if (status == STRADS_OK && model)
		status =
		    strads_job_agree(ranks, side.rank == 0 ? model_tell(model, result) : STRADS_OK);
	strads_mf_model_delete(&model);
	strads_ratings_free(&ratings);
	return status;
}

int
mf_job_run(const struct mf_job *job, struct mf_result *results)
{
	return ranks_run(&job->job, job->fabric, fit, job, results, sizeof *results);
}

static bool
same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

void
mf_job_assert(const struct mf_job *job, enum strads_mf_outcome outcome, struct mf_result *results)
{
	ranks_assert(&job->job, job->fabric, fit, job, results, sizeof *results);
	for (int i = 0; i < job->job.ranks; i++) {
		const struct mf_result *r = &results[i], *first = &results[0];

		if (job->mf.factors == 0)
			continue;
		if (r->outcome != outcome)
			fail_msg("rank %d of %d: outcome %d, objective %g after %llu sets", i,
				 job->job.ranks, r->outcome, r->last.objective,
				 (unsigned long long)r->last.sets);
		assert_int_equal(r->finals, 1);
		assert_int_equal(r->evaluations, first->evaluations);
		assert_int_equal(r->last.updates, first->last.updates);
		assert_true(same(r->last.objective, first->last.objective));
		assert_true(same(r->last.test_rmse, first->last.test_rmse));
	}
}

const char *
mf_job_ratings(const char *name, uint32_t users, uint32_t items)
{
	size_t room = (size_t)users * items * 40 + 1, have = 0;
	char *text = malloc(room);
	const char *path;

	assert_non_null(text);
	for (uint32_t i = 0; i < users; i++)
		for (uint32_t j = 0; j < items; j++) {
			double noise = (double)(strads_random(5, i, j) % 1000) / 2000;
			double value = 3 + sin(i) * cos(j) + sin(3.0 * i) * sin(j + 1.0) + noise;

			if (strads_random(9, i, j) % 3 == 0)
				have += (size_t)snprintf(text + have, room - have, "%u\t%u\t%.3f\n",
							 i + 1, 7 * j + 1, value);
		}
	path = data_file(name, text, have);
	free(text);
	return path;
}

struct mf_result *
mf_results_new(void)
{
	struct mf_result *results = calloc(MF_RANKS_MAX, sizeof *results);

	assert_non_null(results);
	return results;
}
