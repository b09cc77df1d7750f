/*
 * Held-out documents, scored by completion: half of the tokens of each, chosen at random, tell its
 * shares of topics, after STEPS steps, and the others are scored by p(w) = Σ_k θ_k φ_kw. Words that
 * occur in no other document are left out.
 */
#include "state.h"

#include "mixture.h"
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#define STEPS 20

/* ---- Which documents and words ------------------------------------------------------------ */

static void
documents_find(struct strads_lda *lda)
{
	const struct strads_documents *documents = lda->documents;
	struct strads_lda_held *held = &lda->held;

	for (uint32_t d = 0; d < documents->docs; d++) {
		uint64_t entries = documents->start[d + 1] - documents->start[d];

		if (!strads_lda_is_held(&lda->options, documents->first + d))
			continue;
		held->doc[held->docs++] = d;
		held->longest = entries > held->longest ? entries : held->longest;
		for (uint64_t e = documents->start[d]; e < documents->start[d + 1]; e++) {
			uint32_t w = documents->word[e];

			if (lda->model->layout.count[w] == 0)
				held->unknown += documents->count[e];
			else if (held->place[w] == 0)
				held->place[w] = ++held->words;
		}
	}
}

void
strads_lda_held_plan(struct strads_lda *lda, struct strads_linear_need *need)
{
	struct strads_lda_held *held = &lda->held;

	held->doc = strads_linear_take(need, lda->documents->docs, sizeof *held->doc);
	held->place = strads_linear_take(need, lda->model->layout.words, sizeof *held->place);
	if (need->status == STRADS_OK)
		documents_find(lda);
}

/* Of every word the room for its list: start [words + 1], or NULL. Returns the room of all. */
static uint64_t
lists_lay(const struct strads_lda *lda, uint64_t *start)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	const struct strads_lda_held *held = &lda->held;
	uint64_t end = 0;

	for (uint64_t w = 0; w < layout->words; w++) {
		uint64_t n = layout->count[w] < layout->topics ? layout->count[w] : layout->topics;

		if (held->place[w] == 0)
			continue;
		end += n;
		if (start)
			start[held->place[w]] = n;
	}
	for (uint64_t i = 0; start && i < held->words; i++)
		start[i + 1] += start[i];
	return end;
}

void
strads_lda_held_take(struct strads_lda *lda, struct strads_linear_need *need)
{
	struct strads_lda_held *held = &lda->held;
	uint32_t topics = lda->options.topics;
	uint64_t room;

	held->start = strads_linear_take(need, held->words + 1, sizeof *held->start);
	held->end = strads_linear_take(need, held->words, sizeof *held->end);
	held->theta = strads_linear_take(need, topics, sizeof *held->theta);
	held->gain = strads_linear_take(need, topics, sizeof *held->gain);
	held->inverse = strads_linear_take(need, topics, sizeof *held->inverse);
	held->bag_place = strads_linear_take(need, held->longest, sizeof *held->bag_place);
	held->bag_fit = strads_linear_take(need, held->longest, sizeof *held->bag_fit);
	held->bag_rest = strads_linear_take(need, held->longest, sizeof *held->bag_rest);
	room = lists_lay(lda, held->start);
	held->topic = strads_linear_take(need, room, sizeof *held->topic);
	held->share = strads_linear_take(need, room, sizeof *held->share);
}

void
strads_lda_held_give(struct strads_lda_held *held)
{
	free(held->bag_rest);
	free(held->bag_fit);
	free(held->bag_place);
	free(held->share);
	free(held->topic);
	free(held->inverse);
	free(held->gain);
	free(held->theta);
	free(held->end);
	free(held->start);
	free(held->place);
	free(held->doc);
}

/* ---- Reading the words -------------------------------------------------------------------- */

/* Keeps what is known of a word of the held-out documents. */
static void
word_keep(struct strads_lda *lda, uint32_t word, uint32_t n)
{
	struct strads_lda_held *held = &lda->held;
	uint64_t place = held->place[word] - 1, at = held->start[place];
	uint64_t room = held->start[place + 1] - at;

	n = n < room ? n : (uint32_t)room;
	held->end[place] = at + n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = lda->row_topic[i];

		held->topic[at + i] = k;
		held->share[at + i] =
		    (float)(lda->row_count[i] / (lda->base[k] + lda->gibbs.words_beta));
	}
}

static int
part_keep(struct strads_lda *lda, uint64_t part, const uint32_t *from)
{
	const struct strads_lda_model *model = lda->model;
	const struct strads_lda_layout *layout = &model->layout;
	const uint32_t *end = from + model->length[part];
	int status = strads_lda_part_check(layout, from, part, model->turn, model->length[part]);

	from += STRADS_LDA_HEAD;
	for (uint64_t i = layout->part_first[part];
	     status == STRADS_OK && i < layout->part_first[part + 1]; i++) {
		uint32_t n = 0;

		status = strads_lda_row_read(from, end, lda->options.topics, lda->row_topic,
					     lda->row_count, &n, &from);
		if (status == STRADS_OK && lda->held.place[layout->word_at[i]])
			word_keep(lda, layout->word_at[i], n);
	}
	return status;
}

/* Reads the block of rank held.next: AGAIN while it is on its way. */
static int
block_keep(struct strads_lda *lda)
{
	const struct strads_lda_model *model = lda->model;
	const struct strads_lda_layout *layout = &model->layout;
	int rank = lda->held.next;
	uint64_t block = (uint64_t)strads_lda_block(layout, rank, model->turn);
	uint64_t first = block * layout->parts;
	int status =
	    strads_lda_block_read(lda, rank, model->words, strads_lda_buffer(layout, model->turn),
				  block, model->length + first);

	for (uint64_t part = first; status == STRADS_OK && part < first + layout->parts; part++)
		status = part_keep(lda, part,
				   (const uint32_t *)strads_region_base(lda->inbox) +
				       layout->part_offset[part]);
	return status;
}

/* ---- Scoring ------------------------------------------------------------------------------ */

static void
document_score(struct strads_lda *lda, uint32_t d, double *partial)
{
	const struct strads_documents *documents = lda->documents;
	struct strads_lda_held *held = &lda->held;
	uint64_t first = documents->start[d], scored = 0;
	struct strads_lda_bag fit = {0, held->bag_place, held->bag_fit};
	struct strads_lda_bag rest = {0, held->bag_place, held->bag_rest};
	const struct strads_lda_mixture mixture = {
	    .topics = lda->options.topics,
	    .alpha = lda->prior.alpha,
	    .alpha_sum = lda->prior.alpha_sum,
	    .beta = lda->prior.beta,
	    .inverse = held->inverse,
	    .start = held->start,
	    .end = held->end,
	    .topic = held->topic,
	    .share = held->share,
	    .theta = held->theta,
	    .gain = held->gain,
	};

	for (uint64_t e = first; e < documents->start[d + 1]; e++) {
		uint64_t place = held->place[documents->word[e]], n = fit.n;

		if (place == 0)
			continue;
		held->bag_place[n] = place - 1;
		held->bag_fit[n] = strads_lda_mixture_half(lda->options.seed, documents->first + d,
							   e - first, documents->count[e]);
		held->bag_rest[n] = documents->count[e] - held->bag_fit[n];
		scored += held->bag_rest[n];
		fit.n = rest.n = n + 1;
	}
	strads_lda_mixture_fit(&mixture, &fit, STEPS);
	partial[STRADS_LDA_HELD_SCORED] += (double)scored;
	partial[STRADS_LDA_HELD_LIKELIHOOD] += strads_lda_mixture_score(&mixture, &rest);
}

int
strads_lda_held_push(struct strads_lda *lda, double *partial)
{
	struct strads_lda_held *held = &lda->held;

	partial[STRADS_LDA_HELD_UNKNOWN] = (double)held->unknown;
	if (held->docs == 0)
		return STRADS_OK;
	for (; held->next < lda->ranks; held->next++) {
		int status = block_keep(lda);

		if (status != STRADS_OK)
			return status;
	}
	held->next = 0;
	for (uint32_t k = 0; k < lda->options.topics; k++)
		held->inverse[k] = 1 / (lda->base[k] + lda->gibbs.words_beta);
	for (uint32_t i = 0; i < held->docs; i++)
		document_score(lda, held->doc[i], partial);
	return STRADS_OK;
}
