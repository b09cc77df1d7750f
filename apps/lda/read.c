/*
 * Blocks of words as ranks read them from each other.
 */
#include "state.h"

#include <string.h>

int
strads_lda_part_check(const struct strads_lda_layout *layout, const uint32_t *from, uint64_t part,
		      uint64_t turn, uint64_t length)
{
	struct strads_lda_head head;

	memcpy(&head, from, sizeof head);
	if (head.part == part && head.turn == (uint32_t)turn && head.length == length &&
	    head.rows == layout->part_first[part + 1] - layout->part_first[part])
		return STRADS_OK;
	return strads_fail(STRADS_ERR_PROTOCOL,
			   "part %llu of the words, written in sub-round %llu, is expected: this "
			   "is part %u of sub-round %u with %u words",
			   (unsigned long long)part, (unsigned long long)turn, head.part, head.turn,
			   head.rows);
}

void
strads_lda_part_close(const struct strads_lda_layout *layout, uint32_t *head, uint64_t part,
		      uint64_t turn, const uint32_t *to)
{
	*(struct strads_lda_head *)head = (struct strads_lda_head){
	    .part = (uint32_t)part,
	    .turn = (uint32_t)turn,
	    .length = (uint32_t)(to - head),
	    .rows = (uint32_t)(layout->part_first[part + 1] - layout->part_first[part]),
	};
}

/* Asks for each part of the block: AGAIN if the queue is full. */
static int
parts_ask(struct strads_lda *lda, int rank, const struct strads_region *region, size_t offset,
	  uint64_t block, const uint64_t *length)
{
	const struct strads_lda_layout *layout = &lda->model->layout;

	for (; lda->asked < layout->parts; lda->asked++) {
		uint64_t part = block * layout->parts + lda->asked;
		size_t at = layout->part_offset[part] * sizeof(uint32_t);
		int status = strads_get(lda->fabric, rank, region, offset + at,
					(char *)strads_region_base(lda->inbox) + at,
					length[lda->asked] * sizeof(uint32_t), &lda->coming[0]);

		if (status != STRADS_OK)
			return status;
	}
	return STRADS_OK;
}

int
strads_lda_block_read(struct strads_lda *lda, int rank, const struct strads_region *region,
		      size_t offset, uint64_t block, const uint64_t *length)
{
	struct strads_counter *counter = &lda->coming[0];
	int status;

	if (!lda->reading) {
		*counter = (struct strads_counter){0};
		lda->asked = 0;
		lda->reading = true;
	}
	status = parts_ask(lda, rank, region, offset, block, length);
	if (status == STRADS_OK && counter->done != counter->posted)
		status = STRADS_AGAIN;
	if (status == STRADS_OK && counter->status != STRADS_OK)
		status = strads_fabric_explain(
		    lda->fabric, strads_fail(counter->status,
					     "cannot read a block of words from rank %d", rank));
	if (status == STRADS_OK)
		lda->reading = false;
	return status;
}
