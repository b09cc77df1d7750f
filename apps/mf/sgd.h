/*
 * Factorization by stochastic gradient steps, every rank at ratings of its own: Gemulla, Haas,
 * Nijkamp, Sismanis, "Large-scale matrix factorization with distributed stochastic gradient
 * descent", KDD 2011. The steps are those of strads/sgd.h.
 *
 * Of P ranks, block b of the items is every P-th one from b on. In stratum t rank p goes through
 * its users' ratings of block (p + t) mod P, so that no two ranks move the same row, and P strata
 * go through all ratings once. Rows of W stay with the rank that has the user; a block of H goes
 * with the schedule: before a stratum its rank reads the block from the rank that had it in the
 * stratum before. That one works on another copy meanwhile, so that a block is not written while it
 * is read: a set is over only when all ranks have pushed it.
 *
 * Within a block, tiles of users × items, as large as rows of both stay in the cache: tile x of n
 * rows cut into T is every T-th one from x on. Tiles come along diagonals, user tile by user tile;
 * the ratings of a tile come user by user, items ascending.
 *
 * Ratings are divided by their standard deviation, and with them λ and biases; rows by its square
 * root, and the λ of biases not at all.
 */
#ifndef STRADS_MF_SGD_H
#define STRADS_MF_SGD_H

#include "state.h"
#include "strads/sgd.h"

/* Ratings by block, user tile and item tile. */
struct strads_mf_sgd_part {
	uint64_t *start; /* [blocks][user tiles][item tiles] and the end */
	uint32_t *at;    /* [ratings] as in strads/sgd.h */
	void *value;     /* [ratings] */
};

struct strads_mf_sgd {
	struct strads_mf *mf;
	struct strads_sgd_shape shape;
	size_t row_bytes;
	double scale; /* what ratings are divided by */

	int user_tiles, item_tiles;
	struct strads_mf_sgd_part train, test;
	void *w; /* [own users][stride] */

	/* [rows of the largest block][stride]: the block that this rank has, and room for the next
	 * one; the same number on all ranks. */
	struct strads_region *copy[2];
	int held;
	uint64_t strata; /* so far */

	/* The push under way. */
	struct strads_counter counter;
	bool asked;           /* for a block */
	int looked;           /* blocks evaluated */
	double train_squares; /* of the errors in these, scaled … */
	double test_squares;  /* … and of the held-out ratings */
};

/* Where row i of n lies that are cut into tiles. */
struct strads_mf_sgd_spot {
	uint32_t tile;
	uint32_t row;  /* within the tile */
	uint64_t rows; /* before the tile */
};

static inline struct strads_mf_sgd_spot
strads_mf_sgd_spot(uint64_t n, int tiles, uint64_t i)
{
	const struct strads_table table = {.keys = n, .ranks = tiles};
	uint64_t tile = i % (uint64_t)tiles;

	return (struct strads_mf_sgd_spot){.tile = (uint32_t)tile,
					   .row = (uint32_t)(i / (uint64_t)tiles),
					   .rows = strads_table_first(&table, (int)tile)};
}

/* Items of a block. */
static inline uint64_t
strads_mf_sgd_block_rows(const struct strads_mf *mf, int block)
{
	uint64_t ranks = (uint64_t)mf->ranks;

	return (mf->ratings->items.count + ranks - 1 - (uint64_t)block) / ranks;
}

/* ---- sgd_tiles.c ---------------------------------------------------------------------------- */

/* Tiles that n rows are cut into. */
int strads_mf_sgd_tiles(uint64_t n, size_t row_bytes);

/* Lays the ratings of `rows` out in `part`, which has room for them. Returns STRADS_OK or
 * ERR_MEMORY. */
STRADS_MUST_CHECK int strads_mf_sgd_lay_out(const struct strads_mf_sgd *sgd,
					    const struct strads_rank_one_rows *rows,
					    struct strads_mf_sgd_part *part);

/* The ratings of a block in a user tile and an item tile; their items' rows are at `items`. */
struct strads_sgd_tile strads_mf_sgd_tile(const struct strads_mf_sgd *sgd,
					  const struct strads_mf_sgd_part *part, int block,
					  void *items, int user_tile, int item_tile);

/* ---- sgd_stratum.c -------------------------------------------------------------------------- */

/* The rank that has a block now, and the block that this rank has. */
int strads_mf_sgd_holder(const struct strads_mf_sgd *sgd, int block);
int strads_mf_sgd_held(const struct strads_mf_sgd *sgd);

#endif
