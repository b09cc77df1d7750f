#include "job/cookie.h"

#include "strads/transport.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int
strads_cookie_draw(void *into, size_t bytes)
{
	ssize_t n;

	do
		n = getrandom(into, bytes, 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)bytes)
		return strads_fail(STRADS_ERR_IO, "cannot draw a random cookie: %s",
				   n < 0 ? strerror(errno) : "too few bytes");
	return STRADS_OK;
}
