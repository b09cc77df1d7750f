/*
 * Debian control files: stanzas of "Field: value" lines, separated by blank lines.
 */
#ifndef STRADS_STANZA_H
#define STRADS_STANZA_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of somebody else's text; at is NULL if there are none. */
struct strads_slice {
	const char *at;
	size_t bytes;
};

struct strads_field {
	const char *name;
	struct strads_slice value; /* with its continuation lines, without the last newline */
};

/* Reads the next stanza at *at, which must end with a newline at `end`, and fills in the values of
 * those of `fields` [count] that it has; the others' are empty. Moves *at behind it. Returns false
 * if there is none. Thread: any. */
bool strads_stanza_next(const char **at, const char *end, struct strads_field *fields,
			size_t count);

/* <0, 0, >0 as bytes compare, shorter first. */
int strads_slice_compare(struct strads_slice a, struct strads_slice b);

#endif
