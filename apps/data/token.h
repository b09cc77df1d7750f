/*
 * Words of a line, and what is said about those that are not as they should be.
 */
#ifndef STRADS_TOKEN_H
#define STRADS_TOKEN_H

#include "strads/transport.h"

#define STRADS_TOKEN_BYTES 48

static inline bool
strads_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* The first character at or after `text` that is not blank; newlines are not. Thread: any. */
static inline const char *
strads_skip_blanks(const char *text)
{
	while (strads_is_blank(*text))
		text++;
	return text;
}

/* The word at `text`, for a message: up to a blank or `stop`, shortened, unprintable bytes shown as
 * '?'. Returns `copy`. Thread: any. */
const char *strads_token_show(const char *text, const char *stop, char copy[STRADS_TOKEN_BYTES]);

/* A finite number at `text`, followed by a blank, a '#' or `stop`; *next is what follows it. `what`
 * is "label" or "value". Returns STRADS_OK, ERR_INPUT. Thread: any. */
STRADS_MUST_CHECK int strads_token_number(const char *text, const char *stop, const char *what,
					  double *value, const char **next);

#endif
