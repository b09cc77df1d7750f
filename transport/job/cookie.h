/* Secrets that tell the members of one job from everybody else. */
#ifndef STRADS_COOKIE_H
#define STRADS_COOKIE_H

#include <stddef.h>

/* Fills `into` with random bytes from the kernel. Returns STRADS_OK, ERR_IO. */
int strads_cookie_draw(void *into, size_t bytes);

#endif
