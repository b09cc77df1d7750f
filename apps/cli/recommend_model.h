/*
 * The factors of a model file, read where they are needed.
 */
#ifndef STRADS_CLI_RECOMMEND_MODEL_H
#define STRADS_CLI_RECOMMEND_MODEL_H

#include "../data/names.h"
#include "hdf5_get.h"

/* Rows read at once, at most. */
#define STRADS_RECOMMEND_ROWS 4096

struct strads_recommend_model {
	const char *path; /* borrowed */
	hid_t file;
	struct strads_hdf5_set users, items, w, h;
	struct strads_hdf5_set user_bias, item_bias; /* only if `biases` */
	bool biases;
	double mean; /* 0 without biases */
	uint64_t user_count, item_count;
	uint32_t factors;
};

/* Opens the file of a factorization. Returns STRADS_OK, ERR_IO, ERR_INPUT (it is none, or it is
 * damaged). Closing is for what open has opened, or zeros. Thread: any, one at a time. */
STRADS_MUST_CHECK int strads_recommend_model_open(const char *path,
						  struct strads_recommend_model *model);
void strads_recommend_model_close(struct strads_recommend_model *model);

/* Finds the users of those names: row [names->count] is the row of each, UINT64_MAX where the model
 * has none. Returns STRADS_OK, ERR_IO, ERR_MEMORY. */
STRADS_MUST_CHECK int strads_recommend_model_find(const struct strads_recommend_model *model,
						  const struct strads_names *names, uint64_t *row);

/* The ids of all items, in the order of rows. Returns STRADS_OK, ERR_IO, ERR_MEMORY, ERR_INPUT. */
STRADS_MUST_CHECK int strads_recommend_model_items(const struct strads_recommend_model *model,
						   struct strads_names *names);

/* A user's row [K], or rows first … first + n − 1 of the items [n][K], and their biases, which are
 * 0 in a model without. n ≤ STRADS_RECOMMEND_ROWS. Return STRADS_OK, ERR_IO. */
STRADS_MUST_CHECK int strads_recommend_model_user(const struct strads_recommend_model *model,
						  uint64_t row, double *w, double *bias);
STRADS_MUST_CHECK int strads_recommend_model_rows(const struct strads_recommend_model *model,
						  uint64_t first, uint32_t n, double *h,
						  double *biases);

#endif
