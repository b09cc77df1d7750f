/*
 * The strongest terms of a fitted model, by name.
 */
#ifndef STRADS_CLI_RANKING_H
#define STRADS_CLI_RANKING_H

#include "../data/dataset.h"
#include "../linear/model.h"

struct strads_ranked_term {
	uint64_t index; /* of the variable, from 0 */
	char *name;     /* "#17" (from 1) where the vocabulary has none */
	double coefficient;
	double share;    /* of the training rows, with a value other than 0 */
	double effect;   /* coefficient × mean of the values other than 0 */
	double strength; /* |coefficient| × standard deviation of the column */
};

/* By descending strength, on rank 0; elsewhere empty. */
struct strads_ranking {
	struct strads_ranked_term *positive;
	struct strads_ranked_term *negative;
	size_t positive_count;
	size_t negative_count;
};

/* Finds the `most` strongest nonzero coefficients of either sign. `vocabulary` names variable i in
 * line i, from 1. Collective. Returns STRADS_OK, ERR_IO, ERR_MEMORY, or as strads_job_agree; the
 * caller frees with strads_ranking_free. Thread: owner. */
STRADS_MUST_CHECK int strads_ranking_find(struct strads_job *job,
					  const struct strads_dataset *train,
					  const struct strads_linear_model *model,
					  const char *vocabulary, size_t most,
					  struct strads_ranking *terms);
void strads_ranking_free(struct strads_ranking *terms);

#endif
