#include "fetch.h"
#include "text_source.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_BYTES (256u << 10)

/* Rank 0 says after each of these that it is still alive, so that a large archive does not run
 * into the deadline of the others' wait. */
#define STRIDE_BYTES ((size_t)32 << 20)

struct text_shared {
	struct strads_text text;
	struct strads_fabric *fabric;
	struct strads_region *whole;  /* rank 0's part holds the text, the others' are empty */
	struct strads_region *window; /* where gets arrive */
};

static int
shared_read(struct strads_text *text, uint64_t offset, void *into, size_t bytes)
{
	struct text_shared *shared = (struct text_shared *)text;
	void *window = strads_region_base(shared->window);
	uint8_t *to = into;

	while (bytes) {
		size_t part = bytes < WINDOW_BYTES ? bytes : WINDOW_BYTES;
		int status =
		    strads_fetch(shared->fabric, 0, shared->whole, (size_t)offset, window, part);

		if (status != STRADS_OK)
			return status;
		memcpy(to, window, part);
		to += part;
		offset += part;
		bytes -= part;
	}
	return STRADS_OK;
}

static void
shared_close(struct strads_text *text)
{
	struct text_shared *shared = (struct text_shared *)text;

	if (shared->window)
		strads_region_delete(&shared->window);
	if (shared->whole)
		strads_region_delete(&shared->whole);
	free(shared);
}

static const struct strads_text_ops shared_ops = {
    .read = shared_read,
    .close = shared_close,
};

/* Rank 0 decodes, a stride between two collectives; *bytes is the size of the text. */
static int
decode(struct strads_job *job, const char *path, struct strads_inflate *inflate, uint64_t *bytes)
{
	struct progress {
		uint64_t done, bytes;
	} mine = {0}, first = {0};

	while (!first.done) {
		void *all = NULL;
		int status = inflate ? strads_inflate_step(inflate, STRIDE_BYTES) : STRADS_AGAIN;

		if (inflate)
			mine =
			    (struct progress){status == STRADS_OK, strads_inflate_bytes(inflate)};
		status = strads_job_gather(job, status < 0 ? status : STRADS_OK, &mine,
					   sizeof(mine), &all);
		if (status != STRADS_OK)
			return status;
		first = *(struct progress *)all;
		free(all);
	}
	if (!first.bytes)
		return strads_fail(STRADS_ERR_INPUT, "%s is empty", path);
	*bytes = first.bytes;
	return STRADS_OK;
}

static int
regions_new(struct text_shared *shared, bool holds_text)
{
	int status = strads_region_new(shared->fabric, STRADS_REMOTE_READ,
				       holds_text ? (size_t)shared->text.bytes : 0, &shared->whole);

	if (status == STRADS_OK)
		status =
		    strads_region_new(shared->fabric, STRADS_LOCAL, WINDOW_BYTES, &shared->window);
	return status;
}

int
strads_text_shared(struct strads_fabric *fabric, const char *path, struct strads_inflate *inflate,
		   struct strads_text **text)
{
	struct strads_job *job = strads_fabric_job(fabric);
	struct text_shared *shared;
	uint64_t bytes = 0;
	int status = decode(job, path, inflate, &bytes);

	if (status != STRADS_OK)
		return status;
	shared = calloc(1, sizeof(*shared));
	if (shared) {
		*shared =
		    (struct text_shared){.text = {&shared_ops, path, bytes, 0}, .fabric = fabric};
		status = regions_new(shared, inflate != NULL);
	} else {
		status = strads_fail(STRADS_ERR_MEMORY, "no memory to read %s", path);
	}
	status = strads_job_agree(job, status);
	if (status == STRADS_OK && shared && inflate)
		strads_inflate_take(inflate, strads_region_base(shared->whole));
	if (status == STRADS_OK)
		status = strads_fabric_wire(fabric);
	if (status == STRADS_OK && shared)
		*text = &shared->text;
	else if (shared)
		shared_close(&shared->text);
	return status;
}
