/*
 * Stale replicas, a baseline for comparison in the manner of YahooLDA (Smola, Narayanamurthy, VLDB
 * 2010; Newman, Asuncion, Smyth, Welling, JMLR 2009): every rank has the counts of all words, and
 * sees the changes of others when replicas are exchanged. Sub-rounds and their random numbers are
 * those of the rotation; but a rank takes a block from its own replica, and writes down by how much
 * it changes the counts. After every `exchange_every` sub-rounds come two sets:
 *
 *   ADD: the owner of a block, rank b of block b, reads from each rank that has sampled it since
 * the last exchange what it has changed, and adds that to the counts of then; the totals n_k, the
 * set's variables, are summed as after a sub-round of the rotation. SPREAD: every rank reads all
 * blocks from their owners into its replica.
 *
 * A change is written as a row of counts (rows.h), −x as 2x − 1 and x as 2x.
 */
#include "state.h"

#include "rows.h"

#include <stdlib.h>
#include <string.h>

/* What comes with every row that is added up. */
enum row { COUNTS, CHANGES };

void
strads_lda_replicas_take(struct strads_lda *lda, struct strads_linear_need *need)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	uint64_t all = (uint64_t)layout->blocks * layout->capacity * sizeof(uint32_t);
	struct strads_lda_replicas *replicas = &lda->replicas;

	if (lda->options.mode != STRADS_LDA_REPLICAS)
		return;
	replicas->length = strads_linear_take(need, (uint64_t)layout->blocks * layout->parts,
					      sizeof *replicas->length);
	strads_linear_count(need, 2, all);
	if (need->status == STRADS_OK && !need->dry)
		need->status = strads_region_new(lda->fabric, STRADS_LOCAL, all, &replicas->table);
	if (need->status == STRADS_OK && !need->dry)
		need->status =
		    strads_region_new(lda->fabric, STRADS_REMOTE_READ, all, &replicas->change);
}

void
strads_lda_replicas_give(struct strads_lda_replicas *replicas)
{
	if (replicas->change)
		strads_region_delete(&replicas->change);
	if (replicas->table)
		strads_region_delete(&replicas->table);
	free(replicas->length);
}

/* ---- Where things are --------------------------------------------------------------------- */

/* The first sub-round since the last exchange before the end of sub-round `turn`. */
static uint64_t
period_first(const struct strads_lda *lda, uint64_t turn)
{
	return turn - turn % (uint64_t)lda->ranks % strads_lda_period(lda);
}

/* A part, in a region of all blocks. */
static uint32_t *
part_in(const struct strads_lda *lda, struct strads_region *region, uint64_t part)
{
	const struct strads_lda_layout *layout = &lda->model->layout;

	return (uint32_t *)strads_region_base(region) + part / layout->parts * layout->capacity +
	       layout->part_offset[part];
}

/* Own block's part in one of the two buffers that peers read the words from. */
static uint32_t *
part_out(const struct strads_lda *lda, uint64_t part, uint64_t buffer)
{
	const struct strads_lda_layout *layout = &lda->model->layout;

	return (uint32_t *)((char *)strads_region_base(lda->model->words) +
			    strads_lda_buffer(layout, buffer)) +
	       layout->part_offset[part];
}

/* ---- Rows --------------------------------------------------------------------------------- */

/* The rows of a part, one after the other. */
struct rows {
	const uint32_t *at, *end; /* at NULL: there are none */
};

static struct rows
rows_of(const uint32_t *head)
{
	const struct strads_lda_head *part = (const struct strads_lda_head *)head;

	return (struct rows){head + STRADS_LDA_HEAD, head + part->length};
}

/* Adds a row, or takes it off, to or from the counts at hand. */
static int
row_add(struct strads_lda *lda, struct rows *rows, enum row kind, bool off)
{
	uint32_t n;
	int status;

	if (!rows->at)
		return STRADS_OK;
	status = strads_lda_row_read(rows->at, rows->end, lda->options.topics, lda->row_topic,
				     lda->row_count, &n, &rows->at);
	if (status != STRADS_OK)
		return status;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t x = lda->row_count[i];

		if (kind == CHANGES)
			x = x >> 1 ^ -(x & 1);
		strads_gibbs_put(&lda->gibbs, lda->row_topic[i], off ? -x : x);
	}
	return STRADS_OK;
}

/* Writes what the counts at hand are above or below those of the row that was read last, n of them,
 * and forgets the word. */
static uint32_t *
change_write(struct strads_lda *lda, uint32_t n, uint32_t *to)
{
	struct strads_gibbs *gibbs = &lda->gibbs;

	for (uint32_t i = 0; i < n; i++)
		gibbs->count[lda->row_topic[i]] -= lda->row_count[i];
	for (uint32_t i = 0; i < gibbs->n_listed; i++) {
		uint32_t *x = &gibbs->count[gibbs->listed[i]];

		*x = *x << 1 ^ -(*x >> 31);
	}
	to = strads_lda_row_write(gibbs, to);
	strads_gibbs_end(gibbs);
	return to;
}

/* ---- A sub-round -------------------------------------------------------------------------- */

static int
part_sample(struct strads_lda *lda, uint64_t turn, uint64_t part)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	uint32_t *head = part_in(lda, lda->replicas.change, part), *to = head + STRADS_LDA_HEAD;
	struct rows rows = {0};

	if (lda->replicas.exchanges > 0)
		rows = rows_of(part_in(lda, lda->replicas.table, part));
	for (uint64_t i = layout->part_first[part]; i < layout->part_first[part + 1]; i++) {
		uint32_t n = 0;

		if (rows.at) {
			int status = strads_lda_row_put(lda, rows.end, &rows.at, &n);

			if (status != STRADS_OK)
				return status;
		}
		strads_lda_word_sample(lda, turn, i);
		to = change_write(lda, n, to);
	}
	strads_lda_part_close(layout, head, part, turn, to);
	return STRADS_OK;
}

int
strads_lda_replica_sample(struct strads_lda *lda, uint64_t turn, double *tally)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	uint64_t block = (uint64_t)strads_lda_block(layout, lda->rank, turn);
	uint64_t first = block * layout->parts;

	strads_gibbs_begin(&lda->gibbs, lda->sparse);
	for (uint64_t part = first; part < first + layout->parts; part++) {
		int status = part_sample(lda, turn, part);

		if (status != STRADS_OK)
			return status;
	}
	strads_lda_tally_write(lda, block, part_in(lda, lda->replicas.change, first), tally);
	return STRADS_OK;
}

int
strads_lda_replica_sampled(struct strads_lda *lda, uint64_t turn, const double *tally)
{
	uint32_t parts = lda->model->layout.parts;
	uint64_t at = (turn - period_first(lda, turn)) * parts;
	int status = strads_lda_tally_check(lda, turn, tally);

	for (uint32_t i = 0; status == STRADS_OK && i < parts; i++)
		lda->replicas.length[at + i] =
		    (uint64_t)tally[STRADS_LDA_TALLIES + (uint64_t)lda->rank * parts + i];
	return status;
}

/* ---- ADD ---------------------------------------------------------------------------------- */

/* Adds the changes in the inbox, which sub-round `turn` has written, to a part: from counts to
 * counts. */
static int
part_add(struct strads_lda *lda, uint64_t turn, uint64_t part, struct rows counts, uint32_t *head)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	const uint32_t *from =
	    (const uint32_t *)strads_region_base(lda->inbox) + layout->part_offset[part];
	uint64_t length =
	    lda->replicas
		.length[(turn - period_first(lda, turn)) * layout->parts + part % layout->parts];
	struct rows changes = {from + STRADS_LDA_HEAD, from + length};
	uint32_t *to = head + STRADS_LDA_HEAD;
	int status = strads_lda_part_check(layout, from, part, turn, length);

	for (uint64_t i = layout->part_first[part];
	     status == STRADS_OK && i < layout->part_first[part + 1]; i++) {
		status = row_add(lda, &counts, COUNTS, false);
		if (status == STRADS_OK)
			status = row_add(lda, &changes, CHANGES, false);
		if (status == STRADS_OK)
			status = strads_lda_word_check(lda, i);
		if (status == STRADS_OK)
			to = strads_lda_row_write(&lda->gibbs, to);
		strads_gibbs_end(&lda->gibbs);
	}
	if (status == STRADS_OK)
		strads_lda_part_close(layout, head, part, strads_lda_exchange_turn(lda), to);
	return status;
}

/* Adds the changes of the c-th sub-round of n to own block. The last sum is in buffer 0, those
 * before in either by turns. */
static int
block_add(struct strads_lda *lda, uint64_t turn, uint64_t c, uint64_t n)
{
	uint32_t parts = lda->model->layout.parts;
	uint64_t first = (uint64_t)lda->rank * parts;
	int status = STRADS_OK;

	lda->word_sum = 0;
	for (uint64_t part = first; status == STRADS_OK && part < first + parts; part++) {
		struct rows counts = {0};

		if (c > 0)
			counts = rows_of(part_out(lda, part, n - c));
		else if (lda->replicas.exchanges > 0)
			counts = rows_of(part_in(lda, lda->replicas.table, part));
		status = part_add(lda, turn, part, counts, part_out(lda, part, n - 1 - c));
	}
	return status;
}

int
strads_lda_replica_add(struct strads_lda *lda, uint64_t turn, double *tally)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	struct strads_lda_replicas *replicas = &lda->replicas;
	uint64_t own = (uint64_t)lda->rank, ranks = (uint64_t)lda->ranks;
	uint64_t first = period_first(lda, turn), n = turn - first + 1;

	for (; replicas->next < n; replicas->next++) {
		uint64_t sub_round = first + replicas->next;
		int from = (int)((own + ranks - sub_round % ranks) % ranks);
		int status = strads_lda_block_read(
		    lda, from, replicas->change, own * layout->capacity * sizeof(uint32_t), own,
		    replicas->length + replicas->next * layout->parts);

		if (status == STRADS_OK)
			status = block_add(lda, sub_round, replicas->next, n);
		if (status != STRADS_OK)
			return status;
	}
	replicas->next = 0;
	strads_lda_tally_write(lda, own, part_out(lda, own * layout->parts, 0), tally);
	return STRADS_OK;
}

/* ---- SPREAD ------------------------------------------------------------------------------- */

/* Takes over a part that was read, and notes how far the replica has been off. */
static int
part_take(struct strads_lda *lda, uint64_t part, bool was_sampled)
{
	const struct strads_lda_model *model = lda->model;
	const struct strads_lda_layout *layout = &model->layout;
	const uint32_t *from =
	    (const uint32_t *)strads_region_base(lda->inbox) + layout->part_offset[part];
	uint32_t *table = part_in(lda, lda->replicas.table, part);
	struct rows now = {from + STRADS_LDA_HEAD, from + model->length[part]}, before = {0},
		    own = {0};
	int status = strads_lda_part_check(layout, from, part, model->turn, model->length[part]);

	if (lda->replicas.exchanges > 0)
		before = rows_of(table);
	if (was_sampled)
		own = rows_of(part_in(lda, lda->replicas.change, part));
	for (uint64_t i = layout->part_first[part];
	     status == STRADS_OK && i < layout->part_first[part + 1]; i++) {
		status = row_add(lda, &now, COUNTS, false);
		if (status == STRADS_OK)
			status = row_add(lda, &before, COUNTS, true);
		if (status == STRADS_OK)
			status = row_add(lda, &own, CHANGES, true);
		for (uint32_t j = 0; j < lda->gibbs.n_listed; j++)
			lda->replicas.error += abs((int32_t)lda->gibbs.count[lda->gibbs.listed[j]]);
		strads_gibbs_end(&lda->gibbs);
	}
	if (status == STRADS_OK)
		memcpy(table, from, model->length[part] * sizeof *table);
	return status;
}

int
strads_lda_replica_spread(struct strads_lda *lda, uint64_t turn)
{
	struct strads_lda_model *model = lda->model;
	const struct strads_lda_layout *layout = &model->layout;
	struct strads_lda_replicas *replicas = &lda->replicas;
	uint64_t ranks = (uint64_t)lda->ranks, first = period_first(lda, turn);

	for (; replicas->next < ranks; replicas->next++) {
		uint64_t block = replicas->next, part = block * layout->parts;
		/* Sub-rounds from the first one on until it is this rank's. */
		uint64_t ahead = (block + 2 * ranks - (uint64_t)lda->rank - first % ranks) % ranks;
		int status = strads_lda_block_read(lda, (int)block, model->words,
						   strads_lda_buffer(layout, model->turn), block,
						   model->length + part);

		for (uint32_t i = 0; status == STRADS_OK && i < layout->parts; i++)
			status = part_take(lda, part + i, ahead <= turn - first);
		if (status != STRADS_OK)
			return status;
	}
	replicas->next = 0;
	return STRADS_OK;
}
