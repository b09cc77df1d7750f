/* The strongest terms of a model, ranked by what they do over the rows of all ranks. */
#include "../../../apps/cli/ranking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Two ranks of two rows each and five columns:
 *   column  0: 2 everywhere            β +1     strength 0
 *   column  1: 4 in one row            β +1.5   strength 2.60
 *   column  2: 1 in the rows of rank 1 β −10    strength 5
 *   column  3: nothing                 β −1     strength 0
 *   column  4: 1 in two rows           β 0
 */
static uint64_t starts[2][6] = {{0, 2, 3, 3, 3, 4}, {0, 2, 2, 4, 4, 5}};
static uint32_t rows[2][5] = {{0, 1, 0, 1}, {0, 1, 0, 1, 0}};
static double values[2][5] = {{2, 2, 4, 1}, {2, 2, 1, 1, 1}};
static uint64_t indices[] = {0, 1, 2, 3};
static double coefficients[] = {1, 1.5, -10, -1};

struct outcome {
	const char *vocabulary;
	size_t most;
	int status[2];
	struct strads_ranking ranking[2];
};

static int
rank_main(struct strads_job *job, void *arg)
{
	struct outcome *outcome = arg;
	int rank = strads_job_rank(job);
	struct strads_dataset train = {
	    .x = {.rows = 2,
		  .cols = 5,
		  .start = starts[rank],
		  .row = rows[rank],
		  .value = values[rank]},
	    .rows_total = 4,
	};
	struct strads_linear_model model = {.cols = 5};

	if (rank == 0) {
		model.count = 4;
		model.index = indices;
		model.value = coefficients;
	}
	outcome->status[rank] = strads_ranking_find(job, &train, &model, outcome->vocabulary,
						    outcome->most, &outcome->ranking[rank]);
	return 0;
}

static void
run(struct outcome *outcome)
{
	const struct strads_job_options options = {.kind = STRADS_JOB_SIM, .ranks = 2};

	assert_int_equal(strads_job_run(&options, rank_main, outcome), 0);
}

static void
is_term(const struct strads_ranked_term *term, const char *name, double share, double effect)
{
	assert_string_equal(term->name, name);
	assert_float_equal(term->share, share, 1e-12);
	assert_float_equal(term->effect, effect, 1e-12);
}

static void
find__orders_by_strength_over_all_ranks(void **state)
{
	char path[] = "cli_ranking.XXXXXX";
	int fd = mkstemp(path);
	struct outcome outcome = {.vocabulary = path, .most = 15};
	const struct strads_ranking *found = &outcome.ranking[0];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "one\ntwo\nthree", 13), 13);
	close(fd);
	run(&outcome);
	unlink(path);
	assert_int_equal(outcome.status[0], STRADS_OK);
	assert_int_equal(outcome.status[1], STRADS_OK);
	assert_int_equal(found->positive_count, 2);
	is_term(&found->positive[0], "two", 0.25, 6);
	is_term(&found->positive[1], "one", 1, 2);
	assert_int_equal(found->negative_count, 2);
	is_term(&found->negative[0], "three", 0.5, -10);
	is_term(&found->negative[1], "#4", 0, 0);
	assert_int_equal(outcome.ranking[1].positive_count, 0);
	strads_ranking_free(&outcome.ranking[0]);
	strads_ranking_free(&outcome.ranking[1]);
}

static void
find__no_more_than_asked_for(void **state)
{
	struct outcome outcome = {.vocabulary = "/dev/null", .most = 1};

	(void)state;
	run(&outcome);
	assert_int_equal(outcome.status[0], STRADS_OK);
	assert_int_equal(outcome.ranking[0].positive_count, 1);
	assert_int_equal(outcome.ranking[0].negative_count, 1);
	assert_string_equal(outcome.ranking[0].negative[0].name, "#3");
	strads_ranking_free(&outcome.ranking[0]);
	strads_ranking_free(&outcome.ranking[1]);
}

static void
find__vocabulary_missing_fails_everywhere(void **state)
{
	struct outcome outcome = {.vocabulary = "no/such/file", .most = 15};

	(void)state;
	run(&outcome);
	assert_int_equal(outcome.status[0], STRADS_ERR_IO);
	assert_int_equal(outcome.status[1], STRADS_ERR_IO);
	assert_null(outcome.ranking[0].positive);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(find__orders_by_strength_over_all_ranks),
	    cmocka_unit_test(find__no_more_than_asked_for),
	    cmocka_unit_test(find__vocabulary_missing_fails_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
