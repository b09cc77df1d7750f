/*
 * The hyperparameters α of each topic and β, and sets of kind ESTIMATE, each a step to the values
 * under which the topics that the tokens have are most likely (strads/dirichlet.h): of α given the
 * tables of documents, of β given that of words. The variables are the topics; every rank adds up
 * what its own documents, and the block of words that it sampled last, have to say.
 */
#include "state.h"

#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "strads/dirichlet.h"

/* Behind the topics of a block. */
enum tail {
	LENGTHS, /* Σ_d [ψ(N_d + Σα) − ψ(Σα)] */
	WORDS,   /* of the first block: Σ_kw [ψ(n_kw + β) − ψ(β)] */
	TAIL,
};

/* ---- Memory ------------------------------------------------------------------------------- */

/* Most entries of the histogram of documents. */
static uint64_t
document_room(const struct strads_lda *lda, uint64_t longest)
{
	uint64_t all = lda->options.topics * longest;

	return all < lda->tokens ? all : lda->tokens;
}

/* Occurrences of the most frequent word. */
static uint64_t
word_most(const struct strads_lda_layout *layout)
{
	uint64_t most = 0;

	for (uint64_t w = 0; w < layout->words; w++)
		most = layout->count[w] > most ? layout->count[w] : most;
	return most;
}

void
strads_lda_prior_take(struct strads_lda *lda, struct strads_linear_need *need)
{
	const struct strads_lda_layout *layout = &lda->model->layout;
	struct strads_lda_prior *prior = &lda->prior;
	uint32_t docs = lda->documents->docs;
	uint64_t longest = 0;

	prior->alpha = strads_linear_take(need, lda->options.topics, sizeof *prior->alpha);
	prior->alpha_gamma.value =
	    strads_linear_take(need, STRADS_LDA_GAMMA_VALUES, sizeof *prior->alpha_gamma.value);
	prior->beta_gamma.value =
	    strads_linear_take(need, STRADS_LDA_GAMMA_VALUES, sizeof *prior->beta_gamma.value);
	if (lda->options.optimize_interval == 0)
		return;
	prior->length = strads_linear_take(need, docs, sizeof *prior->length);
	for (uint32_t d = 0; d < docs; d++) {
		uint32_t tokens = (uint32_t)strads_lda_document_tokens(lda, d);

		if (prior->length)
			prior->length[d] = tokens;
		longest = tokens > longest ? tokens : longest;
	}
	prior->start =
	    strads_linear_take(need, lda->options.topics + UINT64_C(1), sizeof *prior->start);
	prior->above = strads_linear_take(need, document_room(lda, longest), sizeof *prior->above);
	prior->word_above = strads_linear_take(need, word_most(layout), sizeof *prior->word_above);
}

void
strads_lda_prior_give(struct strads_lda_prior *prior)
{
	free(prior->word_above);
	free(prior->above);
	free(prior->start);
	free(prior->length);
	free(prior->beta_gamma.value);
	free(prior->alpha_gamma.value);
	free(prior->alpha);
}

/* ---- Values ------------------------------------------------------------------------------- */

/* What follows from new values: sums, what the sampler has, tables. */
static void
values_use(struct strads_lda *lda)
{
	struct strads_lda_prior *prior = &lda->prior;
	struct strads_gibbs *gibbs = &lda->gibbs;
	uint32_t topics = lda->options.topics;

	prior->alpha_sum = 0;
	for (uint32_t k = 0; k < topics; k++) {
		prior->alpha_sum += prior->alpha[k];
		gibbs->alpha[k] = (float)prior->alpha[k];
	}
	gibbs->beta = prior->beta;
	gibbs->words_beta = prior->beta * (double)lda->documents->words;
	strads_lda_gamma_fill(&prior->beta_gamma, prior->beta);
}

void
strads_lda_prior_start(struct strads_lda *lda)
{
	struct strads_lda_prior *prior = &lda->prior;

	for (uint32_t k = 0; k < lda->options.topics; k++)
		prior->alpha[k] = lda->options.alpha;
	prior->beta = lda->options.beta;
	prior->symmetric = true;
	values_use(lda);
	prior->alpha_sum = lda->options.alpha * lda->options.topics;
	strads_lda_gamma_fill(&prior->alpha_gamma, lda->options.alpha);
}

/* ---- Histograms --------------------------------------------------------------------------- */

/* From how many counts are i + 1 to how many are above i. */
static void
histogram_close(uint32_t *above, uint64_t n)
{
	for (uint64_t i = n; i > 1; i--)
		above[i - 2] += above[i - 1];
}

/* Of each topic: of how many own documents it has more than i tokens. */
static void
documents_count(struct strads_lda *lda)
{
	struct strads_lda_prior *prior = &lda->prior;
	const struct strads_gibbs_docs *docs = &lda->docs;
	uint32_t topics = lda->options.topics;
	uint64_t *start = prior->start;

	memset(start, 0, (topics + UINT64_C(1)) * sizeof *start);
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t d = 0; d < lda->documents->docs; d++) {
			uint32_t n = docs->dense ? topics : docs->n[d];

			for (uint32_t i = 0; i < n; i++) {
				uint64_t at = docs->dense ? (uint64_t)d * docs->padded + i
							  : docs->start[d] + i;
				uint32_t k = docs->dense ? i : docs->topic[at];
				uint32_t count = docs->dense ? docs->dense[at] : docs->count[at];

				if (pass == 0 && count > start[k + 1])
					start[k + 1] = count;
				if (pass == 1 && count > 0)
					prior->above[start[k] + count - 1]++;
			}
		}
		for (uint32_t k = 0; pass == 0 && k < topics; k++)
			start[k + 1] += start[k];
		if (pass == 0)
			memset(prior->above, 0, start[topics] * sizeof *prior->above);
	}
	for (uint32_t k = 0; k < topics; k++)
		histogram_close(prior->above + start[k], start[k + 1] - start[k]);
}

/* How many counts of the words of the block that was sampled last are above i. */
static int
words_count(struct strads_lda *lda)
{
	const struct strads_lda_model *model = lda->model;
	const struct strads_lda_layout *layout = &model->layout;
	struct strads_lda_prior *prior = &lda->prior;
	uint64_t block = (uint64_t)strads_lda_block(layout, lda->rank, model->turn);
	uint64_t most = word_most(layout);
	const uint32_t *buffer = (const uint32_t *)((const char *)strads_region_base(model->words) +
						    strads_lda_buffer(layout, model->turn));

	memset(prior->word_above, 0, most * sizeof *prior->word_above);
	for (uint64_t part = block * layout->parts; part < (block + 1) * layout->parts; part++) {
		const uint32_t *from = buffer + layout->part_offset[part];
		const uint32_t *end = from + model->length[part];

		for (from += STRADS_LDA_HEAD; from < end;) {
			uint32_t n;
			int status = strads_lda_row_read(from, end, lda->options.topics,
							 lda->row_topic, lda->row_count, &n, &from);

			for (uint32_t i = 0; status == STRADS_OK && i < n; i++) {
				if (lda->row_count[i] > most)
					status = strads_fail(STRADS_ERR_PROTOCOL,
							     "a word has %u tokens of a topic, and "
							     "occurs %llu times at most",
							     lda->row_count[i],
							     (unsigned long long)most);
				else
					prior->word_above[lda->row_count[i] - 1]++;
			}
			if (status != STRADS_OK)
				return status;
		}
	}
	prior->word_most = most;
	histogram_close(prior->word_above, most);
	return STRADS_OK;
}

/* ---- The primitives ----------------------------------------------------------------------- */

size_t
strads_lda_estimate_elems(const struct strads_block *block)
{
	return block->n + (size_t)TAIL;
}

/* Once a set: what all its blocks have in common. */
static int
set_begin(struct strads_lda *lda, uint64_t step)
{
	struct strads_lda_prior *prior = &lda->prior;
	double none = strads_digamma(prior->alpha_sum);

	if (step == 0) {
		int status = words_count(lda);

		if (status != STRADS_OK)
			return status;
		documents_count(lda);
	}
	prior->lengths = 0;
	for (uint32_t d = 0; d < lda->documents->docs; d++)
		if (prior->length[d] > 0)
			prior->lengths +=
			    strads_digamma(prior->length[d] + prior->alpha_sum) - none;
	return STRADS_OK;
}

int
strads_lda_estimate_push(struct strads_lda *lda, const struct strads_block *block, double *partial)
{
	const struct strads_lda_prior *prior = &lda->prior;

	if (block->index == 0) {
		int status = set_begin(lda, block->arg);

		if (status != STRADS_OK)
			return status;
		partial[block->n + WORDS] =
		    strads_dirichlet_gain(prior->word_above, prior->word_most, prior->beta);
	}
	partial[block->n + LENGTHS] = prior->lengths;
	for (uint32_t i = 0; i < block->n; i++) {
		uint64_t k = block->first + i, at = prior->start[k];

		partial[i] = strads_dirichlet_gain(prior->above + at, prior->start[k + 1] - at,
						   prior->alpha[k]);
	}
	return STRADS_OK;
}

/* New values: α_k of the block's topics and, of the first one, β. */
size_t
strads_lda_estimate_pull(const struct strads_lda *lda, const struct strads_block *block,
			 const double *sum, double *commit)
{
	const struct strads_lda_prior *prior = &lda->prior;
	double words_beta = prior->beta * (double)lda->documents->words, lengths = 0;

	for (uint32_t i = 0; i < block->n; i++)
		commit[i] = strads_dirichlet_step(prior->alpha[block->first + i], sum[i],
						  sum[block->n + LENGTHS]);
	if (block->index > 0)
		return block->n * sizeof *commit;
	/* β is V parameters in one. */
	for (uint32_t k = 0; k < lda->options.topics; k++)
		lengths += strads_digamma(lda->base[k] + words_beta);
	lengths -= lda->options.topics * strads_digamma(words_beta);
	commit[block->n] = strads_dirichlet_step(prior->beta, sum[block->n + WORDS],
						 (double)lda->documents->words * lengths);
	return (block->n + UINT64_C(1)) * sizeof *commit;
}

int
strads_lda_estimate_sync(struct strads_lda *lda, const struct strads_block *block,
			 const void *commit, size_t bytes)
{
	struct strads_lda_prior *prior = &lda->prior;
	const double *value = commit;

	if (bytes != (block->n + (size_t)(block->index == 0)) * sizeof *value)
		return strads_fail(STRADS_ERR_PROTOCOL, "set %llu: %zu bytes for %u parameters",
				   (unsigned long long)block->set, bytes, block->n);
	memcpy(prior->alpha + block->first, value, block->n * sizeof *value);
	if (block->index == 0)
		prior->beta = value[block->n];
	return STRADS_OK;
}

void
strads_lda_estimate_finish(struct strads_lda *lda)
{
	lda->prior.symmetric = false;
	values_use(lda);
	lda->rounds_ns = strads_fabric_clock_ns(lda->fabric);
}
