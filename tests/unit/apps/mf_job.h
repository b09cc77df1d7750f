/*
 * Factorizes a small file of ratings on all ranks of a job and tells what each rank saw.
 */
#ifndef STRADS_TEST_MF_JOB_H
#define STRADS_TEST_MF_JOB_H

#include "../../../apps/mf/mf.h"
#include "ranks.h"

#define MF_RANKS_MAX  8
#define MF_USERS_MAX  64
#define MF_ITEMS_MAX  48
#define MF_K_MAX      24
#define MF_POINTS_MAX 256

struct mf_job {
	struct strads_job_options job;
	const char *fabric;
	struct strads_ratings_options ratings;
	struct strads_mf_options mf;
	int stop_rank; /* this rank's stop flag is set at its first evaluation; −1: none */
};

struct mf_result {
	struct rank_end end;
	enum strads_mf_outcome outcome;
	/* Of the ratings. */
	uint64_t users, items, ratings, test_ratings, unknown, replaced;
	uint64_t first_user, own_users, own_ratings;
	double mean;
	uint64_t content;      /* sum over own ratings, fitted and held out, of a hash of each */
	uint64_t test_content; /* of those held out alone */
	char last_user[16], last_item[16];
	/* Of the fit. */
	uint64_t evaluations, finals;
	struct strads_mf_progress point[MF_POINTS_MAX]; /* by evaluation */
	struct strads_mf_progress last;
	double w[MF_USERS_MAX][MF_K_MAX], h[MF_ITEMS_MAX][MF_K_MAX]; /* on rank 0 */
};

/* CCD++ with K = 4 for 5 sweeps in double precision; forked ranks for LOCAL, simulated for SIM. */
struct mf_job mf_job_defaults(enum strads_job_kind kind, int ranks, const char *data);

/* Runs the job, results [MF_RANKS_MAX]; without factors it only reads the ratings. Returns its exit
 * code (every rank returns 0 whatever happened to it). */
int mf_job_run(const struct mf_job *job, struct mf_result *results);

/* Runs the job and asserts that every rank succeeded with `outcome` and saw the same. */
void mf_job_assert(const struct mf_job *job, enum strads_mf_outcome outcome,
		   struct mf_result *results);

/* A file of ratings: `users` × `items`, about every third pair, of rank 3 and some noise. */
const char *mf_job_ratings(const char *name, uint32_t users, uint32_t items);

/* The hash of one rating, as in `content`. */
uint64_t mf_job_hash(const char *user, const char *item, double value);

/* Results of that size. The caller frees. */
struct mf_result *mf_results_new(void);

#endif
