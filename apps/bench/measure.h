/*
 * The driver: repetition by repetition the sides take turns, each at all sizes.
 */
#ifndef STRADS_BENCH_MEASURE_H
#define STRADS_BENCH_MEASURE_H

#include "row.h"
#include "side.h"

#define STRADS_BENCH_SIZES_MAX 32
#define STRADS_BENCH_SIDES_MAX 8

/* The sizes and sides of a run, and what came of them. */
struct strads_results {
	uint64_t size[STRADS_BENCH_SIZES_MAX];
	int sizes;
	const struct strads_side *side[STRADS_BENCH_SIDES_MAX];
	int sides;
	bool mpi; /* the last row of each size is MPI's, whose processes are started for it */
	int repetitions;
	struct strads_samples *scratch; /* of the repetition under way */
	struct strads_samples *samples; /* [row] */
	struct strads_bench_row *row;   /* [side or MPI][size] */
};

/* Sizes, sides (out of NULL-terminated `lists`) and room for the results. Returns STRADS_OK,
 * ERR_INPUT, ERR_MEMORY. */
STRADS_MUST_CHECK int strads_results_new(struct strads_bench *bench,
					 const struct strads_side *const *lists,
					 struct strads_results *results);
void strads_results_free(struct strads_results *results);

/* Collective. Returns STRADS_OK, or the first failure on any rank. */
STRADS_MUST_CHECK int strads_bench_measure(struct strads_bench *bench,
					   struct strads_results *results);

#endif
