/*
 * Whole files into memory, decompressed where their first bytes say so.
 */
#ifndef STRADS_INFLATE_H
#define STRADS_INFLATE_H

#include "codec.h"

/* A piece of the result; pieces are handed over one by one so that nothing is held twice. */
struct strads_inflate_piece {
	struct strads_inflate_piece *next;
	size_t bytes;
	uint8_t data[];
};

struct strads_inflate;

/* Opens a regular file and recognises its format. Returns STRADS_OK, ERR_INPUT (no such file, no
 * regular file, an archive of a kind that is not read), ERR_IO, ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_inflate_open(const char *path, struct strads_inflate **inflate);

const struct strads_codec *strads_inflate_codec(const struct strads_inflate *inflate);

/* Size of the file as it is. */
uint64_t strads_inflate_file_bytes(const struct strads_inflate *inflate);

/* Decodes about `budget_bytes` more. Returns STRADS_OK when all is decoded, AGAIN when not,
 * ERR_INPUT (corrupt or truncated), ERR_IO, ERR_MEMORY. */
STRADS_MUST_CHECK int strads_inflate_step(struct strads_inflate *inflate, size_t budget_bytes);

/* Bytes decoded so far. */
uint64_t strads_inflate_bytes(const struct strads_inflate *inflate);

/* Copies all that was decoded into `into` [strads_inflate_bytes], freeing the pieces on the way. */
void strads_inflate_take(struct strads_inflate *inflate, void *into);

void strads_inflate_close(struct strads_inflate **inflate);

/* All of the above for one file: its text, followed by a newline that does not count, in *text
 * [*bytes + 1], which the caller frees. Returns as the functions above. Thread: any. */
STRADS_MUST_CHECK int strads_inflate_file(const char *path, char **text, size_t *bytes);

#endif
