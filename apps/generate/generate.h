/*
 * Generated problems with known solutions.
 */
#ifndef STRADS_GENERATE_H
#define STRADS_GENERATE_H

#include "strads/transport.h"

struct strads_generate_lasso_options {
	uint64_t rows;     /* n ≤ 2^32 */
	uint64_t cols;     /* J ≤ 2^32 */
	uint64_t nonzeros; /* in every column, ≤ rows; typically 25 */
	uint64_t planted;  /* nonzeros of the planted β, ≤ cols */
	double noise;      /* standard deviation of the noise over that of Xβ; ≥ 0 */
	uint64_t seed;
	const char *data;     /* file to write: MatrixMarket if its name ends in .mtx, else
			       * svmlight */
	const char *response; /* y, one number a line; needed for MatrixMarket, else NULL */
	const char *solution; /* the planted β, "index value" a line, indices from 1; may be NULL */
	uint64_t memory_bytes; /* for rows held while svmlight is written; 0: 256 MiB */
};

/* Writes a Lasso problem as in the experiments of Lee et al., NIPS 2014: column j is fresh with
 * probability .9 (its rows drawn without replacement, values ε_j ~ U(0, 1]); else it follows its
 * left neighbour on the same rows, ε_j = .9 ε_{j−1} + .1 U(0, 1]. Values are multiples of 10⁻⁶, so
 * that the text holds them exactly. The planted β has one nonzero in each of `planted` equal
 * stretches of columns, of random sign and magnitude U(.5, 1.5]; y = Xβ + noise, Gaussian.
 *
 * Everything is a function of (seed, column, row): the same options give the same bytes. Columns
 * are streamed to MatrixMarket; for svmlight as many rows at a time as memory_bytes holds are
 * collected, one pass over all columns each.
 *
 * Returns STRADS_OK, ERR_ARGUMENT (an option out of range), ERR_IO, ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_generate_lasso(const struct strads_generate_lasso_options *options);

#endif
