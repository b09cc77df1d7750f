/*
 * Allocating many arrays, counting their bytes, and failing once; or counting alone.
 */
#ifndef STRADS_LINEAR_NEED_H
#define STRADS_LINEAR_NEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is being allocated, and the first failure. */
struct strads_linear_need {
	const char *what;
	uint64_t bytes; /* so far; UINT64_MAX: more than can be counted */
	int status;
	bool dry; /* nothing is allocated */
};

/* Adds to the bytes. Thread: any. */
void strads_linear_count(struct strads_linear_need *need, uint64_t count, size_t bytes);

/* calloc that counts the bytes and, once one has failed, does nothing. Failure is
 * need->status = ERR_MEMORY. NULL too where it only counts. Thread: any. */
void *strads_linear_take(struct strads_linear_need *need, uint64_t count, size_t bytes);

#endif
