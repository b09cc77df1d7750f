#include "token.h"

#include "number.h"

#include <math.h>
#include <strings.h>

const char *
strads_token_show(const char *text, const char *stop, char copy[STRADS_TOKEN_BYTES])
{
	int length = 0;

	for (; text < stop && !strads_is_blank(*text); text++) {
		if (length == STRADS_TOKEN_BYTES - 4) {
			for (int i = 0; i < 3; i++)
				copy[length++] = '.';
			break;
		}
		copy[length++] = *text > ' ' && *text <= '~' ? *text : '?';
	}
	copy[length] = '\0';
	return copy;
}

static bool
is_separator(const char *text, const char *stop)
{
	return text >= stop || strads_is_blank(*text) || *text == '#';
}

static int
number_refuse(const char *text, const char *stop, const char *what)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char copy[STRADS_TOKEN_BYTES];

	if (is_separator(text, stop))
		return strads_fail(STRADS_ERR_INPUT, "a %s is missing", what);
	strads_token_show(text, stop, copy);
	if (strncasecmp(digits, "nan", 3) == 0 || strncasecmp(digits, "inf", 3) == 0)
		return strads_fail(STRADS_ERR_INPUT,
				   "%s '%s' is not finite: leave the row or the entry out", what,
				   copy);
	return strads_fail(STRADS_ERR_INPUT, "%s '%s' is not a number", what, copy);
}

int
strads_token_number(const char *text, const char *stop, const char *what, double *value,
		    const char **next)
{
	const char *end = strads_number_parse(text, value);
	char copy[STRADS_TOKEN_BYTES];

	if (!end || !is_separator(end, stop))
		return number_refuse(text, stop, what);
	if (!isfinite(*value))
		return strads_fail(STRADS_ERR_INPUT, "%s '%s' is too large for a double", what,
				   strads_token_show(text, stop, copy));
	*next = end;
	return STRADS_OK;
}
