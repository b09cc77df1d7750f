/*
 * The two formats of a data set. Internal to apps/data/.
 */
#ifndef STRADS_SOURCE_H
#define STRADS_SOURCE_H

#include "dataset.h"
#include "rows.h"
#include "text.h"

/* What a format's reader hands to the data set: this rank's rows. */
struct strads_source {
	struct strads_rows rows;
	uint64_t cols;
	uint64_t first_row;
	uint64_t rows_total;
	uint64_t bytes_read;
};

/* Both: collective, all ranks succeed or fail together; `source` must be zeroed, and freed by the
 * caller also on failure. Return as strads_dataset_read. */
STRADS_MUST_CHECK int strads_source_svmlight(struct strads_fabric *fabric, struct strads_text *text,
					     const struct strads_dataset_options *options,
					     struct strads_source *source);
STRADS_MUST_CHECK int strads_source_market(struct strads_fabric *fabric, struct strads_text *text,
					   const struct strads_dataset_options *options,
					   struct strads_source *source);

/* Is it MatrixMarket? Returns STRADS_OK, or as strads_text_read. */
STRADS_MUST_CHECK int strads_source_is_market(struct strads_text *text, bool *market);

/* ERR_INPUT if the options ask for a row on every rank and there are fewer. */
STRADS_MUST_CHECK int strads_source_check_rows(const struct strads_dataset_options *options,
					       uint64_t rows_total, int ranks);

#endif
