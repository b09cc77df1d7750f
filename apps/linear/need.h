/*
 * Allocating many arrays, counting their bytes, and failing once.
 */
#ifndef STRADS_LINEAR_NEED_H
#define STRADS_LINEAR_NEED_H

#include <stddef.h>
#include <stdint.h>

/* What is being allocated, and the first failure. */
struct strads_linear_need {
	const char *what;
	uint64_t bytes; /* so far */
	int status;
};

/* calloc that counts the bytes and, once one has failed, does nothing. Failure is
 * need->status = ERR_MEMORY. Thread: any. */
void *strads_linear_take(struct strads_linear_need *need, uint64_t count, size_t bytes);

#endif
