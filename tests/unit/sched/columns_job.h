/*
 * Gives every rank of a job its rows of a known matrix, in a region that its peers may read, and
 * lets it do something with whole columns of it.
 */
#ifndef STRADS_TEST_COLUMNS_JOB_H
#define STRADS_TEST_COLUMNS_JOB_H

#include "strads/columns.h"
#include "strads/csc.h"

#define COLUMNS_RANKS_MAX 16
#define COLUMNS_ROWS      37
#define COLUMNS_COLS      60

/* The known matrix: column 0 is full, column 1 empty, column 2 has the last row alone, the others
 * are sparse. */
bool columns_entry(uint32_t row, strads_key col);
double columns_value(uint32_t row, strads_key col);

/* What a rank has at hand. */
struct columns_side {
	struct strads_fabric *fabric;
	int rank, ranks;
	struct strads_csc x; /* in the region */
	struct strads_region *region;
	struct strads_columns_options options;
	struct strads_columns *columns; /* unless the job is bare */
	struct columns_result *result;
};

struct columns_result {
	int status; /* of the first call that failed */
	char error[512];
	int wrong; /* line of the test that found the rank wrong; 0: none */
};

struct columns_job {
	struct strads_job_options job;
	const char *fabric;
	struct strads_columns_options options;
	uint32_t rows; /* of all ranks, at most COLUMNS_ROWS */
	bool lopsided; /* rank 0 has no rows, the last most; else they are even */
	bool bare;     /* the columns are not made */
	int (*scene)(struct columns_side *side); /* run on every rank */
};

/* Room for all columns. */
struct columns_job columns_job_defaults(enum strads_job_kind kind, int ranks,
					int (*scene)(struct columns_side *));

/* The jobs that most tests go through, forked ranks and simulated ones: how many, and number i of
 * them. All are on the fabric that is taken by itself; once another is named, the first few, on
 * that. */
size_t columns_jobs(void);
struct columns_job columns_job_of(size_t i, int (*scene)(struct columns_side *));
void columns_jobs_over(const char *fabric);

/* Runs the scene on all ranks; asserts that none was wrong and all ended with `status`. The
 * results, if not NULL, are [COLUMNS_RANKS_MAX]. */
void columns_job_assert(const struct columns_job *job, int status, struct columns_result *results);

/* Asserts the same of a scene that needs peers, on those jobs; with these options unless NULL. */
void columns_job_with_peers(int (*scene)(struct columns_side *),
			    const struct strads_columns_options *options, int status);

/* In a scene: the rank is wrong unless … */
#define COLUMNS_CHECK(side, condition)                                                             \
	do {                                                                                       \
		if (!(condition) && !(side)->result->wrong)                                        \
			(side)->result->wrong = __LINE__;                                          \
	} while (0)

/* After a pass over what is wanted, begun at `since`: waits unless something moved, and progresses.
 * STRADS_OK, ERR_TIMEOUT after some seconds, or as strads_fabric_progress. */
int columns_wait(struct columns_side *side, uint64_t since, bool moved);

/* strads_columns_hold until it is no longer AGAIN. Returns as it and columns_wait. */
int columns_hold(struct columns_side *side, strads_key key, struct strads_column *column);

/* Whether it is column `key` of the known matrix with `rows` rows. */
bool columns_equal(const struct strads_column *column, strads_key key, uint32_t rows);

/* Entries of column `key` among rows first … end − 1 of the known matrix. */
uint32_t columns_count(strads_key key, uint32_t first, uint32_t end);

/* First row of the rank; rank may equal job->job.ranks. */
uint32_t columns_first_row(const struct columns_job *job, int rank);

#endif
