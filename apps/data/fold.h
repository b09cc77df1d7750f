/*
 * Folds of the rows, for cross-validation: the rows of one are held out of a data set, and come
 * back.
 */
#ifndef STRADS_FOLD_H
#define STRADS_FOLD_H

#include "dataset.h"

/* The folds, 0 … folds − 1, of the data set's rows, into fold [x.rows]. Of every `folds`
 * consecutive rows of the whole, one goes into each, in an order drawn from (seed, which of these
 * groups): the sizes of folds differ by at most 1, and the ranks do not matter. Returns STRADS_OK,
 * ERR_ARGUMENT (no folds), ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_fold_assign(const struct strads_dataset *dataset, uint64_t seed,
					 uint32_t folds, uint32_t *fold);

/* Takes the rows of fold `number` out of `dataset` and makes them a data set of their own, `held`.
 * The matrix of `dataset` is not copied: their values become zeros, and the rows are marked
 * absent. Collective. Returns STRADS_OK, ERR_MEMORY, or as strads_job_gather; on failure `dataset`
 * is as before. Thread: owner. */
STRADS_MUST_CHECK int strads_fold_hold(struct strads_job *job, struct strads_dataset *dataset,
				       const uint32_t *fold, uint32_t number,
				       struct strads_dataset *held);

/* Puts them back, to the bit, and frees `held`. Thread: owner. */
void strads_fold_release(struct strads_dataset *dataset, struct strads_dataset *held);

#endif
