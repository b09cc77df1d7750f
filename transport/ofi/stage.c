#include "ofi/ofi.h"

#include <stdlib.h>
#include <sys/mman.h>

#define STAGES 32

int
strads_ofi_stages_open(struct strads_ofi *ofi)
{
	size_t bytes = (size_t)STAGES * STRADS_OFI_STAGE_BYTES;
	void *memory =
	    mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ofi->stage_memory = memory == MAP_FAILED ? NULL : memory;
	ofi->stages = calloc(STAGES, sizeof *ofi->stages);
	if (!ofi->stage_memory || !ofi->stages)
		return strads_fail(STRADS_ERR_MEMORY, "no memory to gather operations in");
	for (int i = STAGES - 1; i >= 0; i--) {
		ofi->stages[i].bytes = ofi->stage_memory + (size_t)i * STRADS_OFI_STAGE_BYTES;
		ofi->stages[i].next = ofi->free_stage;
		ofi->free_stage = &ofi->stages[i];
	}
	if (ofi->info->domain_attr->mr_mode & FI_MR_LOCAL)
		return strads_ofi_register(ofi, ofi->stage_memory, bytes, FI_READ | FI_WRITE,
					   &ofi->stage_mr);
	return STRADS_OK;
}

void
strads_ofi_stages_close(struct strads_ofi *ofi)
{
	free(ofi->stages);
	if (ofi->stage_memory)
		munmap(ofi->stage_memory, (size_t)STAGES * STRADS_OFI_STAGE_BYTES);
}

static size_t
ceiling(size_t a, size_t b)
{
	return (a + b - 1) / b;
}

bool
strads_ofi_stage_pays(const struct strads_ofi *ofi, const struct strads_transfer *transfer)
{
	size_t room = STRADS_OFI_STAGE_BYTES < ofi->message_bytes ? STRADS_OFI_STAGE_BYTES
								  : ofi->message_bytes;
	size_t runs = 0;

	for (size_t i = 0; i < transfer->pieces; i++)
		runs += transfer->local[i].count;
	return runs > ofi->iov_limit &&
	       ceiling(transfer->bytes, room) < ceiling(runs, ofi->iov_limit);
}

void
strads_ofi_stage_take(struct strads_ofi *ofi, struct strads_ofi_op *op,
		      const struct strads_transfer *transfer)
{
	op->stage = ofi->free_stage;
	ofi->free_stage = op->stage->next;
	strads_cursor_keep(&op->local, transfer, op->stage->pieces);
}

void
strads_ofi_stage_give(struct strads_ofi *ofi, struct strads_ofi_op *op)
{
	op->stage->next = ofi->free_stage;
	ofi->free_stage = op->stage;
	op->stage = NULL;
}

void
strads_ofi_stage_fill(const struct strads_ofi *ofi, const struct strads_ofi_op *op,
		      struct strads_cursor *cursor, size_t bytes, struct strads_ofi_side *side)
{
	struct strads_ofi_stage *stage = op->stage;

	stage->held = bytes;
	if (op->kind != STRADS_OFI_GET)
		strads_cursor_gather(cursor, stage->bytes, bytes);
	side->iov[side->n] = (struct iovec){.iov_base = stage->bytes, .iov_len = bytes};
	side->desc[side->n++] = ofi->stage_mr ? fi_mr_desc(ofi->stage_mr) : NULL;
	side->bytes += bytes;
}

void
strads_ofi_stage_empty(struct strads_ofi_op *op)
{
	strads_cursor_scatter(&op->local, op->stage->bytes, op->stage->held);
}
