#include "cursor.h"

#include <string.h>

void
strads_cursor_keep(struct strads_cursor *cursor, const struct strads_transfer *transfer,
		   struct strads_local kept[static STRADS_PIECES_MAX])
{
	memcpy(kept, transfer->local, transfer->pieces * sizeof *kept);
	cursor->piece = kept + (cursor->piece - transfer->local);
}

void
strads_cursor_skip(struct strads_cursor *cursor, size_t bytes)
{
	const struct strads_local *piece = cursor->piece;
	size_t at = cursor->item * piece->bytes + cursor->passed + bytes;

	while (at >= piece->bytes * piece->count) {
		at -= piece->bytes * piece->count;
		piece++;
	}
	*cursor = (struct strads_cursor){
	    .piece = piece, .item = at / piece->bytes, .passed = at % piece->bytes};
}

/* Items of one double are so common, and calls of memmove so long beside them, that they have a way
 * of their own. */
static inline void
move(void *to, const void *from, size_t bytes)
{
	uint64_t word;

	if (bytes == sizeof word) {
		memcpy(&word, from, sizeof word);
		memcpy(to, &word, sizeof word);
	} else {
		memmove(to, from, bytes);
	}
}

void
strads_cursor_gather(struct strads_cursor *cursor, uint8_t *to, size_t bytes)
{
	while (bytes > 0) {
		struct strads_run run = strads_cursor_next(cursor, bytes);

		move(to, run.at, run.bytes);
		to += run.bytes;
		bytes -= run.bytes;
	}
}

void
strads_cursor_scatter(struct strads_cursor *cursor, const uint8_t *from, size_t bytes)
{
	while (bytes > 0) {
		struct strads_run run = strads_cursor_next(cursor, bytes);

		move(run.at, from, run.bytes);
		from += run.bytes;
		bytes -= run.bytes;
	}
}
