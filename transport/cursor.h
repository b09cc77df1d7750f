/*
 * A place in the local side of a transfer, which may lie in many pieces: how providers walk over
 * its contiguous runs and copy them. Internal to transport/.
 */
#ifndef STRADS_CURSOR_H
#define STRADS_CURSOR_H

#include "provider.h"

struct strads_cursor {
	const struct strads_local *piece;
	size_t item;   /* of the piece */
	size_t passed; /* bytes of that item */
};

/* Contiguous local memory in one region. */
struct strads_run {
	uint8_t *at;
	size_t bytes;
	const struct strads_region *region;
};

/* Passes over the next run, of at most `most` bytes. The caller knows from the transfer's length
 * that there is one. */
static inline struct strads_run
strads_cursor_next(struct strads_cursor *cursor, size_t most)
{
	const struct strads_local *piece = cursor->piece;
	size_t left = piece->bytes - cursor->passed;
	struct strads_run run = {.at = piece->base + cursor->item * piece->stride + cursor->passed,
				 .bytes = left < most ? left : most,
				 .region = piece->region};

	cursor->passed += run.bytes;
	if (cursor->passed == piece->bytes) {
		cursor->passed = 0;
		if (++cursor->item == piece->count)
			*cursor = (struct strads_cursor){.piece = piece + 1};
	}
	return run;
}

/* Copies the transfer's pieces to `kept`, which the cursor, so far in the transfer's own, is in
 * from then on. */
void strads_cursor_keep(struct strads_cursor *cursor, const struct strads_transfer *transfer,
			struct strads_local kept[static STRADS_PIECES_MAX]);

/* Passes over `bytes`; the caller knows that there are more. */
void strads_cursor_skip(struct strads_cursor *cursor, size_t bytes);

/* Passes over `bytes`, copying them to `to`, or from `from`. One run may overlap with it. */
void strads_cursor_gather(struct strads_cursor *cursor, uint8_t *to, size_t bytes);
void strads_cursor_scatter(struct strads_cursor *cursor, const uint8_t *from, size_t bytes);

#endif
