#include "text.h"

#include "inflate.h"
#include "text_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_BYTES (64u << 10)

/* What rank 0 finds out about the file and all must know. */
struct strads_text_plan {
	uint64_t file_bytes;
	uint64_t compressed;
};

/* Rank 0 looks at the file and tells all. `inflate` is open on rank 0 only. */
static int
plan_make(struct strads_job *job, const char *path, struct strads_inflate **inflate,
	  struct strads_text_plan *plan)
{
	struct strads_text_plan mine = {0};
	void *all = NULL;
	int status = STRADS_OK;

	if (strads_job_rank(job) == 0)
		status = strads_inflate_open(path, inflate);
	if (*inflate) {
		mine.file_bytes = strads_inflate_file_bytes(*inflate);
		mine.compressed = strads_inflate_codec(*inflate) != &strads_codec_plain;
		if (!mine.file_bytes)
			status = strads_fail(STRADS_ERR_INPUT, "%s is empty", path);
	}
	status = strads_job_gather(job, status, &mine, sizeof(mine), &all);
	if (status == STRADS_OK)
		*plan = *(struct strads_text_plan *)all;
	free(all);
	return status;
}

/* Leaves out a byte order mark: it would be part of the first label, id or word. */
static int
mark_skip(struct strads_text *text)
{
	static const char mark[] = STRADS_BYTE_ORDER_MARK;
	char start[sizeof(mark) - 1];
	int status;

	if (text->bytes < sizeof(start))
		return STRADS_OK;
	status = strads_text_read(text, 0, start, sizeof(start));
	if (status != STRADS_OK || memcmp(start, mark, sizeof(start)) != 0)
		return status;
	text->skipped = sizeof(start);
	text->bytes -= sizeof(start);
	return text->bytes ? STRADS_OK : strads_fail(STRADS_ERR_INPUT, "%s is empty", text->name);
}

int
strads_text_open(struct strads_fabric *fabric, const char *path, struct strads_text **text)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct strads_inflate *inflate = NULL;
	struct strads_text_plan plan;
	int status = plan_make(job, path, &inflate, &plan);

	if (status == STRADS_OK) {
		if (plan.compressed)
			status = strads_text_shared(fabric, path, inflate, text);
		else
			status = strads_text_file(job, path, plan.file_bytes, text);
	}
	if (status == STRADS_OK) {
		status = strads_job_agree(job, mark_skip(*text));
		if (status != STRADS_OK)
			strads_text_close(text);
	}
	strads_inflate_close(&inflate);
	return status;
}

int
strads_text_read(struct strads_text *text, uint64_t offset, void *into, size_t bytes)
{
	return text->ops->read(text, text->skipped + offset, into, bytes);
}

/* Counts the newlines before `offset`. */
static int
lines_before(struct strads_text *text, uint64_t offset, uint64_t *lines)
{
	char *buffer = malloc(COUNT_BYTES);
	uint64_t count = 0;
	int status = STRADS_OK;

	if (!buffer)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to count the lines of %s",
				   text->name);
	for (uint64_t at = 0; at < offset && status == STRADS_OK;) {
		size_t bytes = offset - at < COUNT_BYTES ? (size_t)(offset - at) : COUNT_BYTES;

		status = strads_text_read(text, at, buffer, bytes);
		for (size_t i = 0; i < bytes && status == STRADS_OK; i++)
			count += buffer[i] == '\n';
		at += bytes;
	}
	free(buffer);
	if (status == STRADS_OK)
		*lines = count;
	return status;
}

int
strads_text_fail(struct strads_text *text, uint64_t offset)
{
	char reason[512];
	uint64_t lines = 0;

	snprintf(reason, sizeof(reason), "%s", strads_error());
	if (lines_before(text, offset, &lines) < 0)
		return strads_fail(STRADS_ERR_INPUT, "%s: byte %llu: %s", text->name,
				   (unsigned long long)offset, reason);
	return strads_fail(STRADS_ERR_INPUT, "%s:%llu: %s", text->name,
			   (unsigned long long)lines + 1, reason);
}

void
strads_text_close(struct strads_text **text)
{
	if (!*text)
		return;
	(*text)->ops->close(*text);
	*text = NULL;
}
