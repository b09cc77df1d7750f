/*
 * Which word is where: blocks of words that move round the ranks, cut into parts that are read and
 * sampled one after the other.
 */
#ifndef STRADS_LDA_LAYOUT_H
#define STRADS_LDA_LAYOUT_H

#include "strads/transport.h"

/* The words of all blocks stand in a row: those of block 0, ascending, then of block 1, … A block's
 * buffer has room for its parts at fixed offsets, each as long as it can ever be. */
struct strads_lda_layout {
	uint64_t words; /* V */
	int blocks;     /* P: as many as ranks */
	uint32_t parts; /* of a block */
	uint32_t topics;
	bool
	    changes; /* rows have room for what changes counts, too: twice as many twice as large */
	uint64_t *count;       /* [V] occurrences of each word, over all ranks; freed with it */
	uint32_t *word_at;     /* [V] */
	uint64_t *part_first;  /* [P · parts + 1] places in word_at */
	uint64_t *part_offset; /* [P · parts] numbers of 32 bits, from the start of the buffer */
	uint64_t capacity;     /* such numbers in the longest block */
};

/* What a part begins with. */
struct strads_lda_head {
	uint32_t part;   /* of all */
	uint32_t turn;   /* the sub-round that wrote it, modulo 2^32 */
	uint32_t length; /* numbers of 32 bits, these among them */
	uint32_t rows;   /* words that follow */
};

#define STRADS_LDA_HEAD 4 /* in numbers of 32 bits */

/* Cuts the words into blocks whose occurrences are as nearly as many as the words allow: the most
 * frequent first, each to the block that has the fewest so far. words, blocks, parts, topics and
 * count are given. Returns STRADS_OK, ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_lda_layout_make(struct strads_lda_layout *layout);

/* Bytes that it takes. */
uint64_t strads_lda_layout_bytes(const struct strads_lda_layout *layout);

void strads_lda_layout_free(struct strads_lda_layout *layout);

#endif
