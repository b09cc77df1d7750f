/*
 * A file of weights, one for each variable.
 */
#ifndef STRADS_FACTORS_H
#define STRADS_FACTORS_H

#include "strads/transport.h"

/* Reads the weights of `cols` variables on all ranks: either `cols` numbers, one a line, or lines
 * INDEX NUMBER, from 1 and in any order, for those whose weight is not 1. Blank lines and what
 * follows a # do not count. Weights are finite and at least 0. The file may be compressed.
 * *factors [cols] is the caller's to free. Collective; returns STRADS_OK, ERR_INPUT (with file and
 * line), ERR_IO, ERR_MEMORY, or as strads_text_open. Thread: owner. */
STRADS_MUST_CHECK int strads_factors_read(struct strads_fabric *fabric, const char *path,
					  uint64_t cols, double **factors);

#endif
