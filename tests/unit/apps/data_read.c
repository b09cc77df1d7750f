/*
 * Data sets: every format, archive and number of ranks gives the same matrix.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data_job.h"
#include "strads/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A growing text. */
struct text {
	char *bytes;
	size_t size, room;
};

static void STRADS_PRINTF(2, 3) text_add(struct text *text, const char *format, ...)
{
	va_list args;

	if (text->room - text->size < 256) {
		text->room = 2 * text->room + 4096;
		text->bytes = realloc(text->bytes, text->room);
	}
	va_start(args, format);
	text->size += (size_t)vsnprintf(text->bytes + text->size, 256, format, args);
	va_end(args);
}

static void
text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){0};
}

#define ROWS 57
#define COLS 31

/* Entry (i, j) of a matrix with a quarter of its entries nonzero. */
static double
entry(int i, int j)
{
	uint64_t random = strads_random(3, 0, (uint64_t)(i * COLS + j));

	return random % 4 ? 0.0 : (double)(int64_t)(random >> 20) * 0x1p-40 - 3.0;
}

static double
response(int i)
{
	return i * 0.25 - 3.0;
}

static void
svmlight_make(struct text *text)
{
	for (int i = 0; i < ROWS; i++) {
		text_add(text, "%.17g", response(i));
		for (int j = 0; j < COLS; j++)
			if (entry(i, j) != 0.0)
				text_add(text, " %d:%.17g", j + 1, entry(i, j));
		text_add(text, "\n");
	}
}

/* Coordinates by columns, the other way round than the rows are split. */
static void
market_make(struct text *text)
{
	int count = 0;

	for (int k = 0; k < ROWS * COLS; k++)
		count += entry(k % ROWS, k / ROWS) != 0.0;
	text_add(text, "%%%%MatrixMarket matrix coordinate real general\n%% by columns\n\n");
	text_add(text, "%d %d %d\n", ROWS, COLS, count);
	for (int j = 0; j < COLS; j++)
		for (int i = 0; i < ROWS; i++)
			if (entry(i, j) != 0.0)
				text_add(text, "%d  %d\t%.17g\n", i + 1, j + 1, entry(i, j));
}

static void
array_make(struct text *text)
{
	text_add(text, "%%%%MatrixMarket matrix array real general\n%d %d\n", ROWS, COLS);
	for (int j = 0; j < COLS; j++)
		for (int i = 0; i < ROWS; i++)
			text_add(text, "%.17g\n", entry(i, j));
}

static const char *
response_file(void)
{
	struct text text = {0};
	const char *path;

	for (int i = 0; i < ROWS; i++)
		text_add(&text, "%.17g\n", response(i));
	path = data_file("y", text.bytes, text.size);
	text_free(&text);
	return path;
}

static void
assert_read(enum strads_job_kind kind, int ranks, const struct strads_dataset_options *options,
	    struct data_outcome *outcome)
{
	data_job_read(kind, ranks, options, outcome);
	for (int r = 0; r < ranks; r++)
		if (outcome[r].status != STRADS_OK)
			fail_msg("%s, rank %d of %d: %s, '%s'", options->data, r, ranks,
				 strads_status_name(outcome[r].status), outcome[r].sentence);
}

/* Reads what is written here, as the only rank. */
static struct data_outcome
read_alone(const char *name, const char *text)
{
	struct data_outcome outcome[DATA_RANKS_MAX];

	assert_read(STRADS_JOB_SELF, 1,
		    &(struct strads_dataset_options){.data = data_file(name, text, strlen(text))},
		    outcome);
	return outcome[0];
}

static void
read__values_and_places(void **state)
{
	struct strads_dataset_options options = {0};
	struct data_outcome whole[DATA_RANKS_MAX];
	struct text text = {0};
	uint64_t content = 0;

	(void)state;
	svmlight_make(&text);
	options.data = data_file("x.svm", text.bytes, text.size);
	assert_read(STRADS_JOB_SELF, 1, &options, whole);
	assert_int_equal(whole[0].rows, ROWS);
	assert_int_equal(whole[0].rows_total, ROWS);
	assert_int_equal(whole[0].cols, COLS);
	assert_int_equal(whole[0].entries, whole[0].entries_total);
	assert_int_equal(whole[0].bytes_read, text.size);
	for (int i = 0; i < ROWS; i++) {
		content += data_hash((uint64_t)i, UINT64_MAX, response(i));
		for (int j = 0; j < COLS; j++)
			if (entry(i, j) != 0.0)
				content += data_hash((uint64_t)i, (uint64_t)j, entry(i, j));
	}
	assert_int_equal(whole[0].content, content);
	text_free(&text);
}

/* Plain, zstd, xz and gzip: the same arrays on every rank, and the same matrix for any split. */
static void
read__archives_are_as_plain_text(void **state)
{
	static const int ranks[] = {1, 2, 3, 4, 8};
	struct strads_dataset_options options = {.rows_per_rank = true};
	struct data_outcome plain[DATA_RANKS_MAX], packed[DATA_RANKS_MAX];
	struct text text = {0};
	uint64_t content = 0;
	void *archive[3];
	const char *path[4];
	size_t bytes[3];

	(void)state;
	svmlight_make(&text);
	archive[0] = data_zstd(text.bytes, text.size, &bytes[0]);
	archive[1] = data_xz(text.bytes, text.size, &bytes[1]);
	archive[2] = data_gzip(text.bytes, text.size, &bytes[2]);
	path[0] = data_file("x.svm", text.bytes, text.size);
	path[1] = data_file("x.zst", archive[0], bytes[0]);
	path[2] = data_file("x.xz", archive[1], bytes[1]);
	path[3] = data_file("x.gz", archive[2], bytes[2]);
	for (size_t p = 0; p < sizeof(ranks) / sizeof(ranks[0]); p++) {
		options.data = path[0];
		assert_read(STRADS_JOB_SIM, ranks[p], &options, plain);
		content = p ? content : data_job_content(plain, 1);
		assert_int_equal(data_job_content(plain, ranks[p]), content);
		for (int a = 1; a < 4; a++) {
			options.data = path[a];
			assert_read(STRADS_JOB_SIM, ranks[p], &options, packed);
			for (int r = 0; r < ranks[p]; r++) {
				assert_int_equal(packed[r].in_order, plain[r].in_order);
				assert_int_equal(packed[r].first_row, plain[r].first_row);
				assert_int_equal(packed[r].cols, plain[r].cols);
			}
		}
	}
	for (int a = 0; a < 3; a++)
		free(archive[a]);
	text_free(&text);
}

static void
read__market_by_columns_is_as_svmlight(void **state)
{
	struct strads_dataset_options options = {0};
	struct data_outcome outcome[DATA_RANKS_MAX];
	struct text svmlight = {0}, market = {0}, array = {0};
	const char *path[3];
	uint64_t content;
	size_t bytes;
	void *archive;

	(void)state;
	svmlight_make(&svmlight);
	market_make(&market);
	array_make(&array);
	archive = data_zstd(market.bytes, market.size, &bytes);
	options.data = data_file("x.svm", svmlight.bytes, svmlight.size);
	assert_read(STRADS_JOB_SELF, 1, &options, outcome);
	content = data_job_content(outcome, 1);
	path[0] = data_file("x.mtx", market.bytes, market.size);
	path[1] = data_file("x.mtx.zst", archive, bytes);
	path[2] = data_file("array.mtx", array.bytes, array.size);
	options.response = response_file();
	for (int ranks = 1; ranks <= 8; ranks++)
		for (int f = 0; f < 3; f++) {
			options.data = path[f];
			assert_read(STRADS_JOB_SIM, ranks, &options, outcome);
			assert_int_equal(data_job_content(outcome, ranks), content);
			for (int r = 0; r < ranks; r++)
				assert_int_equal(outcome[r].first_row, r * ROWS / ranks);
		}
	free(archive);
	text_free(&svmlight);
	text_free(&market);
	text_free(&array);
}

static void
read__response_may_be_market_or_packed(void **state)
{
	static const char matrix[] = "%%MatrixMarket matrix coordinate pattern general\n"
				     "3 2 3\n3 1\n1 2\n2 2\n";
	static const char coordinates[] = "%%MatrixMarket matrix coordinate real general\n"
					  "3 1 2\n3 1 1.5\n1 1 -2\n";
	static const char plain[] = "-2\n0\n1.5\n";
	struct strads_dataset_options options = {.data = data_file("x", matrix, strlen(matrix))};
	struct data_outcome one[DATA_RANKS_MAX], other[DATA_RANKS_MAX];
	size_t bytes;
	void *archive = data_xz(plain, strlen(plain), &bytes);

	(void)state;
	options.response = data_file("y.mtx", coordinates, strlen(coordinates));
	assert_read(STRADS_JOB_SIM, 2, &options, one);
	options.response = data_file("y.xz", archive, bytes);
	assert_read(STRADS_JOB_SIM, 2, &options, other);
	for (int r = 0; r < 2; r++)
		assert_int_equal(one[r].in_order, other[r].in_order);
	options.response = NULL;
	assert_read(STRADS_JOB_SIM, 2, &options, other);
	assert_int_not_equal(one[0].in_order, other[0].in_order);
	free(archive);
}

static void
read__same_in_processes_as_in_the_simulator(void **state)
{
	struct strads_dataset_options options = {0};
	struct data_outcome sim[DATA_RANKS_MAX], local[DATA_RANKS_MAX];
	struct text text = {0};
	size_t bytes;
	void *archive;

	(void)state;
	market_make(&text);
	archive = data_gzip(text.bytes, text.size, &bytes);
	options.data = data_file("x.mtx.gz", archive, bytes);
	assert_read(STRADS_JOB_SIM, 3, &options, sim);
	assert_read(STRADS_JOB_LOCAL, 3, &options, local);
	for (int r = 0; r < 3; r++)
		assert_int_equal(sim[r].in_order, local[r].in_order);
	free(archive);
	text_free(&text);
}

static void
read__svmlight_tolerates(void **state)
{
	static const char *const same[] = {
	    "1 1:2 3:4\n-1 2:1\n",
	    "1 1:2 3:4\r\n-1 2:1\r\n",
	    "\xef\xbb\xbf"
	    "1 1:2 3:4\n-1 2:1\n",
	    "1 1:2 3:4\n-1 2:1",
	    "1 3:4 1:2\n-1 2:1\n",
	    "  +1\t1:2.0  3:4e0 \n\n-1 qid:7 2:1 # comment 9:9\n",
	    "# head\n1 1:2 2:0 3:4 # end\n#\n-1 2:1e0 3:0",
	    "1. 1:02 3:4.\n-1.0 2:.1e1\n\n\n",
	};
	uint64_t expected = read_alone("a.svm", same[0]).in_order;

	(void)state;
	for (size_t i = 1; i < sizeof(same) / sizeof(same[0]); i++)
		assert_int_equal(read_alone("b.svm", same[i]).in_order, expected);
	assert_int_not_equal(read_alone("b.svm", "1 1:2 3:4\n-1 2:2\n").in_order, expected);
}

static void
read__zeros_are_not_stored(void **state)
{
	struct data_outcome outcome = read_alone("zeros.svm", "1 1:0 2:1 5:0\n0\n2 3:-0\n");

	(void)state;
	assert_int_equal(outcome.entries, 1);
	assert_int_equal(outcome.cols, 5);
	assert_int_equal(outcome.rows, 3);
}

static void
read__market_sums_entries_that_occur_twice(void **state)
{
	static const char head[] = "%%MatrixMarket matrix coordinate integer general\n2 2 ";
	char twice[256], once[256];

	(void)state;
	snprintf(twice, sizeof(twice), "%s5\n1 1 2\n2 2 1\n1 1 3\n2 1 4\n2 1 -4\n", head);
	snprintf(once, sizeof(once), "%s2\n1 1 5\n2 2 1\n", head);
	assert_int_equal(read_alone("twice.mtx", twice).in_order,
			 read_alone("once.mtx", once).in_order);
}

static void
read__market_symmetric_has_its_mirror(void **state)
{
	(void)state;
	assert_int_equal(read_alone("s.mtx", "%%MatrixMarket matrix coordinate real symmetric\n"
					     "3 3 3\n1 1 5\n2 1 7\n3 2 8\n")
			     .in_order,
			 read_alone("g.mtx", "%%MatrixMarket matrix coordinate real general\n"
					     "3 3 5\n1 1 5\n2 1 7\n3 2 8\n1 2 7\n2 3 8\n")
			     .in_order);
}

static void
read__column_bounds(void **state)
{
	static const char text[] = "1 1:1 4:1\n2 9:1 2:1\n";
	struct strads_dataset_options options = {.data = data_file("c.svm", text, strlen(text))};
	struct data_outcome outcome[DATA_RANKS_MAX];

	(void)state;
	options.min_cols = 20;
	assert_read(STRADS_JOB_SIM, 2, &options, outcome);
	assert_int_equal(outcome[0].cols, 20);
	options.min_cols = options.max_cols = 4;
	assert_read(STRADS_JOB_SIM, 2, &options, outcome);
	assert_int_equal(outcome[1].cols, 4);
	assert_int_equal(outcome[0].entries_total, 3);
	options.min_cols = 0;
	options.data = STRADS_TEST_INPUT "/good.mtx";
	options.max_cols = 2;
	assert_read(STRADS_JOB_SIM, 2, &options, outcome);
	assert_int_equal(outcome[1].cols, 2);
	assert_int_equal(outcome[0].entries_total, 3);
}

/* The largest index there is. */
static void
read__index_of_two_to_the_32nd(void **state)
{
	struct strads_dataset_options options = {.max_cols = 10};
	struct data_outcome outcome[DATA_RANKS_MAX];
	static const char text[] = "1 1:1 4294967296:1\n";

	(void)state;
	options.data = data_file("wide.svm", text, strlen(text));
	assert_read(STRADS_JOB_SELF, 1, &options, outcome);
	assert_int_equal(outcome[0].entries, 1);
}

/* One line is longer than all others together: by bytes most ranks would have no row. */
static void
read__rows_of_very_different_length(void **state)
{
	struct strads_dataset_options options = {.rows_per_rank = true};
	struct data_outcome outcome[DATA_RANKS_MAX];
	struct text text = {0};
	uint64_t content;

	(void)state;
	for (int i = 0; i < 5; i++)
		text_add(&text, "%d %d:1\n", i, i + 1);
	text_add(&text, "# a comment\n5");
	for (int j = 1; j < 60000; j++)
		text_add(&text, " %d:%d", j, j);
	text_add(&text, "\n\n");
	for (int i = 6; i < 9; i++)
		text_add(&text, "%d %d:1\n", i, i + 1);
	options.data = data_file("long.svm", text.bytes, text.size);
	assert_read(STRADS_JOB_SELF, 1, &options, outcome);
	content = data_job_content(outcome, 1);
	for (int ranks = 2; ranks <= 9; ranks++) {
		assert_read(STRADS_JOB_SIM, ranks, &options, outcome);
		assert_int_equal(data_job_content(outcome, ranks), content);
		for (int r = 0; r < ranks; r++)
			assert_true(outcome[r].rows >= 1);
	}
	options.rows_per_rank = false;
	assert_read(STRADS_JOB_SIM, 12, &options, outcome);
	assert_int_equal(data_job_content(outcome, 12), content);
	text_free(&text);
}

/* Every possible cut between two ranks, lines of 1 to 9 bytes. */
static void
read__cuts_anywhere(void **state)
{
	struct data_outcome outcome[DATA_RANKS_MAX];
	struct strads_dataset_options options = {0};
	char text[256] = "1\n2 1:1\n\n3 12:34\n4\r\n";
	size_t bytes = strlen(text);

	(void)state;
	for (int pad = 0; pad < 40; pad++) {
		uint64_t content;

		text[bytes++] = pad % 7 == 6 ? '\n' : ' ';
		options.data = data_file("cuts.svm", text, bytes);
		assert_read(STRADS_JOB_SELF, 1, &options, outcome);
		assert_int_equal(outcome[0].rows, 4);
		content = data_job_content(outcome, 1);
		for (int ranks = 2; ranks <= 4; ranks++) {
			assert_read(STRADS_JOB_SIM, ranks, &options, outcome);
			assert_int_equal(data_job_content(outcome, ranks), content);
			for (int r = 0; r < ranks; r++)
				assert_true(outcome[r].rows >= 1);
		}
	}
}

/* Lines that cross the readers' chunks. */
static void
read__text_of_many_chunks(void **state)
{
	struct data_outcome outcome[DATA_RANKS_MAX];
	struct strads_dataset_options options = {0};
	struct text text = {0};
	uint64_t content, bytes = 0;
	void *archive;
	size_t archive_bytes;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		text_add(&text, "%d", i);
		for (int j = 1; j < 1 + i % 67; j++)
			text_add(&text, " %d:%.9f", j * (1 + i % 3), 1.0 / (i + j));
		text_add(&text, "\n");
	}
	options.data = data_file("many.svm", text.bytes, text.size);
	assert_read(STRADS_JOB_SELF, 1, &options, outcome);
	assert_int_equal(outcome[0].rows, 3000);
	content = data_job_content(outcome, 1);
	archive = data_zstd(text.bytes, text.size, &archive_bytes);
	options.data = data_file("many.svm.zst", archive, archive_bytes);
	assert_read(STRADS_JOB_SIM, 3, &options, outcome);
	assert_int_equal(data_job_content(outcome, 3), content);
	for (int r = 0; r < 3; r++)
		bytes += outcome[r].bytes_read;
	assert_int_equal(bytes, text.size);
	free(archive);
	text_free(&text);
}

/* The same arrays as in private memory, where every rank can read all of the matrix; nothing of it
 * is left behind. */
static void
read__readable_by_peers(void **state)
{
	static const struct {
		enum strads_job_kind kind;
		int ranks;
	} jobs[] = {{STRADS_JOB_SELF, 1}, {STRADS_JOB_LOCAL, 3}, {STRADS_JOB_SIM, 8}};
	struct data_outcome private[DATA_RANKS_MAX], readable[DATA_RANKS_MAX];
	struct strads_dataset_options options = {0};
	struct text text = {0};
	uint64_t entries = 0;

	(void)state;
	svmlight_make(&text);
	options.data = data_file("x.svm", text.bytes, text.size);
	text_free(&text);
	for (int i = 0; i < ROWS; i++)
		for (int j = 0; j < COLS; j++)
			if (entry(i, j) != 0.0)
				entries += data_hash((uint64_t)i, (uint64_t)j, entry(i, j));
	for (size_t k = 0; k < sizeof(jobs) / sizeof(*jobs); k++) {
		options.readable_by_peers = false;
		assert_read(jobs[k].kind, jobs[k].ranks, &options, private);
		options.readable_by_peers = true;
		assert_read(jobs[k].kind, jobs[k].ranks, &options, readable);
		for (int r = 0; r < jobs[k].ranks; r++) {
			assert_int_equal(readable[r].in_order, private[r].in_order);
			assert_int_equal(readable[r].entries_total, private[r].entries_total);
			assert_true(readable[r].in_region);
			assert_int_equal(readable[r].columns_content, entries);
			assert_int_equal(readable[r].registered_bytes, private[r].registered_bytes);
		}
	}
}

/* A matrix without entries has its starts alone. */
static void
read__readable_by_peers_and_empty(void **state)
{
	static const char empty[] = "1\n2\n";
	struct strads_dataset_options options = {.readable_by_peers = true, .min_cols = 3};
	struct data_outcome outcome[DATA_RANKS_MAX];

	(void)state;
	options.data = data_file("empty.svm", empty, strlen(empty));
	assert_read(STRADS_JOB_SIM, 3, &options, outcome);
	for (int r = 0; r < 3; r++) {
		assert_true(outcome[r].in_region);
		assert_int_equal(outcome[r].columns_content, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(read__values_and_places),
	    cmocka_unit_test(read__archives_are_as_plain_text),
	    cmocka_unit_test(read__market_by_columns_is_as_svmlight),
	    cmocka_unit_test(read__response_may_be_market_or_packed),
	    cmocka_unit_test(read__same_in_processes_as_in_the_simulator),
	    cmocka_unit_test(read__svmlight_tolerates),
	    cmocka_unit_test(read__zeros_are_not_stored),
	    cmocka_unit_test(read__market_sums_entries_that_occur_twice),
	    cmocka_unit_test(read__market_symmetric_has_its_mirror),
	    cmocka_unit_test(read__column_bounds),
	    cmocka_unit_test(read__index_of_two_to_the_32nd),
	    cmocka_unit_test(read__rows_of_very_different_length),
	    cmocka_unit_test(read__cuts_anywhere),
	    cmocka_unit_test(read__text_of_many_chunks),
	    cmocka_unit_test(read__readable_by_peers),
	    cmocka_unit_test(read__readable_by_peers_and_empty),
	};

	return cmocka_run_group_tests(tests, NULL, data_folder_remove);
}
