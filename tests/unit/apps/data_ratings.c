/*
 * Files of ratings: what is read, by any number of ranks, and what is refused.
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

static const int rank_counts[] = {1, 2, 5};

#define RANK_COUNTS (sizeof rank_counts / sizeof *rank_counts)

struct expected {
	uint64_t users, items, ratings, replaced;
	uint64_t content;
	const char *last_user, *last_item;
};

static struct mf_job
reading_job(int ranks, const char *data)
{
	struct mf_job job =
	    mf_job_defaults(ranks == 2 ? STRADS_JOB_LOCAL : STRADS_JOB_SIM, ranks, data);

	job.mf.factors = 0;
	return job;
}

static uint64_t
content_total(const struct mf_result *results, int ranks)
{
	uint64_t total = 0;

	for (int r = 0; r < ranks; r++)
		total += results[r].content;
	return total;
}

static void
assert_read(const char *path, const struct expected *expected)
{
	struct mf_result *results = mf_results_new();

	for (size_t n = 0; n < RANK_COUNTS; n++) {
		int ranks = rank_counts[n];
		struct mf_job job = reading_job(ranks, path);

		mf_job_assert(&job, STRADS_MF_LIMIT, results);
		for (int r = 0; r < ranks; r++) {
			assert_int_equal(results[r].users, expected->users);
			assert_int_equal(results[r].items, expected->items);
			assert_int_equal(results[r].ratings, expected->ratings);
			assert_int_equal(results[r].replaced, expected->replaced);
			assert_string_equal(results[r].last_user, expected->last_user);
			assert_string_equal(results[r].last_item, expected->last_item);
		}
		assert_int_equal(content_total(results, ranks), expected->content);
	}
	free(results);
}

static void
assert_text(const char *text, const struct expected *expected)
{
	assert_read(data_file("ratings", text, strlen(text)), expected);
}

/* The same four ratings in every dress. */
static void
read__takes_every_separator(void **state)
{
	static const char *const texts[] = {
	    "1 10 5\n1 2 3.5\n7 10 -1\n12 2 0\n",
	    "1\t10\t5\n1\t2\t3.5\n7\t10\t-1\n12\t2\t0\n",
	    "1,10,5\n1, 2, 3.5\n7 ,10,-1\n12,2,0",
	    "1;10;5;x y\n1;2;3.5\n7;10;-1\r\n12;2;0\n",
	    "1::10::5::978300760\n1::2::3.5::978302109\n7::10::-1::9\n12::2::0::1\n",
	    "\xef\xbb\xbf"
	    "1 10 5\n1 2 3.5\n7 10 -1\n12 2 0\n",
	    "userId,movieId,rating,timestamp\n1,10,5,9\n1,2,3.5,9\n7,10,-1,9\n12,2,0,9\n",
	    "# comment\n  1   10   5\n\n1 2 3.5\n% another\n7 10 -1e0\n12 2 +0.0 # and\n",
	    "%%MatrixMarket matrix coordinate real general\n% c\n12 10 4\n1 10 5\n1 2 3.5\n"
	    "7 10 -1\n12 2 0\n",
	};
	const struct expected expected = {
	    .users = 3,
	    .items = 2,
	    .ratings = 4,
	    .content = mf_job_hash("1", "10", 5) + mf_job_hash("1", "2", 3.5) +
		       mf_job_hash("7", "10", -1) + mf_job_hash("12", "2", 0),
	    .last_user = "12",
	    .last_item = "10",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_text(texts[i], &expected);
}

/* Words and numbers of 64 bits; the shorter come first. */
static void
read__takes_ids_of_any_kind(void **state)
{
	const struct expected expected = {
	    .users = 3,
	    .items = 3,
	    .ratings = 4,
	    .content = mf_job_hash("18446744073709551615", "B00:x", 1) +
		       mf_job_hash("anna", "z\xc3\xa9", 2) + mf_job_hash("ben", "B00:x", 3) +
		       mf_job_hash("ben", "0", 4),
	    .last_user = "184467440737095",
	    .last_item = "B00:x",
	};

	(void)state;
	assert_text("18446744073709551615 B00:x 1\nanna z\xc3\xa9 2\nben B00:x 3\nben 0 4\n",
		    &expected);
}

static void
read__keeps_the_last_of_equal_pairs(void **state)
{
	const struct expected expected = {
	    .users = 2,
	    .items = 2,
	    .ratings = 3,
	    .replaced = 3,
	    .content =
		mf_job_hash("1", "1", 4) + mf_job_hash("1", "2", 5) + mf_job_hash("2", "1", 9),
	    .last_user = "2",
	    .last_item = "2",
	};

	(void)state;
	assert_text("1 1 1\n2 1 7\n1 1 2\n1 2 5\n2 1 9\n1 1 4\n", &expected);
}

static void
read__compressed(void **state)
{
	const char text[] = "1 1 1\n2 1 7\n";
	const struct expected expected = {
	    .users = 2,
	    .items = 1,
	    .ratings = 2,
	    .content = mf_job_hash("1", "1", 1) + mf_job_hash("2", "1", 7),
	    .last_user = "2",
	    .last_item = "1",
	};
	size_t bytes;
	void *archive = data_xz(text, strlen(text), &bytes);

	(void)state;
	assert_read(data_file("ratings.xz", archive, bytes), &expected);
	free(archive);
}

/* Each rank has about its share of the ratings, whichever users have them. */
static void
read__splits_by_ratings(void **state)
{
	struct mf_result *results = mf_results_new();
	char text[8192];
	size_t have = 0;

	(void)state;
	for (int user = 1; user <= 40; user++)
		for (int item = 1; item <= (user <= 10 ? 12 : 4); item++)
			have += (size_t)snprintf(text + have, sizeof text - have, "%d %d 1\n", user,
						 item);
	for (int ranks = 2; ranks <= 4; ranks++) {
		struct mf_job job = reading_job(ranks, data_file("uneven", text, have));
		uint64_t users = 0;

		mf_job_assert(&job, STRADS_MF_LIMIT, results);
		for (int r = 0; r < ranks; r++) {
			assert_int_equal(results[r].first_user, users);
			assert_true(llabs((long long)results[r].own_ratings - 240 / ranks) <= 12);
			users += results[r].own_users;
		}
		assert_int_equal(users, 40);
	}
	free(results);
}

static void
read__holds_out_the_same_on_any_ranks(void **state)
{
	struct mf_result *results = mf_results_new();
	struct mf_job job = reading_job(1, mf_job_ratings("held", 60, 40));
	uint64_t content = 0, held = 0, ratings = 0;

	(void)state;
	for (int ranks = 1; ranks <= 4; ranks++) {
		uint64_t out = 0;

		job.job.ranks = ranks;
		job.ratings.holdout = 0;
		mf_job_assert(&job, STRADS_MF_LIMIT, results);
		content = content_total(results, ranks);
		ratings = results[0].ratings;
		job.ratings.holdout = 0.25;
		mf_job_assert(&job, STRADS_MF_LIMIT, results);
		assert_int_equal(content_total(results, ranks), content);
		assert_int_equal(results[0].ratings + results[0].test_ratings, ratings);
		assert_true(fabs((double)results[0].test_ratings / (double)ratings - 0.25) < 0.05);
		for (int r = 0; r < ranks; r++)
			out += results[r].test_content;
		assert_true(ranks == 1 || out == held);
		held = out;
	}
	job.ratings.seed = 2;
	mf_job_assert(&job, STRADS_MF_LIMIT, results);
	assert_true(results[0].test_content + results[1].test_content + results[2].test_content +
			results[3].test_content !=
		    held);
	free(results);
}

static void
test__knows_only_the_ids_of_the_training_file(void **state)
{
	struct mf_result *results = mf_results_new();
	const char train[] = "1 1 2\n1 2 4\n2 1 3\n", test[] = "3 1 1.5\n1 9 4\n2 2 6\n2 2 5\n";
	char data[512], held[512];

	(void)state;
	snprintf(data, sizeof data, "%s", data_file("train", train, strlen(train)));
	snprintf(held, sizeof held, "%s", data_file("test", test, strlen(test)));
	for (size_t n = 0; n < RANK_COUNTS; n++) {
		struct mf_job job = reading_job(rank_counts[n], data);
		uint64_t content = 0;

		job.ratings.test = held;
		mf_job_assert(&job, STRADS_MF_LIMIT, results);
		assert_int_equal(results[0].ratings, 3);
		assert_int_equal(results[0].test_ratings, 3);
		assert_int_equal(results[0].unknown, 2);
		assert_int_equal(results[0].replaced, 1);
		assert_true(results[0].mean == 3);
		for (int r = 0; r < rank_counts[n]; r++)
			content += results[r].test_content;
		assert_int_equal(content, mf_job_hash("2", "2", 5));
	}
	free(results);
}

static const struct refused {
	const char *text, *says;
} refused[] = {
    {"1 1 1\n2 2\n3 1 1\n", ":2: the rating is missing"},
    {"1 1 1\n2\n3 1 1\n", ":2: the item is missing"},
    {"1 1 1\n,2,3\n", ":2: the user is missing"},
    {"1 1 1\n2,,3\n", ":2: the item is missing"},
    {"1 1 1\n2 2 abc\n", ":2: rating 'abc' is not a finite number"},
    {"1 1 nan\n2 2 1\n", ":1: rating 'nan' is not a finite number"},
    {"1 1 1\n2 2 inf\n", ":2: rating 'inf' is not a finite number"},
    {"1 1 1\n1 2 4x\n", ":2: rating '4x' is not a finite number"},
    {"1::1::4x::9\n", ":1: rating '4x' is not a finite number"},
    {"1 1 1\n\n1 2 1e16\n", ":3: rating '1e16' is beyond 1e+15"},
    {"1 1 1\n1 2 1e999\n", ":2: rating '1e999' is beyond 1e+15"},
    {"# nothing\n\n", " has no ratings"},
    {"user,item,rating\n", " has no ratings"},
    {"user,item,rating\nuser,item,rating\n", ":2: rating 'rating' is not a finite number"},
    {"%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n0 1 2\n",
     ":4: row '0' is not a whole number from 1"},
    {"%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n3 1 2\n",
     ":4: row '3' is beyond the 2 of the header"},
    {"%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n2 x 2\n",
     ":4: column 'x' is not a whole number from 1"},
    {"%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 1\n2 1 2\n",
     " has 2 entries, its header announces 3"},
    {"%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 1\n",
     ":1: ratings are the entries of a matrix"},
    {"%%MatrixMarket matrix array real general\n1 1\n1\n",
     ":1: ratings are the entries of a matrix"},
};

static void
read__refuses_on_every_rank(void **state)
{
	struct mf_result *results = mf_results_new();

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		for (size_t n = 0; n < RANK_COUNTS; n++) {
			const char *path =
			    data_file("refused", refused[i].text, strlen(refused[i].text));
			struct mf_job job = reading_job(rank_counts[n], path);

			job.job.kind = STRADS_JOB_SIM;
			(void)mf_job_run(&job, results);
			for (int r = 0; r < rank_counts[n]; r++)
				if (results[r].end.status != STRADS_ERR_INPUT ||
				    !strstr(results[r].end.error, refused[i].says) ||
				    strchr(results[r].end.error, '\n'))
					fail_msg("%zu, rank %d: %s '%s'", i, r,
						 strads_status_name(results[r].end.status),
						 results[r].end.error);
		}
	free(results);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(read__takes_every_separator),
	    cmocka_unit_test(read__takes_ids_of_any_kind),
	    cmocka_unit_test(read__keeps_the_last_of_equal_pairs),
	    cmocka_unit_test(read__compressed),
	    cmocka_unit_test(read__splits_by_ratings),
	    cmocka_unit_test(read__holds_out_the_same_on_any_ranks),
	    cmocka_unit_test(test__knows_only_the_ids_of_the_training_file),
	    cmocka_unit_test(read__refuses_on_every_rank),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}
