/*
 * Files that are there whole or not at all: written beside their name, renamed at the end.
 */
#ifndef STRADS_OUTPUT_H
#define STRADS_OUTPUT_H

#include "strads/transport.h"

#include <string.h>

/* Room that strads_output_room always gives. */
#define STRADS_OUTPUT_ROOM 4096

struct strads_output {
	char *path, *partial; /* the name, and the name while writing */
	bool direct;          /* a device or pipe: written as it is, never renamed or removed */
	int fd;
	int status; /* of the first failure; later writes do nothing */
	uint64_t bytes;
	char *buffer;
	size_t have, capacity;
};

/* Creates "path.partial"; where the path is a device or a pipe, opens that. Returns STRADS_OK,
 * ERR_IO, ERR_MEMORY. Thread: any. */
STRADS_MUST_CHECK int strads_output_open(struct strads_output *output, const char *path);

/* Appends; failures are kept for strads_output_close. */
void strads_output_write(struct strads_output *output, const void *data, size_t bytes);
void strads_output_printf(struct strads_output *output, const char *format, ...)
    STRADS_PRINTF(2, 3);

/* A place for up to STRADS_OUTPUT_ROOM bytes, of which strads_output_wrote takes those up to
 * `end`. */
char *strads_output_room(struct strads_output *output);
void strads_output_wrote(struct strads_output *output, const char *end);

/* The decimal digits of `number` at `to`, without a terminating zero; returns what follows them. */
char *strads_output_digits(char *to, uint64_t number);

/* The number units / scale at `to`, exactly, without trailing zeros; returns what follows. `scale`
 * is a power of ten ≤ 10^18. */
char *strads_output_fraction(char *to, uint64_t units, uint64_t scale);

/* Completes the file and gives it its name; with `keep` false, or if a write failed, removes it.
 * Returns STRADS_OK, or the first failure: ERR_IO, ERR_MEMORY. */
STRADS_MUST_CHECK int strads_output_close(struct strads_output *output, bool keep);

#endif
