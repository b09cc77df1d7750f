/*
 * The text of an input file, readable at any offset by every rank: of a plain file by each rank
 * itself, of a compressed one by one-sided gets from rank 0, which decompresses it once.
 */
#ifndef STRADS_TEXT_H
#define STRADS_TEXT_H

#include "strads/transport.h"

/* UTF-8's, which editors and spreadsheets put before a text. */
#define STRADS_BYTE_ORDER_MARK "\xef\xbb\xbf"

struct strads_text;

struct strads_text_ops {
	int (*read)(struct strads_text *text, uint64_t offset, void *into, size_t bytes);
	void (*close)(struct strads_text *text);
};

struct strads_text {
	const struct strads_text_ops *ops;
	const char *name; /* for messages; borrowed */
	uint64_t bytes;
	uint64_t skipped; /* of the file before the text: a byte order mark */
};

/* Opens the file on all ranks; a byte order mark is no part of the text. Collective: all ranks
 * succeed or fail together. Returns STRADS_OK, ERR_INPUT (missing, empty, corrupt, truncated, not
 * the same file on all ranks), ERR_IO, ERR_MEMORY, or as strads_job_agree. Thread: owner of the
 * fabric. */
STRADS_MUST_CHECK int strads_text_open(struct strads_fabric *fabric, const char *path,
				       struct strads_text **text);

/* Text in this process's memory, borrowed until it is closed. Returns STRADS_OK, ERR_MEMORY. */
STRADS_MUST_CHECK int strads_text_memory(const char *name, const char *data, size_t bytes,
					 struct strads_text **text);

/* Copies bytes [offset, offset + bytes), which must lie inside the text. Returns STRADS_OK, ERR_IO
 * (the file changed or cannot be read), or as strads_counter_wait. */
STRADS_MUST_CHECK int strads_text_read(struct strads_text *text, uint64_t offset, void *into,
				       size_t bytes);

/* Records an input error at the line that starts at `offset`: prefixes strads_error() with
 * "name:line: ". Returns ERR_INPUT. */
int strads_text_fail(struct strads_text *text, uint64_t offset);

/* Frees and nulls. Every rank must have stopped reading. */
void strads_text_close(struct strads_text **text);

#endif
