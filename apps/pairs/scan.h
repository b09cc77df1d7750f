/*
 * The search through the products of the columns that a bound could not discard: for each column a
 * the gradients of all x_a∘x_b at once, accumulated over the rows of a.
 */
#ifndef STRADS_PAIRS_SCAN_H
#define STRADS_PAIRS_SCAN_H

#include "products.h"
#include "strads/candidates.h"

/* The columns that are kept, row by row; and blocks of them of about equal cost. Columns are known
 * by their position among those kept. */
struct strads_pairs_scan {
	const struct strads_products *products;
	const double *r;    /* [rows], borrowed */
	uint32_t count;     /* columns kept */
	uint32_t *column;   /* [cols] their numbers, ascending */
	uint64_t *first;    /* [rows + 1] where a row's entries begin */
	uint32_t *position; /* [entries] ascending in a row */
	double *value;      /* [entries] */
	uint64_t *behind;   /* [entries] by column: where its row goes on behind the entry */
	uint64_t *start;    /* [cols + 1] of kept columns in `behind` */
	uint32_t *cut;      /* [cols + 1] where blocks begin */
	uint32_t blocks;
	uint64_t products_max; /* multiply-adds of all blocks */
	double *bound;         /* [cols] */
	double *sum, *square;  /* [cols] of the products with one column */
	bool *mark;            /* [cols] … that have begun, else false */
	uint32_t *touched;     /* [cols] */
};

/* Bytes that a scan of such a matrix takes. */
size_t strads_pairs_scan_bytes(const struct strads_csc *base);

/* Room for all columns of the base. Returns STRADS_OK or ERR_MEMORY; gives nothing back on failure.
 * Thread: any. */
STRADS_MUST_CHECK int strads_pairs_scan_new(struct strads_pairs_scan *scan,
					    const struct strads_products *products);
void strads_pairs_scan_free(struct strads_pairs_scan *scan);

/* Keeps the columns that have a bound above `least` for the residual r [rows], at most `most` of
 * them: those of the largest bounds. Thread: any. */
void strads_pairs_scan_keep(struct strads_pairs_scan *scan, const double *r, double least,
			    uint64_t most);

/* Block `block`: adds the products of its columns with all kept behind them to `found` where
 * |gradient| > least, but those in `known` [n_known], ascending. Returns the largest |gradient|.
 * Thread: any, one at a time. */
double strads_pairs_scan_block(struct strads_pairs_scan *scan, uint32_t block, double least,
			       const strads_key *known, uint64_t n_known,
			       struct strads_candidates *found);

/* Multiply-adds of a block. */
uint64_t strads_pairs_scan_cost(const struct strads_pairs_scan *scan, uint32_t block);

#endif
