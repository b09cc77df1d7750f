/*
 * Reads data sets in small jobs, and files to read.
 */
#ifndef STRADS_TEST_DATA_JOB_H
#define STRADS_TEST_DATA_JOB_H

#include "dataset.h"

#define DATA_RANKS_MAX 16

/* What one rank got. */
struct data_outcome {
	int status;
	char sentence[512];
	uint64_t rows, cols, entries;
	uint64_t first_row, rows_total, entries_total, bytes_read;
	uint64_t in_order; /* hash of the rank's arrays as they are */
	uint64_t content;  /* sum of hashes of (row, column, value) and (row, y) of all rows: adds
			    * up over ranks to the same whatever the split */
	/* Of a data set that peers may read: */
	bool in_region;            /* the arrays lie in the region and fill it */
	uint64_t columns_content;  /* of all entries, as whole columns read from all ranks */
	uint64_t registered_bytes; /* by the fabric once the data set is freed */
};

/* What one entry adds to `content`; a response is the entry of column UINT64_MAX. */
uint64_t data_hash(uint64_t row, uint64_t col, double value);

/* Reads on `ranks` ranks of a job of this kind; a rank that ends without an outcome has status
 * ERR_PEER. */
void data_job_read(enum strads_job_kind kind, int ranks,
		   const struct strads_dataset_options *options,
		   struct data_outcome outcome[DATA_RANKS_MAX]);

/* The sum of `content` over ranks, all of which must have succeeded. */
uint64_t data_job_content(const struct data_outcome *outcome, int ranks);

/* A folder of the test's own, made by the first call. */
const char *data_folder(void);

/* Removes a folder with the files in it. */
void data_remove(const char *name);

/* The tear-down of tests that use the folder: removes it with its files. */
int data_folder_remove(void **state);

/* Writes a file there; the path is valid until the next call but seven. */
const char *data_file(const char *name, const void *data, size_t bytes);

/* The archive of `data`; the caller frees. */
void *data_zstd(const void *data, size_t bytes, size_t *archive_bytes);
void *data_xz(const void *data, size_t bytes, size_t *archive_bytes);
void *data_gzip(const void *data, size_t bytes, size_t *archive_bytes);

#endif
