/*
 * Sets of kind EVALUATE: the objective and the errors, and whether to go on.
 */
#include "state.h"

#include <math.h>
#include <string.h>

/* Ratings of own row i of a side. */
static uint64_t
ratings_of(const struct strads_mf *mf, enum strads_mf_side side, uint64_t i)
{
	const uint64_t *start = mf->ratings->train.start;

	return side == STRADS_MF_USERS ? start[i + 1] - start[i] : mf->count[mf->first_item + i];
}

/* Of one side's shard, in the order in which it lies. */
static double
penalty(const struct strads_mf *mf, enum strads_mf_side side)
{
	bool users = side == STRADS_MF_USERS, by_rows = mf->model->by_rows;
	uint64_t rows = users ? mf->ratings->train.rows : mf->own_items;
	uint64_t outer = by_rows ? rows : mf->model->columns;
	uint64_t inner = by_rows ? mf->model->columns : rows;
	const void *reals = users ? mf->w : mf->h;
	double sum = 0;

	for (uint64_t o = 0; o < outer; o++)
		for (uint64_t i = 0; i < inner; i++) {
			double x = strads_mf_get(mf->wide, reals, o * inner + i);

			sum += strads_mf_ridge(mf, ratings_of(mf, side, by_rows ? o : i)) * x * x;
		}
	return sum;
}

/* Σ r² of ratings of own users. */
static double
squares(const struct strads_mf *mf, const struct strads_rank_one_rows *part)
{
	if (!part->start)
		return 0;
	return mf->als ? strads_mf_als_squares(mf, part) : strads_rank_one_squares(part);
}

/* Σ r² of own ratings and of those held out, and the penalty. */
static int
look(struct strads_mf *mf, double *partial)
{
	double *train = &partial[STRADS_MF_SQUARES], *test = &partial[STRADS_MF_TEST_SQUARES];
	int status;

	if (mf->sgd) {
		status = strads_mf_sgd_look(mf, train, test);
		if (status == STRADS_OK)
			partial[STRADS_MF_PENALTY] = strads_mf_sgd_penalty(mf);
		return status;
	}
	strads_mf_complete(mf, NULL);
	*train = squares(mf, &mf->ratings->train);
	*test = squares(mf, &mf->ratings->test);
	partial[STRADS_MF_PENALTY] = penalty(mf, STRADS_MF_USERS) + penalty(mf, STRADS_MF_ITEMS);
	return STRADS_OK;
}

int
strads_mf_evaluate_push(struct strads_mf *mf, double *partial)
{
	int status = look(mf, partial);

	if (status)
		return status;
	partial[STRADS_MF_TEST_SQUARES] += mf->unseen_squares;
	partial[STRADS_MF_UNSEEN] = (double)mf->unseen;
	partial[STRADS_MF_STOPS] = mf->stop && *mf->stop ? 1 : 0;
	strads_linear_costs_read(mf->fabric, mf->engine, partial + STRADS_MF_COST);
	return STRADS_OK;
}

int
strads_mf_evaluate_sync(struct strads_mf *mf, const void *commit, size_t bytes)
{
	if (bytes != sizeof mf->sum)
		return strads_fail(STRADS_ERR_PROTOCOL, "%zu bytes for an evaluation", bytes);
	memcpy(mf->sum, commit, bytes);
	return STRADS_OK;
}

static void
progress_make(struct strads_mf *mf, uint64_t sets)
{
	const struct strads_ratings *ratings = mf->ratings;
	struct strads_mf_progress *progress = &mf->progress;

	progress->seconds = (double)(strads_fabric_clock_ns(mf->fabric) - mf->start_ns) * 1e-9;
	progress->iterations = mf->course.iterations;
	progress->sets = sets;
	progress->updates = mf->course.updates;
	progress->objective = mf->sum[STRADS_MF_SQUARES] + mf->sum[STRADS_MF_PENALTY];
	progress->train_rmse = sqrt(mf->sum[STRADS_MF_SQUARES] / (double)ratings->train_total);
	progress->test_rmse = NAN;
	if (ratings->test_total)
		progress->test_rmse =
		    sqrt(mf->sum[STRADS_MF_TEST_SQUARES] / (double)ratings->test_total);
	progress->test_unseen = (uint64_t)mf->sum[STRADS_MF_UNSEEN];
	memcpy(progress->cost, mf->sum + STRADS_MF_COST, sizeof progress->cost);
}

/* Whether the descent ends with this sweep; *outcome says why. */
static bool
is_over(struct strads_mf *mf, enum strads_mf_outcome *outcome)
{
	const struct strads_mf_options *options = &mf->options;
	const struct strads_mf_progress *progress = &mf->progress;
	struct strads_mf_course *course = &mf->course;
	double gained = course->objective - progress->objective;

	if (progress->test_rmse < course->best_test) {
		course->best_test = progress->test_rmse;
		course->best_at = course->iterations;
	}
	if (gained < options->tol * course->objective)
		*outcome = STRADS_MF_CONVERGED;
	else if (options->patience && mf->ratings->test_total &&
		 course->iterations - course->best_at >= options->patience)
		*outcome = STRADS_MF_STALLED;
	else if (options->iterations && course->iterations >= options->iterations)
		*outcome = STRADS_MF_LIMIT;
	else
		return false;
	return true;
}

int
strads_mf_evaluate_finish(struct strads_mf *mf, const struct strads_block *last)
{
	bool swept = last->arg & STRADS_MF_SWEPT, over = last->arg & STRADS_MF_FINAL;

	mf->course.iterations += swept;
	mf->course.stop = mf->course.stop || mf->sum[STRADS_MF_STOPS] > 0;
	progress_make(mf, last->set + 1);
	mf->outcome = STRADS_MF_LIMIT;
	if (!isfinite(mf->progress.objective)) {
		mf->outcome = STRADS_MF_DIVERGED;
		over = true;
	} else if (swept) {
		over = is_over(mf, &mf->outcome) || over;
		mf->course.objective = mf->progress.objective;
	}
	if (mf->report)
		mf->report(mf->report_arg, &mf->progress, over);
	return over ? STRADS_STOP : STRADS_OK;
}
