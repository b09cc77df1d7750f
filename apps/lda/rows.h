/*
 * A word's counts of topics as they move: 32-bit numbers, whichever of four forms takes the fewest.
 */
#ifndef STRADS_LDA_ROWS_H
#define STRADS_LDA_ROWS_H

#include "strads/gibbs.h"
#include "strads/transport.h"

/* Numbers that a row can come to take of a word that occurs so often. Thread: any, as all below. */
size_t strads_lda_row_capacity(uint64_t occurrences, uint32_t topics);

/* Writes the counts of the word at hand at `to`; returns what follows them. */
uint32_t *strads_lda_row_write(const struct strads_gibbs *gibbs, uint32_t *to);

/* Reads the row at `from`, which ends before `end`, into topic and count [topics]: *n of them above
 * 0. *next is what follows. Returns STRADS_OK, or ERR_PROTOCOL (no such row). */
STRADS_MUST_CHECK int strads_lda_row_read(const uint32_t *from, const uint32_t *end,
					  uint32_t topics, uint32_t *topic, uint32_t *count,
					  uint32_t *n, const uint32_t **next);

#endif
