#include "strads/transport.h"

#include <stdio.h>

static _Thread_local char sentence[1024];

static const char *const names[] = {
    [-STRADS_OK] = "OK",
    [-STRADS_ERR_ARGUMENT] = "ERR_ARGUMENT",
    [-STRADS_ERR_INPUT] = "ERR_INPUT",
    [-STRADS_ERR_MEMORY] = "ERR_MEMORY",
    [-STRADS_ERR_IO] = "ERR_IO",
    [-STRADS_ERR_BOUNDS] = "ERR_BOUNDS",
    [-STRADS_ERR_ACCESS] = "ERR_ACCESS",
    [-STRADS_ERR_UNSUPPORTED] = "ERR_UNSUPPORTED",
    [-STRADS_ERR_PEER] = "ERR_PEER",
    [-STRADS_ERR_TIMEOUT] = "ERR_TIMEOUT",
    [-STRADS_ERR_FABRIC] = "ERR_FABRIC",
    [-STRADS_ERR_PROTOCOL] = "ERR_PROTOCOL",
    [-STRADS_ERR_ABORTED] = "ERR_ABORTED",
    [-STRADS_ERR_DIVERGED] = "ERR_DIVERGED",
};

const char *
strads_status_name(int status)
{
	if (status == STRADS_AGAIN)
		return "AGAIN";
	if (status > 0 || status < STRADS_ERR_DIVERGED)
		return "unknown status";
	return names[-status];
}

const char *
strads_error(void)
{
	return sentence;
}

int
strads_fail(int status, const char *format, ...)
{
	char text[sizeof sentence]; /* an argument may be strads_error() itself */
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	snprintf(sentence, sizeof sentence, "%s", text);
	return status;
}
