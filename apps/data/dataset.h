/*
 * A supervised data set, rows split among the ranks: what the readers make and the programs use.
 */
#ifndef STRADS_DATASET_H
#define STRADS_DATASET_H

#include "strads/csc.h"
#include "strads/transport.h"

struct strads_dataset {
	struct strads_csc x;          /* this rank's rows × all columns, raw values */
	struct strads_region *region; /* that the arrays of x lie in; NULL: in private memory */
	double *y;                    /* [x.rows] responses, raw; zeros if there are none */
	uint64_t first_row;           /* of this rank among all rows, from 0 */
	bool *absent;                 /* [x.rows] rows held out (fold.h): no values; NULL: none */
	uint32_t absent_rows;
	uint64_t absent_total;  /* over all ranks */
	uint64_t rows_total;    /* without those held out */
	uint64_t entries_total; /* nonzeros over all ranks */
	uint64_t bytes_read;    /* of the input, by this rank, after decompression */
};

/* Whether row i takes part. Thread: any. */
static inline bool
strads_dataset_has(const struct strads_dataset *dataset, uint32_t i)
{
	return !dataset->absent || !dataset->absent[i];
}

struct strads_dataset_options {
	const char *data;     /* svmlight/libsvm or MatrixMarket, told apart by content; plain, or
			       * zstd, xz, gzip told by content */
	const char *response; /* MatrixMarket: file of y; else NULL */
	uint64_t min_cols;    /* at least this many columns; 0: as many as the file has */
	uint64_t max_cols;    /* entries beyond are dropped (a test file may have words the training
			       * file has not); 0: no bound */
	bool rows_per_rank;   /* true: fewer rows than ranks is an input error */
	bool readable_by_peers; /* true: the arrays of x lie in a region that peers may get from */
};

/* Reads the file on all ranks together. Collective; on failure every rank returns an error, one of
 * which is the sentence naming file, line, value and what to do. Returns STRADS_OK, ERR_INPUT,
 * ERR_IO, ERR_MEMORY, or as strads_job_agree and strads_fabric_wire. The caller frees with
 * strads_dataset_free. Thread: owner. */
STRADS_MUST_CHECK int strads_dataset_read(struct strads_fabric *fabric,
					  const struct strads_dataset_options *options,
					  struct strads_dataset *dataset);

/* Moves the matrix to where peers may read it. Collective. Returns STRADS_OK, ERR_MEMORY, or as
 * strads_job_agree and strads_fabric_wire. Thread: owner. */
STRADS_MUST_CHECK int strads_dataset_publish(struct strads_fabric *fabric,
					     struct strads_dataset *dataset);

/* Frees all; the structure is then as new. If peers may read it, every rank must have stopped doing
 * so (a barrier), and the fabric must still be open. Thread: owner. */
void strads_dataset_free(struct strads_dataset *dataset);

#endif
