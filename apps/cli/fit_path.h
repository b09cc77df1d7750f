/*
 * What `--path` and `--cv` found, and what is said of it: in the log, the summary and on standard
 * output.
 */
#ifndef STRADS_CLI_FIT_PATH_H
#define STRADS_CLI_FIT_PATH_H

#include "../lasso/cross.h"

#include <jansson.h>
#include <stdio.h>

/* Which λ is the model's. */
enum strads_cv_rule {
	STRADS_CV_MIN,    /* of the least cross-validated error */
	STRADS_CV_ONE_SE, /* the largest whose error is within one standard error of that */
};

struct strads_fit_path {
	enum strads_linear_family family;
	struct strads_linear_path path;
	struct strads_lasso_cross cross; /* empty without folds, or if they were not finished */
	uint64_t chosen;                 /* point of the path */
};

/* By the rule where there are folds, else the last point. */
void strads_fit_path_choose(struct strads_fit_path *fit, enum strads_cv_rule rule);
void strads_fit_path_free(struct strads_fit_path *fit);

/* The error on held-out rows: the mean squared one, or the log loss; NaN without such rows. */
double strads_fit_path_test_error(const struct strads_fit_path *fit, uint64_t k);

/* The log's line of what the folds say of point k. A new reference, NULL without memory. Thread:
 * any. */
json_t *strads_fit_path_record_cv(const struct strads_fit_path *fit, uint64_t k);

/* The summary's `path` and `cv`. */
json_t *strads_fit_path_record_path(const struct strads_fit_path *fit);
json_t *strads_fit_path_record_folds(const struct strads_fit_path *fit);

/* A table for people. */
void strads_fit_path_print(FILE *out, const struct strads_fit_path *fit);

#endif
