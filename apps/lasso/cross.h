/*
 * K-fold cross-validation over a path of λs.
 */
#ifndef STRADS_LASSO_CROSS_H
#define STRADS_LASSO_CROSS_H

#include "lasso.h"

/* What the folds say of each λ of the path of all rows; the same on all ranks. */
struct strads_lasso_cross {
	uint32_t folds;
	uint64_t count;  /* λs */
	double *lambda;  /* [count] descending */
	double *mse;     /* [folds][count] of the rows held out */
	double *mean;    /* [count] over all rows, each held out once */
	double *error;   /* [count] standard error of the mean */
	uint64_t best;   /* least mean */
	uint64_t one_se; /* largest λ with a mean of at most that plus its standard error */
};

/* What is being fitted: fold −1 is all rows. */
typedef void strads_lasso_cross_report(void *arg, int fold,
				       const struct strads_linear_progress *progress, bool final);

/* Fits the path of all rows (as strads_lasso_fit_path, into *path), then those of `folds` folds, at
 * least 2, with λ times the part of the rows that they have, so that a row weighs the same. Each
 * fold's rows are held out of `train` meanwhile (fold.h); means, standardisation and intercept are
 * those of the others. Folds follow from options->seed. If the path of all rows ends at a limit,
 * there are no folds, and *cross is empty; so it is if one of theirs does. The caller frees with
 * strads_lasso_cross_free and strads_linear_path_free. Collective. Returns as
 * strads_lasso_fit_path, or ERR_INPUT (more folds than rows). Thread: owner of the fabric. */
STRADS_MUST_CHECK int strads_lasso_cross_validate(
    struct strads_fabric *fabric, struct strads_dataset *train, const struct strads_dataset *test,
    const struct strads_lasso_options *options, uint32_t folds, const volatile int *stop,
    strads_lasso_cross_report *report, void *arg, enum strads_linear_outcome *outcome,
    struct strads_linear_path *path, struct strads_lasso_cross *cross);
void strads_lasso_cross_free(struct strads_lasso_cross *cross);

#endif
