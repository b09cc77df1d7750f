/*
 * Sets of kind SAMPLE, a sub-round; and what ADD has in common with it.
 */
#include "state.h"

#include "rows.h"

#include <math.h>
#include <string.h>

#include "strads/random.h"

size_t
strads_lda_sample_elems(const struct strads_lda *lda, const struct strads_block *block)
{
	return block->n + (block->index == 0 ? strads_lda_tallies(&lda->model->layout) : 0);
}

/* ---- Reading the block -------------------------------------------------------------------- */

/* The rank that had a block in the sub-round before. */
static int
holder(const struct strads_lda *lda)
{
	return (lda->rank + 1) % lda->ranks;
}

/* Asks for parts, as many as the queue takes, unless no sub-round has been or the block is here. */
static int
parts_ask(struct strads_lda *lda, uint64_t turn, uint64_t first)
{
	struct strads_lda_model *model = lda->model;
	const struct strads_lda_layout *layout = &model->layout;

	for (; turn > 0 && lda->ranks > 1 && lda->asked < layout->parts; lda->asked++) {
		uint64_t part = first + lda->asked;
		size_t offset = layout->part_offset[part] * sizeof(uint32_t);
		int status =
		    strads_get(lda->fabric, holder(lda), model->words,
			       strads_lda_buffer(layout, turn - 1) + offset,
			       (char *)strads_region_base(lda->inbox) + offset,
			       model->length[part] * sizeof(uint32_t), &lda->coming[lda->asked]);

		if (status == STRADS_AGAIN)
			return STRADS_OK;
		if (status != STRADS_OK)
			return status;
	}
	return STRADS_OK;
}

/* Where part `i` of the block is to be read from, NULL if there is nothing yet to be read. Returns
 * STRADS_OK, or AGAIN as long as it is on its way. */
static int
part_await(struct strads_lda *lda, uint64_t turn, uint64_t part, uint32_t i, const uint32_t **from)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	const struct strads_counter *counter = &lda->coming[i];

	*from = NULL;
	if (turn == 0)
		return STRADS_OK;
	if (lda->ranks == 1) {
		*from = (const uint32_t *)((const char *)strads_region_base(lda->model->words) +
					   strads_lda_buffer(layout, turn - 1)) +
			layout->part_offset[part];
	} else {
		if (i >= lda->asked || counter->done != counter->posted)
			return STRADS_AGAIN;
		if (counter->status != STRADS_OK)
			return strads_fabric_explain(
			    lda->fabric,
			    strads_fail(counter->status,
					"cannot read a block of words from rank %d", holder(lda)));
		*from =
		    (const uint32_t *)strads_region_base(lda->inbox) + layout->part_offset[part];
	}
	return strads_lda_part_check(layout, *from, part, lda->model->turn,
				     lda->model->length[part]);
}

/* ---- Sampling it -------------------------------------------------------------------------- */

int
strads_lda_row_put(struct strads_lda *lda, const uint32_t *end, const uint32_t **from, uint32_t *n)
{
	int status = strads_lda_row_read(*from, end, lda->options.topics, lda->row_topic,
					 lda->row_count, n, from);

	if (status != STRADS_OK)
		return status;
	for (uint32_t i = 0; i < *n; i++)
		strads_gibbs_put(&lda->gibbs, lda->row_topic[i], lda->row_count[i]);
	return STRADS_OK;
}

void
strads_lda_word_sample(struct strads_lda *lda, uint64_t turn, uint64_t place)
{
	uint64_t first = lda->token_start[place], n = lda->token_start[place + 1] - first;
	uint64_t sweep = turn / (uint64_t)lda->ranks;
	uint64_t random = strads_random(lda->options.seed, lda->model->layout.word_at[place],
					sweep << 16 | (uint64_t)lda->rank);

	if (n == 0)
		return;
	if (sweep == 0 && lda->options.start == STRADS_LDA_RANDOM)
		strads_gibbs_scatter(&lda->gibbs, &lda->docs, n, lda->doc + first,
				     lda->topic + first, random);
	else
		strads_gibbs_sample(&lda->gibbs, &lda->docs, n, lda->doc + first,
				    lda->topic + first, random);
	if (sweep == 0)
		lda->assigned += n;
}

int
strads_lda_word_check(struct strads_lda *lda, uint64_t place)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	uint64_t sum = 0, most = layout->count[layout->word_at[place]];

	for (uint32_t i = 0; i < lda->gibbs.n_listed; i++)
		sum += lda->gibbs.count[lda->gibbs.listed[i]];
	if (sum > most)
		return strads_fail(
		    STRADS_ERR_PROTOCOL, "word %u has topics %llu times, and occurs %llu times",
		    layout->word_at[place], (unsigned long long)sum, (unsigned long long)most);
	lda->word_sum += sum;
	return STRADS_OK;
}

/* Samples the words of a part: from what was read, or nothing, into own buffer. */
static int
part_sample(struct strads_lda *lda, uint64_t turn, uint64_t part, const uint32_t *from)
{
	struct strads_lda_model *model = lda->model;
	const struct strads_lda_layout *layout = &model->layout;
	uint32_t *head = (uint32_t *)((char *)strads_region_base(model->words) +
				      strads_lda_buffer(layout, turn)) +
			 layout->part_offset[part];
	uint32_t *to = head + STRADS_LDA_HEAD, n;
	const uint32_t *end = from ? from + model->length[part] : NULL;
	int status = STRADS_OK;

	from = from ? from + STRADS_LDA_HEAD : NULL;
	for (uint64_t i = layout->part_first[part]; i < layout->part_first[part + 1]; i++) {
		if (from)
			status = strads_lda_row_put(lda, end, &from, &n);
		if (status != STRADS_OK)
			return status;
		strads_lda_word_sample(lda, turn, i);
		status = strads_lda_word_check(lda, i);
		if (status != STRADS_OK)
			return status;
		to = strads_lda_row_write(&lda->gibbs, to);
		strads_gibbs_end(&lda->gibbs);
	}
	strads_lda_part_close(layout, head, part, turn, to);
	return STRADS_OK;
}

/* Samples the block that this rank has, part by part: AGAIN while the next one is on its way. */
static int
block_sample(struct strads_lda *lda, uint64_t turn)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	uint64_t first = (uint64_t)strads_lda_block(layout, lda->rank, turn) * layout->parts;

	if (!lda->begun) {
		memset(lda->coming, 0, layout->parts * sizeof *lda->coming);
		strads_gibbs_begin(&lda->gibbs, lda->sparse);
		lda->begun = true;
		lda->asked = 0;
		lda->sampled = 0;
		lda->word_sum = 0;
	}
	for (; lda->sampled < layout->parts; lda->sampled++) {
		const uint32_t *from;
		int status = parts_ask(lda, turn, first);

		if (status == STRADS_OK)
			status = part_await(lda, turn, first + lda->sampled, lda->sampled, &from);
		if (status == STRADS_OK)
			status = part_sample(lda, turn, first + lda->sampled, from);
		if (status != STRADS_OK)
			return status;
	}
	lda->begun = false;
	return STRADS_OK;
}

/* ---- The primitives ----------------------------------------------------------------------- */

static double
documents_sum(const struct strads_lda *lda)
{
	const struct strads_gibbs_docs *docs = &lda->docs;
	uint64_t n = docs->dense ? (uint64_t)lda->documents->docs * docs->padded
				 : docs->start[lda->documents->docs];
	uint64_t sum = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += docs->dense ? docs->dense[i] : docs->count[i];
	return (double)sum;
}

void
strads_lda_tally_write(const struct strads_lda *lda, uint64_t block, const uint32_t *first,
		       double *tally)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	uint64_t part = block * layout->parts, parts = (uint64_t)layout->blocks * layout->parts;

	tally[STRADS_LDA_ASSIGNED] = (double)lda->assigned;
	tally[STRADS_LDA_WORDS] = (double)lda->word_sum;
	tally[STRADS_LDA_DOCUMENTS] =
	    lda->options.verify ? documents_sum(lda) : (double)lda->assigned;
	for (uint32_t i = 0; i < layout->parts; i++) {
		const struct strads_lda_head *head =
		    (const struct strads_lda_head *)(first + layout->part_offset[part + i]);

		tally[STRADS_LDA_TALLIES + part + i] = head->length;
	}
	tally[STRADS_LDA_TALLIES + parts + block] = 1;
}

/* Does the work of a set's first block. */
static int
set_push(struct strads_lda *lda, const struct strads_block *block, double *tally)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	int status;

	if (block->kind == STRADS_LDA_ADD)
		return strads_lda_replica_add(lda, block->arg, tally);
	if (lda->options.mode == STRADS_LDA_REPLICAS)
		return strads_lda_replica_sample(lda, block->arg, tally);
	status = block_sample(lda, block->arg);
	if (status == STRADS_OK)
		strads_lda_tally_write(
		    lda, (uint64_t)strads_lda_block(layout, lda->rank, block->arg),
		    (const uint32_t *)((const char *)strads_region_base(lda->model->words) +
				       strads_lda_buffer(layout, block->arg)),
		    tally);
	return status;
}

int
strads_lda_sample_push(struct strads_lda *lda, const struct strads_block *block, double *partial)
{
	if (block->index == 0) {
		int status = set_push(lda, block, partial + block->n);

		if (status != STRADS_OK)
			return status;
	}
	for (uint32_t i = 0; i < block->n; i++) {
		uint64_t k = block->first + i;

		partial[i] = lda->gibbs.total[k] - lda->base[k];
	}
	return STRADS_OK;
}

int
strads_lda_tally_check(const struct strads_lda *lda, uint64_t turn, const double *tally)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	uint64_t parts = (uint64_t)layout->blocks * layout->parts;

	for (uint64_t part = 0; part < parts; part++) {
		double length = tally[STRADS_LDA_TALLIES + part];
		uint64_t room = layout->capacity - layout->part_offset[part];

		if (!(length >= STRADS_LDA_HEAD && length <= (double)room))
			return strads_fail(
			    STRADS_ERR_PROTOCOL, "sub-round %llu: part %llu is %g numbers long",
			    (unsigned long long)turn, (unsigned long long)part, length);
	}
	for (int b = 0; b < layout->blocks; b++)
		if (tally[STRADS_LDA_TALLIES + parts + (uint64_t)b] != 1)
			return strads_fail(STRADS_ERR_PROTOCOL,
					   "sub-round %llu: block %d was sampled by %g ranks",
					   (unsigned long long)turn, b,
					   tally[STRADS_LDA_TALLIES + parts + (uint64_t)b]);
	return STRADS_OK;
}

/* Takes over what all ranks have told: new lengths of parts. */
static int
tally_read(struct strads_lda *lda, const struct strads_block *block, const double *tally)
{
	struct strads_lda_model *model = lda->model;
	uint64_t parts = (uint64_t)model->layout.blocks * model->layout.parts;
	bool adds = block->kind == STRADS_LDA_ADD;
	int status = strads_lda_tally_check(lda, block->arg, tally);

	if (status != STRADS_OK)
		return status;
	memcpy(lda->tally, tally, sizeof lda->tally);
	for (uint64_t part = 0; part < parts; part++)
		model->length[part] = (uint64_t)tally[STRADS_LDA_TALLIES + part];
	model->turn = adds ? strads_lda_exchange_turn(lda) : block->arg;
	return STRADS_OK;
}

int
strads_lda_sample_sync(struct strads_lda *lda, const struct strads_block *block, const void *commit,
		       size_t bytes)
{
	const double *sum = commit;
	bool replica = lda->options.mode == STRADS_LDA_REPLICAS && block->kind == STRADS_LDA_SAMPLE;

	if (bytes != strads_lda_sample_elems(lda, block) * sizeof *sum)
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: %zu bytes for %u topics",
				   (unsigned long long)block->set, bytes, block->n);
	for (uint32_t i = 0; i < block->n; i++) {
		uint64_t k = block->first + i;
		int32_t total = lda->base[k] + (int32_t)sum[i];

		lda->error += fabs((double)lda->gibbs.total[k] - total);
		lda->gibbs.total[k] = total;
		lda->base[k] = total;
	}
	if (block->index > 0)
		return STRADS_OK;
	return replica ? strads_lda_replica_sampled(lda, block->arg, sum)
		       : tally_read(lda, block, sum + block->n);
}

/* Every token that has a topic is counted once in each table. */
static int
tables_check(const struct strads_lda *lda, uint64_t turn)
{
	double assigned = lda->tally[STRADS_LDA_ASSIGNED], sum = 0;

	for (uint32_t k = 0; k < lda->options.topics; k++)
		sum += lda->base[k];
	if (sum == assigned && lda->tally[STRADS_LDA_DOCUMENTS] == assigned &&
	    lda->tally[STRADS_LDA_WORDS] == assigned)
		return STRADS_OK;
	return strads_fail(STRADS_ERR_PROTOCOL,
			   "after sub-round %llu %.0f tokens have topics, but the topics count "
			   "%.0f, documents %.0f and words %.0f",
			   (unsigned long long)turn, assigned, sum,
			   lda->tally[STRADS_LDA_DOCUMENTS], lda->tally[STRADS_LDA_WORDS]);
}

int
strads_lda_sample_finish(struct strads_lda *lda, const struct strads_block *last)
{
	uint64_t now = strads_fabric_clock_ns(lda->fabric), turns = (uint64_t)lda->ranks;
	bool replicas = lda->options.mode == STRADS_LDA_REPLICAS;
	enum strads_lda_kind summed = replicas ? STRADS_LDA_ADD : STRADS_LDA_SAMPLE;
	enum strads_lda_kind ended = replicas ? STRADS_LDA_SPREAD : STRADS_LDA_SAMPLE;

	lda->sampled_ns += now - lda->rounds_ns;
	lda->rounds_ns = now;
	if (last->kind == STRADS_LDA_SPREAD)
		lda->replicas.exchanges++;
	if (last->kind == ended && (last->arg + 1) % turns == 0) {
		lda->sweeps++;
		lda->sampled_tokens += lda->tokens_total;
	}
	if (last->kind != summed)
		return STRADS_OK;
	lda->error_rounds++;
	return tables_check(lda, last->arg);
}
