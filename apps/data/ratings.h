/*
 * Ratings of items by users: read from a list or a MatrixMarket file, users split among the ranks.
 */
#ifndef STRADS_RATINGS_H
#define STRADS_RATINGS_H

#include "names.h"
#include "strads/rank_one.h"

/* Largest |rating|: what is beyond has no square in single precision to speak of. */
#define STRADS_RATINGS_LARGEST 1e15

struct strads_ratings {
	/* This rank's users × all items, items ascending in each row; the residuals are the
	 * ratings. */
	struct strads_rank_one_rows train;
	struct strads_rank_one_rows test; /* no rows without held-out ratings */
	struct strads_names users, items; /* of all ranks, in the order of the rows and columns */
	uint64_t first_user;              /* this rank's first row */
	uint64_t *first;                  /* [ranks + 1] of every rank */
	uint64_t train_total, test_total; /* ratings over all ranks; test_total: with the unknown */
	uint64_t replaced;                /* ratings that another of the same pair replaced */
	double mean;                      /* of all training ratings */

	/* Held-out ratings of users or items that are not in the file of training ratings: over all
	 * ranks, their number, sum and sum of squares. */
	uint64_t unknown;
	double unknown_sum, unknown_squares;
};

struct strads_ratings_options {
	const char *data; /* `user item rating` a line, or MatrixMarket */
	const char *test; /* likewise, or NULL */
	double holdout;   /* share of the ratings in `data` to hold out, 0 … 1; without `test` */
	uint64_t seed;    /* of their choice, which follows from it and from user and item alone */
	bool wide;        /* double precision, else single */
};

/* Reads the files on all ranks together. Rows are split so that ranks have equally many ratings, as
 * nearly as whole rows allow. Where a pair occurs more than once, its last rating in the file
 * counts. Collective; on failure every rank returns an error, one of which is the sentence naming
 * file, line, value and what to do. Returns STRADS_OK, ERR_INPUT, ERR_IO, ERR_MEMORY, or as
 * strads_job_agree and strads_fabric_wire. The caller frees with strads_ratings_free. Thread:
 * owner. */
STRADS_MUST_CHECK int strads_ratings_read(struct strads_fabric *fabric,
					  const struct strads_ratings_options *options,
					  struct strads_ratings *ratings);

/* Frees all; the structure is then as new. Thread: any. */
void strads_ratings_free(struct strads_ratings *ratings);

#endif
