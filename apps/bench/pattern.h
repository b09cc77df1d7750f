/*
 * What --verify sends and expects: bytes that tell which message they belong to and where in it.
 */
#ifndef STRADS_BENCH_PATTERN_H
#define STRADS_BENCH_PATTERN_H

#include "strads/transport.h"

/* Writes the pattern of message `seed`. Thread: any. */
void strads_pattern_fill(void *data, size_t bytes, uint64_t seed);

/* STRADS_OK if `data` holds the pattern of message `seed`; ERR_PROTOCOL naming the first byte that
 * differs. Thread: any. */
STRADS_MUST_CHECK int strads_pattern_check(const void *data, size_t bytes, uint64_t seed);

#endif
