/*
 * One search through all products, by all ranks: a program of one set. Each of its blocks has a
 * block of the scan for every rank, which is what that rank pushes.
 */
#ifndef STRADS_PAIRS_SEARCH_H
#define STRADS_PAIRS_SEARCH_H

#include "scan.h"
#include "strads/engine.h"
#include "strads/working_set.h"

struct strads_pairs_search {
	struct strads_fabric *fabric;
	int rank, ranks;
	struct strads_program program;
	struct strads_engine *engine;
	struct strads_pairs_scan scan;
	struct strads_candidates found; /* by one block */
	/* What is asked … */
	double least;            /* gradients above it are candidates */
	const strads_key *known; /* [n_known] ascending: not to be found again */
	uint64_t n_known;
	struct strads_working_set *violators; /* gets what is found; NULL: nothing does */
	/* … and found: the same on every rank. */
	double gradient_max; /* of all products that were not discarded */
	double seconds;      /* of all ranks together, in search */
};

/* A search through the products of a matrix that every rank has. `products` is borrowed.
 * Collective. Returns STRADS_OK, or as strads_pairs_scan_new and strads_engine_new; in either case
 * strads_pairs_search_close afterwards. Thread: owner. */
STRADS_MUST_CHECK int strads_pairs_search_open(struct strads_pairs_search *search,
					       struct strads_fabric *fabric,
					       const struct strads_products *products,
					       const struct strads_engine_options *engine);
void strads_pairs_search_close(struct strads_pairs_search *search);

/* Bytes that a search takes on a rank. */
size_t strads_pairs_search_bytes(const struct strads_csc *base,
				 const struct strads_engine_options *engine, int ranks);

/* Searches the products of those columns whose bound for the residual r [rows] is above `discard`,
 * at most `most` of them: all others have |gradient| ≤ discard, if `most` left none out. r is the
 * same on all ranks. Collective. Returns as strads_engine_run. Thread: owner. */
STRADS_MUST_CHECK int strads_pairs_search_run(struct strads_pairs_search *search, const double *r,
					      double discard, uint64_t most);

#endif
