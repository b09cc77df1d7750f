/*
 * Ratings cut into tiles.
 */
#include "sgd.h"

#include <stdlib.h>

/* Rows of a tile: so many bytes, of users or of items, beside each other in the second-level cache;
 * but of long rows still enough that tiles have ratings. There are tiles enough to mix users and
 * items even where all fit. */
#define TILE_BYTES (UINT64_C(64) << 10)
#define TILE_ROWS  UINT64_C(256)
#define TILES      UINT64_C(8)

/* Of the ratings of a tile that take turns: about as many steps as a processor has under way. */
#define STREAMS UINT64_C(8)

int
strads_mf_sgd_tiles(uint64_t n, size_t row_bytes)
{
	uint64_t rows = TILE_BYTES / row_bytes > TILE_ROWS ? TILE_BYTES / row_bytes : TILE_ROWS;
	uint64_t tiles = (n + rows - 1) / rows, least = n < TILES ? n : TILES;

	tiles = tiles < least ? least : tiles;
	return tiles > 0 ? (int)tiles : 1;
}

/* Where each item's ratings go: the first of its tiles, and the row in the tile. */
struct item_spot {
	uint32_t tile; /* of the block's first user tile, counted from the first block's */
	uint32_t row;
};

static struct item_spot *
item_spots(const struct strads_mf_sgd *sgd)
{
	uint64_t items = sgd->mf->ratings->items.count, ranks = (uint64_t)sgd->mf->ranks;
	uint32_t block_tiles = (uint32_t)sgd->user_tiles * (uint32_t)sgd->item_tiles;
	struct item_spot *spots = malloc((items + 1) * sizeof *spots);

	for (uint64_t j = 0; spots && j < items; j++) {
		uint32_t block = (uint32_t)(j % ranks);
		struct strads_mf_sgd_spot spot = strads_mf_sgd_spot(
		    strads_mf_sgd_block_rows(sgd->mf, (int)block), sgd->item_tiles, j / ranks);

		spots[j] = (struct item_spot){block * block_tiles + spot.tile, spot.row};
	}
	return spots;
}

static void
put(const struct strads_mf_sgd *sgd, struct strads_mf_sgd_part *part, uint64_t to, uint32_t at,
    double value)
{
	part->at[to] = at;
	strads_mf_set(sgd->shape.wide, part->value, to, value / sgd->scale);
}

/* Counts, so that tile t has the ratings from start[t] to start[t + 1]. */
static void
count(const struct strads_mf_sgd *sgd, const struct strads_rank_one_rows *rows,
      const struct item_spot *spots, uint64_t tiles, uint64_t *start)
{
	for (uint32_t i = 0; i < rows->rows; i++) {
		uint32_t user_tile = i % (uint32_t)sgd->user_tiles * (uint32_t)sgd->item_tiles;

		for (uint64_t e = rows->start[i]; e < rows->start[i + 1]; e++)
			start[user_tile + spots[rows->col[e]].tile + 1]++;
	}
	for (uint64_t t = 0; t < tiles; t++)
		start[t + 1] += start[t];
}

/* The turn of the i-th of a tile's n ratings, which come by user: STREAMS runs of them take turns,
 * as two steps of one user after each other would wait for each other. */
static uint64_t
turn(uint64_t i, uint64_t n)
{
	uint64_t least = n / STREAMS, longer = n % STREAMS, head = longer * (least + 1);

	if (i < head)
		return i % (least + 1) * STREAMS + i / (least + 1);
	return (i - head) % least * STREAMS + longer + (i - head) / least;
}

int
strads_mf_sgd_lay_out(const struct strads_mf_sgd *sgd, const struct strads_rank_one_rows *rows,
		      struct strads_mf_sgd_part *part)
{
	uint64_t tiles =
	    (uint64_t)sgd->mf->ranks * (uint64_t)sgd->user_tiles * (uint64_t)sgd->item_tiles;
	struct item_spot *spots = item_spots(sgd);
	uint64_t *placed = calloc(tiles + 1, sizeof *placed);

	if (!spots || !placed) {
		free(spots);
		free(placed);
		return strads_fail(STRADS_ERR_MEMORY, "no memory to lay out ratings of %zu items",
				   sgd->mf->ratings->items.count);
	}
	count(sgd, rows, spots, tiles, part->start);
	for (uint32_t i = 0; i < rows->rows; i++) {
		uint32_t user_tile = i % (uint32_t)sgd->user_tiles * (uint32_t)sgd->item_tiles;
		uint32_t row = i / (uint32_t)sgd->user_tiles;

		for (uint64_t e = rows->start[i]; e < rows->start[i + 1]; e++) {
			struct item_spot spot = spots[rows->col[e]];
			uint64_t tile = user_tile + spot.tile, first = part->start[tile];
			uint64_t n = part->start[tile + 1] - first;

			put(sgd, part, first + turn(placed[tile]++, n), row << 16 | spot.row,
			    strads_mf_get(rows->wide, rows->residual, e));
		}
	}
	free(placed);
	free(spots);
	return STRADS_OK;
}

struct strads_sgd_tile
strads_mf_sgd_tile(const struct strads_mf_sgd *sgd, const struct strads_mf_sgd_part *part,
		   int block, void *items, int user_tile, int item_tile)
{
	const struct strads_table user_cut = {.keys = sgd->mf->ratings->train.rows,
					      .ranks = sgd->user_tiles};
	const struct strads_table item_cut = {.keys = strads_mf_sgd_block_rows(sgd->mf, block),
					      .ranks = sgd->item_tiles};
	uint64_t tile = ((uint64_t)block * (uint64_t)sgd->user_tiles + (uint64_t)user_tile) *
			    (uint64_t)sgd->item_tiles +
			(uint64_t)item_tile;
	uint64_t first = part->start[tile];

	return (struct strads_sgd_tile){
	    .n = part->start[tile + 1] - first,
	    .at = part->at + first,
	    .value = (const char *)part->value + first * sgd->mf->real_bytes,
	    .users = (char *)sgd->w + strads_table_first(&user_cut, user_tile) * sgd->row_bytes,
	    .items = (char *)items + strads_table_first(&item_cut, item_tile) * sgd->row_bytes,
	};
}
