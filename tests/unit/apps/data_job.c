#include "data_job.h"

#include "strads/columns.h"
#include "strads/csc.h"

#include <dirent.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

struct reading {
	const struct strads_dataset_options *options;
	struct data_outcome *outcome; /* shared with ranks in processes of their own */
};

uint64_t
data_hash(uint64_t row, uint64_t col, double value)
{
	struct {
		uint64_t row, col;
		double value;
	} entry = {row, col, value};

	return XXH64(&entry, sizeof(entry), 1);
}

static void
outcome_fill(const struct strads_dataset *dataset, struct data_outcome *outcome)
{
	const struct strads_csc *x = &dataset->x;
	uint64_t entries = x->start[x->cols];

	outcome->rows = x->rows;
	outcome->cols = x->cols;
	outcome->entries = entries;
	outcome->first_row = dataset->first_row;
	outcome->rows_total = dataset->rows_total;
	outcome->entries_total = dataset->entries_total;
	outcome->bytes_read = dataset->bytes_read;
	outcome->in_order = XXH64(x->start, (x->cols + 1) * sizeof(*x->start), 0);
	outcome->in_order = XXH64(x->row, entries * sizeof(*x->row), outcome->in_order);
	outcome->in_order = XXH64(x->value, entries * sizeof(*x->value), outcome->in_order);
	outcome->in_order = XXH64(dataset->y, x->rows * sizeof(double), outcome->in_order);
	for (uint64_t j = 0; j < x->cols; j++)
		for (uint64_t e = x->start[j]; e < x->start[j + 1]; e++)
			outcome->content +=
			    data_hash(dataset->first_row + x->row[e], j, x->value[e]);
	for (uint64_t i = 0; i < x->rows; i++)
		outcome->content += data_hash(dataset->first_row + i, UINT64_MAX, dataset->y[i]);
}

static bool
in_region(const struct strads_dataset *dataset, int rank)
{
	const struct strads_csc *x = &dataset->x;
	const char *base = dataset->region ? strads_region_base(dataset->region) : NULL;
	uint64_t entries = x->start[x->cols];
	size_t bytes = (x->cols + 1) * sizeof(*x->start) + entries * (sizeof(double) + 4);

	return base && (const char *)x->start == base &&
	       (const char *)x->value == base + (x->cols + 1) * sizeof(*x->start) &&
	       (const char *)(x->row + entries) == base + bytes &&
	       strads_region_bytes(dataset->region, rank) == bytes;
}

static int
column_add(struct strads_fabric *fabric, struct strads_columns *columns, uint64_t j,
	   uint64_t *content)
{
	struct strads_column column;
	int status;

	for (;;) {
		bool moved = false;

		status = strads_columns_hold(columns, j, &column, &moved);
		if (status != STRADS_AGAIN)
			break;
		if (moved)
			strads_fabric_awake(fabric);
		else
			strads_fabric_wait(fabric, strads_fabric_clock_ns(fabric) + 1000000000);
		status = strads_fabric_progress(fabric);
		if (status != STRADS_OK)
			return status;
	}
	strads_fabric_awake(fabric);
	if (status != STRADS_OK)
		return status;
	for (uint32_t e = 0; e < column.entries; e++)
		*content += data_hash(column.row[e], j, column.value[e]);
	strads_columns_release(columns, j);
	return STRADS_OK;
}

/* Adds up the columns as every rank can read them. Collective. */
static int
columns_fill(struct strads_fabric *fabric, const struct strads_dataset *dataset,
	     struct data_outcome *outcome)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_columns_options options;
	struct strads_columns *columns;
	int status;

	outcome->in_region = in_region(dataset, strads_job_rank(job));
	strads_columns_defaults(&options);
	options.cache_bytes = 1 << 16;
	status = strads_columns_new(fabric, dataset->region, &dataset->x, &options, &columns);
	if (status != STRADS_OK)
		return status;
	for (uint64_t j = 0; j < dataset->x.cols && status == STRADS_OK; j++)
		status = column_add(fabric, columns, j, &outcome->columns_content);
	strads_columns_delete(&columns);
	return strads_job_agree(job, status);
}

static int
rank_main(struct strads_job *job, void *arg)
{
	struct reading *reading = arg;
	struct data_outcome *outcome = &reading->outcome[strads_job_rank(job)];
	struct strads_fabric_options options = {.fabric = "auto", .timeout_ms = 30000};
	struct strads_fabric_stats stats;
	struct strads_dataset dataset;
	struct strads_fabric *fabric;
	int status = strads_fabric_open(job, &options, &fabric);

	if (status == STRADS_OK) {
		status = strads_dataset_read(fabric, reading->options, &dataset);
		if (status == STRADS_OK) {
			outcome_fill(&dataset, outcome);
			if (reading->options->readable_by_peers)
				status = columns_fill(fabric, &dataset, outcome);
			strads_dataset_free(&dataset);
			strads_fabric_stats(fabric, &stats);
			outcome->registered_bytes = stats.registered_bytes;
		}
	}
	outcome->status = status;
	snprintf(outcome->sentence, sizeof(outcome->sentence), "%s",
		 status < 0 ? strads_error() : "");
	if (status == STRADS_OK || status == STRADS_ERR_INPUT)
		outcome->status = strads_job_barrier(job) < 0 ? STRADS_ERR_PEER : status;
	strads_fabric_close(&fabric);
	return 0;
}

void
data_job_read(enum strads_job_kind kind, int ranks, const struct strads_dataset_options *options,
	      struct data_outcome outcome[DATA_RANKS_MAX])
{
	size_t bytes = DATA_RANKS_MAX * sizeof(*outcome);
	struct reading reading = {
	    options, mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
	struct strads_job_options job = {.kind = kind, .ranks = ranks, .timeout_ms = 30000};

	for (int r = 0; r < ranks; r++)
		reading.outcome[r].status = STRADS_ERR_PEER;
	fflush(NULL); /* ranks that are forked must not write it again */
	(void)strads_job_run(&job, rank_main, &reading);
	memcpy(outcome, reading.outcome, bytes);
	munmap(reading.outcome, bytes);
}

uint64_t
data_job_content(const struct data_outcome *outcome, int ranks)
{
	uint64_t sum = 0;

	for (int r = 0; r < ranks; r++)
		sum += outcome[r].content;
	return sum;
}

static char folder[64];

const char *
data_folder(void)
{
	if (!folder[0]) {
		snprintf(folder, sizeof(folder), "/tmp/strads-data-XXXXXX");
		if (!mkdtemp(folder))
			abort();
	}
	return folder;
}

void
data_remove(const char *name)
{
	DIR *dir = opendir(name);
	struct dirent *entry;
	char path[512];

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", name, entry->d_name);
		(void)unlink(path);
	}
	closedir(dir);
	(void)rmdir(name);
}

int
data_folder_remove(void **state)
{
	(void)state;
	if (folder[0])
		data_remove(folder);
	folder[0] = '\0';
	return 0;
}

const char *
data_file(const char *name, const void *data, size_t bytes)
{
	static char paths[8][512];
	static unsigned turn;
	char *path = paths[turn++ % 8];
	FILE *file;

	snprintf(path, sizeof(paths[0]), "%s/%s", data_folder(), name);
	file = fopen(path, "wb");
	if (!file || fwrite(data, 1, bytes, file) != bytes || fclose(file))
		abort();
	return path;
}

void *
data_zstd(const void *data, size_t bytes, size_t *archive_bytes)
{
	size_t room = ZSTD_compressBound(bytes);
	void *archive = malloc(room);

	*archive_bytes = ZSTD_compress(archive, room, data, bytes, 3);
	return archive;
}

void *
data_xz(const void *data, size_t bytes, size_t *archive_bytes)
{
	size_t room = lzma_stream_buffer_bound(bytes);
	void *archive = malloc(room);

	*archive_bytes = 0;
	if (lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, data, bytes, archive, archive_bytes,
				    room) != LZMA_OK)
		abort();
	return archive;
}

void *
data_gzip(const void *data, size_t bytes, size_t *archive_bytes)
{
	size_t room = compressBound((uLong)bytes) + 64;
	z_stream stream = {.next_in = (Bytef *)data, .avail_in = (uInt)bytes};
	void *archive = malloc(room);

	stream.next_out = archive;
	stream.avail_out = (uInt)room;
	if (deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	*archive_bytes = stream.total_out;
	(void)deflateEnd(&stream);
	return archive;
}
