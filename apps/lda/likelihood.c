/*
 * log p(w, z) = Σ_d [log Γ(Σα) − log Γ(N_d + Σα) + Σ_k (log Γ(n_dk + α_k) − log Γ(α_k))]
 *             + Σ_k [log Γ(Vβ) − log Γ(n_k + Vβ) + Σ_w (log Γ(n_kw + β) − log Γ(β))]
 */
#include "state.h"

#include "rows.h"

#include <math.h>

/* (2 · PRODUCT_MOST)^PRODUCT_MOST is a double. */
#define PRODUCT_MOST 64

static double
log_gamma(double x)
{
	int sign; /* of Γ: lgamma would write it to a variable of all threads */

	return lgamma_r(x, &sign);
}

void
strads_lda_gamma_fill(struct strads_lda_gamma *gamma, double a)
{
	gamma->a = a;
	for (int n = 0; n < STRADS_LDA_GAMMA_VALUES; n++)
		gamma->value[n] = log_gamma(n + a) - log_gamma(a);
}

static double
gamma_get(const struct strads_lda_gamma *gamma, uint32_t n)
{
	return n < STRADS_LDA_GAMMA_VALUES ? gamma->value[n]
					   : log_gamma(n + gamma->a) - log_gamma(gamma->a);
}

/* log Γ(n + α_k) − log Γ(α_k): log Π_(i<n) (α_k + i) while that is sure to be a double. */
static double
topic_term(const struct strads_lda_prior *prior, uint32_t k, uint32_t n)
{
	double a = prior->alpha[k], product = 1;

	if (prior->symmetric)
		return gamma_get(&prior->alpha_gamma, n);
	if (n > PRODUCT_MOST || a > PRODUCT_MOST)
		return log_gamma(n + a) - log_gamma(a);
	for (uint32_t i = 0; i < n; i++)
		product *= a + i;
	return log(product);
}

/* The term of a document with those counts. */
static double
document_term(const struct strads_lda *lda, uint32_t d, uint64_t *nonzeros)
{
	const struct strads_gibbs_docs *docs = &lda->docs;
	double all = lda->prior.alpha_sum, sum = 0;
	uint64_t n = docs->dense ? lda->options.topics : docs->n[d], tokens = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = docs->dense ? (uint64_t)d * docs->padded + i : docs->start[d] + i;
		uint32_t count = docs->dense ? docs->dense[at] : docs->count[at];

		if (count == 0)
			continue;
		sum += topic_term(&lda->prior, docs->dense ? (uint32_t)i : docs->topic[at], count);
		tokens += count;
		++*nonzeros;
	}
	return sum + log_gamma(all) - log_gamma((double)tokens + all);
}

void
strads_lda_likelihood_documents(const struct strads_lda *lda, double *partial)
{
	uint64_t nonzeros = 0;
	double sum = 0;

	for (uint32_t d = 0; d < lda->documents->docs; d++)
		if (!strads_lda_is_held(&lda->options, lda->documents->first + d))
			sum += document_term(lda, d, &nonzeros);
	partial[STRADS_LDA_DOCUMENT_LIKELIHOOD] = sum;
	partial[STRADS_LDA_DOCUMENT_NONZEROS] = (double)nonzeros;
}

int
strads_lda_likelihood_words(struct strads_lda *lda, double *partial)
{
	const struct strads_lda_model *model = lda->model;
	const struct strads_lda_layout *layout = &model->layout;
	uint64_t block = (uint64_t)strads_lda_block(layout, lda->rank, model->turn);
	const uint32_t *buffer = (const uint32_t *)((const char *)strads_region_base(model->words) +
						    strads_lda_buffer(layout, model->turn));

	for (uint64_t part = block * layout->parts; part < (block + 1) * layout->parts; part++) {
		const uint32_t *from = buffer + layout->part_offset[part];
		const uint32_t *end = from + model->length[part];

		partial[STRADS_LDA_WORD_BYTES] += (double)(model->length[part] * sizeof *from);
		for (from += STRADS_LDA_HEAD; from < end;) {
			uint32_t n;
			int status = strads_lda_row_read(from, end, lda->options.topics,
							 lda->row_topic, lda->row_count, &n, &from);

			if (status != STRADS_OK)
				return status;
			partial[STRADS_LDA_WORD_NONZEROS] += n;
			for (uint32_t i = 0; i < n; i++)
				partial[STRADS_LDA_WORD_LIKELIHOOD] +=
				    gamma_get(&lda->prior.beta_gamma, lda->row_count[i]);
		}
	}
	return STRADS_OK;
}

double
strads_lda_likelihood_topics(const struct strads_lda *lda)
{
	double all = lda->gibbs.words_beta, sum = 0;

	for (uint32_t k = 0; k < lda->options.topics; k++)
		sum += log_gamma(all) - log_gamma(lda->base[k] + all);
	return sum;
}
